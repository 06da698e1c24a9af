from __future__ import annotations

import json
import struct
import time
from urllib.parse import urlencode

import numpy as np
import pytest

from gpuboard.serve.data import (
    profile_area,
    profile_event,
    profile_list,
    profile_search,
    profile_timeline,
)
from gpuboard.store.store import Store
from tests.serve.trace_maker import WALL, write_ranks, write_trace

MODULES = (profile_area, profile_event, profile_list, profile_search, profile_timeline)
ROUTES = [route for module in MODULES for route in module.ROUTES]


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def client(serve, tmp_path):
    write_ranks(tmp_path / "job")
    return serve(store=Store(tmp_path), routes=[(f"/{path}", route) for path, route in ROUTES])


@pytest.fixture
def first(client):
    return ask(client, "profile/jobs")["trace"][0]


def ask(client, path, status=200, **query):
    answer = client.authorised(f"/api/v1/{path}?{urlencode(query, doseq=True)}")
    assert answer.status == status, answer.text
    return json.loads(answer.body)


def columns(client, path, **query):
    body = client.authorised(f"/api/v1/{path}?{urlencode(query, doseq=True)}").body
    (length,) = struct.unpack_from("<I", body)
    header = json.loads(body[4 : 4 + length])
    found, at = {}, 4 + length
    for one in header["columns"]:
        size = int(np.prod(one["shape"]))
        found[one["name"]] = np.frombuffer(body, one["type"], size, at)
        at += -(-found[one["name"]].nbytes // 8) * 8
    return header, found


def test_jobs_list_ranks_of_one_recording_together(client):
    found = ask(client, "profile/jobs")

    assert found["name"] == ["job", "job"]
    assert found["rank"] == [0, 1]
    assert found["total"] == 2


def test_opening_says_how_far_it_is_and_then_what_was_read(client, first):
    found = ask(client, "profile/open", trace=first)
    end = time.monotonic() + 60
    while found["status"] != "done" and time.monotonic() < end:
        assert 0 <= found["fraction"] <= 1
        time.sleep(0.02)
        found = ask(client, "profile/open", trace=first)

    assert found["slices"] == 12
    assert found["world_size"] == 2
    assert found["span"] == 295_000


def test_an_unknown_trace_is_404(client):
    found = ask(client, "timeline/tracks", status=404, trace="nothing")

    assert "profile/jobs" in found["error"]["message"]


def test_tracks_tell_lanes_steps_and_series(client, first):
    found = ask(client, "timeline/tracks", trace=first)

    tracks = found["tracks"]
    assert sorted(tracks["slices"]) == [3, 9]
    assert tracks["lanes"][tracks["place"].index("host")] == 3
    assert tracks["stream"][tracks["place"].index("stream")] == "7"
    assert found["steps"]["name"] == ["ProfilerStep#0", "ProfilerStep#1", "ProfilerStep#2"]
    assert found["steps"]["start"] == [0, 100_000, 200_000]
    assert [one["name"] for one in found["series"]] == ["length"]
    assert found["wall_time"] == pytest.approx(WALL / 1e9)
    assert found["busy"] == [0]


def test_a_view_holds_marks_by_lane(client, first):
    header, found = columns(
        client, "timeline/view", trace=first, t0=0, t1=300_000, px=300_000, lanes="0-3"
    )

    assert found["count"].sum() == 12
    names = [header["names"][n] for n in found["name"]]
    assert sorted(set(names)) == [
        "ProfilerStep#0", "ProfilerStep#1", "ProfilerStep#2", "aten::mm", "cudaLaunchKernel",
        "void gemm<float, 4>(int)",
    ]  # fmt: skip
    gemm = names.index("void gemm<float, 4>(int)")
    assert found["x"][gemm] == pytest.approx(40 / 300)
    assert found["longest"][gemm] == 50_000
    assert found["lane_start"][-1] == len(found["x"])


@pytest.mark.parametrize(
    ("query", "word"),
    [
        ({"t0": 5, "t1": 5}, "t1"),
        ({"t0": 0, "t1": "soon"}, "t1"),
        ({"t0": 0, "t1": 9, "lanes": "0-99"}, "lanes"),
        ({"t0": 0, "t1": 9, "lanes": "0-1;drop"}, "lanes"),
        ({"t0": 0, "t1": 10**18}, "t1"),
    ],
)
def test_a_window_that_makes_no_sense_is_named(client, first, query, word):
    found = ask(client, "timeline/view", status=400, trace=first, **query)

    assert word in found["error"]["message"]


def event_named(client, trace, name, nth=0):
    hit, time_at, row = None, 0, -1
    for _ in range(nth + 1):
        hit = ask(client, "timeline/hit", trace=trace, q=name, time=time_at, row=row)
        time_at, row = hit["start"], hit["row"]
    return hit


def test_an_event_tells_all_that_is_known(client, first):
    gemm = event_named(client, first, "gemm", 1)

    found = ask(client, "timeline/event", trace=first, row=gemm["row"])

    assert found["name"] == "void gemm<float, 4>(int)"
    assert found["exact_duration"] == "50000"
    assert found["start"] == 140_000
    assert found["call"]["name"] == "cudaLaunchKernel"
    assert found["operator"]["name"] == "aten::mm"
    assert {"name": "stream", "value": 7, "unit": ""} in found["facts"]
    assert found["arrows"]["label"] == ["launch"]
    assert found["arrows"]["source_time"] == [112_000]


def test_all_arguments_of_an_event_are_read_from_its_file(client, first):
    gemm = event_named(client, first, "gemm", 1)

    found = ask(client, "timeline/arguments", trace=first, row=gemm["row"])

    assert found["absent"] == ""
    assert {"name": "stream", "value": "7"} in found["arguments"]
    assert (
        "row"
        in ask(client, "timeline/arguments", status=400, trace=first, row=10**6)["error"]["message"]
    )


def test_a_call_lists_what_it_launched_and_what_it_lies_in(client, first):
    call = event_named(client, first, "cudaLaunch")

    found = ask(client, "timeline/event", trace=first, row=call["row"])

    assert [one["name"] for one in found["launched"]] == ["void gemm<float, 4>(int)"]
    assert [one["name"] for one in found["above"]] == ["aten::mm", "ProfilerStep#0"]


def test_steps_lead_along_the_line_of_an_event_and_stop_at_its_ends(client, first):
    gemm = event_named(client, first, "gemm")

    after = ask(client, "timeline/event", trace=first, row=gemm["row"], step=1)
    before = ask(client, "timeline/event", trace=first, row=gemm["row"], step=-1)

    assert after["start"] == 140_000
    assert before["row"] == gemm["row"]


def test_a_search_counts_names_and_places(client, first):
    text = ask(client, "timeline/search", trace=first, q="GEMM", bins=3)
    regex = ask(client, "timeline/search", trace=first, q="Step#[12]$", regex=1)
    none = ask(client, "timeline/search", trace=first, q="")

    assert (text["count"], text["spread"]) == (3, [1, 1, 1])
    assert regex["names"] == ["ProfilerStep#1", "ProfilerStep#2"]
    assert none["count"] == 0


def test_a_regular_expression_that_could_take_forever_is_refused(client, first):
    found = ask(client, "timeline/search", status=400, trace=first, q="(a+)+$", regex=1)

    assert "forever" in found["error"]["message"]


def test_hits_lie_where_their_slices_begin(client, first):
    _, found = columns(
        client, "timeline/hits", trace=first, q="gemm", t0=0, t1=300_000, px=300, lanes="0-3"
    )

    assert found["x"].tolist() == pytest.approx([0.133, 0.466, 0.8], abs=0.004)


def test_an_area_is_summed_by_name_and_track(client, first):
    found = ask(client, "timeline/area", trace=first, t0=0, t1=100_000)

    sums = dict(zip(found["name"], found["total"], strict=True))
    assert sums["void gemm<float, 4>(int)"] == 50_000
    assert sums["ProfilerStep#0"] == 95_000
    assert sorted(found["tracks"]["busy"]) == [50_000, 95_000]


def test_series_come_with_the_busy_share(client, first):
    keys = ["busy/0", "counter/0", "none"]
    header, found = columns(
        client, "timeline/series", trace=first, t0=0, t1=300_000, px=6, key=keys
    )

    assert header["sizes"] == [3, 3, 0]
    assert found["high"].tolist() == [0.5, 0.5, 0.5, 0, 1, 1]


def test_arrows_of_a_window_are_told_where_they_are_few(client, first):
    found = ask(client, "timeline/arrows", trace=first, t0=0, t1=200_000)

    assert found["label"] == ["launch", "launch"]
    assert found["target_time"] == [40_000, 140_000]
    assert not found["too_many"]


def test_ranks_are_put_on_one_clock(client):
    ids = ask(client, "profile/jobs")["trace"]

    found = ask(client, "timeline/align", traces=",".join(ids), how="clock")

    assert found["offset"] == [0, 5_000]
    assert ask(client, "timeline/align", traces=",".join(ids), how="start")["offset"] == [0, 0]


def test_a_window_is_saved_as_a_file_that_is_a_trace(client, first):
    query = urlencode({"trace": first, "t0": 0, "t1": 99_000})
    answer = client.authorised(f"/api/v1/timeline/save?{query}")

    found = json.loads(answer.body)
    assert "attachment" in answer.headers["Content-Disposition"]
    assert sum(e["ph"] == "X" for e in found["traceEvents"]) == 4


def test_problems_of_the_file_are_listed(serve, tmp_path):
    bad = {"ph": "X", "name": "bad", "cat": "cpu_op", "ts": 5, "dur": -3, "pid": 7, "tid": 1}
    write_trace(tmp_path / "a.pt.trace.json", [bad])
    client = serve(store=Store(tmp_path), routes=[(f"/{path}", route) for path, route in ROUTES])
    trace = ask(client, "profile/jobs")["trace"][0]

    found = ask(client, "profile/problems", trace=trace)

    assert found["counts"] == {"negative_duration": 1}
    assert "'bad'" in found["message"][0]


def test_samples_of_the_same_run_lie_under_the_trace(serve, tmp_path):
    run = tmp_path / "run"
    write_trace(run / "a.pt.trace.json")
    wall = WALL / 1e9
    events = [(wall - 1, 0, 10.0), (wall + 0.0001, 1, 80.0), (wall + 4000, 2, 5.0)]
    make_samples(run, "gpu/0/utilization", events)
    store = Store(tmp_path)
    store.refresh()
    client = serve(store=store, routes=[(f"/{path}", route) for path, route in ROUTES])
    trace = ask(client, "profile/jobs")["trace"][0]

    found = ask(client, "timeline/tracks", trace=trace)
    keys = [one["key"] for one in found["series"] if one["group"] == "GPU 0 samples"]
    _, drawn = columns(client, "timeline/series", trace=trace, t0=0, t1=300_000, px=300, key=keys)

    assert keys == ["scalar/gpu/0/utilization"]
    assert drawn["high"].tolist() == [10, 80]


def make_samples(folder, tag, points):
    from gpuboard.writer import SummaryWriter

    with SummaryWriter(str(folder)) as writer:
        for wall_time, step, value in points:
            writer.add_scalar(tag, value, step, walltime=wall_time)


def test_reading_can_be_ended(client, first):
    answer = client.authorised(f"/api/v1/profile/cancel?trace={first}", "POST", body=b"")

    assert answer.status == 200
