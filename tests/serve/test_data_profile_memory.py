from __future__ import annotations

import json
from urllib.parse import urlencode

import numpy as np
import pytest

from gpuboard.serve.data import profile_list, profile_memory
from gpuboard.store.store import Store
from tests.serve.rank_maker import write_memory
from tests.serve.reply_reader import columns_of
from tests.serve.trace_maker import write_trace

ROUTES = (*profile_list.ROUTES, *profile_memory.ROUTES)
US = 1_000


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def client(serve, tmp_path):
    write_memory(tmp_path / "a.pt.trace.json")
    return serve(store=Store(tmp_path), routes=[(f"/{path}", route) for path, route in ROUTES])


@pytest.fixture
def trace(client):
    return ask(client, "profile/jobs")["trace"][0]


def ask(client, path, status=200, **query):
    answer = client.authorised(f"/api/v1/{path}?{urlencode(query)}")
    assert answer.status == status, answer.text
    return json.loads(answer.body)


def test_a_curve_tells_its_peak_capacity_and_fragmentation(client, trace):
    found = ask(client, "profile/memory", trace=trace)

    (curve,) = found["curves"]
    assert (curve["label"], curve["peak"], curve["peak_time"]) == ("device 0", 3000, 60 * US)
    assert (curve["peak_reserved"], curve["capacity"]) == (4000, 85_000_000_000)
    assert curve["peak_fragmentation"] == pytest.approx(0.25)
    assert (curve["allocations"], curve["frees"]) == (3, 1)
    assert found["driver"]["name"] == ["cudaMalloc"]
    assert found["driver"]["calls"] == [1]


def test_points_are_all_there_where_they_are_few(client, trace):
    header, found = columns_of(
        client, "profile/memory/points", trace=trace, curve=0, t0=0, t1=200 * US, px=100
    )

    assert header["exact"] is True
    assert found["time"].tolist() == [10 * US, 60 * US, 90 * US, 130 * US]
    assert found["allocated_last"].tolist() == [1000, 3000, 1000, 1500]
    assert found["reserved_last"].tolist() == [4000] * 4


def test_points_of_one_pixel_keep_their_least_and_most(client, trace):
    header, found = columns_of(
        client, "profile/memory/points", trace=trace, curve=0, t0=0, t1=200 * US, px=1
    )

    assert header["exact"] is False
    assert found["allocated_low"].tolist() == [1000]
    assert found["allocated_high"].tolist() == [3000]
    assert found["allocated_last"].tolist() == [1500]


def test_a_window_begins_with_the_value_that_holds_there(client, trace):
    _, found = columns_of(
        client, "profile/memory/points", trace=trace, curve=0, t0=70 * US, t1=100 * US, px=50
    )

    assert found["time"].tolist() == [60 * US, 90 * US]


def test_holders_are_those_of_the_peak_or_of_another_time(client, trace):
    peak = ask(client, "profile/memory/holders", trace=trace, curve=0)
    later = ask(client, "profile/memory/holders", trace=trace, curve=0, time=140 * US)

    assert dict(zip(peak["label"], peak["bytes"], strict=True)) == {
        "aten::conv2d": 2000, "aten::empty": 1000,
    }  # fmt: skip
    assert dict(zip(later["label"], later["bytes"], strict=True)) == {"aten::empty": 1500}
    assert later["blocks"] == [2]
    assert (later["allocated"], later["reserved"]) == (1500, 4000)


def test_operators_tell_what_they_allocated_and_freed(client, trace):
    found = ask(client, "profile/memory/operators", trace=trace, curve=0)

    by_name = dict(zip(found["name"], found["own_increase"], strict=True))
    assert by_name == {"aten::conv2d": 2000, "aten::empty": 1500, "aten::relu": -2000}
    assert found["own_allocated"][found["name"].index("aten::empty")] == 1500


@pytest.mark.parametrize(
    ("sort", "sizes"),
    [
        ("-bytes", [2000, 1000, 500]),
        ("bytes", [500, 1000, 2000]),
        ("-lifetime", [2000, 1000, 500]),  # the others were never freed: they come last
        ("-start", [500, 2000, 1000]),
        ("address", [1000, 2000, 500]),
    ],
)
def test_blocks_are_sorted_by_the_server(client, trace, sort, sizes):
    found = ask(client, "profile/memory/blocks", trace=trace, curve=0, sort=sort)

    assert found["bytes"] == sizes
    assert found["total"] == 3


def test_a_block_tells_its_life_and_who_allocated_it(client, trace):
    found = ask(client, "profile/memory/blocks", trace=trace, curve=0, sort="-bytes")

    assert found["address"][0] == "0x2000"
    assert (found["start"][0], found["end"][0], found["lifetime"][0]) == (60 * US, 90 * US, 30 * US)
    assert found["operator"][0] == "aten::conv2d"
    assert (found["end"][1], found["lifetime"][1]) == (None, None)


def test_blocks_are_filtered_by_the_operator_that_allocated_them(client, trace):
    found = ask(client, "profile/memory/blocks", trace=trace, curve=0, q="EMPTY")

    assert (found["total"], found["all"]) == (2, 3)
    assert found["operator"] == ["aten::empty"] * 2


@pytest.mark.parametrize(
    ("path", "query", "word"),
    [
        ("points", {"curve": 3, "t0": 0, "t1": 1}, "curve"),
        ("points", {"t0": 5, "t1": 5}, "t1"),
        ("holders", {"by": "mood"}, "by"),
        ("blocks", {"sort": "-mood"}, "sort"),
    ],
)
def test_what_is_not_there_is_refused_by_name(client, trace, path, query, word):
    found = ask(client, f"profile/memory/{path}", 400, trace=trace, **query)

    assert found["error"]["message"].startswith(f"{word}:")


def test_a_trace_without_allocations_says_what_to_record(serve, tmp_path):
    write_trace(tmp_path / "b.pt.trace.json")
    client = serve(store=Store(tmp_path), routes=[(f"/{path}", one) for path, one in ROUTES])
    (trace,) = ask(client, "profile/jobs")["trace"]

    found = ask(client, "profile/memory", trace=trace)

    assert "profile_memory=True" in found["absent"]
    assert found["curves"] == []


def test_the_greatest_value_of_a_long_curve_is_never_lost(client, tmp_path):
    rng = np.random.default_rng(1)
    from tests.serve.rank_maker import memory

    totals = rng.integers(1, 1_000_000, 3_000)
    before = np.concatenate([[0], totals[:-1]])
    events = [
        memory(k, int(total - last), 0x1000 + k, int(total))
        for k, (total, last) in enumerate(zip(totals, before, strict=True))
    ]
    write_trace(tmp_path / "long" / "long.pt.trace.json", events)
    client.authorised("/api/v1/profile/jobs")
    trace = next(
        one
        for one, place in zip(*(_jobs(client)[key] for key in ("trace", "place")), strict=True)
        if "long" in place
    )

    for px in (7, 50, 311):
        _, found = columns_of(
            client, "profile/memory/points", trace=trace, curve=0, t0=0, t1=3_000 * US, px=px
        )
        assert found["allocated_high"].max() == totals.max()
        assert found["allocated_low"].min() == totals.min()
        assert len(found["time"]) <= px + 1


def _jobs(client):
    import time

    end = time.monotonic() + 20
    while time.monotonic() < end:
        found = ask(client, "profile/jobs")
        if found["total"] > 1:
            return found
        time.sleep(0.1)
    raise AssertionError("the second trace was never found")
