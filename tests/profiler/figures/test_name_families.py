from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.profiler.figures.kernel_classes import _FAMILIES
from gpuboard.profiler.figures.name_families import finder
from gpuboard.profiler.figures.tensor_cores import FAMILIES
from tests.profiler.figures.test_tensor_cores import NOT_USED, UNKNOWN, USED

PATTERNS = [family.pattern for family in FAMILIES] + [pattern for _, pattern in _FAMILIES]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_finder_finds_what_its_pattern_finds(pattern):
    found = finder(pattern)

    for name in (*USED, *NOT_USED, *UNKNOWN):
        assert found(name.lower()) == bool(re.search(pattern, name, re.IGNORECASE)), name


@given(st.text("abcg_", max_size=12))
def test_optional_characters_and_groups_are_kept_apart(name):
    pattern = r"a_?b?c|g{2}|(a|b)_c|^c|(?<!a)gb"

    assert finder(pattern)(name) == bool(re.search(pattern, name))
