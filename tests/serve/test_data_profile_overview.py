from __future__ import annotations

import pytest

from tests.profiler.timeline.maker import event, kernel
from tests.serve.profile_client import ProfileClient
from tests.serve.trace_maker import steps, write_ranks, write_trace

US = 1_000
DEVICE = {"id": 0, "name": "GPU of tests", "numSms": 80, "computeMajor": 7, "computeMinor": 5,
          "totalGlobalMem": 1 << 34}  # fmt: skip


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def client(serve, tmp_path):
    write_trace(tmp_path / "a.pt.trace.json", deviceProperties=[DEVICE])
    return ProfileClient(serve, tmp_path)


def test_facts_of_the_device_and_of_the_window(client):
    (trace,) = client.traces
    found = client.json("profile/overview", trace=trace)
    (device,) = found["devices"]

    assert (device["name"], device["capability"], device["sms"]) == ("GPU of tests", "7.5", 80)
    assert device["memory"] == 1 << 34
    assert found["steps"]["count"] == 3
    assert found["steps"]["source"] == "marked"
    assert found["steps"]["mean_ns"] == 95 * US
    # From the first step to the end of the last; three kernels of 50 us.
    assert found["idle"]["window"] == [0, 295 * US]
    assert sum(found["idle"]["causes"].values()) == (295 - 150) * US
    gauges = {one["key"]: one for one in found["gauges"]}
    assert gauges["busy"]["value"] == pytest.approx(150 / 295)
    assert gauges["occupancy"]["value"] is None
    assert "occupancy" in gauges["occupancy"]["absent"]


def test_the_strip_is_the_busy_share_of_equal_parts(client):
    (trace,) = client.traces
    busy = client.json("profile/overview", trace=trace)["busy"]

    assert busy["t1"] == 295 * US
    assert sum(busy["busy"]) / len(busy["busy"]) == pytest.approx(150 / 295, abs=1e-3)


def test_steps_are_split_in_both_ways_and_each_sums_up(client):
    (trace,) = client.traces
    header, found = client.columns("profile/steps", trace=trace)
    roles = dict(zip(header["roles"], found["roles_ns"][: len(header["roles"])], strict=True))

    assert header["name"] == [f"ProfilerStep#{k}" for k in range(3)]
    assert found["start"].tolist() == [0, 100 * US, 200 * US]
    assert found["parts_ns"].reshape(3, -1).sum(axis=1).tolist() == [95 * US] * 3
    assert roles["kernel"] == 50 * US
    assert roles["runtime"] == 4 * US
    assert roles["cpu_op"] == 16 * US  # 20 us of aten::mm without its call
    assert roles["other"] == 25 * US


def test_findings_come_with_titles_shares_and_proofs_on_the_clock_of_pages(client):
    (trace,) = client.traces
    found = client.json("profile/verdict", traces=trace)
    first = found["findings"][0]

    assert found["window_ns"] == [295 * US]
    assert first["title"]
    assert 0 < first["share"] <= 1
    windows = [proof["window"] for one in found["findings"] for proof in one["evidence"]]
    assert any(windows)
    assert all(0 <= window[0] < window[1] <= 295 * US for window in windows if window)


def test_a_run_without_a_device_is_told_so(serve, tmp_path):
    write_trace(tmp_path / "a.pt.trace.json", [event("aten::mm", 0, 10), event("aten::mm", 20, 10)])
    client = ProfileClient(serve, tmp_path)
    (trace,) = client.traces

    (finding,) = client.json("profile/verdict", traces=trace)["findings"]
    found = client.json("profile/overview", trace=trace)
    top = client.json("profile/top", trace=trace)

    assert finding["kind"] == "no_device_work"
    assert found["devices"] == []
    assert all(one["value"] is None and one["absent"] for one in found["gauges"])
    assert found["idle"]["absent"]
    assert top["operators"]["is_device"] is False
    assert top["operators"]["ns"] == [20 * US]
    assert top["kernels"]["absent"]


def test_ranks_are_judged_together_and_each_proof_names_its_trace(serve, tmp_path):
    write_ranks(tmp_path / "job", 2)
    client = ProfileClient(serve, tmp_path)
    found = client.json("profile/verdict", traces=",".join(client.traces))

    assert found["are_ranks"] is True
    assert len(found["window_ns"]) == 2
    proofs = [proof for one in found["findings"] for proof in one["evidence"]]
    assert {proof["trace"] for proof in proofs} <= set(client.traces)
    assert all(proof["trace"] == client.traces[proof["rank"]] for proof in proofs)


def test_the_top_lists_have_shares_of_all(client):
    (trace,) = client.traces
    top = client.json("profile/top", trace=trace)

    assert top["operators"]["name"] == ["aten::mm"]
    assert top["operators"]["of_ns"] == 150 * US
    assert top["kernels"]["calls"] == [3]
    assert top["classes"] == {"name": ["gemm"], "ns": [150 * US], "count": [3]}


def test_no_more_traces_are_judged_together_than_shown(client):
    answer = client.json("profile/verdict", status=400, traces=",".join(["a"] * 1_000))

    assert "traces" in answer["error"]["message"]


def test_odd_events_are_counted_with_what_became_of_them(serve, tmp_path):
    events = [*steps(), kernel("late", 80, 30, stream=7, correlation=90)]
    write_trace(tmp_path / "a.pt.trace.json", events)
    client = ProfileClient(serve, tmp_path)
    problems = client.json("profile/overview", trace=client.traces[0])["problems"]

    assert problems["same_stream_overlaps"] == 1
