from __future__ import annotations

import numpy as np
import pytest

from tests.profiler.timeline.maker import event, kernel
from tests.serve.profile_client import ProfileClient
from tests.serve.trace_maker import write_trace

US = 1_000
GEMM, ADD = "volta_h884gemm_64x64_nn", "void at::native::vectorized_elementwise_kernel<4>(int)"


def work():
    """Ten rounds of a launch of a product and one of a sum; every fifth product is longer."""
    events = []
    for i in range(10):
        t = 100 * i
        long = i % 5 == 4
        events += [
            event("aten::mm", t, 20),
            event("cudaLaunchKernel", t + 2, 5, cat="cuda_runtime", correlation=2 * i + 1),
            kernel(GEMM, t + 10, 60 if long else 20, correlation=2 * i + 1,
                   grid=[16 if long else 8, 1, 1], block=[128, 1, 1],
                   **{"est. achieved occupancy %": 50, "blocks per SM": 0.5}),
            event("aten::add", t + 22, 10),
            event("cudaLaunchKernel", t + 24, 5, cat="cuda_runtime", correlation=2 * i + 2),
            kernel(ADD, t + 80, 2, correlation=2 * i + 2, grid=[4, 1, 1], block=[64, 1, 1]),
        ]  # fmt: skip
    return events


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def client(serve, tmp_path):
    write_trace(tmp_path / "a.pt.trace.json", work())
    return ProfileClient(serve, tmp_path)


def ask(client, path, **query):
    return client.json(f"profile/{path}", trace=client.traces[0], **query)


def table(client, **query):
    header, found = client.columns("profile/kernels", trace=client.traces[0], **query)
    return header, {name: column.tolist() for name, column in found.items()}


def test_kernels_are_summed_up_by_name(client):
    header, found = table(client)

    assert header["name"] == [GEMM, ADD]
    assert found["count"] == [10, 10]
    assert found["total_ns"] == [(8 * 20 + 2 * 60) * US, 20 * US]
    assert found["mean_ns"] == [28 * US, 2 * US]
    assert (found["min_ns"][0], found["max_ns"][0]) == (20 * US, 60 * US)
    assert found["share"][0] == pytest.approx(280 / 300)
    assert found["occupancy"][0] == 0.5
    assert np.isnan(found["occupancy"][1])
    assert found["blocks_per_sm"][0] == 0.5


def test_classes_and_tensor_cores_split_the_whole_and_filter_the_rows(client):
    header, _ = table(client)

    assert header["classes"] == ["gemm", "elementwise"]
    assert header["class_ns"] == [280 * US, 20 * US]
    assert header["cores_ns"] == [0, 20 * US, 280 * US]
    assert table(client, **{"class": "elementwise"})[0]["name"] == [ADD]
    assert table(client, cores="used")[0]["name"] == [GEMM]
    assert table(client, cores="used")[0]["class_ns"] == [280 * US, 20 * US]


def test_an_unknown_class_is_an_error_that_names_those_there_are(client):
    answer = client.json("profile/kernels", 400, trace=client.traces[0], **{"class": "magic"})

    assert "gemm" in answer["error"]["message"]


def test_launch_shapes_part_the_rows(client):
    header, found = table(client, by="launch", q="gemm")

    assert sorted(zip(header["grid"], found["count"], strict=True)) == [
        ("16 × 1 × 1", 2),
        ("8 × 1 × 1", 8),
    ]


def test_one_kernel_has_its_histogram_its_runs_and_who_launched_it(client):
    found = ask(client, "kernel", id=0)

    assert found["count"] == 10
    assert sum(found["histogram"]["count"]) == 10
    edges = found["histogram"]["edges"]
    assert edges[0] <= 20 * US
    assert edges[-1] >= 60 * US
    assert found["quantiles"][1] == 20 * US
    assert found["runs"]["dur"][:3] == [60 * US, 60 * US, 20 * US]
    assert found["operators"] == {"name": ["aten::mm"], "count": [10], "ns": [280 * US]}
    assert found["shapes"]["count"] == [8, 2]


def test_a_kernel_of_one_launch_shape_counts_only_that(client):
    header, found = table(client, by="launch", q="gemm")
    row = header["grid"].index("16 × 1 × 1")

    assert ask(client, "kernel", by="launch", id=int(found["id"][row]))["count"] == 2


def test_launches_have_delays_short_kernels_and_sequences(client):
    found = ask(client, "launches")

    assert found["sums"]["count"] == 20
    # Calls end at 7 and 29; work begins at 10 and 80.
    assert found["sums"]["delay_ns"] == 10 * (3 + 51) * US
    assert found["sums"]["short"] == 10  # 2 us on the device, 5 us to launch
    assert found["short"]["short_count"] == 10
    assert sum(found["delays"]["count"]) == 20
    assert found["sequences"]["names"][0][0] in (GEMM, ADD)
    assert found["graphs"]["absent"]


def test_queues_grow_with_launches_and_shrink_with_starts(client):
    header, found = client.columns("profile/queues", trace=client.traces[0])
    most = found["most"].reshape(1, -1)

    assert header["stream"] == ["7"]
    assert header["max"] == [1]
    assert most.max() == 1
    # One launch waits from 2 to 10, and one from 24 to 80, of 982 us in all, ten times.
    assert most.mean() == pytest.approx(640 / 982, abs=0.05)


def test_a_trace_without_a_device_says_so_everywhere(serve, tmp_path):
    write_trace(tmp_path / "a.pt.trace.json", [event("aten::mm", 0, 10)])
    client = ProfileClient(serve, tmp_path)

    assert table(client)[0]["absent"]
    assert ask(client, "launches")["absent"]
    assert client.columns("profile/queues", trace=client.traces[0])[0]["absent"]


def test_the_csv_names_classes_and_tensor_cores(client):
    text = client.raw("profile/kernels", trace=client.traces[0], format="csv").body.decode()

    assert text.splitlines()[1].startswith(f"{GEMM},gemm,used,10,")
