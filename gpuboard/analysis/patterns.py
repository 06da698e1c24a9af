"""Take regular expressions from strangers, and give up on those that could take forever.

Python's `re` tries every way to match and cannot be stopped. So a pattern is capped in length
(`limits.MAX_REGEX_CHARACTERS`), a repeated group that itself holds a repetition or an alternative,
such as `(a+)+` or `(a|b)*`, is refused, names are looked at up to their 1,000th character, and a
search over many names ends after two seconds.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence

from gpuboard import limits
from gpuboard.errors import InputError, LimitError

MAX_NAME_CHARACTERS = 1_000
MAX_SECONDS = 2.0
NAMES_PER_LOOK_AT_THE_CLOCK = 64

_TOKEN = re.compile(r"\\.|\[\^?\]?(?:\\.|[^\]\\])*\]|\{\d*,?\d*\}|.", re.DOTALL)


def compiled(pattern: str) -> re.Pattern[str]:
    """Return the compiled pattern.

    Raises:
        InputError: It is too long, not a regular expression, or could take exponential time.
    """
    longest = limits.MAX_REGEX_CHARACTERS.value
    if len(pattern) > longest:
        raise InputError(
            f"the regular expression has {len(pattern)} characters, at most {longest} are taken"
        )
    try:
        result = re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise InputError(f"not a regular expression: {error}") from error
    if _could_explode(pattern):
        raise InputError(
            "the regular expression repeats a group that itself holds +, *, {n,m} or |, "
            "which can take forever; repeat simpler groups, or write the group out"
        )
    return result


def searched(pattern: re.Pattern[str], names: Sequence[str]) -> Iterator[re.Match[str] | None]:
    """Yield for each name where the pattern occurs in it first, None where it does not.

    Raises:
        LimitError: The names took longer than two seconds.
    """
    deadline = time.monotonic() + MAX_SECONDS
    for i, name in enumerate(names):
        if i % NAMES_PER_LOOK_AT_THE_CLOCK == 0 and time.monotonic() > deadline:
            raise LimitError(
                f"the regular expression took more than {MAX_SECONDS:g} s for {i} of "
                f"{len(names)} names; simplify it"
            )
        yield pattern.search(name[:MAX_NAME_CHARACTERS])


def _could_explode(pattern: str) -> bool:
    """Return whether a repetition of no fixed count applies to a group that holds one, or a `|`."""
    parts = _TOKEN.findall(pattern)
    holds = [False]
    for i, part in enumerate(parts):
        after = parts[i + 1] if i + 1 < len(parts) else ""
        if part == "(":
            holds.append(False)
        elif part == ")" and len(holds) > 1:
            held = holds.pop()
            if held and _varies(after):
                return True
            holds[-1] |= held
        elif part == "|" or _varies(part):
            holds[-1] = True
    return False


def _varies(part: str) -> bool:
    return part in ("*", "+") or (len(part) > 2 and part[0] == "{" and "," in part)
