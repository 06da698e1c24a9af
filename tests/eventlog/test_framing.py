"""Check how record boundaries are found."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.eventlog import framing
from tests import make

MAX = 1 << 20
PAYLOADS = st.lists(st.binary(max_size=40), max_size=6)


def walk(data, start=0):
    return framing.walk(make.column(data), start, len(data), MAX)


@given(payloads=PAYLOADS, data=st.data())
def test_every_cut_keeps_exactly_the_whole_records_before_it(payloads, data):
    whole = make.records(payloads)
    cut = data.draw(st.integers(0, len(whole)))

    end, reason = walk(whole[:cut])

    assert end == max(b for b in make.boundaries(payloads) if b <= cut)
    assert reason == framing.CUT


@given(payloads=PAYLOADS, zeros=st.integers(12, 60))
def test_a_zero_header_stops_the_walk_as_unwritten(payloads, zeros):
    whole = make.records(payloads)

    assert walk(whole + bytes(zeros)) == (len(whole), framing.ZEROS)


def test_an_empty_payload_is_a_record_and_no_zero_header():
    assert walk(make.record(b"")) == (16, framing.CUT)


@pytest.mark.parametrize("bit", range(96))
def test_any_flipped_bit_of_a_header_is_damage(bit):
    data = bytearray(make.records([b"abc", b"defg"]))
    data[19 + bit // 8] ^= 1 << bit % 8

    assert walk(bytes(data)) == (19, framing.DAMAGED)


@pytest.mark.parametrize("length", [MAX + 1, 1 << 60, (1 << 63) - 1, 1 << 63, (1 << 64) - 1])
def test_a_length_beyond_reason_is_damage_even_with_a_right_checksum(length):
    packed = struct.pack("<Q", length)
    data = packed + struct.pack("<I", make.masked_crc(packed)) + bytes(32)

    assert walk(data) == (0, framing.DAMAGED)


def test_a_walk_starts_where_it_is_told_to():
    data = b"junk!" + make.records([b"abc"])

    assert walk(data, 5) == (len(data), framing.CUT)


@given(junk=st.binary(max_size=50), payload=st.binary(max_size=30))
def test_the_next_record_behind_junk_is_found(junk, payload):
    data = junk + make.record(payload) + b"behind"

    assert framing.find_record(make.column(data), 0, len(data), MAX) == len(junk)


@given(junk=st.binary(max_size=60))
def test_without_a_record_the_search_leaves_what_it_could_not_judge(junk):
    found = framing.find_record(make.column(junk), 0, len(junk), MAX)

    assert found == max(0, len(junk) - framing.HEADER_BYTES + 1)


def test_a_header_of_zeros_is_not_taken_for_a_record():
    data = bytes(40) + make.record(b"x")

    assert framing.find_record(make.column(data), 0, len(data), MAX) == 40


@given(payloads=PAYLOADS.filter(len))
def test_the_last_of_whole_records_is_found(payloads):
    bounds = make.boundaries(payloads)
    data = make.column(make.records(payloads))

    assert framing.last_record(data, 0, len(data)) == bounds[-2]
    assert framing.last_record(data, bounds[-2], len(data)) == bounds[-2]


@given(zeros=st.integers(0, 30), rest=st.binary(max_size=5))
def test_leading_zeros_are_counted(zeros, rest):
    data = bytes(zeros) + b"\x01" + rest

    assert framing.count_zeros(make.column(data), 0, len(data)) == zeros
    assert framing.count_zeros(make.column(data), 0, zeros) == zeros


def test_the_stated_length_of_a_record_is_read_from_its_header():
    data = make.column(b"12" + make.record(b"x" * 300))

    assert framing.length_at(data, 2) == 300
