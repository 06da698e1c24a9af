"""Search names of kernels for families fast: most are plain words, and words need no pattern.

Names run to thousands of characters, and a pattern of many alternatives that ignores case tries
each of them at each place. Plain words are looked for one after the other instead, in the name in
lower case, which takes a fiftieth of the time.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable

_PLAIN = re.compile(r"(?:[\w:<, -]\??)+")
_OPTIONAL = re.compile(r"(.)\?")


def finder(pattern: str) -> Callable[[str], bool]:
    r"""Return what tells whether a pattern is found in a name that is in lower case.

    Args:
        pattern: A regular expression that ignores case. It may hold no classes in capital letters,
            such as \W.
    """
    alternatives = _alternatives(pattern.lower())
    words = [w for part in alternatives if _PLAIN.fullmatch(part) for w in _spellings(part)]
    rest = [re.compile(part) for part in alternatives if not _PLAIN.fullmatch(part)]

    def found(name: str) -> bool:
        for word in words:
            if word in name:
                return True
        return any(part.search(name) for part in rest)

    return found


def _alternatives(pattern: str) -> list[str]:
    """Split a pattern at the bars that stand in no group."""
    parts, depth = [""], 0
    for character in pattern:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "|" and not depth:
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _spellings(word: str) -> list[str]:
    """Return a word with and without each character that a question mark follows."""
    pieces = _OPTIONAL.split(word)
    choices = [(piece,) if k % 2 == 0 else (piece, "") for k, piece in enumerate(pieces)]
    return ["".join(choice) for choice in itertools.product(*choices)]
