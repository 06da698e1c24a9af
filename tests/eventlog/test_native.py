"""Check the compiled checksums and loads against independent ones."""

from __future__ import annotations

import struct

import google_crc32c
import numba
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gpuboard.eventlog import native
from tests import make

WAYS = [native.crc32c_by_tables]
if native.crc32c is native.crc32c_by_instruction:
    WAYS.append(native.crc32c_by_instruction)


@pytest.fixture(params=WAYS, ids=lambda way: way.__name__)
def crc32c(request):
    return request.param


@pytest.mark.parametrize(
    ("data", "expected"),
    [  # RFC 3720, appendix B.4
        (bytes(32), 0x8A9136AA),
        (b"\xff" * 32, 0x62A8AB43),
        (bytes(range(32)), 0x46DD794E),
        (bytes(range(31, -1, -1)), 0x113FDB5C),
    ],
)
def test_the_published_checksums_come_out(crc32c, data, expected):
    assert crc32c(make.column(data), 0, len(data)) == expected


@given(data=st.binary(max_size=200), start=st.integers(0, 16), cut=st.integers(0, 16))
@example(data=b"", start=0, cut=0)
@example(data=b"\x80" * 33, start=1, cut=1)
def test_any_byte_range_has_the_checksum_that_google_crc32c_gives(data, start, cut):
    start = min(start, len(data))
    part = data[start : max(start, len(data) - cut)]

    found = {int(way(make.column(data), start, len(part))) for way in WAYS}

    assert found == {google_crc32c.value(part)}


def test_the_masked_checksum_of_eight_zeros_is_the_one_seen_in_zero_filled_logs():
    assert native.masked_crc32c(make.column(bytes(8)), 0, 8) == 0x07980329


@given(data=st.binary(max_size=80))
def test_a_masked_checksum_stays_within_32_bits_and_equals_the_definition(data):
    assert native.masked_crc32c(make.column(data), 0, len(data)) == make.masked_crc(data)


@numba.njit
def _load_all(data, position):
    return (
        native.load_u8(data, position),
        native.load_u32(data, position),
        native.load_i64(data, position),
        native.load_f32(data, position),
        native.load_f64(data, position),
    )


@pytest.mark.parametrize("position", range(8))
def test_loads_need_no_alignment_and_extend_the_right_way(position):
    data = bytes(range(250, 234, -1))

    loaded = _load_all(make.column(data), position)

    part = data[position : position + 8]
    expected = (
        part[0],
        *struct.unpack("<I", part[:4]),
        *struct.unpack("<q", part),
        *struct.unpack("<f", part[:4]),
        *struct.unpack("<d", part),
    )
    assert np.array_equal(np.array(loaded, object), np.array(expected, object))
