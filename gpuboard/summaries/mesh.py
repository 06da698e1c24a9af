"""Read and write meshes and point clouds: one tag for vertices, one for faces, one for colours.

All three carry the name of the mesh in their metadata, and tensors of shape [batch, n, 3]. Source:
tensorboard/plugins/mesh.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from google.protobuf.message import DecodeError

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import (
    Summary,
    SummaryMetadata,
    TensorProto,
    TensorShapeProto,
)
from gpuboard.eventlog.proto.plugins_pb2 import MeshPluginData
from gpuboard.summaries.tensor import decode_tensor

PLUGIN = "mesh"
PARTS = {"VERTEX": "vertex", "FACE": "face", "COLOR": "color"}


@dataclasses.dataclass(frozen=True, slots=True)
class MeshPart:
    """What the metadata of a tag says of it.

    Attributes:
        name: Name of the mesh to which it belongs.
        part: "vertex", "face" or "color".
        config: Camera, lights and material, as the training script gave them; untrusted.
        logged: All parts that were logged together, as far as the metadata say so.
    """

    name: str
    part: str
    config: Mapping[str, Any]
    logged: frozenset[str] = frozenset()


def encode(
    tag: str,
    vertices: npt.ArrayLike,
    colors: npt.ArrayLike | None = None,
    faces: npt.ArrayLike | None = None,
    config_dict: Mapping[str, Any] | None = None,
) -> list[Summary.Value]:
    """Return the summary values of a batch of meshes or point clouds.

    Args:
        tag: Name of the mesh.
        vertices: Coordinates, shape (batch, n, 3).
        colors: Red, green and blue from 0 to 255 for each vertex, shape (batch, n, 3).
        faces: Numbers of the vertices of each triangle, shape (batch, m, 3).
        config_dict: Camera, lights and material in the terms of three.js.

    Raises:
        ValueError: A part has another shape.
    """
    config = "{}" if config_dict is None else json.dumps(config_dict, sort_keys=True)
    given = {"VERTEX": vertices, "FACE": faces, "COLOR": colors}
    parts = {name: np.asarray(part) for name, part in given.items() if part is not None}
    components = sum(1 << MeshPluginData.ContentType.Value(name) for name in parts)
    return [_encode_part(tag, name, part, components, config) for name, part in parts.items()]


def _encode_part(
    tag: str, name: str, part: npt.NDArray[Any], components: int, config: str
) -> Summary.Value:
    if part.ndim != 3 or part.shape[2] != 3:
        raise ValueError(
            f"the {PARTS[name]} array of mesh {tag!r} has shape {list(part.shape)}, "
            "expected [batch, n, 3]"
        )
    content = MeshPluginData(
        name=tag,
        content_type=name,
        json_config=config,
        shape=part.shape,
        components=components,
    ).SerializeToString()
    plugin = SummaryMetadata.PluginData(plugin_name=PLUGIN, content=content)
    dims = [TensorShapeProto.Dim(size=size) for size in part.shape]
    tensor = TensorProto(
        dtype=1,
        tensor_shape=TensorShapeProto(dim=dims),
        float_val=part.astype(np.float32).reshape(-1).tolist(),
    )
    metadata = SummaryMetadata(plugin_data=plugin)
    return Summary.Value(tag=f"{tag}_{name}", tensor=tensor, metadata=metadata)


def decode_part(content: bytes) -> MeshPart:
    """Return what the metadata of a tag says of it.

    Raises:
        DataError: It describes no part of a mesh.
    """
    try:
        data = MeshPluginData.FromString(content)
    except DecodeError as error:
        raise DataError(f"metadata of {len(content)} bytes that describe no mesh") from error
    number = int(data.content_type)
    if data.version > 0 or number not in MeshPluginData.ContentType.values() or number == 0:
        raise DataError(f"part {number} of a mesh of version {data.version}, expected 1 to 3 of 0")
    part = PARTS[MeshPluginData.ContentType.Name(data.content_type)]
    return MeshPart(data.name, part, _config(data.json_config), _logged(data.components))


def decode(value: Summary.Value) -> npt.NDArray[np.float64] | npt.NDArray[Any]:
    """Return the array of one part, shape (batch, n, 3).

    Raises:
        DataError: It has another shape, holds no real numbers, or too many of them.
    """
    data = decode_tensor(value.tensor)
    if data.ndim != 3 or data.shape[2] != 3 or data.dtype.kind == "c":
        raise DataError(
            f"a part of a mesh of shape {list(data.shape)}, expected [batch, n, 3] real numbers"
        )
    if data.shape[1] > limits.MAX_MESH_POINTS.value:
        raise DataError(
            f"{data.shape[1]} rows in a part of a mesh, at most {limits.MAX_MESH_POINTS.value} "
            f"are shown ({limits.MAX_MESH_POINTS.name})"
        )
    return data


def _logged(components: int) -> frozenset[str]:
    numbers = {PARTS[name]: MeshPluginData.ContentType.Value(name) for name in PARTS}
    return frozenset(part for part, number in numbers.items() if components >> number & 1)


def _config(text: str) -> Mapping[str, Any]:
    try:
        config = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}
