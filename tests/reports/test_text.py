"""Text from traces steers neither terminals nor pages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.reports.text import escaped, safe


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("aten::mm", "aten::mm"),
        ("größer 日本 🙂", "größer 日本 🙂"),
        ("\x1b[31mred", "\\x1b[31mred"),
        ("\x9b2J", "\\x9b2J"),
        ("a\nb\tc", "a b c"),
        ("\u202eexe.txt", "\\u202eexe.txt"),
        ("a\u200bb", "a\\u200bb"),
        ("\ud800", "\\ud800"),
        ("a\u00a0b", "a b"),
    ],
)
def test_what_cannot_be_seen_is_spelled_out(text, expected):
    assert safe(text) == expected


@given(st.text())
def test_safe_text_can_be_printed_and_encoded_whatever_it_was(text):
    found = safe(text)

    assert found.isprintable()
    found.encode("utf-8")


@given(st.text(alphabet="<>&\"'\x1bab"))
def test_escaped_text_holds_no_character_that_html_understands(text):
    assert not set(escaped(text)) & set("<>\"'\x1b")
