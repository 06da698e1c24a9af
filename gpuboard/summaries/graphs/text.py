"""Read a GraphDef that was saved as protobuf text (.pbtxt), however deep or large it claims to be.

Source of the format: https://protobuf.dev/reference/protobuf/textformat-spec. Fields that the
picture does not need are passed over; names of dtypes stand for their numbers. Nothing here calls
itself, so depth is a count and no stack can overflow.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from typing import Any

from google.protobuf import text_encoding
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.eventlog.proto.graph_pb2 import GraphDef
from gpuboard.summaries.graphs.attributes import DTYPES

_TOKEN = re.compile(
    r"""\s+|\#[^\n]*|(?P<text>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')"""
    r"""|(?P<word>[A-Za-z0-9_.+-]+)|(?P<mark>[{}<>\[\]:,;])"""
)
_OLD_NAMES = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}
_DTYPE_NUMBERS = {
    f"DT_{_OLD_NAMES.get(name, name.upper())}{suffix}": number + more
    for number, name in DTYPES.items()
    for suffix, more in (("", 0), ("_REF", 100))
}
_INTEGERS = (
    FieldDescriptor.CPPTYPE_INT32,
    FieldDescriptor.CPPTYPE_INT64,
    FieldDescriptor.CPPTYPE_UINT32,
    FieldDescriptor.CPPTYPE_UINT64,
)
_BOOLEANS = {"true": True, "True": True, "t": True, "1": True} | dict.fromkeys(
    ("false", "False", "f", "0"), False
)
_FLOATS = (FieldDescriptor.CPPTYPE_FLOAT, FieldDescriptor.CPPTYPE_DOUBLE)

Token = tuple[str, str, int]  # "text", "word" or "mark"; what stands there; at which character


@dataclasses.dataclass(slots=True)
class _Frame:
    """One open message: `message` is None where it is passed over, `entry` holds a map's pair."""

    message: Message | None
    close: str
    map_of: Any = None
    key: Any = None
    value: Any = None


def decode_text(text: str) -> GraphDef:
    """Return the GraphDef that a text describes.

    Raises:
        DataError: It is no protobuf text, or nested deeper than `limits.MAX_GRAPH_DEPTH`.
    """
    graph = GraphDef()
    stack = [_Frame(graph, "")]
    tokens = _tokens(text)
    for kind, word, place in tokens:
        if kind == "mark" and word == stack[-1].close:
            _close(stack.pop())
        elif kind == "mark" and word in ",;":
            continue
        elif kind == "word":
            _field(stack, word, tokens, place)
        else:
            raise _unexpected(word, place, "the name of a field")
    if len(stack) > 1:
        raise DataError(f"the text ends inside {len(stack) - 1} open messages; it was cut off")
    return graph


def _tokens(text: str) -> Iterator[Token]:
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise _unexpected(text[position : position + 20], position, "protobuf text")
        position = match.end()
        if match.lastgroup is not None:
            yield match.lastgroup, match[0], match.start()


def _field(stack: list[_Frame], name: str, tokens: Iterator[Token], place: int) -> None:
    frame = stack[-1]
    field = _descriptor(frame, name)
    kind, word, place = _next(tokens, place)
    if word == ":" and kind == "mark":
        kind, word, place = _next(tokens, place)
    if kind == "mark" and word in "{<":
        if len(stack) > limits.MAX_GRAPH_DEPTH.value:
            raise DataError(f"messages nested deeper than {limits.MAX_GRAPH_DEPTH.value}")
        stack.append(_opened(frame, field, "}" if word == "{" else ">"))
    elif kind == "mark" and word == "[":
        for one in _list(tokens, place):
            _store(frame, field, *one)
    elif kind == "mark":
        raise _unexpected(word, place, f"a value of {name}")
    else:
        _store(frame, field, kind, word, place)


def _descriptor(frame: _Frame, name: str) -> FieldDescriptor | None:
    if frame.message is not None:
        return frame.message.DESCRIPTOR.fields_by_name.get(name)  # type: ignore[return-value]
    if frame.map_of is not None:
        return frame.map_of.fields_by_name.get(name)  # type: ignore[no-any-return]
    return None


def _list(tokens: Iterator[Token], place: int) -> Iterator[Token]:
    """Yield the plain values of "[1, 2]"; a list of messages is not what a GraphDef is saved as."""
    while True:
        kind, word, place = _next(tokens, place)
        if kind != "mark":
            yield kind, word, place
        elif word == "]":
            return
        elif word != ",":
            raise _unexpected(word, place, "a plain value, ',' or ']'")


def _opened(frame: _Frame, field: FieldDescriptor | None, close: str) -> _Frame:
    if field is None or field.message_type is None:
        return _Frame(None, close)
    if frame.map_of is not None:  # the value of a pair
        frame.value = GetMessageClass(field.message_type)()
        return _Frame(frame.value, close)
    holder = getattr(frame.message, field.name)
    if field.message_type.GetOptions().map_entry:
        return _Frame(None, close, map_of=field.message_type, value=None, key=holder)
    if field.is_repeated:
        return _Frame(holder.add(), close)
    holder.SetInParent()
    return _Frame(holder, close)


def _close(frame: _Frame) -> None:
    """Put a finished pair into its map: `key` is then (map, key)."""
    if frame.map_of is None or not isinstance(frame.key, tuple):
        return
    holder, key = frame.key
    if isinstance(frame.value, Message):
        holder[key].CopyFrom(frame.value)
    elif frame.value is not None:
        holder[key] = frame.value


def _store(frame: _Frame, field: FieldDescriptor | None, kind: str, word: str, place: int) -> None:
    if field is None:
        return
    value = _value(field, kind, word, place)
    try:
        if frame.map_of is not None:
            if field.name == "key" and not isinstance(frame.key, tuple):
                frame.key = (frame.key, value)
            elif field.name == "value":
                frame.value = value
        elif field.is_repeated:
            getattr(frame.message, field.name).append(value)
        else:
            setattr(frame.message, field.name, value)
    except (TypeError, ValueError, AttributeError) as error:
        raise _unexpected(word, place, f"a value of {field.name}") from error


def _value(field: FieldDescriptor, kind: str, word: str, place: int) -> object:
    try:
        if kind == "text":
            raw = text_encoding.CUnescape(word[1:-1])
            return raw if field.type == FieldDescriptor.TYPE_BYTES else raw.decode("utf-8")
        if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
            return _BOOLEANS[word]
        if field.cpp_type in _INTEGERS:
            number = _DTYPE_NUMBERS.get(word)
            return int(word, 0) if number is None else number
        if field.cpp_type in _FLOATS:
            return float(word.rstrip("fF") if word[-1:] in "fF" and "inf" not in word else word)
    except (ValueError, KeyError) as error:
        raise _unexpected(word, place, f"a value of {field.name}") from error
    raise _unexpected(word, place, f"a value of {field.name}")


def _next(tokens: Iterator[Token], place: int) -> Token:
    found = next(tokens, None)
    if found is None:
        raise DataError(f"the text ends at character {place:,}, in the middle of a field")
    return found


def _unexpected(found: str, place: int, expected: str) -> DataError:
    return DataError(f"character {place:,}: found {found[:40]!r}, expected {expected}")
