"""Count the frames of a GIF without decoding them.

Source of the format: CompuServe, Graphics Interchange Format 89a, 1990. After header and global
palette come blocks: 0x21 an extension, 0x2C a frame, 0x3B the end. Content stands in sub-blocks of
a length byte and that many bytes; a length of 0 ends them.
"""

from __future__ import annotations

_HEADER = 13
_EXTENSION, _FRAME = 0x21, 0x2C


def gif_frames(encoded: bytes, most: int) -> int:
    """Return how many frames a GIF has, at most `most`; one that is cut has those before the cut.

    Only frames that stand there whole are counted.
    """
    if len(encoded) < _HEADER:
        return 0
    place = _HEADER + _palette_bytes(encoded[10])
    found = 0
    while found < most and place < len(encoded):
        kind = encoded[place]
        if kind == _EXTENSION:
            place = _after_sub_blocks(encoded, place + 2)
        elif kind == _FRAME and place + 10 <= len(encoded):
            place = _after_sub_blocks(encoded, place + 11 + _palette_bytes(encoded[place + 9]))
            found += place <= len(encoded)
        else:
            break
    return found


def _palette_bytes(flags: int) -> int:
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _after_sub_blocks(encoded: bytes, place: int) -> int:
    """Return where the next block starts: beyond the end where the sub-blocks do not end."""
    while place < len(encoded):
        length = encoded[place]
        place += 1 + length
        if not length:
            return place
    return len(encoded) + 1
