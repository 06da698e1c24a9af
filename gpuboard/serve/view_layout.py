"""Check the layout of a view that a browser sends: its cards, their places, how they are drawn."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping
from typing import Any

from gpuboard import limits
from gpuboard.errors import InputError, LimitError

COLUMNS = 12  # of the grid in which cards lie
MAX_ROWS = 40
MAX_TITLE_CHARACTERS = 300
MAX_SELECTION_CHARACTERS = 30_000

_ID = re.compile(r"[A-Za-z0-9_-]{4,40}", re.ASCII)
_KIND = re.compile(r"[a-z][a-z0-9_]{0,31}", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class Card:
    """One card of a view.

    Attributes:
        kind: What draws it: "scalar", "custom", "note", or the name of a page of values.
        title: Shown above it.
        width: Columns of the grid, 1 to 12.
        height: Rows of the grid.
        spec: What it shows, as the module of its kind wants it.
    """

    id: str
    kind: str
    title: str
    width: int
    height: int
    spec: Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Layout:
    """What a view holds.

    Attributes:
        cards: In the order in which they lie.
        follow: Whether the charts show the runs of the run selector.
        runs: The selection of runs kept with the view, see `gpuboard.serve.run_selection`.
        settings: How charts are drawn, by names of the state keys of pages.
    """

    cards: tuple[Card, ...]
    follow: bool
    runs: str
    settings: Mapping[str, Any]

    def as_json(self) -> str:
        """Return the layout as compact JSON.

        Raises:
            LimitError: It has more than `limits.MAX_VIEW_BYTES`.
        """
        plain = dataclasses.asdict(self)
        text = json.dumps(plain, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        size, most = len(text.encode("utf-8", "replace")), limits.MAX_VIEW_BYTES.value
        if size > most:
            raise LimitError(
                f"the view takes {size} bytes, at most {most} are kept "
                f"({limits.MAX_VIEW_BYTES.name})"
            )
        return text


def checked_id(text: str) -> str:
    """Return the name of a view in addresses.

    Raises:
        InputError: It is none.
    """
    if not _ID.fullmatch(text):
        raise InputError(f"view: got {text[:80]!r}, expected 4 to 40 letters, digits, - or _")
    return text


def checked_title(found: object) -> str:
    """Return a title without white space around it.

    Raises:
        InputError: It is no text, empty or too long.
    """
    title = _text("title", found, MAX_TITLE_CHARACTERS).strip()
    if not title:
        raise InputError("title: got nothing, expected a text")
    return title


def checked_layout(found: object) -> Layout:
    """Return the layout of a view; what it does not need is left out.

    Raises:
        InputError: A part has the wrong type or value; the text names it.
        LimitError: It has more cards than a view can hold.
    """
    body = _object("layout", found)
    cards = body.get("cards", [])
    if not isinstance(cards, list):
        raise InputError(f"layout.cards: got {str(cards)[:80]!r}, expected a list")
    if len(cards) > limits.MAX_VIEW_CARDS.value:
        raise LimitError(
            f"layout.cards: {len(cards)} cards, a view holds at most "
            f"{limits.MAX_VIEW_CARDS.value} ({limits.MAX_VIEW_CARDS.name})"
        )
    follow = body.get("follow", False)
    if not isinstance(follow, bool):
        raise InputError(f"layout.follow: got {str(follow)[:80]!r}, expected true or false")
    return Layout(
        cards=tuple(_card(f"layout.cards[{k}]", card) for k, card in enumerate(cards)),
        follow=follow,
        runs=_text("layout.runs", body.get("runs", ""), MAX_SELECTION_CHARACTERS),
        settings=_object("layout.settings", body.get("settings", {})),
    )


def _card(where: str, found: object) -> Card:
    body = _object(where, found)
    kind = _text(f"{where}.kind", body.get("kind"), 32)
    if not _KIND.fullmatch(kind):
        raise InputError(f"{where}.kind: got {kind!r}, expected lower-case letters")
    return Card(
        id=checked_id(_text(f"{where}.id", body.get("id"), 40)),
        kind=kind,
        title=_text(f"{where}.title", body.get("title", ""), MAX_TITLE_CHARACTERS),
        width=_size(f"{where}.width", body.get("width", 6), COLUMNS),
        height=_size(f"{where}.height", body.get("height", 6), MAX_ROWS),
        spec=_object(f"{where}.spec", body.get("spec", {})),
    )


def _object(where: str, found: object) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise InputError(f"{where}: got {str(found)[:80]!r}, expected an object")
    return found


def _text(where: str, found: object, longest: int) -> str:
    if not isinstance(found, str):
        raise InputError(f"{where}: got {str(found)[:80]!r}, expected a text")
    if len(found) > longest:
        raise InputError(f"{where}: got {len(found)} characters, at most {longest} are taken")
    return found


def _size(where: str, found: object, most: int) -> int:
    if isinstance(found, bool) or not isinstance(found, int) or not 1 <= found <= most:
        raise InputError(f"{where}: got {str(found)[:80]!r}, expected 1 to {most}")
    return found
