import json
import struct

import numpy as np
import pytest

from gpuboard.eventlog.append import EventFileWriter
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.store.store import Store
from gpuboard.summaries import mesh
from gpuboard.summaries.tensor import encode_tensor

RNG = np.random.default_rng(0)
FACES = RNG.integers(0, 9, (2, 5, 3))
COLOURS = RNG.integers(2, 256, (2, 9, 3))
CONFIG = {"material": {"size": 0.5, "color": "#0f0"}, "camera": {"fov": "wide"}}


def vertices_at(step):
    return (np.random.default_rng(step).normal(size=(2, 9, 3))).astype(np.float32)


def store_of(path):
    store = Store(path)
    store.refresh()
    return store


def log(path, steps, *parts, name="head", config=None):
    with EventFileWriter(path) as writer:
        for step in steps:
            for value in mesh.encode(name, vertices_at(step), *parts, config):
                writer.add_value(value, step)


def columns_of(body):
    (length,) = struct.unpack_from("<I", body)
    header = json.loads(body[4 : 4 + length])
    at, columns = 4 + length, {}
    for column in header["columns"]:
        found = np.frombuffer(body, column["type"], int(np.prod(column["shape"])), at)
        columns[column["name"]] = found.reshape(column["shape"])
        at += -(-found.nbytes // 8) * 8
    assert at == len(body)
    return header, columns


def refs(ask, tag="head_VERTEX", run=0):
    return json.loads(ask(f"/api/v1/steps?run={run}&tag={tag}")[1])["ref"]


def read(ask, ref, tag="head_VERTEX", batch=0, run=0):
    status, body = ask(f"/api/v1/mesh?run={run}&tag={tag}&ref={ref}&batch={batch}")
    assert status == 200, body
    return columns_of(body)


def test_meshes_are_listed_by_their_own_name_with_the_tag_of_their_vertices(tmp_path, serve_data):
    log(tmp_path / "a", [0], COLOURS, FACES)
    log(tmp_path / "b", [0], name="head")
    log(tmp_path / "b", [0], name="torso")
    store = store_of(tmp_path)
    a, b = store.find_run("a").id, store.find_run("b").id

    status, body = serve_data(store)("/api/v1/meshes")

    listed = json.loads(body)
    assert (status, listed["total"]) == (200, 2)
    assert listed["tags"] == [
        {"tag": "head_VERTEX", "name": "head", "runs": f"{min(a, b)}-{max(a, b)}"},
        {"tag": "torso_VERTEX", "name": "torso", "runs": str(b)},
    ]


def test_a_pattern_and_a_limit_narrow_the_list(tmp_path, serve_data):
    for name in ("one", "two", "three"):
        log(tmp_path, [0], name=name)
    ask = serve_data(store_of(tmp_path))

    matching = json.loads(ask("/api/v1/meshes?q=%5Et")[1])
    first = json.loads(ask("/api/v1/meshes?limit=1")[1])

    assert [row["name"] for row in matching["tags"]] == ["three", "two"]
    assert (first["total"], len(first["tags"])) == (3, 1)


def test_all_parts_of_a_step_come_as_columns(tmp_path, serve_data):
    log(tmp_path, [0, 10], COLOURS, FACES, config=CONFIG)
    ask = serve_data(store_of(tmp_path))

    header, columns = read(ask, refs(ask)[1], batch=1)

    np.testing.assert_array_equal(columns["vertices"], vertices_at(10)[1])
    np.testing.assert_array_equal(columns["faces"], FACES[1])
    np.testing.assert_array_equal(columns["colours"], COLOURS[1])
    assert [columns[name].dtype for name in ("vertices", "faces", "colours")] == [
        np.float32,
        np.uint32,
        np.uint8,
    ]
    assert header["low"] == vertices_at(10)[1].min(0).tolist()
    assert header["high"] == vertices_at(10)[1].max(0).tolist()
    assert (header["batches"], header["step"], header["missing"]) == (2, "10", [])
    assert header["look"] == {
        "point_size": 0.5,
        "colour": "#00ff00",
        "background": None,
        "view_angle": None,
        "wireframe": False,
        "flat": False,
    }


def test_a_part_that_was_logged_once_holds_for_later_steps(tmp_path, serve_data):
    with EventFileWriter(tmp_path) as writer:
        for step in (0, 5):
            faces = FACES if step == 0 else None
            for value in mesh.encode("head", vertices_at(step), None, faces):
                writer.add_value(value, step)
    ask = serve_data(store_of(tmp_path))

    _, columns = read(ask, refs(ask)[1])

    np.testing.assert_array_equal(columns["vertices"], vertices_at(5)[0])
    np.testing.assert_array_equal(columns["faces"], FACES[0])


def test_parts_of_one_step_stay_together_where_steps_are_not_numbered(tmp_path, serve_data):
    colours = [np.full((1, 4, 3), shade) for shade in (10, 20, 30)]
    with EventFileWriter(tmp_path) as writer:
        for shade in colours:
            for value in mesh.encode("head", np.zeros((1, 4, 3)), shade):
                writer.add_value(value, 0)
    ask = serve_data(store_of(tmp_path))

    found = [read(ask, ref)[1]["colours"][0, 0] for ref in refs(ask)]

    assert found == [10, 20, 30]


def test_a_part_that_is_still_to_come_is_named(tmp_path, serve_data):
    values = mesh.encode("head", vertices_at(0), COLOURS, FACES)
    with EventFileWriter(tmp_path) as writer:
        writer.add_value(values[0], 0)
    ask = serve_data(store_of(tmp_path))

    header, columns = read(ask, refs(ask)[0])

    assert header["missing"] == ["color", "face"]
    assert len(columns["faces"]) == 0


def test_what_pytorch_and_tensorboardx_write_is_read(tmp_path, serve_data):
    torch = pytest.importorskip("torch")
    pytest.importorskip("tensorboard")
    tensorboardx = pytest.importorskip("tensorboardX")
    from torch.utils.tensorboard import SummaryWriter

    parts = [torch.as_tensor(part) for part in (vertices_at(3), COLOURS, FACES)]
    for kind in (SummaryWriter, tensorboardx.SummaryWriter):
        with kind(str(tmp_path / kind.__module__.split(".")[0])) as writer:
            writer.add_mesh("head", *parts, config_dict=CONFIG, global_step=3)
    store = store_of(tmp_path)
    ask = serve_data(store)

    for name, tag in (("torch", "head_VERTEX"), ("tensorboardX", "head_1")):
        run = store.find_run(name).id
        header, columns = read(ask, refs(ask, tag, run)[0], tag, 1, run)
        np.testing.assert_array_equal(columns["vertices"], vertices_at(3)[1])
        np.testing.assert_array_equal(columns["faces"], FACES[1])
        np.testing.assert_array_equal(columns["colours"], COLOURS[1])
        assert (header["name"], header["look"]["point_size"]) == ("head", 0.5)


def test_parts_in_the_types_of_tensorflow_are_read(tmp_path, serve_data):
    types = {"VERTEX": np.float64, "FACE": np.int32, "COLOR": np.uint8}
    arrays = {"VERTEX": vertices_at(0), "FACE": FACES, "COLOR": COLOURS}
    with EventFileWriter(tmp_path) as writer:
        for value in mesh.encode("head", vertices_at(0), COLOURS, FACES):
            part = value.tag.rpartition("_")[2]
            tensor = encode_tensor(arrays[part].astype(types[part]))
            writer.add_value(
                Summary.Value(tag=value.tag, tensor=tensor, metadata=value.metadata), 0
            )
    ask = serve_data(store_of(tmp_path))

    _, columns = read(ask, refs(ask)[0])

    np.testing.assert_array_equal(columns["vertices"], vertices_at(0)[0])
    np.testing.assert_array_equal(columns["faces"], FACES[0])
    np.testing.assert_array_equal(columns["colours"], COLOURS[0])


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        ((COLOURS[:, :4], None), "4 colours for 9 vertices"),
        ((None, FACES + 9), "expected one of 9"),
    ],
)
def test_parts_that_do_not_fit_are_told_here_and_on_the_health_page(
    tmp_path, serve_data, parts, message
):
    log(tmp_path, [0], *parts)
    store = store_of(tmp_path)
    ask = serve_data(store)

    status, body = ask(f"/api/v1/mesh?run=0&tag=head_VERTEX&ref={refs(ask)[0]}")

    assert status == 422
    assert message in json.loads(body)["error"]["message"]
    assert [problem.kind for problem in store.problems()] == ["bad_value"]


@pytest.mark.parametrize("batch", ["", "-1", "x", "1e3", "9" * 7])
def test_what_names_no_mesh_of_a_batch_is_refused(tmp_path, serve_data, batch):
    log(tmp_path, [0])
    ask = serve_data(store_of(tmp_path))

    status, _ = ask(f"/api/v1/mesh?run=0&tag=head_VERTEX&ref={refs(ask)[0]}&batch={batch}")

    assert status == 400
