"""Check what one run answers, against lists."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard import limits
from gpuboard.errors import NotFoundError
from gpuboard.eventlog.reader import Finding, LogFile
from gpuboard.store.columns import NO_PURGE
from gpuboard.store.run import FileContent, Run
from tests import make, strategies
from tests.eventlog.reading import plain
from tests.store import watching


def put_file(run, folder, name, payloads):
    """Read one file into a run, as ingestion does."""
    log = LogFile(make.event_file(folder, payloads, name), run.names)
    content = FileContent(name)
    for piece in log.read(0.0):
        content = content.extended(piece)
    run.put(content)
    return content


@given(files=st.lists(strategies.scalar_payloads(), min_size=1, max_size=4))
@settings(max_examples=60)
def test_several_files_are_one_log_in_the_order_of_their_names(tmp_path_factory, files):
    folder = tmp_path_factory.mktemp("run")
    run = Run(0, "run")
    for number, (payloads, _) in reversed(list(enumerate(files))):
        put_file(run, folder, f"tfevents.{number}", payloads)

    model = {}
    starts = {}
    for number, (_, points) in enumerate(files):
        for tag, step, time, value in points:
            series = model.setdefault(tag, [])
            starts.setdefault(tag, {}).setdefault(number, len(series))
            series.append((step, time, plain(value)))
    found = {tag: watching.rows(run.series(tag)) for tag in run.tags()}
    assert found == model
    assert {tag: run.series(tag).writer_start.tolist() for tag in model} == {
        tag: list(places.values()) for tag, places in starts.items()
    }
    assert {
        tag: (i.points, i.first_step, i.last_step, i.kind) for tag, i in run.tags().items()
    } == {tag: (len(rows), rows[0][0], rows[-1][0], "scalar") for tag, rows in model.items()}


def test_each_file_of_a_series_tells_its_session_start(tmp_path):
    run = Run(0, "run")
    put_file(run, tmp_path, "tfevents.1", [make.scalar("a", 1.0, 1), make.scalar("b", 1.0, 1)])
    put_file(run, tmp_path, "tfevents.2", [make.session_start(5), make.scalar("a", 2.0, 6)])
    put_file(run, tmp_path, "tfevents.3", [make.scalar("a", 3.0, 7), make.scalar("b", 3.0, 7)])

    assert run.series("a").purge_step.tolist() == [NO_PURGE, 5, NO_PURGE]
    assert run.series("a").writer_start.tolist() == [0, 1, 2]


def test_the_first_session_start_of_a_file_counts_however_it_is_read(tmp_path):
    run = Run(0, "run")
    path = make.event_file(tmp_path, [make.session_start(5), make.scalar("a", 2.0, 6)])
    log, content = LogFile(path, run.names), FileContent(path.name)
    for _ in range(2):
        for piece in log.read(0.0):
            content = content.extended(piece)
        make.append(path, make.records([make.session_start(9), make.scalar("a", 2.0, 9)]))

    assert content.purge_step == 5
    assert content.events == 4


def test_a_session_start_concerns_tags_that_its_own_file_never_wrote(tmp_path):
    run = Run(0, "run")
    put_file(run, tmp_path, "tfevents.1", [make.scalar("b", 1.0, 1), make.scalar("b", 1.0, 6)])
    put_file(run, tmp_path, "tfevents.2", [make.session_start(5), make.scalar("a", 2.0, 6)])

    assert run.series("b").purge_step.tolist() == [NO_PURGE, 5]
    assert run.series("b").writer_start.tolist() == [0, 2]
    assert run.series("a").purge_step.tolist() == [5]


def test_an_unknown_tag_is_named_with_its_run(tmp_path):
    run = Run(0, "my run")
    put_file(run, tmp_path, "tfevents.1", [make.image("picture", b"")])

    with pytest.raises(NotFoundError, match=r"'my run'.*'picture'"):
        run.series("picture")
    assert run.find_series("nothing") is None


def test_numbers_and_pictures_under_one_name_are_both_listed(tmp_path):
    run = Run(0, "run")
    payloads = [make.scalar("x", 1.0), make.histogram("x", [1.0, 2.0], 4), make.scalar("x", 2.0, 9)]
    put_file(run, tmp_path, "tfevents.1", payloads)

    tags = run.tags()

    assert {t: (i.kind, i.points, i.last_step) for t, i in tags.items()} == {
        "x": ("scalar", 2, 9),
        "x [histogram]": ("histogram", 1, 4),
    }


def test_a_tensor_that_only_claims_to_be_a_scalar_is_not_listed_as_one(tmp_path):
    run = Run(0, "run")
    payload = make.tensor_value("t", make.tensor("float32", [1.0, 2.0], shape=[2]))
    put_file(run, tmp_path, "tfevents.1", [payload])

    assert run.tags()["t"].kind == "tensor"


def test_names_and_texts_that_a_writer_gave_are_passed_on(tmp_path):
    run = Run(0, "run")
    about = make.metadata("scalars", display_name="The Loss", summary_description="lower is better")
    payload = make.tensor_value("t", make.tensor("float32", [1.0]), about=about)
    put_file(run, tmp_path, "tfevents.1", [payload])

    info = run.tags()["t"]
    assert (info.display_name, info.description) == ("The Loss", "lower is better")


def test_columns_that_were_handed_out_cannot_be_written_to(tmp_path):
    run = Run(0, "run")
    put_file(run, tmp_path, "tfevents.1", [make.scalar("a", 1.0)])

    for column in ("wall_time", "step", "value"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(run.series("a"), column)[0] = 7


def test_problems_beyond_the_cap_are_counted_in_one_row():
    findings = tuple(Finding(k, "damaged_record") for k in range(300))
    cap = limits.MAX_PROBLEMS_PER_FILE.value
    run = Run(0, "run")
    run.put(FileContent("f", findings=findings[:cap], findings_total=300))

    rows = list(run.problems())

    assert len(rows) == cap + 1
    assert (rows[-1].kind, rows[-1].message.split()[0]) == ("more", str(300 - cap))


@pytest.mark.parametrize(("run_name", "file"), [("a/b", "a/b/f"), (".", "f")])
def test_a_problem_names_its_file_from_the_log_directory_on(run_name, file):
    run = Run(0, run_name)
    run.put(FileContent("f", findings=(Finding(7, "damaged_record", "why"),), findings_total=1))

    (row,) = run.problems()

    assert (row.file, row.offset, row.kind) == (file, 7, "damaged_record")
    assert row.message.endswith("reading went on behind it: why")


@given(sizes=st.lists(st.integers(1, 40), min_size=1, max_size=60))
@settings(max_examples=30)
def test_a_file_that_grows_in_small_pieces_stays_in_few_blocks(tmp_path_factory, sizes):
    path = tmp_path_factory.mktemp("run") / make.FILE_NAME
    run = Run(0, "run")
    log, content = LogFile(path, run.names), FileContent(make.FILE_NAME)
    step = 0
    for size in sizes:
        events = [make.scalar(f"t{k % 3}", k, k) for k in range(step, step + size)]
        make.append(path, make.records(events))
        step += size
        for piece in log.read(0.0):
            content = content.extended(piece)

    run.put(content)

    assert len(content.scalars) <= np.log2(step) + 1
    found = sorted(s for tag in run.tags() for s in run.series(tag).step.tolist())
    assert found == list(range(step))
    assert all(np.all(np.diff(run.series(tag).step) == 3) for tag in run.tags())
    tidy = content.tidied()
    assert [len(block) for block in tidy.scalars] == [step]


def grown(run, folder, polls):
    """Return the content of a file after polls of some points each, and what its blocks held."""
    path = folder / make.FILE_NAME
    log, content = LogFile(path, run.names), FileContent(make.FILE_NAME)
    repacked = 0
    step = 0
    for points in polls:
        events = [make.scalar("a", np.sin(k), k, 1.7e9 + k) for k in range(step, step + points)]
        make.append(path, make.records(events))
        step += points
        for piece in log.read(0.0):
            before = {id(block) for block in content.scalars}
            content = content.extended(piece)
            repacked += sum(len(b) for b in content.scalars if id(b) not in before)
    run.put(content)
    return content, repacked


def test_a_growing_file_is_not_packed_anew_at_each_poll(tmp_path):
    content, repacked = grown(Run(0, "run"), tmp_path, [20] * 400)

    points = sum(len(block) for block in content.scalars)
    assert points == 8000
    assert repacked <= points * np.log2(400)


def test_a_series_of_a_grown_file_takes_less_than_six_bytes_a_point(tmp_path):
    run = Run(0, "run")
    content, _ = grown(run, tmp_path, [1000, 300, 20, 1])

    assert sum(block.data.nbytes for block in content.scalars) <= 6 * 1321
    assert sum(block.data.nbytes for block in content.tidied().scalars) <= 6 * 1321
