import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.analysis.text_search import checked, found_in
from gpuboard.errors import InputError

WORDS = st.text("ab.ü\n *(", max_size=12)


def search(pattern, texts, *, is_regex=False, ignore_case=False):
    return found_in(checked(pattern, is_regex=is_regex, ignore_case=ignore_case), texts)


@given(st.text("ab.ü\n *(", min_size=1, max_size=3), st.lists(WORDS, max_size=5))
def test_plain_words_are_found_where_python_finds_them(pattern, texts):
    found = {find.index: find for find in search(pattern, texts)}

    assert set(found) == {i for i, text in enumerate(texts) if pattern in text}
    for i, find in found.items():
        assert find.match == pattern
        assert find.count == texts[i].count(pattern)
        assert find.before == texts[i][: texts[i].index(pattern)]


@pytest.mark.parametrize(
    ("pattern", "text"),
    [(r"\d+", "epoch 12 of 40"), (r"^b.*$", "a\nbcd\nbef"), (r"a|ü", "xüa"), (r"(l)(o)", "hello")],
)
def test_expressions_find_what_pythons_do(pattern, text):
    (find,) = search(pattern, [text], is_regex=True)

    theirs = re.search(pattern, text, re.MULTILINE)
    assert (find.match, find.before) == (theirs[0], text[: theirs.start()])
    assert find.count == len(re.findall(pattern, text, re.MULTILINE))


def test_case_counts_only_if_asked():
    assert not search("loss", ["LOSS", "löss"])
    assert [find.match for find in search("lÖss", ["Löss"], ignore_case=True)] == ["Löss"]


def test_only_a_little_around_a_find_is_shown():
    (find,) = search("needle", ["é" * 1000 + "needle" + "ü" * 1000])

    assert set(find.before) == {"é"}
    assert set(find.after) == {"ü"}
    assert len(find.before) + len(find.after) < 150


def test_matches_of_nothing_do_not_count():
    assert not search("x*", ["abc"], is_regex=True)


def test_a_pattern_that_would_never_end_elsewhere_ends():
    assert not search(r"(a+)+$.*.*.*x", ["a" * 100_000 + "b"], is_regex=True)


@pytest.mark.parametrize(
    "pattern", ["", "(a", "a)(b", "(?=a)", r"(a)\1", "a" * 501, "(.{999}){999}"]
)
def test_what_is_no_expression_is_told(pattern):
    with pytest.raises(InputError):
        search(pattern, ["a"], is_regex=True)
