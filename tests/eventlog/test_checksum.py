"""Check the checksum that needs no compiler against Google's library and the compiled one."""

from __future__ import annotations

import google_crc32c
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.eventlog import checksum
from gpuboard.eventlog.native import masked_crc32c
from tests import make


@given(data=st.binary(max_size=3 * checksum.BLOCK))
def test_it_is_crc32c(data):
    assert checksum.crc32c(data) == google_crc32c.value(data)


@pytest.mark.parametrize("size", [0, 1, 3, 4, 511, 512, 513, 100_001, 64 * 512, 65 * 512 + 7])
def test_it_is_crc32c_of_any_length(size):
    data = np.random.default_rng(size).integers(0, 256, size, dtype=np.uint8).tobytes()

    assert checksum.crc32c(data) == google_crc32c.value(data)
    assert checksum.crc32c(bytearray(data)) == google_crc32c.value(data)


def test_the_standards_own_examples():
    """RFC 3720, appendix B.4."""
    assert checksum.crc32c(bytes(32)) == 0x8A9136AA
    assert checksum.crc32c(b"\xff" * 32) == 0x62A8AB43
    assert checksum.crc32c(bytes(range(32))) == 0x46DD794E


@given(data=st.binary(min_size=1, max_size=99))
def test_it_is_masked_as_the_compiled_one(data):
    own = checksum.masked(checksum.crc32c(data))

    assert own == make.masked_crc(data)
    assert own == masked_crc32c(make.column(data), 0, len(data))
    (all_at_once,) = checksum.masked_all(np.array([checksum.crc32c(data)], np.uint32))
    assert all_at_once == own


@given(
    data=st.binary(min_size=8, max_size=checksum.BLOCK),
    place=st.integers(0, 7),
    byte=st.integers(0, 255),
)
def test_a_changed_byte_contributes_what_the_table_says(data, place, byte):
    changed = bytearray(data)
    changed[place] ^= byte

    behind = len(data) - 1 - place
    mended = google_crc32c.value(data) ^ int(checksum.CONTRIBUTION[behind, byte])
    assert mended == google_crc32c.value(bytes(changed))
