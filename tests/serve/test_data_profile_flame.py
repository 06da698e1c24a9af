from __future__ import annotations

import json

import numpy as np
import pytest

from tests.profiler.timeline.maker import event
from tests.serve.profile_client import ProfileClient
from tests.serve.trace_maker import steps, write_trace

US = 1_000


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def client(serve, tmp_path):
    other = event("aten::zero_", 20, 30, tid=9)
    write_trace(tmp_path / "a.pt.trace.json", [*steps(), other])
    return ProfileClient(serve, tmp_path)


def flame(client, **query):
    header, found = client.columns("profile/flame", trace=client.traces[0], **query)
    names = [header["names"][k] for k in found["name"]]
    return header, {**found, "text": names}


def test_calls_of_one_name_are_merged_and_lie_under_their_callers(client):
    _, found = flame(client)
    mm = found["text"].index("aten::mm")
    call = found["text"].index("cudaLaunchKernel")

    assert found["parent"][mm] == -1
    assert found["parent"][call] == mm
    assert found["count"][mm] == 3
    assert found["total_ns"][mm] == 60 * US
    assert found["self_ns"][mm] == 48 * US
    assert found["other_ns"][mm] == 150 * US


def test_by_device_time_a_call_is_as_wide_as_what_it_launched(client):
    _, found = flame(client, weight="device")

    assert found["total_ns"][found["text"].index("cudaLaunchKernel")] == 150 * US
    assert found["total_ns"][found["text"].index("aten::zero_")] == 0


def test_threads_can_stand_apart_or_alone(client):
    header, apart = flame(client, threads=1)
    track = next(one["track"] for one in header["tracks"] if one["slices"] == 1)
    _, alone = flame(client, track=track)

    assert np.count_nonzero(apart["parent"] < 0) == 2
    assert alone["text"] == ["aten::zero_"]


def test_a_window_takes_part_of_the_calls(client):
    _, found = flame(client, t0=100 * US, t1=195 * US)

    assert found["count"][found["text"].index("aten::mm")] == 1


def test_a_node_leads_to_its_first_slice(client):
    _, found = flame(client)
    node = found["text"].index("cudaLaunchKernel")
    place = client.json("profile/flame_place", trace=client.traces[0], node=node)

    assert place["start"] == 12 * US
    assert place["dur"] == 4 * US
    assert place["calls"] == 3


def test_a_thread_leads_to_its_first_slice_of_any_name(client):
    header, found = flame(client, threads=1)
    node = [k for k, parent in enumerate(found["parent"]) if parent < 0 and found["count"][k] == 0]
    starts = [
        client.json("profile/flame_place", trace=client.traces[0], threads=1, node=k)["start"]
        for k in node
    ]

    assert len(header["tracks"]) == 2
    assert sorted(starts) == [10 * US, 20 * US]


def test_exports_hold_all_own_time(client):
    text = client.raw("profile/flame", trace=client.traces[0], format="collapsed").body.decode()
    shown = json.loads(
        client.raw("profile/flame", trace=client.traces[0], format="speedscope").body
    )

    assert "aten::mm;cudaLaunchKernel 12" in text.splitlines()
    assert sum(shown["profiles"][0]["weights"]) == 90 * US


def test_wrong_nodes_and_tracks_are_errors(client):
    trace = client.traces[0]

    assert (
        "node" in client.json("profile/flame_place", 400, trace=trace, node=99)["error"]["message"]
    )
    assert "track" in client.json("profile/flame", 400, trace=trace, track=99)["error"]["message"]
