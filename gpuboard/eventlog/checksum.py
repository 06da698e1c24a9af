"""Compute CRC-32C with NumPy alone, for processes that should load neither numba nor a compiler.

A CRC without its constants is linear over exclusive or: that of a record is the exclusive or of
what each byte contributes, and a byte's contribution depends only on its value and on how many
bytes follow it. `CONTRIBUTION` holds these; all bytes of many records are looked up at once. A
state from before a block acts like four bytes added to the block's first four.

Source: RFC 3720, appendix B.4 (polynomial, constants); the mask is TFRecord's.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

# Bytes that may follow a byte, and the length of the blocks into which long data is cut.
BLOCK = 512

_POLYNOMIAL = 0x82F63B78
_ONES = 0xFFFFFFFF
_MASK = 0xA282EAD8
_ROWS = 64  # blocks looked up at once, so that the numbers stay in the processor's cache

Words = npt.NDArray[np.uint32]
Bytes = npt.NDArray[np.uint8]


def _contributions() -> Words:
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = (table >> np.uint32(1)) ^ (table & np.uint32(1)) * np.uint32(_POLYNOMIAL)
    rows = np.empty((BLOCK, 256), np.uint32)
    rows[0] = table
    for zeros in range(1, BLOCK):
        before = rows[zeros - 1]
        rows[zeros] = table[before & np.uint32(255)] ^ (before >> np.uint32(8))
    rows.flags.writeable = False
    return rows


CONTRIBUTION: Final = _contributions()
"""What a byte adds to a CRC, uint32 of shape (bytes that follow it, 256)."""

_FLAT = CONTRIBUTION.ravel()
_PLACES = np.arange(BLOCK - 1, -1, -1, dtype=np.intp) * 256
# A state's four bytes in front of a whole block, as lists: they are looked up one by one.
_CARRY = tuple(CONTRIBUTION[BLOCK - 1 - k].tolist() for k in range(4))


def crc32c(data: bytes | bytearray | memoryview) -> int:
    """Return the CRC-32C of bytes of any length."""
    column = np.frombuffer(data, np.uint8)
    head = len(column) % BLOCK
    state = _advance(_ONES, column[:head])
    blocks = column[head:].reshape(-1, BLOCK)
    first, second, third, fourth = _CARRY
    for start in range(0, len(blocks), _ROWS):
        for own in _sums(blocks[start : start + _ROWS]).tolist():
            state = (
                own
                ^ first[state & 255]
                ^ second[(state >> 8) & 255]
                ^ third[(state >> 16) & 255]
                ^ fourth[state >> 24]
            )
    return state ^ _ONES


def masked(crc: int) -> int:
    """Return a CRC rotated and offset, as record files store it."""
    return (((crc >> 15) | (crc << 17)) + _MASK) & _ONES


def masked_all(crcs: Words) -> Words:
    """Return CRCs rotated and offset, as record files store them."""
    rotated = (crcs >> np.uint32(15)) | (crcs << np.uint32(17))
    return rotated + np.uint32(_MASK)


def _sums(blocks: Bytes) -> Words:
    found: Words = np.bitwise_xor.reduce(_FLAT[blocks + _PLACES], axis=1)
    return found


def _advance(state: int, column: Bytes) -> int:
    """Return the state after fewer bytes than a block."""
    length = len(column)
    if length < 4:
        table = CONTRIBUTION[0]
        for byte in column.tolist():
            state = int(table[(state ^ byte) & 255]) ^ (state >> 8)
        return state
    own = int(np.bitwise_xor.reduce(_FLAT[column + _PLACES[BLOCK - length :]]))
    for place in range(4):
        own ^= int(CONTRIBUTION[length - 1 - place, (state >> 8 * place) & 255])
    return own
