"""Check that a growing, replaced or damaged event file is read without loss or repetition."""

from __future__ import annotations

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard.eventlog import reader
from tests import make, strategies
from tests.eventlog import reading
from tests.fakes import Disk

MODIFIED = make.START_TIME
SOON, LATE = MODIFIED + 1, MODIFIED + reader.PATIENCE_S + 1


def set_modified(path, time=MODIFIED):
    os.utime(path, (time, time))


def points_of(rows):
    """Return points by tag, from (tag, step, wall time, value) rows."""
    points = {}
    for tag, step, time, value in rows:
        points.setdefault(tag, []).append((step, time, reading.plain(value)))
    return points


def series(count, first=0):
    return [make.scalar("loss", float(k), k) for k in range(first, first + count)]


def steps_of(found, tag="loss"):
    return [step for step, *_ in found.points.get(tag, [])]


@given(log=strategies.scalar_payloads(), cuts=st.lists(st.integers(0, 2000), max_size=5))
@settings(max_examples=150)
def test_a_log_that_arrives_in_any_portions_is_read_point_for_point(tmp_path_factory, log, cuts):
    payloads, rows = log
    data = make.records(payloads)
    ends = sorted({min(cut, len(data)) for cut in cuts} | {len(data)})
    path = tmp_path_factory.mktemp("log") / make.FILE_NAME
    found = reading.open_log(path)

    for start, end in zip([0, *ends], ends, strict=False):
        with path.open("ab") as file:
            file.write(data[start:end])
        found.go_on()

    assert found.points == points_of(rows)
    assert (found.events, found.kinds) == (len(payloads), [])


@given(log=strategies.scalar_payloads(max_size=40), chunk_bytes=st.integers(16, 300))
@settings(max_examples=60)
def test_the_size_of_the_chunks_does_not_matter(log, chunk_bytes):
    payloads, rows = log
    with pytest.MonkeyPatch.context() as patch:
        reading.use_chunks_of(patch, chunk_bytes)
        found = reading.read_payloads(payloads)

    assert found.points == points_of(rows)


@pytest.mark.parametrize("max_read", [1, 5, 12, 100])
def test_reads_that_return_less_than_asked_for_lose_nothing(tmp_path, max_read):
    path = make.event_file(tmp_path, series(20))
    disk = Disk(path)
    disk.max_read = max_read

    with disk.mounted():
        found = reading.read_file(path)

    assert steps_of(found) == list(range(20))


def test_a_record_larger_than_a_chunk_is_read_whole(tmp_path, monkeypatch):
    reading.use_chunks_of(monkeypatch, 64)
    payloads = [*series(2), make.image("big", b"x" * 5000, 2), *series(2, first=3)]

    found = reading.read_file(make.event_file(tmp_path, payloads))

    assert steps_of(found) == [0, 1, 3, 4]
    assert [tag for tag, *_ in found.refs] == ["big"]


def test_a_growing_log_costs_only_what_it_grew(tmp_path):
    path = make.event_file(tmp_path, series(5000))
    found = reading.read_file(path)
    more = make.records(series(3, first=5000))
    disk = Disk(path)
    make.append(path, more)

    with disk.mounted():
        found.go_on()

    assert steps_of(found) == list(range(5003))
    # Besides the news, 64 bytes at both ends of what was read, before and after.
    assert disk.bytes_read <= len(more) + 4 * 64


def test_an_unchanged_log_yields_nothing_again(tmp_path):
    found = reading.read_file(make.event_file(tmp_path, series(3)))

    found.go_on().go_on()

    assert steps_of(found) == [0, 1, 2]


def test_an_unfinished_record_is_awaited_quietly_and_named_when_its_writer_stays_silent(tmp_path):
    path = make.event_file(tmp_path, series(3))
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    set_modified(path)

    assert reading.read_file(path, SOON).kinds == []
    late = reading.read_file(path, LATE)

    assert late.kinds == ["unfinished"]
    assert late.log.pending.offset == len(make.records(series(2)))
    make.append(path, whole[-5:])
    late.go_on(LATE)
    assert (late.kinds, steps_of(late)) == ([], [0, 1, 2])


@pytest.mark.parametrize("later", [SOON, LATE])
def test_a_tail_of_zeros_is_read_once_it_is_filled_wherever_it_began(tmp_path, later):
    data = make.records(series(4))
    path = tmp_path / make.FILE_NAME
    for written in range(len(data)):
        path.write_bytes(data[:written] + bytes(len(data) - written))
        set_modified(path)
        found = reading.read_file(path, later)
        with path.open("r+b") as file:
            file.write(data)

        found.go_on(later)

        assert steps_of(found) == [0, 1, 2, 3], written
        assert set(found.kinds) <= {"replaced"}, written


@pytest.mark.parametrize("zeros", [12, 1000, reader.CHUNK_BYTES + 100])
def test_zeros_at_the_end_are_named_when_they_stay(tmp_path, zeros):
    path = make.event_file(tmp_path, series(2))
    make.append(path, bytes(zeros))
    set_modified(path)

    assert reading.read_file(path, SOON).kinds == []
    found = reading.read_file(path, LATE)

    assert steps_of(found) == [0, 1]
    assert found.kinds in (["unwritten"], ["damaged_length"])
    assert found.log.pending.offset == len(make.records(series(2)))


def test_what_follows_a_hole_of_zeros_is_read_when_the_writer_rests(tmp_path):
    path = make.event_file(tmp_path, series(2))
    make.append(path, bytes(500) + make.records(series(2, first=2)))
    set_modified(path)

    found = reading.read_file(path, LATE)

    assert steps_of(found) == [0, 1, 2, 3]
    assert found.kinds == ["damaged_length"]


def test_a_record_with_a_wrong_checksum_is_skipped_and_named_alone(tmp_path):
    payloads = series(5)
    path = make.event_file(tmp_path, payloads)
    at = make.boundaries(payloads)[2]
    damaged = bytearray(path.read_bytes())
    damaged[at + 15] ^= 4
    path.write_bytes(damaged)

    found = reading.read_file(path)

    assert steps_of(found) == [0, 1, 3, 4]
    assert [(f.kind, f.offset) for f in found.findings] == [("damaged_record", at)]


def test_reading_goes_on_behind_a_damaged_length_and_says_how_much_was_skipped(tmp_path):
    payloads = series(5)
    path = make.event_file(tmp_path, payloads)
    at, following = make.boundaries(payloads)[2:4]
    damaged = bytearray(path.read_bytes())
    damaged[at + 1] ^= 1
    path.write_bytes(damaged)

    found = reading.read_file(path)

    assert steps_of(found) == [0, 1, 3, 4]
    (finding,) = found.findings
    assert (finding.kind, finding.offset) == ("damaged_length", at)
    assert f"{following - at:,} bytes were skipped" in finding.detail


def test_damage_up_to_the_end_is_pending_and_resolved_by_the_next_whole_record(tmp_path):
    path = make.event_file(tmp_path, series(2))
    make.append(path, b"\x07" * 40)
    found = reading.read_file(path)

    assert [found.log.pending.kind, found.findings] == ["damaged_length", []]
    make.append(path, make.records(series(1, first=2)))
    found.go_on()

    assert steps_of(found) == [0, 1, 2]
    assert found.log.pending is None
    assert [f.kind for f in found.findings] == ["damaged_length"]


def test_damage_is_told_even_if_the_record_behind_it_is_still_unfinished(tmp_path):
    path = make.event_file(tmp_path, series(2))
    rest = make.records(series(1, first=2))
    make.append(path, b"\x07" * 40 + rest[:-3])

    found = reading.read_file(path)

    assert (found.kinds, steps_of(found)) == (["damaged_length"], [0, 1])
    make.append(path, rest[-3:])
    found.go_on()
    assert (found.kinds, steps_of(found)) == (["damaged_length"], [0, 1, 2])


@pytest.mark.parametrize("chunk_bytes", [64, 4 << 20])
def test_a_long_stretch_of_noise_is_searched_through(tmp_path, monkeypatch, chunk_bytes):
    reading.use_chunks_of(monkeypatch, chunk_bytes)
    path = make.event_file(tmp_path, series(2))
    make.append(path, b"\x5a" * 3001 + make.records(series(2, first=2)))

    found = reading.read_file(path)

    assert steps_of(found) == [0, 1, 2, 3]
    assert [f.detail.split()[0] for f in found.findings] == ["3,001"]


def replace_by_rename(path, data):
    other = path.with_suffix(".new")
    other.write_bytes(data)
    other.replace(path)


def rewrite_in_place(path, data):
    path.write_bytes(data)


def unlink_and_create(path, data):
    path.unlink()
    path.write_bytes(data)


REPLACEMENTS = [replace_by_rename, rewrite_in_place, unlink_and_create]


@pytest.mark.parametrize("count", [1, 5, 9], ids=["shorter", "as long", "longer"])
@pytest.mark.parametrize("replace", REPLACEMENTS)
def test_a_file_that_was_replaced_is_read_anew(tmp_path, replace, count):
    path = make.event_file(tmp_path, series(5))
    found = reading.read_file(path)

    replace(path, make.records(series(count, first=100)))
    found.go_on()

    assert steps_of(found) == list(range(100, 100 + count))
    assert found.log.restarts == 1


def test_a_longer_copy_of_the_same_log_is_read_once(tmp_path):
    path = make.event_file(tmp_path, series(5))
    found = reading.read_file(path)

    replace_by_rename(path, make.records(series(9)))  # as rsync does
    found.go_on()

    assert steps_of(found) == list(range(9))


def test_a_copy_in_place_goes_on_where_it_was(tmp_path):
    path = make.event_file(tmp_path, series(5))
    found = reading.read_file(path)

    path.write_bytes(make.records(series(9)))  # as cp and rsync --inplace do
    found.go_on()

    assert steps_of(found) == list(range(9))
    assert found.log.restarts == 0


def test_a_file_emptied_and_written_again_is_read_anew(tmp_path):
    path = make.event_file(tmp_path, series(5))
    found = reading.read_file(path)

    path.write_bytes(b"")
    found.go_on()
    assert steps_of(found) == []
    make.append(path, make.records(series(2, first=50)))
    found.go_on()

    assert steps_of(found) == [50, 51]


def test_a_file_rewritten_in_place_is_read_anew_even_if_it_ends_as_before(tmp_path):
    path = make.event_file(tmp_path, series(5, first=10))
    found = reading.read_file(path)

    path.write_bytes(make.records([*series(2, first=50), *series(3, first=12)]))
    found.go_on()

    assert steps_of(found) == [50, 51, 12, 13, 14]


@pytest.mark.parametrize("count", [40, 400, 40_000])
def test_a_file_rewritten_in_place_between_its_ends_is_read_anew(tmp_path, count):
    first, *middle, last = series(count)
    path = make.event_file(tmp_path, [first, *middle, last])
    size = path.stat().st_size
    set_modified(path)
    found = reading.read_file(path)

    other = [make.scalar("loss", k + 0.5, k) for k in range(1, count - 1)]
    path.write_bytes(make.records([first, *other, last]))
    found.go_on()

    assert path.stat().st_size == size
    assert found.log.restarts == 1
    assert [value for *_, value in found.points["loss"][1:3]] == [1.5, 2.5]


def test_a_file_that_was_only_touched_is_not_read_again(tmp_path):
    path = make.event_file(tmp_path, series(1000))
    set_modified(path)
    found = reading.read_file(path)
    set_modified(path, MODIFIED + 5)
    disk = Disk(path)

    with disk.mounted():
        found.go_on()

    assert (found.log.restarts, len(steps_of(found))) == (0, 1000)
    assert disk.bytes_read < path.stat().st_size / 10


def test_samples_cover_the_whole_of_a_log_that_grew_by_little(tmp_path):
    path = make.event_file(tmp_path, series(3))
    found = reading.read_file(path)
    for k in range(3, 1000):
        make.append(path, make.records(series(1, first=k)))
        found.go_on()
    set_modified(path)
    found.go_on()
    whole = path.read_bytes()
    half = len(whole) // 2

    middle = make.records([make.scalar("loss", k + 0.5, k) for k in range(300, 600)])
    start, end = make.boundaries(series(1000))[300], make.boundaries(series(1000))[600]
    path.write_bytes(whole[:start] + middle + whole[end:])
    found.go_on()

    assert start < half < end
    assert found.log.restarts == 1
    assert steps_of(found) == list(range(1000))


def test_a_file_that_lost_the_end_of_a_damaged_stretch_is_read_anew(tmp_path):
    path = make.event_file(tmp_path, series(2))
    make.append(path, b"\x07" * 500)
    found = reading.read_file(path)
    size = path.stat().st_size

    os.truncate(path, size - 300)
    found.go_on()
    make.append(path, make.records(series(9, first=2)))
    found.go_on()

    assert steps_of(found) == list(range(11))


def test_a_repaired_file_is_read_anew(tmp_path):
    payloads = series(5)
    path = make.event_file(tmp_path, payloads)
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[make.boundaries(payloads)[4]] ^= 1
    path.write_bytes(damaged)
    found = reading.read_file(path)
    assert found.kinds == ["damaged_length"]

    path.write_bytes(whole)
    found.go_on()

    assert steps_of(found) == [0, 1, 2, 3, 4]
    assert found.kinds == []


@pytest.mark.parametrize(
    "steps",
    [[0] * 6, [0, 1, 2, 3, 2, 3, 4], [5, 4, 3, 2, 1], [0, 0, 1, 1, 0]],
    ids=["all at one step", "overlap", "backwards", "repeated"],
)
def test_every_point_is_kept_whatever_the_order_of_steps(tmp_path, steps):
    payloads = [make.scalar("loss", float(k), step, 10.0 + k) for k, step in enumerate(steps)]

    found = reading.read_file(make.event_file(tmp_path, payloads))

    assert found.points["loss"] == [(s, 10.0 + k, float(k)) for k, s in enumerate(steps)]


def test_a_session_start_gives_its_step_and_purges_nothing(tmp_path):
    payloads = [*series(3), make.session_start(1), make.session_start(2), *series(2, first=1)]

    found = reading.read_file(make.event_file(tmp_path, payloads))

    assert steps_of(found) == [0, 1, 2, 1, 2]
    assert [piece.purge_step for piece in found.pieces] == [1]
    assert found.refs == []


def test_first_and_last_time_are_those_of_the_events(tmp_path):
    payloads = [make.scalar("a", 1.0, 0, time) for time in (50.0, 10.0, 90.0, 20.0)]

    (piece,) = reading.read_file(make.event_file(tmp_path, payloads)).pieces

    assert (piece.first_time, piece.last_time) == (50.0, 90.0)


def test_broken_metadata_is_named_and_the_values_are_kept(tmp_path):
    entry = make.field(1, b"t") + make.fixed32(2, 1.0) + make.field(9, b"\xff")

    found = reading.read_file(make.event_file(tmp_path, [make.raw_value(entry, 3)]))

    assert steps_of(found, "t") == [3]
    assert found.kinds == ["bad_metadata"]


@pytest.mark.parametrize("field", [7, 8], ids=["session log", "run metadata"])
def test_a_broken_message_inside_an_event_is_named(tmp_path, field):
    payload = make.fixed64(1, 1.0) + make.field(field, b"\xff")

    found = reading.read_file(make.event_file(tmp_path, [payload, *series(1)]))

    assert (found.kinds, steps_of(found)) == (["bad_message"], [0])


def test_every_finding_has_a_meaning_that_can_be_shown():
    assert set(reader._NOTE_KINDS.values()) <= set(reader.MEANING)
    assert all(meaning[0].islower() for meaning in reader.MEANING.values())


def test_scans_that_run_elsewhere_yield_the_same_in_the_same_order(tmp_path, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    reading.use_chunks_of(monkeypatch, 200)
    path = make.event_file(tmp_path, [make.scalar(f"t{k % 7}", k, k) for k in range(500)])
    log = reading.open_log(path).log

    with ThreadPoolExecutor(3) as pool:
        pieces = list(log.read(0.0, pool.submit, ahead=4))

    assert len(pieces) > 50
    assert [p.end for p in pieces] == sorted(p.end for p in pieces)
    steps = [step for piece in pieces for step in sorted(reading.steps_of_piece(piece))]
    assert steps == list(range(500))


def test_points_read_before_a_disk_error_are_not_lost_to_it(tmp_path, monkeypatch):
    from concurrent.futures import ThreadPoolExecutor

    reading.use_chunks_of(monkeypatch, 200)
    path = make.event_file(tmp_path, series(100))
    found = reading.open_log(path)
    steps = []

    def take(submit):
        for piece in found.log.read(0.0, submit, ahead=4):
            steps.extend(reading.steps_of_piece(piece))

    with ThreadPoolExecutor(2) as pool:
        with Disk(path, nth=9).mounted() as disk, pytest.raises(OSError, match="Input/output"):
            take(pool.submit)
        take(pool.submit)

    assert disk.calls[-1] == "preadv"
    assert steps == list(range(100))
