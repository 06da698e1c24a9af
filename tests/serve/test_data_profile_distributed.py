from __future__ import annotations

import json
import shutil
from urllib.parse import urlencode

import numpy as np
import pytest

from gpuboard import limits
from gpuboard.serve.data import profile_distributed, profile_list
from gpuboard.store.store import Store
from tests.serve.rank_maker import write_late_ranks
from tests.serve.reply_reader import columns_of
from tests.serve.trace_maker import write_trace

ROUTES = (*profile_list.ROUTES, *profile_distributed.ROUTES)
US = 1_000


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def client(serve, tmp_path):
    write_late_ranks(tmp_path / "job")
    return serve(store=Store(tmp_path), routes=[(f"/{path}", route) for path, route in ROUTES])


@pytest.fixture
def ids(client):
    return ",".join(ask(client, "profile/jobs")["trace"])


def ask(client, path, status=200, **query):
    answer = client.authorised(f"/api/v1/{path}?{urlencode(query)}")
    assert answer.status == status, answer.text
    return json.loads(answer.body)


def test_each_rank_is_split_so_that_its_window_is_the_sum(client, ids):
    found = ask(client, "profile/ranks", traces=ids)

    assert found["rank"] == [0, 1, 2]
    for k in range(3):
        parts = ("computing_ns", "exposed_ns", "copying_ns", "idle_ns")
        assert sum(found[key][k] for key in parts) == found["window_ns"][k]
    assert found["computing_ns"] == [80 * US, 140 * US, 100 * US]


def test_the_rank_that_starts_last_is_the_cause_of_waiting(client, ids):
    found = ask(client, "profile/ranks", traces=ids)

    # Two collectives each: rank 0 comes 30 µs before rank 1, rank 2 comes 20 µs before it.
    assert found["worst"] == [1]
    assert found["caused_ns"] == [0, 2 * (30 + 20) * US, 0]
    assert found["waits"] == [[0, 60 * US, 0], [0, 0, 0], [0, 40 * US, 0]]
    assert found["waiting_ns"] == [60 * US, 0, 40 * US]
    assert found["gain_ns"] == [0, 2 * 20 * US, 0]
    assert found["late"]["rank"][0] == 1


def test_groups_sum_up_collectives_of_one_sort_and_size(client, ids):
    (group,) = ask(client, "profile/ranks", traces=ids)["groups"]

    assert (group["kind"], group["bytes"], group["count"]) == ("all-reduce", 4000, 2)
    assert group["time_ns"] == 2 * 5 * US
    assert group["waiting_ns"] == 100 * US
    assert group["bus_gbs"] == pytest.approx(4000 / 5000 * 2 * 2 / 3)


def test_collectives_are_columns_on_the_clock_of_the_first_rank(client, ids):
    header, found = columns_of(client, "profile/collectives", traces=ids)

    assert header["total"] == 2
    assert [header["kinds"][int(k)] for k in found["kind"]] == ["all-reduce"] * 2
    assert found["start"].tolist() == [60 * US, 260 * US]
    assert found["latency"].tolist() == [5 * US, 5 * US]
    assert found["waiting"].tolist() == [50 * US, 50 * US]
    assert found["skew"].tolist() == [30 * US, 30 * US]
    assert found["last"].tolist() == [1, 1]


def test_one_collective_is_told_rank_by_rank(client, ids):
    found = ask(client, "profile/collective", traces=ids, number=1)

    assert found["rank"] == [0, 1, 2]
    assert found["start"] == [260 * US, 290 * US, 270 * US]
    assert found["end"] == [295 * US] * 3
    assert found["late_ns"] == [0, 30 * US, 10 * US]
    assert found["last"] == 1


def test_a_collective_that_is_not_there_is_refused(client, ids):
    assert (
        "number" in ask(client, "profile/collective", 400, traces=ids, number=9)["error"]["message"]
    )


def test_one_rank_has_its_own_collectives_and_no_waiting(client, ids):
    first = ids.split(",")[0]
    found = ask(client, "profile/ranks", traces=first)
    header, columns = columns_of(client, "profile/collectives", traces=first)

    assert "several ranks" in found["absent"]
    assert header["total"] == 2
    assert columns["latency"].tolist() == [35 * US, 35 * US]
    assert np.isnan(columns["waiting"]).all()
    assert found["groups"][0]["waiting_ns"] is None


def test_a_trace_without_collectives_says_why_there_are_none(serve, tmp_path):
    write_trace(tmp_path / "a.pt.trace.json")
    client = serve(store=Store(tmp_path), routes=[(f"/{path}", one) for path, one in ROUTES])
    (trace,) = ask(client, "profile/jobs")["trace"]

    found = ask(client, "profile/ranks", traces=trace)

    assert "no collectives" in found["absent_own"]
    assert columns_of(client, "profile/collectives", traces=trace)[0]["total"] == 0


@pytest.mark.parametrize("traces", ["", ","])
def test_no_trace_at_all_is_refused(client, traces):
    assert "traces" in ask(client, "profile/ranks", 400, traces=traces)["error"]["message"]


def test_ranks_that_do_not_fit_into_memory_together_are_refused(client, ids, monkeypatch):
    room = limits.Limit("max_kept_trace_bytes", 1, "")
    monkeypatch.setattr(limits, "MAX_KEPT_TRACE_BYTES", room)

    found = ask(client, "profile/ranks", 413, traces=ids)

    assert "max_kept_trace_bytes" in found["error"]["message"]


def test_a_changed_file_is_matched_anew(client, ids, tmp_path):
    ask(client, "profile/ranks", traces=ids)
    shutil.rmtree(tmp_path / "job")
    write_late_ranks(tmp_path / "job", late=(0.0, 0.0, 55.0))

    assert ask(client, "profile/ranks", traces=ids)["worst"] == [2]
