from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from gpuboard.serve.data import profile_compare, profile_list
from gpuboard.store.store import Store
from tests.serve.rank_maker import write_late_ranks
from tests.serve.trace_maker import steps, write_trace

ROUTES = (*profile_list.ROUTES, *profile_compare.ROUTES)
US = 1_000


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def client(serve, tmp_path):
    write_late_ranks(tmp_path / "fast", late=(0.0, 10.0))
    write_late_ranks(tmp_path / "slow", late=(20.0, 50.0))
    write_trace(tmp_path / "other" / "a.pt.trace.json", steps())
    return serve(store=Store(tmp_path), routes=[(f"/{path}", route) for path, route in ROUTES])


@pytest.fixture
def ids(client):
    found = ask(client, "profile/jobs")
    groups = {}
    for name, trace in zip(found["name"], found["trace"], strict=True):
        groups.setdefault(name, []).append(trace)
    return {name: ",".join(traces) for name, traces in groups.items()}


def ask(client, path, status=200, **query):
    answer = client.authorised(f"/api/v1/{path}?{urlencode(query)}")
    assert answer.status == status, answer.text
    return json.loads(answer.body)


def test_two_groups_of_ranks_are_compared_by_their_means(client, ids):
    found = ask(client, "profile/compare", before=ids["fast"], after=ids["slow"])

    kernels = found["tables"]["kernels"]
    gemm = kernels["name"].index("ampere_sgemm_128x64_nn")
    assert found["per"] == "step"
    assert kernels["before"][gemm] == (40 + 50) / 2 * US
    assert kernels["after"][gemm] == (60 + 90) / 2 * US
    assert kernels["count_before"][gemm] == kernels["count_after"][gemm] == 1
    assert kernels["status"][gemm] == "unchanged"


def test_what_is_only_on_one_side_is_added_or_removed(client, ids):
    found = ask(client, "profile/compare", before=ids["other"], after=ids["slow"])

    kernels = found["tables"]["kernels"]
    status = dict(zip(kernels["name"], kernels["status"], strict=True))
    assert status["ampere_sgemm_128x64_nn"] == "added"
    assert status["void gemm<float, 4>(int)"] == "removed"


def test_the_largest_changes_come_first(client, ids):
    found = ask(client, "profile/compare", before=ids["other"], after=ids["slow"])

    for table in found["tables"].values():
        changes = [abs(a - b) for b, a in zip(table["before"], table["after"], strict=True)]
        assert changes == sorted(changes, reverse=True)


def test_steps_of_several_ranks_are_their_means(client, ids):
    found = ask(client, "profile/compare", before=ids["fast"], after=ids["other"])

    before, after = found["steps"]
    assert before["ns"] == [180 * US] * 2
    assert after["ns"] == [95 * US] * 3
    assert before["name"] == ["ProfilerStep#0", "ProfilerStep#1"]


def test_a_sentence_tells_what_changed(client, ids):
    found = ask(client, "profile/compare", before=ids["fast"], after=ids["other"])

    assert found["text"].startswith("Step 47 % shorter (−85.0 µs)")
    assert found["ratio"] == pytest.approx(95 / 180)


def test_both_sides_must_be_named(client, ids):
    found = ask(client, "profile/compare", 400, before=ids["fast"])

    assert found["error"]["message"].startswith("after:")
