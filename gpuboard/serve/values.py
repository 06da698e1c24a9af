"""Find heavy values by what an address says, and decode them; what cannot be becomes a health row.

An address names a value by its `ref`: the number of its file and the byte at which it starts. That
stays the same while the files of a run grow.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from gpuboard.errors import DataError, InputError, NotFoundError
from gpuboard.store.columns import Problem

if TYPE_CHECKING:
    from gpuboard.eventlog.proto.event_pb2 import Summary
    from gpuboard.serve.routes import DataRoute
    from gpuboard.store.columns import Int64s
    from gpuboard.store.store import Store
    from gpuboard.store.values import Values

T = TypeVar("T")

BAD_VALUE = "bad_value"
_REF = re.compile(r"([0-9]{1,6})-([0-9]{1,18})", re.ASCII)
_RUN = re.compile(r"[0-9]{1,8}", re.ASCII)


def run_argument(route: DataRoute) -> int:
    """Return the run id of a request's query.

    Raises:
        InputError: There is none, or it is no number.
    """
    text = route.get_query_argument("run", "")
    if not _RUN.fullmatch(text):
        raise InputError(f"run: got {text[:100]!r}, expected an id that api/v1/runs lists")
    return int(text)


def tag_argument(route: DataRoute) -> str:
    """Return the tag of a request's query, exactly as it was sent.

    Raises:
        InputError: There is none.
    """
    tag = route.get_query_argument("tag", None, strip=False)
    if tag is None:
        raise InputError("tag: missing; name one that api/v1/tags lists")
    return tag


def refs_of(values: Values, places: Int64s) -> list[str]:
    """Return what addresses call these values."""
    columns = values.file[places].tolist(), values.offset[places].tolist()
    return [f"{file}-{offset}" for file, offset in zip(*columns, strict=True)]


def place_of(values: Values, ref: str) -> int:
    """Return the place of the value that an address calls `ref`.

    Raises:
        InputError: `ref` is not of the form "FILE-OFFSET".
        NotFoundError: There is no such value, or no longer.
    """
    match = _REF.fullmatch(ref)
    if match is None:
        raise InputError(f'ref: got {ref[:100]!r}, expected a ref of api/v1/steps, such as "0-88"')
    file, offset = int(match[1]), int(match[2])
    found = np.flatnonzero((values.file == file) & (values.offset == offset))
    if not len(found):
        raise NotFoundError(f"tag {values.tag!r} has no value {ref} any more; ask api/v1/steps")
    return int(found[0])


def decoded(store: Store, values: Values, place: int, decode: Callable[[Summary.Value], T]) -> T:
    """Return what `decode` makes of one value.

    Raises:
        DataError: It cannot be decoded; a row of the health page says so as well.
    """
    from gpuboard.summaries.value import parse

    return decoded_bytes(store, values, place, lambda data: decode(parse(data)))


def decoded_bytes(store: Store, values: Values, place: int, decode: Callable[[bytes], T]) -> T:
    """Return what `decode` makes of the bytes of one value, as `decoded` does."""
    from gpuboard.store.values import read

    try:
        return decode(read(values, place))
    except DataError as error:
        where = values.places[values.file[place]]
        offset = int(values.offset[place])
        step = int(values.step[place])
        note = f"{values.kind} {values.tag[:200]!r} at step {step} cannot be shown: {error}"
        store.note(Problem(where, offset, BAD_VALUE, note))
        raise
