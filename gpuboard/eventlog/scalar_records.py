"""Write many scalar points as records at once, byte for byte as protobuf writes them one by one.

All records of a series look alike but for wall time, step and value. So each is copied from a
pattern whose checksum is known, the three numbers are set in all copies together, and the checksums
are mended by what the changed bytes contribute (see `checksum`).
"""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from gpuboard.eventlog.checksum import BLOCK, CONTRIBUTION, crc32c, masked, masked_all

HEADER_BYTES = 12
FOOTER_BYTES = 4
_TIME_AT = HEADER_BYTES + 1
_STEP_AT = HEADER_BYTES + 10
_LENGTH = struct.Struct("<Q")
_CHECKSUM = struct.Struct("<I")
# From so many on a step needs one more byte: it is a varint, seven bits a byte.
_LONGER_STEPS = np.array([1 << 7 * k for k in range(1, 10)], np.uint64)
_PLUGIN = b"scalars"

Int64s = npt.NDArray[np.int64]
Bytes = npt.NDArray[np.uint8]


def frame(payload: bytes) -> bytes:
    """Return a payload as one record: length, its checksum, payload, its checksum."""
    return b"".join((_header(len(payload)), payload, _CHECKSUM.pack(masked(crc32c(payload)))))


def _header(length: int) -> bytes:
    packed = _LENGTH.pack(length)
    return packed + _CHECKSUM.pack(masked(crc32c(packed)))


@dataclasses.dataclass(frozen=True, slots=True)
class _Pattern:
    """A record in which wall time, step and value are zero bytes; `crc` is that of its payload."""

    record: bytes
    crc: int
    value_at: int


class ScalarSeries:
    """What all records of one tag and form have in common.

    Attributes:
        is_double: The value takes eight bytes, else four.
    """

    __slots__ = ("_message", "_patterns", "_value_ends_before", "is_double")

    def __init__(self, tag: str, *, as_tensor: bool = False, is_double: bool = False) -> None:
        """Take in the tag and how its values are kept.

        Args:
            tag: Name of the series.
            as_tensor: In a tensor with the plugin's name beside it, as TensorFlow 2 does.
            is_double: As a double, which only a tensor can hold.

        Raises:
            UnicodeEncodeError: The tag holds half of a surrogate pair.
        """
        self.is_double = is_double and as_tensor
        value, behind = self._value_and_behind(as_tensor)
        name = tag.encode()
        entry = (_field(1, name) if name else b"") + value + behind
        self._message = _field(5, _field(1, entry))
        self._value_ends_before = len(behind)
        self._patterns: list[_Pattern | None] = [None] * 11

    def pattern(self, step_bytes: int) -> _Pattern:
        """Return the record of a step that takes so many bytes, none if it is 0."""
        return self._patterns[step_bytes] or self._make_pattern(step_bytes)

    def _value_and_behind(self, as_tensor: bool) -> tuple[bytes, bytes]:
        if not as_tensor:
            return b"\x15" + bytes(4), b""
        number = (
            b"\x08\x02" + _field(6, bytes(8))
            if self.is_double
            else b"\x08\x01" + _field(5, bytes(4))
        )
        return _field(8, number), _field(9, _field(1, _field(1, _PLUGIN)))

    def _make_pattern(self, step_bytes: int) -> _Pattern:
        step = b"\x10" + bytes(step_bytes) if step_bytes else b""
        payload = b"\x09" + bytes(8) + step + self._message
        record = frame(payload)
        width = 8 if self.is_double else 4
        value_at = len(record) - FOOTER_BYTES - self._value_ends_before - width
        made = _Pattern(record, crc32c(payload), value_at)
        self._patterns[step_bytes] = made
        return made


def _field(number: int, content: bytes) -> bytes:
    """Return a length-delimited field of a message."""
    length, size = len(content), b""
    while length > 127:
        size += bytes((length & 127 | 128,))
        length >>= 7
    return bytes((number << 3 | 2,)) + size + bytes((length,)) + content


def encode_scalars(
    series: Sequence[ScalarSeries],
    values: Sequence[float],
    steps: Sequence[int],
    times: Sequence[float],
) -> bytearray:
    """Return points as records, in their order.

    Args:
        series: What each point belongs to; there is at least one point.
        values: One beyond float32 becomes infinite, unless its series keeps doubles.
        steps: Within int64.
        times: Wall times, seconds since the epoch.
    """
    digits, step_bytes = _varints(np.array(steps, np.int64))
    patterns = [one.pattern(size) for one, size in zip(series, step_bytes.tolist(), strict=True)]
    batch = _Batch(patterns)
    batch.put(_TIME_AT, _bytes_of(np.array(times, "<f8")))
    for place in range(int(step_bytes.max())):
        has_byte = np.flatnonzero(step_bytes > place)
        batch.put(_STEP_AT + place, digits[has_byte, place, None], has_byte)
    value_at = np.array([pattern.value_at for pattern in patterns])
    wide = np.array([one.is_double for one in series], bool)
    numbers = np.array(values, "<f8")
    if wide.any():
        rows = np.flatnonzero(wide)
        batch.put(value_at[rows], _bytes_of(numbers[rows]), rows)
    rows = np.flatnonzero(~wide)
    with np.errstate(over="ignore"):
        batch.put(value_at[rows], _bytes_of(numbers[rows].astype("<f4")), rows)
    return batch.finished()


def _varints(steps: Int64s) -> tuple[Bytes, Int64s]:
    """Return the bytes of each step, shape (n, 10), and how many of them count."""
    unsigned = steps.view(np.uint64)
    count = 1 + np.searchsorted(_LONGER_STEPS, unsigned, side="right")
    count[unsigned == 0] = 0  # protobuf leaves zeros out
    shifted = unsigned[:, None] >> np.arange(0, 70, 7, dtype=np.uint64)
    digits = (shifted & np.uint64(127)).astype(np.uint8)
    digits[np.arange(10) < count[:, None] - 1] |= 128
    return digits, count


def _bytes_of(column: npt.NDArray[np.generic]) -> Bytes:
    return column.view(np.uint8).reshape(len(column), column.itemsize)


class _Batch:
    """Copies of patterns one after another, into which numbers are put."""

    def __init__(self, patterns: list[_Pattern]) -> None:
        self._out = bytearray().join([pattern.record for pattern in patterns])
        self._flat = np.frombuffer(self._out, np.uint8)
        self._crc = np.array([pattern.crc for pattern in patterns], np.uint32)
        lengths = np.array([len(pattern.record) for pattern in patterns])
        self._end = np.cumsum(lengths)
        self._start = self._end - lengths
        self._is_long = lengths > BLOCK

    def put(self, at: int | Int64s, digits: Bytes, rows: Int64s | slice = slice(None)) -> None:
        """Set bytes, shape (rows, width), from place `at` of each record on; mend its checksum."""
        start, end = self._start[rows], self._end[rows]
        places = (start + at)[:, None] + np.arange(digits.shape[1])
        self._flat[places] = digits
        behind = (end - FOOTER_BYTES - 1)[:, None] - places
        added = CONTRIBUTION[np.minimum(behind, BLOCK - 1), digits]
        self._crc[rows] ^= np.bitwise_xor.reduce(added, axis=1)

    def finished(self) -> bytearray:
        """Return all records, their checksums set."""
        for row in np.flatnonzero(self._is_long).tolist():  # beyond the table of contributions
            payload = self._flat[self._start[row] + HEADER_BYTES : self._end[row] - FOOTER_BYTES]
            self._crc[row] = crc32c(payload.data)
        footers = _bytes_of(masked_all(self._crc).astype("<u4"))
        self._flat[(self._end - FOOTER_BYTES)[:, None] + np.arange(FOOTER_BYTES)] = footers
        return self._out
