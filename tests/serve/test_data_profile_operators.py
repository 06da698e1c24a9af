from __future__ import annotations

import csv
import io
import json

import pytest

from tests.profiler.timeline.maker import event, kernel
from tests.serve.profile_client import ProfileClient
from tests.serve.trace_maker import write_trace

US = 1_000


def operators():
    """aten::linear around aten::mm, twice, of two shapes; aten::add alone; microseconds."""
    events = []
    for i, dims in enumerate([[[2, 3], [3, 4]], [[5, 3], [3, 4]]]):
        t = 100 * i
        events += [
            event("aten::linear", t, 40, **{"Input Dims": dims}),
            event("aten::mm", t + 5, 20, **{"Input Dims": dims}),
            event("cudaLaunchKernel", t + 10, 5, cat="cuda_runtime", correlation=10 + i),
            kernel("volta_sgemm_64x64_nt", t + 30, 20 + 10 * i, correlation=10 + i),
        ]
    return [
        *events,
        event("aten::add", 250, 10),
        event("cudaLaunchKernel", 252, 2, cat="cuda_runtime", correlation=20),
        kernel("vectorized_elementwise_kernel", 260, 5, correlation=20),
        event("=cmd|'/c calc'!A1", 300, 1),
    ]


@pytest.fixture(autouse=True)
def _no_cache(monkeypatch):
    monkeypatch.setenv("GPUBOARD_CACHE", "off")


@pytest.fixture
def client(serve, tmp_path):
    write_trace(tmp_path / "a.pt.trace.json", operators())
    return ProfileClient(serve, tmp_path)


def table(client, **query):
    header, found = client.columns("profile/operators", trace=client.traces[0], **query)
    return header, {name: column.tolist() for name, column in found.items()}


def test_operators_are_summed_up_by_name(client):
    header, found = table(client)
    rows = {name: k for k, name in enumerate(header["name"])}
    mm, linear = rows["aten::mm"], rows["aten::linear"]

    assert header["total"] == 4
    assert found["calls"][mm] == 2
    assert found["host_self_ns"][mm] == 2 * 15 * US
    assert found["host_total_ns"][linear] == 2 * 40 * US
    assert found["host_self_ns"][linear] == 2 * 20 * US
    assert found["device_self_ns"][mm] == 50 * US
    assert found["device_self_ns"][linear] == 0
    assert found["device_total_ns"][linear] == 50 * US
    assert found["tensor_share"][mm] == 0
    assert found["eligible"][mm] == 1
    assert found["eligible"][rows["aten::add"]] == 0


def test_shapes_part_the_rows(client):
    header, found = table(client, by="shapes", q="aten::mm")

    assert header["name"] == ["aten::mm", "aten::mm"]
    assert found["device_self_ns"] == [30 * US, 20 * US]
    assert [json.loads(text)[0] for text in header["shapes"]] == [[5, 3], [2, 3]]


def test_stacks_that_are_not_in_the_file_say_how_to_record_them(client):
    header, _ = table(client, by="stack")

    assert "with_stack=True" in header["stack_absent"]


def test_rows_come_sorted_and_searched_and_cut(client):
    header, found = table(client, sort="-host_total_ns", limit=2)

    assert header["name"] == ["aten::linear", "aten::mm"]
    assert header["total"] == 4
    assert table(client, sort="name", q="aten")[0]["name"] == sorted(
        ["aten::add", "aten::linear", "aten::mm"]
    )
    assert table(client, q="^aten::(add|mm)$", regex=1)[0]["total"] == 2
    assert len(found["id"]) == 2


def test_what_cannot_be_sorted_by_is_an_error_that_names_what_can(client):
    answer = client.json("profile/operators", 400, trace=client.traces[0], sort="-colour")

    assert "device_self_ns" in answer["error"]["message"]


def test_a_window_leaves_out_what_began_outside(client):
    _, found = table(client, q="aten::mm", t0=0, t1=50 * US)

    assert found["calls"] == [1]


def test_tops_are_by_name_with_the_rest(client):
    header, _ = table(client, by="shapes")

    assert header["top_device"]["name"][0] == "aten::mm"
    assert header["top_device"]["ns"][0] == 50 * US
    assert sum(header["top_device"]["ns"]) + header["top_device"]["rest_ns"] == 55 * US


def test_one_row_has_its_calls_longest_first_and_all_kernels_under_it(client):
    header, found = table(client)
    row = header["name"].index("aten::linear")
    about = client.json("profile/operator", trace=client.traces[0], by="name", id=found["id"][row])

    assert about["calls"]["total"] == 2
    assert about["calls"]["dur"] == [40 * US, 40 * US]
    assert about["calls"]["device_ns"] == [0, 0]
    assert about["kernels"]["name"] == ["volta_sgemm_64x64_nt"]
    assert about["kernels"]["count"] == [2]
    assert about["kernels"]["ns"] == [50 * US]


def test_a_row_by_shapes_has_only_its_own_calls(client):
    about = client.json("profile/operator", trace=client.traces[0], by="shapes", id=0)

    assert about["name"] == "aten::mm"
    assert about["calls"]["start"] == [105 * US]


def test_an_unknown_row_is_an_error(client):
    assert (
        "id"
        in client.json("profile/operator", 400, trace=client.traces[0], id=99)["error"]["message"]
    )


def test_the_csv_has_all_rows_and_no_formula(client):
    answer = client.raw("profile/operators", trace=client.traces[0], format="csv", limit=1)
    rows = list(csv.DictReader(io.StringIO(answer.body.decode())))

    assert len(rows) == 4
    assert rows[0]["name"] == "aten::mm"
    assert float(rows[0]["device_self_ns"]) == 50 * US
    assert all(not row["name"].startswith("=") for row in rows)
