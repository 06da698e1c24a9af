import re

import pytest

from gpuboard import limits
from gpuboard.analysis import patterns
from gpuboard.errors import InputError, LimitError


@pytest.mark.parametrize(
    "pattern",
    [
        "loss",
        "(.*)/seed\\d+",
        "(a|b)/c+",
        "(?:train|eval)/.*",
        "[)+*(]+",
        r"\(a+\)+",
        "(a{2}){3}",
        "x{2,}",
        "(?P<n>ab)+",
    ],
)
def test_ordinary_patterns_are_taken(pattern):
    assert patterns.compiled(pattern).pattern == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "(a+)+",
        "(a*)*b",
        "(.*)*x",
        "((a+)b?)+$",
        "(a|aa)+$",
        "(?:a|b)*",
        "(x{2,})+",
        "(a{1,9}){2,9}",
    ],
)
def test_patterns_that_could_take_forever_are_refused(pattern):
    with pytest.raises(InputError, match="can take forever"):
        patterns.compiled(pattern)


@pytest.mark.parametrize("pattern", ["(", "*a", "[z-a]", "(?P<1>a)", "a{99999999999999999999}"])
def test_what_is_no_pattern_is_refused(pattern):
    with pytest.raises(InputError, match="not a regular expression"):
        patterns.compiled(pattern)


def test_a_long_pattern_is_refused_with_both_lengths():
    longest = limits.MAX_REGEX_CHARACTERS.value
    with pytest.raises(InputError, match=f"has {longest + 1} characters, at most {longest}"):
        patterns.compiled("a" * (longest + 1))


def test_long_names_are_searched_at_their_beginning_only():
    found = list(patterns.searched(re.compile("z"), ["a" * 5000 + "z", "z" + "a" * 5000]))

    assert [match is not None for match in found] == [False, True]


def test_a_search_over_many_names_ends_after_its_time(monkeypatch):
    monkeypatch.setattr(patterns, "MAX_SECONDS", -1.0)

    with pytest.raises(LimitError, match="for 0 of 3 names"):
        list(patterns.searched(re.compile("a"), ["a", "b", "c"]))
