from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from gpuboard.errors import InputError
from gpuboard.serve.data import profile_list, profile_roofline
from gpuboard.serve.data.profile_roofline import given_peaks
from gpuboard.store.store import Store
from tests.serve.rank_maker import write_late_ranks
from tests.serve.trace_maker import write_trace

ROUTES = (*profile_list.ROUTES, *profile_roofline.ROUTES)
FLOPS = 2 * 64 * 128 * 32
BYTES = 4 * (64 * 128 + 128 * 32 + 64 * 32)


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def client(serve, tmp_path):
    write_late_ranks(tmp_path / "job", late=(0.0,))
    return serve(store=Store(tmp_path), routes=[(f"/{path}", route) for path, route in ROUTES])


@pytest.fixture
def trace(client):
    return ask(client, "profile/jobs")["trace"][0]


def ask(client, path, status=200, **query):
    answer = client.authorised(f"/api/v1/{path}?{urlencode(query)}")
    assert answer.status == status, answer.text
    return json.loads(answer.body)


def test_an_operator_is_set_against_the_roof_of_its_device(client, trace):
    found = ask(client, "profile/roofline", trace=trace)

    rows = found["operators"]
    assert rows["name"] == ["aten::mm"]
    assert (rows["calls"], rows["time_ns"]) == ([2], [80_000])
    assert (rows["flops"], rows["bytes"]) == ([FLOPS], [BYTES])
    assert rows["intensity"] == [pytest.approx(FLOPS / BYTES)]
    assert rows["flop_rate"] == [pytest.approx(FLOPS * 2 / 80e-6)]
    attainable = min(19.5e12, FLOPS / BYTES * found["peak"]["bandwidth"])
    assert rows["attainable"] == [pytest.approx(attainable)]
    assert rows["share"] == [pytest.approx(FLOPS * 2 / 80e-6 / attainable)]
    assert found["peak"]["name"].startswith("A100")


def test_an_operator_tells_where_it_first_ran(client, trace):
    rows = ask(client, "profile/roofline", trace=trace)["operators"]

    assert rows["start"] == [2_000]
    assert rows["duration"] == [10_000]


def test_peaks_given_by_hand_replace_those_of_the_table(client, trace):
    found = ask(client, "profile/roofline", trace=trace, peaks="bandwidth:1e9,fp32:1e10")

    attainable = min(1e10, FLOPS / BYTES * 1e9)
    assert found["peak"]["bandwidth"] == 1e9
    assert found["operators"]["attainable"] == [pytest.approx(attainable)]
    assert "given by hand" in found["peak"]["source"]
    assert [roof["peak"] for roof in found["roofs"]] == [1e10]


def test_utilisation_of_a_step_is_time_at_the_peak_by_its_length(client, trace):
    found = ask(client, "profile/roofline", trace=trace, peaks="fp32:1e10")["utilisation"]

    assert found["step"] == ["ProfilerStep#0", "ProfilerStep#1"]
    assert found["utilisation"] == [pytest.approx(FLOPS / 1e10 / 180e-6)] * 2


def test_a_device_that_is_not_known_asks_for_peaks(serve, tmp_path):
    from tests.profiler.timeline.maker import event, kernel
    from tests.serve.rank_maker import matrix

    events = [
        event("aten::mm", 0, 20, **matrix()),
        event("cudaLaunchKernel", 2, 4, cat="cuda_runtime", correlation=1),
        kernel("gemm", 10, 20, correlation=1),
        event("mystery", 40, 20),
        event("cudaLaunchKernel", 42, 4, cat="cuda_runtime", correlation=2),
        kernel("riddle", 50, 60, correlation=2),
    ]
    write_trace(tmp_path / "b.pt.trace.json", events)
    client = serve(store=Store(tmp_path), routes=[(f"/{path}", one) for path, one in ROUTES])
    (trace,) = ask(client, "profile/jobs")["trace"]

    bare = ask(client, "profile/roofline", trace=trace)
    given = ask(client, "profile/roofline", trace=trace, peaks="bandwidth:1e12,fp32:1e13")

    assert "by hand" in bare["absent_roof"]
    assert bare["operators"]["share"] == ["NaN"]
    assert given["absent_roof"] == ""
    assert given["operators"]["share"][0] > 0
    assert bare["unknown"]["name"] == ["mystery"]
    assert bare["unknown"]["all_ns"] == 80_000
    assert bare["known_share"] == pytest.approx(0.25)


def test_a_trace_without_shapes_says_what_to_record(serve, tmp_path):
    write_trace(tmp_path / "c.pt.trace.json")
    client = serve(store=Store(tmp_path), routes=[(f"/{path}", one) for path, one in ROUTES])
    (trace,) = ask(client, "profile/jobs")["trace"]

    assert "record_shapes=True" in ask(client, "profile/roofline", trace=trace)["absent"]


@pytest.mark.parametrize(
    "text", ["bf16", "bf16:", "bf16:-1", "bf16:0", "mood:1", "bf16:1e99", "bf16:nan", "bf16:1:2"]
)
def test_peaks_that_cannot_be_read_are_refused(text):
    with pytest.raises(InputError, match="peaks"):
        given_peaks(text)


def test_peaks_are_read_by_type():
    assert given_peaks("bandwidth:3.35e12,bf16:9.9e14,vector:6.7e13") == {
        "bandwidth": 3.35e12, "bf16": 9.9e14, "vector": 6.7e13,
    }  # fmt: skip
