"""What the terminal shows: the verdict first, within its width, and nothing that steers it."""

from __future__ import annotations

import io
import re

import pytest
from rich.cells import cell_len
from rich.console import Console

from gpuboard.reports.document import (
    Bar,
    Column,
    Note,
    Part,
    Report,
    Role,
    Section,
    Split,
    Stack,
    Table,
)
from gpuboard.reports.terminal import console_for, show
from tests.profiler.real import real
from tests.reports.traces import events, profile, write

HOSTILE = "\x1b]0;owned\x07\x1b[2J[bold red]mark[/]\u202eevil\r\n"


def shown(*sections, width=100, **options):
    out = io.StringIO()
    console = Console(file=out, width=width, highlight=False, markup=False, **options)
    show(Report("title", "", sections), console)
    return out.getvalue()


@pytest.mark.parametrize("width", [40, 60, 72, 100, 140, 240])
def test_no_line_is_longer_than_the_terminal_is_wide(width, monkeypatch):
    monkeypatch.setenv("COLUMNS", str(width))

    text = profile(real("tracelens/h100/Falconsai_nsfw_image_detection__1016002.json.gz")).out

    assert max(cell_len(line) for line in text.splitlines()) <= width


def test_the_verdict_comes_before_everything_else():
    name = "kineto_tb_plugin/resnet50_num_workers_0/worker0.1623143089861.pt.trace.json.gz"

    text = profile(real(name)).out

    headings = re.findall(r"^(\w[\w ]*) ─+$", text, re.MULTILINE)
    assert headings[0] == "Verdict"
    assert "1 Waiting for input" in text
    assert "33 % of the time" in text
    assert headings[1:4] == ["Time of the device", "Operators", "Kernels"]


def test_names_from_traces_reach_a_terminal_neither_as_control_nor_as_markup(tmp_path, monkeypatch):
    listed = events(kernel=f"gemm{HOSTILE}", operator=f"aten{HOSTILE}")
    file = write(tmp_path / "a.json", listed, deviceProperties=[{"id": 0, "name": HOSTILE}])
    monkeypatch.setenv("COLUMNS", "200")

    text = profile(file).out

    assert all(line.isprintable() for line in text.split("\n"))
    assert "[bold red]mark[/]" in text


def test_colours_are_for_terminals_and_not_for_those_who_want_none(monkeypatch):
    section = Section("s", (Split("whole", (Part("a", "1 ns", 1.0, Role.COMPUTE),)),))
    monkeypatch.setenv("TERM", "xterm-256color")

    coloured = shown(section, force_terminal=True, color_system="truecolor")
    monkeypatch.setenv("NO_COLOR", "1")
    wanted_none = shown(section, force_terminal=True)
    monkeypatch.delenv("NO_COLOR")

    assert "\x1b[38;2;" in coloured
    assert not re.search(r"\x1b\[[\d;]*3[0-8]", wanted_none)
    assert "\x1b" not in shown(section)


def test_words_beside_a_bar_do_not_take_its_colour(monkeypatch):
    monkeypatch.delenv("NO_COLOR", raising=False)
    table = Table((Column("x", "bar"),), ((Bar(0.5, "label"),),))

    text = shown(Section("s", (table,)), force_terminal=True, color_system="truecolor")

    before = text.partition("label")[0]
    assert before.rindex("\x1b[0m") > before.rindex("\x1b[38;2;")


def test_without_colours_the_parts_of_a_bar_are_told_apart_by_letters():
    parts = (Part("work", "6 ns", 0.6, Role.COMPUTE), Part("input", "4 ns", 0.4, Role.INPUT))

    text = shown(Section("s", (Split("whole", parts),)), width=50)

    assert "#" * 30 + "i" * 20 in text


@pytest.mark.parametrize(
    ("share", "drawn"), [(0.0, 0), (0.25, 48), (0.5, 96), (1.0, 192), (7.0, 192)]
)
def test_a_bar_is_as_long_as_its_share_in_eighths_of_a_character(share, drawn):
    table = Table((Column("x", "bar"),), ((Bar(share, "label"),),))

    line = next(x for x in shown(Section("s", (table,)), width=100).splitlines() if "label" in x)

    assert sum(" ▏▎▍▌▋▊▉█".index(c) for c in line.partition(" ")[0] if c in "▏▎▍▌▋▊▉█") == drawn


def test_columns_that_matter_less_go_where_there_is_little_room():
    columns = (Column("name", "name"), Column("extra", is_extra=True), Column("total"))
    table = Table(columns, (("n" * 60, "e" * 12, "t" * 12),))

    narrow, wide = (shown(Section("s", (table,)), width=width) for width in (50, 120))

    assert "extra" in wide
    assert "extra" not in narrow
    assert "t" * 12 in narrow


def test_what_is_left_out_of_a_table_is_counted():
    table = Table((Column("name", "name"),), (("a",),), more=1_234)

    assert "and 1,234 more" in shown(Section("s", (table,)))


def test_a_terminal_without_unicode_gets_ascii():
    raw = io.BytesIO()
    out = io.TextIOWrapper(raw, encoding="ascii")
    blocks = (
        Split("whole", (Part("é", "1 ns", 1.0, Role.COMPUTE),)),
        Table((Column("x", "bar"),), ((Bar(0.5, "half"),), (Stack(((1.0, Role.COMM),)),))),
        Note("naïve"),
    )

    show(Report("title", "", (Section("s", blocks),)), console_for(out))
    out.flush()

    assert b"#" in raw.getvalue()
    assert b"half" in raw.getvalue()


def test_inferred_steps_are_said_to_be_inferred():
    name = "hta/critical_path/simple_add/benchmark_result_493459_1694039959_trace.json.gz"

    text = profile(real(name)).out

    assert "The steps are inferred, not marked in the file: kernels that repeat" in text


def test_a_trace_without_steps_says_so(tmp_path):
    text = profile(write(tmp_path / "a.json", events(1)[1:])).out

    assert "No steps: " in text
    assert "whole recording: " in text


def test_what_is_absent_says_why(tmp_path):
    text = " ".join(profile(write(tmp_path / "a.json")).out.split())

    assert "Not known: the trace holds no allocations: profile with profile_memory=True." in text
    assert "None: the trace holds no collectives" in text
    assert "record_shapes=True" in text


def test_top_says_how_many_rows_a_table_has(tmp_path):
    listed = [event for k in range(5) for event in events(1, operator=f"aten::op{k}")]
    file = write(tmp_path / "a.json", listed)

    few, many = (profile(file, top=top).out for top in (2, 10))

    assert few.count("aten::op") < many.count("aten::op") == 5
    assert "and 3 more" in few


def test_a_trace_without_a_gpu_has_a_report_too():
    text = profile(real("hta/cpu_only/rank-34.Jul_15_10_52_41.1074.pt.trace.json.gz")).out

    assert "No work on a device" in text
    assert "No time of a device: the trace holds no kernel, copy or fill of a GPU." in text
