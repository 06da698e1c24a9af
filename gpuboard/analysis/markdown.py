"""Render Markdown from strangers to HTML of which nothing can act.

Three walls, each enough by itself: the parser takes no HTML and no images, the sanitiser keeps an
allow-list of elements and attributes, and the page builds what it shows anew from a list of its own
(`static/sanitised.js`) under a policy that runs no inline script.
"""

from __future__ import annotations

import functools
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# fmt: off
TAGS = frozenset(
    {
        "a", "blockquote", "br", "code", "del", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr",
        "li", "ol", "p", "pre", "s", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
    }
)
# fmt: on
ATTRIBUTES = {"a": {"href", "title"}, "td": {"align"}, "th": {"align"}, "ol": {"start"}}
SCHEMES = frozenset({"http", "https", "mailto"})
LINK_REL = "noopener noreferrer nofollow"

_VALUES = {
    "href": re.compile(r"(?:https?://|mailto:)\S+", re.IGNORECASE),
    "align": re.compile(r"left|right|center"),
    "start": re.compile(r"[0-9]{1,9}", re.ASCII),
}
_ALIGNED = re.compile(r"text-align:(left|right|center)")


def rendered(text: str) -> str:
    """Return CommonMark with tables and strikethrough as sanitised HTML.

    Images become their links; links lead to http, https and mail addresses alone.

    Args:
        text: Any text; its length is the caller's to cap, 200,000 characters take up to 2 s.
    """
    return sanitised(_parser().render(text))


def sanitised(html: str) -> str:
    """Return `html` without what is not on the allow-list; doing it twice changes nothing."""
    import nh3

    return nh3.clean(
        html,
        tags=set(TAGS),
        # Without "*" every tag may have a title and a language.
        attributes={**ATTRIBUTES, "*": set()},
        attribute_filter=_kept,
        url_schemes=set(SCHEMES),
        link_rel=LINK_REL,
        strip_comments=True,
    )


def _kept(tag: str, attribute: str, value: str) -> str | None:
    del tag
    pattern = _VALUES.get(attribute)
    return value if pattern is None or pattern.fullmatch(value) else None


@functools.cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    parser.disable("image")
    parser.core.ruler.push("align", lambda state: _align(state.tokens))
    return parser


def _align(tokens: list[Token]) -> None:
    """Turn the style of table cells, which the sanitiser drops, into `align`."""
    for token in tokens:
        found = _ALIGNED.fullmatch(str(token.attrs.pop("style", "")))
        if found:
            token.attrs["align"] = found[1]
