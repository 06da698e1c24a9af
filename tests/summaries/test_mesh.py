import numpy as np
import pytest

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.summaries import mesh
from gpuboard.summaries.tensor import encode_tensor

RNG = np.random.default_rng(0)
VERTICES = RNG.normal(size=(2, 8, 3)).astype(np.float32)
COLOURS = RNG.integers(0, 256, (2, 8, 3))
FACES = RNG.integers(0, 8, (2, 5, 3))


def test_the_parts_come_back_under_the_name_of_the_mesh():
    config = {"camera": {"cls": "PerspectiveCamera"}}

    values = mesh.encode("head", VERTICES, COLOURS, FACES, config)

    assert [value.tag for value in values] == ["head_VERTEX", "head_FACE", "head_COLOR"]
    for value, array in zip(values, (VERTICES, FACES, COLOURS), strict=True):
        np.testing.assert_array_equal(mesh.decode(value), array)
    parts = [mesh.decode_part(value.metadata.plugin_data.content) for value in values]
    assert [(part.name, part.part) for part in parts] == [
        ("head", "vertex"),
        ("head", "face"),
        ("head", "color"),
    ]
    assert parts[0].config == config


@pytest.mark.parametrize("has_faces", [True, False])
def test_it_is_what_pytorch_writes(has_faces):
    torch_summary = pytest.importorskip("torch.utils.tensorboard.summary")
    pytest.importorskip("tensorboard")
    import torch

    parts = [VERTICES, COLOURS, FACES if has_faces else None]
    tensors = [None if part is None else torch.as_tensor(part) for part in parts]
    theirs = torch_summary.mesh("m", *tensors, {"a": 1}).SerializeToString()

    ours = Summary(value=mesh.encode("m", *parts, {"a": 1})).SerializeToString()

    assert Summary.FromString(ours) == Summary.FromString(theirs)


def test_parts_of_another_shape_are_not_written():
    with pytest.raises(ValueError, match=r"color array of mesh 'm' has shape \[8, 3\]"):
        mesh.encode("m", VERTICES, COLOURS[0])


@pytest.mark.parametrize("shape", [(8, 3), (1, 8, 2), (1, 1, 8, 3)])
def test_parts_of_another_shape_are_refused(shape):
    with pytest.raises(DataError, match="expected"):
        mesh.decode(Summary.Value(tensor=encode_tensor(np.zeros(shape, np.float32))))


def test_too_many_points_are_refused():
    many = limits.MAX_MESH_POINTS.value + 1
    tensor = encode_tensor(np.zeros((1, 1, 3), np.uint8))
    tensor.tensor_shape.dim[1].size = many
    tensor.tensor_content = bytes(3 * many)

    with pytest.raises(DataError, match=limits.MAX_MESH_POINTS.name):
        mesh.decode(Summary.Value(tensor=tensor))


@pytest.mark.parametrize("content", [b"", b"\xff", b"\x18\x09", b"\x08\x01\x18\x01"])
def test_metadata_of_no_mesh_is_refused(content):
    with pytest.raises(DataError):
        mesh.decode_part(content)


@pytest.mark.parametrize("config", ["{", "[1]", "[" * 100_000, ""])
def test_a_configuration_that_is_no_object_counts_as_none(config):
    from gpuboard.eventlog.proto.plugins_pb2 import MeshPluginData

    data = MeshPluginData(name="m", content_type="VERTEX", json_config=config)

    assert mesh.decode_part(data.SerializeToString()).config == {}
