"""Find a pattern in many long texts, in time that grows with their length alone.

Patterns are regular expressions of RE2 (through Arrow), which never tries a text twice; Python's
`re` could take for ever on a text of a hundred thousand characters. `^` and `$` match at every
line.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gpuboard import limits
from gpuboard.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

_AROUND = 60  # bytes shown on either side of a find


@dataclasses.dataclass(frozen=True, slots=True)
class Find:
    """The first place in a text where a pattern occurs.

    Attributes:
        index: Which of the texts.
        count: How often the pattern occurs in it.
        before: A little of what stands before it.
        match: What was found.
        after: A little of what stands after it.
    """

    index: int
    count: int
    before: str
    match: str
    after: str


@dataclasses.dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern that has been checked: `expression` is one of RE2."""

    expression: str
    ignore_case: bool


def checked(text: str, *, is_regex: bool, ignore_case: bool) -> Pattern:
    """Return a pattern that `found_in` takes.

    Raises:
        InputError: It is empty, too long, or not a regular expression of RE2.
    """
    longest = limits.MAX_REGEX_CHARACTERS.value
    if not 0 < len(text) <= longest:
        raise InputError(f"the pattern has {len(text)} characters, expected 1 to {longest}")
    pattern = Pattern(text if is_regex else re.escape(text), ignore_case)
    found_in(pattern, [""])
    return pattern


def found_in(pattern: Pattern, texts: Sequence[str]) -> list[Find]:
    """Return what is found, in the order of the texts; those without a match are left out.

    Matches of nothing, such as those of `a*` in "b", do not count.

    Raises:
        InputError: It is not a regular expression of RE2.
    """
    import pyarrow as pa

    encoded = [text.encode("utf-8", "backslashreplace") for text in texts]
    try:
        start, length, count = _places(pattern, pa.array(encoded, pa.large_string()))
    except pa.ArrowInvalid as error:
        reason = str(error).removeprefix("Invalid regular expression: ").partition(":")[0]
        raise InputError(f"not a regular expression of RE2: {reason[:200]}") from error
    return [
        _find(i, encoded[i], start[i], length[i], count[i])
        for i in range(len(encoded))
        if start[i] >= 0 and length[i]
    ]


def _places(pattern: Pattern, column: pa.Array) -> tuple[list[int], list[int], list[int]]:
    """Return where the first match of each text begins, -1 for none, its length, and how many."""
    import pyarrow.compute as pc

    compute: Any = pc
    expression = ("(?mi)" if pattern.ignore_case else "(?m)") + pattern.expression
    start = compute.find_substring_regex(column, expression)
    count = compute.count_substring_regex(column, expression)
    without = compute.replace_substring_regex(column, expression, "", max_replacements=1)
    length = compute.subtract(compute.binary_length(column), compute.binary_length(without))
    return start.to_pylist(), length.to_pylist(), count.to_pylist()


def _find(index: int, text: bytes, start: int, length: int, count: int) -> Find:
    end = start + length
    before, after = text[max(start - _AROUND, 0) : start], text[end : end + _AROUND]
    return Find(
        index=index,
        count=count,
        before=before.decode("utf-8", "ignore"),
        match=text[start:end][: 4 * _AROUND].decode("utf-8", "ignore"),
        after=after.decode("utf-8", "ignore"),
    )
