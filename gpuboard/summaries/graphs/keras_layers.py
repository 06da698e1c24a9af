"""Work out what the layers of a Keras model make and hold, where their configuration says it.

Only rules that hold exactly are here; what follows from none of them is left unknown. Sizes of
batches are UNKNOWN, tensors are channels-last unless a layer says otherwise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from gpuboard.summaries.graphs.graph import UNKNOWN

Shape = tuple[int, ...] | None
_SAME = frozenset(
    {
        "Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "Dropout", "SpatialDropout1D",
        "SpatialDropout2D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "Rescaling",
        "BatchNormalization", "LayerNormalization", "GroupNormalization", "UnitNormalization",
        "Add", "Subtract", "Multiply", "Average", "Maximum", "Minimum", "Masking",
        "ActivityRegularization", "Normalization",
    }
)  # fmt: skip
_MAX_SIZE = 1 << 40


def shape_from(layer: Mapping[str, Any], sources: Sequence[Shape]) -> Shape:
    """Return the shape that a layer takes in: as its JSON says, or as its first source makes it."""
    build = layer.get("build_config")
    if isinstance(build, dict):
        found = as_shape(build.get("input_shape"))
        if found is not None:
            return found
    found = _shape_of_argument(layer.get("inbound_nodes"))
    if found is not None:
        return found
    config = layer["config"]
    if isinstance(config, dict):
        found = as_shape(config.get("batch_shape")) or as_shape(config.get("batch_input_shape"))
        if found is not None:
            return found
    return next((shape for shape in sources if shape is not None), None)


def as_shape(found: object) -> Shape:
    """Return a list of sizes as a shape, None when it is no such list."""
    if not isinstance(found, list | tuple) or not found or len(found) > 32:
        return None
    sizes: list[int] = []
    for size in found:
        if size is None:
            sizes.append(UNKNOWN)
        elif isinstance(size, int) and not isinstance(size, bool) and 0 <= size < _MAX_SIZE:
            sizes.append(size)
        else:
            return None
    return tuple(sizes)


def output_shape(layer: Mapping[str, Any], entry: Shape) -> Shape:
    """Return the shape that a layer makes of `entry`, None when no rule tells."""
    config, name = layer["config"], str(layer.get("class_name", ""))
    if not isinstance(config, dict) or entry is None:
        return entry if name in _SAME else None
    if name == "InputLayer" or name in _SAME:
        return entry
    if name == "Dense":
        return (*entry[:-1], _size(config, "units"))
    if name == "Embedding":
        return (*entry, _size(config, "output_dim"))
    if name == "Flatten":
        return entry[0], _product(entry[1:])
    if name == "Reshape":
        target = as_shape(config.get("target_shape"))
        return None if target is None else (entry[0], *target)
    if name.startswith(("Conv", "MaxPooling", "AveragePooling")) and "Transpose" not in name:
        return _windowed(config, name, entry)
    if name.startswith("Global"):
        return entry[0], _channels(config, entry)
    return None


def parameters_of(layer: Mapping[str, Any], entry: Shape) -> int:
    """Return how many trained numbers a layer holds, 0 when no rule tells."""
    config, name = layer["config"], str(layer.get("class_name", ""))
    if not isinstance(config, dict):
        return 0
    if name == "Embedding":
        return max(0, _size(config, "input_dim") * _size(config, "output_dim"))
    if entry is None or not entry:
        return 0
    bias = 1 if config.get("use_bias", True) else 0
    if name == "Dense" and entry[-1] > 0:
        return max(0, _size(config, "units") * (entry[-1] + bias))
    if name in ("Conv1D", "Conv2D", "Conv3D"):
        kernel = as_shape(config.get("kernel_size"))
        groups = config.get("groups", 1)
        channels, filters = _channels(config, entry), _size(config, "filters")
        if kernel and channels > 0 and filters > 0 and isinstance(groups, int) and groups > 0:
            return filters * (math.prod(kernel) * (channels // groups) + bias)
    if name in ("BatchNormalization", "LayerNormalization"):
        axis = config.get("axis", -1)
        axis = axis[0] if isinstance(axis, list) and len(axis) == 1 else axis
        parts = sum(1 for part in ("scale", "center") if config.get(part, True))
        if isinstance(axis, int) and -len(entry) <= axis < len(entry):
            return parts * max(0, entry[axis])
    return 0


def _windowed(config: Mapping[str, Any], name: str, entry: tuple[int, ...]) -> Shape:
    window = as_shape(config.get("kernel_size") or config.get("pool_size"))
    if window is None or len(entry) != len(window) + 2 or name.startswith("ConvLSTM"):
        return None
    strides = as_shape(config.get("strides")) or (window if "Pool" in name else (1,) * len(window))
    dilation = as_shape(config.get("dilation_rate")) or (1,) * len(window)
    if not len(strides) == len(dilation) == len(window) or 0 in strides:
        return None
    is_first = config.get("data_format") == "channels_first"
    space = entry[2:] if is_first else entry[1:-1]
    sizes = tuple(
        _steps(size, (w - 1) * d + 1, s, str(config.get("padding", "valid")))
        for size, w, s, d in zip(space, window, strides, dilation, strict=True)
    )
    channels = _channels(config, entry) if "Pool" in name else _size(config, "filters")
    return (entry[0], channels, *sizes) if is_first else (entry[0], *sizes, channels)


def _steps(size: int, window: int, stride: int, padding: str) -> int:
    if size < 0:
        return UNKNOWN
    return -(-size // stride) if padding != "valid" else max(0, (size - window) // stride + 1)


def _channels(config: Mapping[str, Any], entry: tuple[int, ...]) -> int:
    if len(entry) < 2:
        return UNKNOWN
    return entry[1] if config.get("data_format") == "channels_first" else entry[-1]


def _size(config: Mapping[str, Any], name: str) -> int:
    found = config.get(name)
    is_size = isinstance(found, int) and not isinstance(found, bool) and 0 <= found < _MAX_SIZE
    return found if is_size and isinstance(found, int) else UNKNOWN


def _product(sizes: Sequence[int]) -> int:
    return UNKNOWN if any(size < 0 for size in sizes) else math.prod(sizes)


def _shape_of_argument(calls: object) -> Shape:
    """Return the shape of the first tensor among the arguments that Keras 3 writes."""
    stack: list[object] = [calls]
    while stack:
        item = stack.pop()
        if isinstance(item, list):
            stack.extend(reversed(item))
        elif isinstance(item, dict):
            config = item.get("config")
            if item.get("class_name") == "__keras_tensor__" and isinstance(config, dict):
                return as_shape(config.get("shape"))
            stack.extend(reversed(list(item.values())))
    return None
