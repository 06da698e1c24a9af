"""Decode the texts of a trace, each of them once, and say what is wrong with them."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.traces.scan_texts import COMPOSITE, COUNT, ESCAPED, USED, Texts

Found = tuple[str, int]

_ESCAPE = re.compile(r'(\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))|\\')
_SURROGATE = re.compile("[\ud800-\udfff]")
_BLANKS = re.compile(r"\s+")
_WORDS = re.compile(r'("(?:[^"\\]|\\.)*")|(?<=[\[:,\s])([A-Za-z][\w./-]*)')
_JSON_WORDS = {"true", "false", "null", "NaN", "Infinity"}


def _mended(text: str) -> tuple[str, int]:
    """Return text in which every backslash that begins no escape is doubled, and how many were."""
    bad = 0

    def mend(match: re.Match[str]) -> str:
        nonlocal bad
        if match[1] is not None:
            return match[1]
        bad += 1
        return r"\\"

    return _ESCAPE.sub(mend, text), bad


def unescaped(text: str) -> str:
    r"""Return what stands between the quotes of a JSON string, decoded.

    An escape that JSON does not have, such as those in `C:\Users`, stays as it stands; half of a
    surrogate pair becomes U+FFFD.
    """
    mended, _ = _mended(text)
    try:
        decoded: str = json.loads(f'"{mended}"', strict=False)
    except ValueError:
        decoded = text
    return _SURROGATE.sub("\ufffd", decoded)


def mended_json(text: str) -> str:
    """Return JSON text in which bad escapes are doubled and unknown words are null."""

    def word(match: re.Match[str]) -> str:
        if match[1] is not None:
            return _mended(match[1])[0]
        return match[2] if match[2] in _JSON_WORDS else "null"

    return _WORDS.sub(word, text)


def canonical(text: str) -> str:
    """Return a list or object as `json.dumps` writes it, so that equal ones have equal text."""
    if '"' not in text:
        return _BLANKS.sub("", text).replace(",", ", ").replace(":", ": ")
    try:
        return _SURROGATE.sub("\ufffd", _dumped(json.loads(text, strict=False)))
    except (ValueError, RecursionError):
        return text


def _dumped(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


class Decoded:
    """All texts of a trace.

    Attributes:
        strings: By number; two numbers may have the same text (see `same`).
        same: The first number that has the same text, of each; None when all differ.
        problems: Kind and offset of each text with something wrong, in order.
    """

    def __init__(self, texts: Texts) -> None:
        count, used = int(texts.size[COUNT]), int(texts.size[USED])
        blob = texts.text[:used].tobytes()
        start = texts.start[: count + 1]
        self.problems: list[Found] = []
        self.strings = self._split(blob, start.tolist())
        self._decode_special(texts.sort[:count], texts.offset)
        self.same: npt.NDArray[np.int32] | None = None
        first: dict[str, int] = {}
        if count != len(set(self.strings)):
            numbers = (first.setdefault(text, k) for k, text in enumerate(self.strings))
            self.same = np.fromiter(numbers, np.int32, count)
        self._find_problems(blob, texts)

    @staticmethod
    def _split(blob: bytes, start: list[int]) -> list[str]:
        if blob.isascii():
            text = blob.decode("ascii")
            return [text[a:b] for a, b in itertools.pairwise(start)]
        parts = (blob[a:b] for a, b in itertools.pairwise(start))
        return [part.decode("utf-8", "replace") for part in parts]

    def _decode_special(self, sort: npt.NDArray[np.uint8], offset: npt.NDArray[np.int64]) -> None:
        for number in np.flatnonzero(sort == ESCAPED).tolist():
            text = self.strings[number]
            if _mended(text)[1]:
                self.problems.append(("bad_escape", int(offset[number])))
            self.strings[number] = unescaped(text)
        for number in np.flatnonzero(sort == COMPOSITE).tolist():
            self.strings[number] = canonical(self.strings[number])

    def _find_problems(self, blob: bytes, texts: Texts) -> None:
        plain = texts.sort[: int(texts.size[COUNT])] != COMPOSITE
        raw = np.frombuffer(blob, np.uint8)
        self._note(np.flatnonzero(raw < _BLANK), "control_character", plain, texts)
        if not blob.isascii():
            wrong = [k for k in range(len(plain)) if "\ufffd" in self.strings[k]]
            self.problems += [("bad_text", int(texts.offset[k])) for k in wrong if plain[k]]

    def _note(
        self, places: npt.NDArray[np.int64], kind: str, plain: npt.NDArray[np.bool_], texts: Texts
    ) -> None:
        count = int(texts.size[COUNT])
        numbers = np.unique(np.searchsorted(texts.start[: count + 1], places, "right") - 1)
        numbers = numbers[plain[numbers]]
        self.problems += [(kind, int(texts.offset[k])) for k in numbers]


_BLANK = 0x20


def renumbered(
    columns: Iterable[npt.NDArray[np.int32]], same: npt.NDArray[np.int32] | None
) -> list[npt.NDArray[np.int32]]:
    """Return columns of texts' numbers in which equal texts have equal numbers."""
    if same is None:
        return list(columns)
    return [np.where(column >= 0, same[column], column) for column in columns]
