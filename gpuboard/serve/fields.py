"""Read the fields of a request one by one; what is wrong is named with what would be right."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any

from gpuboard import limits
from gpuboard.analysis.request import AXES, CurveRequest, Fold, Smoothing, check_window, one_of
from gpuboard.errors import InputError

MAX_RUN_ID = 10_000_000
MAX_RUNS = 100_000

_RANGE = re.compile(r"\s*([0-9]{1,9})\s*(?:-\s*([0-9]{1,9})\s*)?\Z")


def run_ids(text: object) -> list[int]:
    """Return the ids that "0-99,104" names, each once, in the order named.

    Raises:
        InputError: The text is no such list, or names more than 100,000 runs.
    """
    if not isinstance(text, str):
        raise InputError(f'runs: got {_shown(text)}, expected a text such as "0-99,104"')
    ids: dict[int, None] = {}
    for part in text.split(",") if text.strip() else []:
        match = _RANGE.match(part)
        if match is None:
            raise InputError(f'runs: got {_shown(part)}, expected ids and ranges as in "0-99,104"')
        first = int(match[1])
        last = first if match[2] is None else int(match[2])
        if last < first or last > MAX_RUN_ID or len(ids) + last - first >= MAX_RUNS:
            raise InputError(
                f"runs: got {_shown(part)}, expected first <= last <= {MAX_RUN_ID} "
                f"and at most {MAX_RUNS} runs"
            )
        ids.update(dict.fromkeys(range(first, last + 1)))
    return list(ids)


def curve_request(body: Mapping[str, Any]) -> CurveRequest:
    """Return what `POST api/v1/curves` asks for.

    Raises:
        InputError: A field has the wrong type or value.
    """
    return CurveRequest(
        axis=text(body, "x", "step"),
        smoothing=smoothing(body),
        width=integer(body, "width", 320),
        window=window(body, "range"),
        overwritten=boolean(body, "overwritten"),
        is_log=boolean(body, "x_log"),
        fold=fold(body),
    )


def point_fields(body: Mapping[str, Any]) -> tuple[str, float, float | None, Smoothing]:
    """Return axis, "at", "to" and smoothing of `POST api/v1/at`.

    Raises:
        InputError: A field has the wrong type or value.
    """
    axis = text(body, "x", "step")
    one_of("x", axis, AXES)
    at = number(body, "at", None)
    to = None if body.get("to") is None else number(body, "to", None)
    check_window(at, at if to is None else to)
    return axis, at, to, smoothing(body)


def smoothing(body: Mapping[str, Any]) -> Smoothing:
    """Return the field "smooth": an object with "kind" and "amount", or nothing."""
    fields = _object(body, "smooth")
    if fields is None:
        return Smoothing()
    return Smoothing(text(fields, "kind", "none"), number(fields, "amount", 0.0))


def fold(body: Mapping[str, Any]) -> Fold | None:
    """Return the field "fold": an object with "pattern" or "names", "center" and "band"."""
    fields = _object(body, "fold")
    if fields is None:
        return None
    by = text(fields, "by", "regex")
    one_of("fold.by", by, ("regex", "hparam"))
    center, band = text(fields, "center", "mean"), text(fields, "band", "std")
    if by == "regex":
        return Fold(text(fields, "pattern", None), center, band)
    names = fields.get("names")
    if not isinstance(names, list) or not names or not all(isinstance(n, str) for n in names):
        raise InputError(f"fold.names: got {_shown(names)}, expected names of hyperparameters")
    return Fold("", center, band, tuple(names))


def window(body: Mapping[str, Any], name: str) -> tuple[float, float] | None:
    """Return a field that holds two numbers or null."""
    found = body.get(name)
    if found is None:
        return None
    if not isinstance(found, list) or len(found) != 2 or not all(map(_is_number, found)):
        raise InputError(f"{name}: got {_shown(found)}, expected [first, last] or null")
    low, high = _as_float(name, found[0]), _as_float(name, found[1])
    check_window(low, high)
    return low, high


def text(body: Mapping[str, Any], name: str, default: str | None) -> str:
    """Return a text field; a `default` of None makes it required."""
    found = body.get(name, default)
    if not isinstance(found, str):
        raise InputError(f"{name}: got {_shown(found)}, expected a text")
    return found


def number(body: Mapping[str, Any], name: str, default: float | None) -> float:
    """Return a finite number field; a `default` of None makes it required."""
    found = body.get(name, default)
    if not _is_number(found):
        raise InputError(f"{name}: got {_shown(found)}, expected a number")
    return _as_float(name, found)


def integer(body: Mapping[str, Any], name: str, default: int) -> int:
    """Return a whole number field."""
    found = number(body, name, default)
    if found != math.floor(found):
        raise InputError(f"{name}: got {_shown(found)}, expected a whole number")
    return int(found)


def boolean(body: Mapping[str, Any], name: str) -> bool:
    """Return a field that is true or false, false where it is missing."""
    found = body.get(name, False)
    if not isinstance(found, bool):
        raise InputError(f"{name}: got {_shown(found)}, expected true or false")
    return found


def since(body: Mapping[str, Any]) -> int | None:
    """Return the store version that the page already shows, None for none."""
    return None if body.get("since") is None else integer(body, "since", 0)


def limit(found: str | None) -> int:
    """Return how many tags to list: a query argument, capped by `limits.MAX_TAGS_LISTED`."""
    most = limits.MAX_TAGS_LISTED.value
    if found is None:
        return most
    if not re.fullmatch(r"[0-9]{1,9}", found):
        raise InputError(f"limit: got {_shown(found)}, expected a whole number from 0 on")
    return min(int(found), most)


def _object(body: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    found = body.get(name)
    if found is not None and not isinstance(found, dict):
        raise InputError(f"{name}: got {_shown(found)}, expected an object or null")
    return found


def _is_number(found: object) -> bool:
    return isinstance(found, int | float) and not isinstance(found, bool)


def _as_float(name: str, found: object) -> float:
    try:
        value = float(found)  # type: ignore[arg-type]
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise InputError(f"{name}: got {_shown(found)}, expected a finite number")
    return value


def _shown(found: object) -> str:
    shown = repr(found)
    return shown if len(shown) <= 80 else shown[:77] + "..."
