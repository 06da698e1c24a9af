"""Write JSON out in lines, part by part: no digit and no key of the original is changed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

_PART = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)
_SHORT = 100  # a list of plain values up to this many characters stays on its line
_INDENT = 2
_MAX_DEPTH = 40


def pretty_json(text: str) -> str | None:
    """Return a JSON object or list in indented lines, None where `text` is neither."""
    stripped = text.strip()
    if not stripped.startswith(("{", "[")):
        return None
    try:
        json.loads(stripped)
    except (ValueError, RecursionError):
        return None
    parts = _PART.findall(stripped)
    return None if _depth(parts) > _MAX_DEPTH else "".join(_written(parts))


def _depth(parts: list[str]) -> int:
    depth = most = 0
    for part in parts:
        depth += (part in ("{", "[")) - (part in ("}", "]"))
        most = max(most, depth)
    return most


def _written(parts: list[str]) -> Iterator[str]:
    depth = at = 0
    while at < len(parts):
        part = parts[at]
        at += 1
        if part in ("{", "["):
            end = _end_of_short(parts, at)
            if end:
                yield part + "".join(", " if t == "," else t for t in parts[at:end]) + parts[end]
                at = end + 1
                continue
            depth += 1
            yield part + _line(depth)
        elif part in ("}", "]"):
            depth -= 1
            yield _line(depth) + part
        elif part == ",":
            yield "," + _line(depth)
        else:
            yield ": " if part == ":" else part


def _end_of_short(parts: list[str], at: int) -> int:
    """Return where a short list of plain values, or anything empty, ends; 0 for what is neither."""
    if parts[at] in ("}", "]"):
        return at
    if parts[at - 1] == "{":
        return 0
    length = 0
    for end in range(at, len(parts)):
        if parts[end] == "]":
            return end
        length += len(parts[end])
        if parts[end] in ("{", "[") or length > _SHORT:
            return 0
    return 0


def _line(depth: int) -> str:
    return "\n" + " " * (_INDENT * depth)
