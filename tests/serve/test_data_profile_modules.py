from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from gpuboard.serve.data import profile_list, profile_modules
from gpuboard.store.store import Store
from tests.serve.rank_maker import write_modules
from tests.serve.reply_reader import columns_of
from tests.serve.trace_maker import write_trace

ROUTES = (*profile_list.ROUTES, *profile_modules.ROUTES)
US = 1_000


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def client(serve, tmp_path):
    write_modules(tmp_path / "a.pt.trace.json")
    return serve(store=Store(tmp_path), routes=[(f"/{path}", route) for path, route in ROUTES])


def trace_of(client):
    answer = client.authorised("/api/v1/profile/jobs")
    return json.loads(answer.body)["trace"][0]


def test_modules_stand_below_the_one_that_calls_them(client):
    header, found = columns_of(client, "profile/modules", trace=trace_of(client))

    assert header["name"] == ["Net_0", "Linear_0", "Linear_1"]
    assert found["parent"].tolist() == [-1, 0, 0]
    assert found["depth"].tolist() == [0, 1, 1]
    assert header["source"] == "python"


def test_time_of_a_module_holds_that_of_those_below_it(client):
    _, found = columns_of(client, "profile/modules", trace=trace_of(client))

    assert found["device_ns"].tolist() == [80 * US, 30 * US, 50 * US]
    assert found["device_own_ns"].tolist() == [0, 30 * US, 50 * US]
    assert found["host_ns"].tolist() == [100 * US, 30 * US, 30 * US]
    assert found["host_own_ns"].tolist() == [40 * US, 30 * US, 30 * US]
    assert found["operators"].tolist() == [0, 1, 1]


def test_a_module_tells_where_it_was_first_called(client):
    _, found = columns_of(client, "profile/modules", trace=trace_of(client))

    assert found["start"].tolist() == [0, 18 * US, 58 * US]
    assert found["duration"].tolist() == [100 * US, 30 * US, 30 * US]
    assert (found["row"] >= 0).all()


def test_a_trace_without_modules_says_what_to_record(serve, tmp_path):
    write_trace(tmp_path / "b.pt.trace.json")
    client = serve(store=Store(tmp_path), routes=[(f"/{path}", one) for path, one in ROUTES])

    header, found = columns_of(client, "profile/modules", trace=trace_of(client))

    assert "with_stack=True" in header["absent"]
    assert len(found["parent"]) == 0


def test_an_unknown_trace_is_404(client):
    answer = client.authorised(f"/api/v1/profile/modules?{urlencode({'trace': 'none'})}")

    assert answer.status == 404
