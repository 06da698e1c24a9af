"""What changed between two recordings, in all forms."""

from __future__ import annotations

import pytest

from tests.profiler.real import real
from tests.reports.traces import KERNEL_US, events, profile, write


@pytest.fixture
def sides(tmp_path):
    before = write(tmp_path / "before.json", events())
    slower = [
        {**event, "dur": event["dur"] + 100 * (event["cat"] == "kernel")}
        for event in events(kernel="sgemm")
    ]
    extra = [
        {**event, "name": "added", "ts": event["ts"] + 600, "dur": 50,
         "args": {**event["args"], "correlation": -1}}
        for event in slower if event["cat"] == "kernel"
    ]  # fmt: skip
    return before, write(tmp_path / "after.json", slower + extra)


def test_json_holds_both_sides_by_name(sides):
    before, after = sides

    diff = profile(after, other=before, as_json=True).json["diff"]

    assert diff["before"] == [str(before)]
    assert diff["after"] == [str(after)]
    assert diff["per"] == "step"
    kernels = {row["name"]: row for row in diff["kernels"]}
    assert kernels["sgemm"]["ns_before"] == 1_000 * KERNEL_US
    assert kernels["sgemm"]["ns_after"] == 1_000 * (KERNEL_US + 100)
    assert kernels["sgemm"]["status"] == "unchanged"
    busy = next(one for one in diff["figures"] if one["name"] == "device busy")
    assert busy["after"] > busy["before"] == 1_000 * KERNEL_US


def test_a_trace_against_itself_has_not_changed(sides):
    before, _ = sides

    found = profile(before, other=before, as_json=True).json["diff"]

    assert all(one["before"] == one["after"] for one in found["figures"])
    assert all(row["status"] == "unchanged" for row in found["kernels"])


def test_the_terminal_shows_what_changed_behind_the_verdict(sides):
    before, after = sides

    text = profile(after, other=before).out

    assert "What changed, a step" in text
    assert text.index("Verdict") < text.index("What changed") < text.index("Time of the device")
    assert "+100 µs" in text


def test_several_traces_are_compared_as_one_side(sides, tmp_path):
    before, after = sides

    text = profile(after, before, other=before).out

    assert "2 traces against 1 before" in text


def test_the_page_shows_what_changed(sides, tmp_path):
    before, after = sides

    profile(after, other=before, html=tmp_path / "page.html")

    assert "Kernels that changed" in (tmp_path / "page.html").read_text()


def test_unlike_devices_are_pointed_out():
    after, before = real("hta/trace_diff/test"), real("hta/trace_diff/control")

    text = " ".join(profile(after, other=before).out.split())

    assert "The sides ran on different devices" in text
