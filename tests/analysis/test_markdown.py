import re
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard.analysis.markdown import ATTRIBUTES, TAGS, rendered, sanitised
from tests.payloads import PAYLOADS

REL = "noopener noreferrer nofollow"


class Elements(HTMLParser):
    """Lists the elements of a piece of HTML, and says whether it holds anything but them."""

    def __init__(self, html):
        super().__init__()
        self.found = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))

    def handle_comment(self, data):
        raise AssertionError(f"a comment: {data}")

    handle_decl = unknown_decl = handle_pi = handle_comment


def check_harmless(html):
    for tag, attributes in Elements(html).found:
        assert tag in TAGS
        assert set(attributes) <= ATTRIBUTES.get(tag, set()) | ({"rel"} if tag == "a" else set())
        if "href" in attributes:
            assert re.match(r"(https?://|mailto:)", attributes["href"], re.IGNORECASE)
            assert attributes["rel"] == REL
        assert attributes.get("align", "left") in ("left", "right", "center")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_leaves_anything_that_acts(payload):
    check_harmless(rendered(payload))
    check_harmless(sanitised(payload))


def test_no_tag_keeps_a_title_or_a_language_that_was_not_allowed_it():
    assert sanitised("<p title='x' lang='y'>a</p>") == "<p>a</p>"


@given(st.lists(st.sampled_from(PAYLOADS), min_size=1, max_size=4), st.data())
@settings(max_examples=200)
def test_pieces_of_payloads_are_as_harmless(payloads, data):
    whole = "".join(payloads)
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, len(whole)))

    check_harmless(rendered(whole[start:end]))
    check_harmless(sanitised(whole[start:end]))


HTML = st.lists(
    st.sampled_from(
        [*PAYLOADS, "<p>", "</p>", "<b>", "<pre>\n", "<table>", "<td>", "&lt;", "&", "x"]
    )
    | st.text(max_size=8),
    max_size=8,
).map("".join)


@given(HTML)
@settings(max_examples=300)
def test_sanitising_twice_changes_nothing(html):
    once = sanitised(html)

    assert sanitised(once) == once


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**a** *b* `c`", "<p><strong>a</strong> <em>b</em> <code>c</code></p>"),
        ("# a", "<h1>a</h1>"),
        ("- a\n- b", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>"),
        ("3. a", '<ol start="3">\n<li>a</li>\n</ol>'),
        ("~~a~~", "<p><s>a</s></p>"),
        ("```\na < b\n```", "<pre><code>a &lt; b\n</code></pre>"),
        ("> a", "<blockquote>\n<p>a</p>\n</blockquote>"),
        ("a < b & c", "<p>a &lt; b &amp; c</p>"),
        (
            "[a](https://b.example 'c')",
            f'<p><a href="https://b.example" title="c" rel="{REL}">a</a></p>',
        ),
        ("![a](https://b.example)", f'<p>!<a href="https://b.example" rel="{REL}">a</a></p>'),
    ],
)
def test_markdown_becomes_html(text, html):
    assert rendered(text).strip() == html


def test_tables_keep_the_side_to_which_they_are_aligned():
    html = rendered("| a | b | c |\n|:--|--:|---|\n| 1 | 2 | 3 |\n")

    cells = [attributes for tag, attributes in Elements(html).found if tag in ("th", "td")]
    assert cells == [{"align": "left"}, {"align": "right"}, {}] * 2
