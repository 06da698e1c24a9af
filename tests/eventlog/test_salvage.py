"""Check that a record with missing bytes takes no other one along, and invents none."""

from __future__ import annotations

import struct

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from gpuboard.eventlog import salvage
from tests import make
from tests.eventlog import reading
from tests.eventlog.test_reader import LATE, SOON, series, set_modified, steps_of

LONG = "a note that is longer than the records behind it " * 8
EMBEDDED_PAYLOADS = [make.header(), *(make.scalar("inner", 1.0, k) for k in range(6))]
EMBEDDED = make.records(EMBEDDED_PAYLOADS)


def without(data, start, count):
    return data[:start] + data[start + count :]


def flipped(data, place):
    damaged = bytearray(data)
    damaged[place] ^= 4
    return bytes(damaged)


def read_at_rest(path, data, now=LATE):
    path.write_bytes(data)
    set_modified(path)
    return reading.read_file(path, now)


@pytest.mark.parametrize("chunk_bytes", [64, 150, 2 << 20])
@pytest.mark.parametrize("count", [1, 5, 17, 60, 200])
def test_bytes_missing_from_a_record_cost_that_record_alone(
    tmp_path, monkeypatch, count, chunk_bytes
):
    reading.use_chunks_of(monkeypatch, chunk_bytes)
    payloads = [*series(3), make.text("note", LONG), *series(9, first=3)]
    at = make.boundaries(payloads)[3]

    found = read_at_rest(
        tmp_path / make.FILE_NAME, without(make.records(payloads), at + 40, count), SOON
    )

    assert steps_of(found) == list(range(12))
    assert [(f.kind, f.offset) for f in found.findings] == [("damaged_record", at)]
    assert "note" not in {tag for tag, *_ in found.refs}


@pytest.mark.parametrize("behind", range(5))
@pytest.mark.parametrize("count", [1, 9, 20, 50, 120])
def test_at_the_end_of_a_file_they_are_missed_once_its_writer_rests(tmp_path, count, behind):
    payloads = [*series(2), make.text("note", LONG), *series(behind, first=2)]
    at = make.boundaries(payloads)[2]
    data = without(make.records(payloads), at + 40, count)

    found = read_at_rest(tmp_path / make.FILE_NAME, data)

    assert steps_of(found) == list(range(2 + behind))
    assert found.kinds == (["damaged_record"] if behind else ["unfinished"])


def test_a_growing_file_shows_them_as_soon_as_the_stated_end_is_reached(tmp_path):
    path = tmp_path / make.FILE_NAME
    payloads = [*series(2), make.text("note", LONG), *series(40, first=2)]
    at = make.boundaries(payloads)[2]
    data = without(make.records(payloads), at + 40, 100)
    path.write_bytes(data[: at + 200])
    found = reading.open_log(path).go_on()

    for end in range(at + 201, len(data) + 1):
        make.append(path, data[end - 1 : end])
        found.go_on()

    assert steps_of(found) == list(range(42))
    assert found.kinds == ["damaged_record"]


def test_a_stated_end_among_zeros_of_a_later_record_is_seen_through(tmp_path):
    payloads = [
        *series(2),
        make.text("note", LONG),
        *series(1, first=2),
        make.image("zeros", bytes(400), 3),
        *series(2, first=3),
    ]
    at = make.boundaries(payloads)[2]

    found = read_at_rest(
        tmp_path / make.FILE_NAME, without(make.records(payloads), at + 40, 200), SOON
    )

    assert steps_of(found) == list(range(5))
    assert found.kinds == ["damaged_record"]
    assert [tag for tag, *_ in found.refs] == ["zeros"]


@pytest.mark.parametrize("is_followed", [True, False], ids=["followed", "last"])
def test_an_event_file_inside_a_flipped_record_is_not_read_as_records(tmp_path, is_followed):
    payloads = [*series(2), make.image("blob", EMBEDDED, 1)]
    at = make.boundaries(payloads)[2]
    data = flipped(make.records(payloads), at + 20)
    data += make.records(series(3, first=2)) if is_followed else b""

    found = read_at_rest(tmp_path / make.FILE_NAME, data)

    assert set(found.points) == {"loss"}
    assert found.kinds == ["damaged_record"]


def test_nor_is_it_where_the_record_behind_is_damaged_too(tmp_path):
    payloads = [*series(2), make.image("blob", EMBEDDED, 1), *series(3, first=2)]
    at, behind = make.boundaries(payloads)[2:4]
    data = flipped(flipped(make.records(payloads), at + 20), behind)

    found = read_at_rest(tmp_path / make.FILE_NAME, data)

    assert found.points.keys() == {"loss"}
    assert steps_of(found) == [0, 1, 3, 4]
    assert sorted(found.kinds) == ["damaged_length", "damaged_record"]


def test_nor_where_bytes_of_it_are_missing(tmp_path):
    payloads = [*series(2), make.image("blob", EMBEDDED, 1), *series(6, first=2)]
    at = make.boundaries(payloads)[2]

    found = read_at_rest(
        tmp_path / make.FILE_NAME, without(make.records(payloads), at + 16, 5), SOON
    )

    assert found.points.keys() == {"loss"}
    assert steps_of(found) == list(range(8))
    assert found.kinds == ["damaged_record"]


def test_nor_where_its_writer_died_while_writing_it(tmp_path):
    payloads = [*series(2), make.image("blob", EMBEDDED, 1)]
    data = make.records(payloads)
    inside = data.index(EMBEDDED)
    # Cut at such a place, the file does end in whole records: lost bytes would look the same.
    alike = {inside + end for end in make.boundaries(EMBEDDED_PAYLOADS)[1:]}

    for cut in set(range(make.boundaries(payloads)[2] + 1, len(data))) - alike:
        found = read_at_rest(tmp_path / make.FILE_NAME, data[:cut])

        assert (set(found.points), found.kinds) == ({"loss"}, ["unfinished"]), cut


@given(data=st.data())
@settings(max_examples=150)
def test_whatever_is_missing_from_one_payload_the_others_are_all_read(data):
    sizes = data.draw(st.lists(st.integers(0, 300), min_size=1, max_size=6))
    payloads = [make.text(f"t{k}", "x" * size, k) for k, size in enumerate(sizes)]
    payloads += series(3)
    bounds = make.boundaries(payloads)
    hurt = data.draw(st.integers(0, len(sizes) - 1))
    first, last = bounds[hurt] + 12, bounds[hurt + 1]
    start = data.draw(st.integers(first, last - 1))
    count = data.draw(st.integers(1, last - start))
    # Where the stated end meets the start of a record by chance, reading goes on there.
    assume(bounds[hurt + 1] + count not in bounds)

    found = reading.read_bytes(without(make.records(payloads), start, count), now=9e18)

    intact = reading.read_payloads(payloads[:hurt] + payloads[hurt + 1 :])
    assert found.points == intact.points
    assert [ref[:3] for ref in found.refs] == [ref[:3] for ref in intact.refs]
    assert [(f.kind, f.offset) for f in found.findings] == [("damaged_record", bounds[hurt])]


def test_sound_files_are_never_searched(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise AssertionError(arguments)

    monkeypatch.setattr(salvage, "find_swallowed", refuse)
    monkeypatch.setattr(salvage, "find_behind_cut", refuse)
    reading.use_chunks_of(monkeypatch, 100)
    path = make.event_file(tmp_path, series(30))
    found = reading.read_file(path)
    for part in (make.record(series(1, first=30)[0]), *([b"\x20"] * 3)):
        make.append(path, part)
        found.go_on()

    assert steps_of(found) == list(range(31))


def test_a_file_made_of_headers_alone_costs_no_more_than_a_few_readings():
    length = 6000
    header = struct.pack("<Q", length) + struct.pack(
        "<I", make.masked_crc(struct.pack("<Q", length))
    )
    data = header * 2000
    asked = []

    def read(offset, count):
        asked.append(count)
        return make.column(data[offset : offset + count])

    found = salvage.find_swallowed(read, 0, 16 + length, len(data))

    assert found is None
    assert sum(asked) < 8 * length
