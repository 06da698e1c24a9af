"""Make strings from logs safe to show: the only door between them and Bokeh's text widgets."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bokeh.models.widgets.markups import Div

_ELLIPSIS = "\N{HORIZONTAL ELLIPSIS}"
_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_KEPT_CONTROLS = frozenset("\n\t")
_HIDDEN_CATEGORIES = ("Cc", "Cf", "Cs", "Co", "Zl", "Zp")


def plain(text: str, limit: int = 200) -> str:
    """Return `text` with nothing hidden in it, cut to `limit` characters.

    Control marks, direction marks, zero-width characters and lone surrogates are written as
    `<U+202E>`, so a name cannot pass for another. Emoji joiners suffer too: that is the price.

    Args:
        text: Any string of a log.
        limit: Longest result; a cut is shown by an ellipsis as its last character.

    Raises:
        ValueError: `limit` is below 1.
    """
    if limit < 1:
        raise ValueError(f"limit is {limit}, expected at least 1")
    shown = "".join(_visible(character) for character in text[: limit + 1])
    if len(text) <= limit and len(shown) <= limit:
        return shown
    return shown[: limit - 1] + _ELLIPSIS


def text_block(text: str, *, limit: int = 10_000, name: str | None = None) -> Div:
    """Return a Bokeh block that shows `text` as text, whatever markup it holds.

    Args:
        text: Any string of a log.
        limit: Characters shown, see `plain`.
        name: Slot of the template, or what it is found by.
    """
    from bokeh.models.widgets.markups import Div

    return Div(text=plain(text, limit), render_as_text=True, disable_math=True, name=name)


def _visible(character: str) -> str:
    if character in _KEPT_CONTROLS:
        return character
    if character in _BIDI or unicodedata.category(character) in _HIDDEN_CATEGORIES:
        return f"<U+{ord(character):04X}>"
    return character
