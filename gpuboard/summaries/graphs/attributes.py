"""Write the attributes of TensorFlow nodes as text, cut to what a card can show."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from gpuboard import limits
from gpuboard.eventlog.proto.event_pb2 import TensorProto, TensorShapeProto
from gpuboard.eventlog.proto.graph_pb2 import AttrValue, NameAttrList
from gpuboard.summaries.graphs.graph import UNKNOWN, Attribute, Tensor

# tensorflow/core/framework/types.proto; reference types are these plus 100.
DTYPES = {
    1: "float32", 2: "float64", 3: "int32", 4: "uint8", 5: "int16", 6: "int8", 7: "string",
    8: "complex64", 9: "int64", 10: "bool", 11: "qint8", 12: "quint8", 13: "qint32",
    14: "bfloat16", 15: "qint16", 16: "quint16", 17: "uint16", 18: "complex128", 19: "float16",
    20: "resource", 21: "variant", 22: "uint32", 23: "uint64", 24: "float8_e5m2",
    25: "float8_e4m3fn", 29: "int4", 30: "uint4",
}  # fmt: skip
DTYPE_BYTES = {
    "float32": 4, "float64": 8, "int32": 4, "uint8": 1, "int16": 2, "int8": 1, "complex64": 8,
    "int64": 8, "bool": 1, "bfloat16": 2, "uint16": 2, "complex128": 16, "float16": 2,
    "uint32": 4, "uint64": 8, "float8_e5m2": 1, "float8_e4m3fn": 1,
}  # fmt: skip
_REFERENCE = 100
_MAX_ITEMS = 200


def dtype_name(number: int) -> str:
    """Return the name of a TensorFlow dtype, "" for none."""
    return DTYPES.get(number % _REFERENCE, f"dtype {number}") if number else ""


def shape_of(shape: TensorShapeProto) -> tuple[int, ...] | None:
    """Return the sizes of a shape, UNKNOWN for open ones, None when its rank is open."""
    if shape.unknown_rank:
        return None
    return tuple(dim.size if dim.size >= 0 else UNKNOWN for dim in shape.dim)


def attributes_of(attributes: Mapping[str, AttrValue]) -> tuple[Attribute, ...]:
    """Return all attributes as text, in order of their names."""
    return tuple(as_attribute(name, [_text(attributes[name])]) for name in sorted(attributes))


def as_attribute(name: str, parts: Iterable[str], separator: str = ", ") -> Attribute:
    """Join texts to one attribute and cut it at `limits.MAX_ATTRIBUTE_CHARACTERS`."""
    room = limits.MAX_ATTRIBUTE_CHARACTERS.value
    text = ""
    for part in parts:
        text = f"{text}{separator}{part}" if text else part
        if len(text) > room:
            return Attribute(name, text[:room], is_cut=True)
    return Attribute(name, text)


def bytes_text(value: bytes) -> str:
    """Return bytes as the text they are, or else their number."""
    try:
        text = value.decode("utf-8")
    except UnicodeDecodeError:
        return f"{len(value):,} bytes"
    return text if text.isprintable() or "\n" in text or "\t" in text else f"{len(value):,} bytes"


def _text(value: AttrValue) -> str:
    which = value.WhichOneof("value")
    if which is None:
        return ""
    if which == "list":
        return _list_text(value.list)
    return _single(which, getattr(value, which))


def _single(which: str, value: object) -> str:
    if isinstance(value, bytes):
        return bytes_text(value)
    if isinstance(value, TensorShapeProto):
        return Tensor("", shape_of(value)).dims or "unknown shape"
    if isinstance(value, TensorProto):
        return _tensor_text(value)
    if isinstance(value, NameAttrList):
        return f"function {value.name}"
    if which == "type" and isinstance(value, int):
        return dtype_name(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _list_text(value: AttrValue.ListValue) -> str:
    for field, items in value.ListFields():
        shown = [_single(field.name, item) for item in items[:_MAX_ITEMS]]
        return _bracketed(shown, len(items))
    return "[]"


def _bracketed(shown: Sequence[str], total: int) -> str:
    more = f", … {total - len(shown):,} more" if total > len(shown) else ""
    return f"[{', '.join(shown)}{more}]"


def _tensor_text(tensor: TensorProto) -> str:
    about = Tensor(dtype_name(tensor.dtype), shape_of(tensor.tensor_shape))
    values = _few_values(tensor)
    return f"{about.text}: {values}" if values else about.text


def _few_values(tensor: TensorProto) -> str:
    """Return the numbers of a small tensor, "" for what has many or none that can be read."""
    from gpuboard.errors import DataError
    from gpuboard.summaries.tensor import decode_tensor

    shape = shape_of(tensor.tensor_shape)
    if shape is None or Tensor("", shape).elements not in range(1, 65):
        return ""
    if tensor.dtype == 7:
        return _bracketed([bytes_text(text) for text in tensor.string_val], len(tensor.string_val))
    try:
        values = decode_tensor(tensor).ravel().tolist()
    except DataError:
        return ""
    shown = [f"{value:g}" if isinstance(value, float) else str(value) for value in values]
    return shown[0] if not shape else _bracketed(shown, len(shown))
