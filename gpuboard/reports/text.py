"""Make text from traces fit to be shown: nothing in it can steer a terminal or a page."""

from __future__ import annotations

import html


def safe(text: str) -> str:
    r"""Return text without characters that do something other than being seen.

    Control characters (escape sequences begin with one), marks that turn the direction of writing,
    invisible ones and broken surrogates become their escapes, such as `\x1b`; odd spaces and line
    breaks become a space.
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else _spelled(c) for c in text)


def escaped(text: str) -> str:
    """Return safe text as it stands in HTML, between tags or in quotes."""
    return html.escape(safe(text), quote=True)


def _spelled(character: str) -> str:
    if character.isspace() and character not in "\x1c\x1d\x1e\x1f":
        return " "
    return character.encode("unicode_escape").decode("ascii")
