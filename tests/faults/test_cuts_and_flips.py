"""Damage small files in every possible place: nothing passes in silence, nothing else is lost."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard.eventlog import reader
from tests import make, strategies
from tests.eventlog import reading
from tests.store import watching

PAYLOADS = [
    make.header(),
    make.scalar("loss", 0.5, 1),
    make.tf2_scalar("acc", 0.25, 2),
    make.session_start(3),
    make.histogram("weights", [1.0, 2.0], 4),
    make.scalar("loss", 0.75, 5),
]
DATA = make.records(PAYLOADS)
WHOLE = reading.read_bytes(DATA)


def everything(found):
    return found.points, found.refs, found.events


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("log") / make.FILE_NAME


def test_a_file_cut_at_any_byte_and_then_completed_is_read_exactly_once(path):
    for cut in range(len(DATA) + 1):
        path.write_bytes(DATA[:cut])
        found = reading.read_file(path)
        whole_events = sum(end <= cut for end in make.boundaries(PAYLOADS)[1:])
        assert (found.events, found.kinds) == (whole_events, []), cut
        make.append(path, DATA[cut:])

        found.go_on()

        assert everything(found) == everything(WHOLE), cut
        assert found.kinds == [], cut


@pytest.mark.parametrize("bit", range(8))
def test_no_flipped_bit_is_silent_and_none_takes_an_intact_neighbour_along(path, bit):
    bounds = make.boundaries(PAYLOADS)
    for place in range(len(DATA)):
        damaged = bytearray(DATA)
        damaged[place] ^= 1 << bit
        path.write_bytes(damaged)

        found = reading.read_file(path)

        hurt = max(k for k, bound in enumerate(bounds) if bound <= place)
        intact = reading.read_payloads(PAYLOADS[:hurt] + PAYLOADS[hurt + 1 :])
        assert found.points == intact.points, place
        assert found.events == intact.events, place
        assert [ref[:3] for ref in found.refs] == [ref[:3] for ref in intact.refs], place
        findings = [*found.findings, *([found.log.pending] if found.log.pending else [])]
        assert [f.offset for f in findings] == [bounds[hurt]], place
        assert findings[0].kind in {"damaged_record", "damaged_length"}


@pytest.mark.parametrize("bit", [0, 7])
def test_a_file_with_a_flipped_bit_is_read_anew_once_it_is_replaced(path, bit):
    for place in range(0, len(DATA), 3):
        damaged = bytearray(DATA)
        damaged[place] ^= 1 << bit
        path.unlink(missing_ok=True)
        path.write_bytes(damaged)
        found = reading.read_file(path)
        other = path.with_suffix(".new")
        other.write_bytes(DATA)
        other.replace(path)

        found.go_on()

        assert everything(found) == everything(WHOLE), place


@given(data=st.data())
@settings(max_examples=300)
def test_a_mutated_log_never_raises_and_what_it_lost_is_reported(data):
    log = data.draw(strategies.payloads_of_all_kinds())
    whole = make.records(log)
    mutated = data.draw(strategies.mutations(whole))

    found = reading.read_bytes(mutated, now=9e18)  # long at rest: all trouble is due

    if mutated != whole[: len(mutated)] or found.log.offset != len(mutated):
        intact = _is_made_of_records(mutated)
        assert intact or found.kinds or mutated == b""
    assert set(found.kinds) <= set(reader.MEANING)


def _is_made_of_records(data):
    """Tell whether bytes are whole, sound records from end to end: then nothing is wrong."""
    position = 0
    while position < len(data):
        length = int.from_bytes(data[position : position + 8], "little")
        payload = data[position + 12 : position + 12 + length]
        if make.record(payload) != data[position : position + 16 + length]:
            return False
        position += 16 + length
    return True


@given(data=st.data())
@settings(max_examples=150)
def test_records_before_and_behind_a_mutated_stretch_are_all_read(data):
    before = [make.scalar("before", 1.0, step) for step in range(3)]
    behind = [make.scalar("behind", 1.0, step) for step in range(3)]
    # Damage of one record, its length left alone or not, as long as its size is.
    middle = bytearray(make.record(make.scalar("middle", 1.0, 7)))
    for _ in range(data.draw(st.integers(1, 5))):
        middle[data.draw(st.integers(0, len(middle) - 1))] = data.draw(st.integers(0, 255))

    found = reading.read_bytes(
        make.records(before) + bytes(middle) + make.records(behind), now=9e18
    )

    assert [p[0] for p in found.points["before"]] == [0, 1, 2]
    assert [p[0] for p in found.points["behind"]] == [0, 1, 2]
    assert set(found.points) <= {"before", "behind", "middle"}
    assert ("middle" in found.points) != bool(found.kinds)


@given(noise=st.binary(max_size=300), growth=st.binary(max_size=100))
@settings(max_examples=150)
def test_noise_never_raises_and_is_reported(tmp_path_factory, noise, growth):
    path = tmp_path_factory.mktemp("noise") / make.FILE_NAME
    path.write_bytes(noise)
    found = reading.read_file(path, now=9e18)
    make.append(path, growth + make.record(make.scalar("a", 1.0)))

    found.go_on(now=9e18)

    swallowed = found.log.pending is not None
    assert swallowed or found.points == {"a": [(0, make.START_TIME, 1.0)]}
    assert found.kinds or noise + growth == b"" or _is_made_of_records(noise + growth)


@pytest.mark.parametrize("chunk_bytes", [32, 100, 4 << 20])
def test_flips_are_found_wherever_the_chunks_end(path, chunk_bytes, monkeypatch):
    reading.use_chunks_of(monkeypatch, chunk_bytes)
    bounds = make.boundaries(PAYLOADS)
    for place in range(0, len(DATA), 2):
        damaged = bytearray(DATA)
        damaged[place] ^= 16
        path.write_bytes(damaged)

        found = reading.read_file(path)

        hurt = max(k for k, bound in enumerate(bounds) if bound <= place)
        intact = reading.read_payloads(PAYLOADS[:hurt] + PAYLOADS[hurt + 1 :])
        assert (found.points, found.events) == (intact.points, intact.events), place
        assert len(found.kinds) == 1, place


def test_two_writers_in_any_order_are_both_read_wholly(tmp_path):
    for number, order in enumerate(sorted(set(itertools.permutations("aaabbb")))):
        logdir = tmp_path / str(number)
        paths = {w: make.event_file(logdir / "run", [], f"tfevents.{w}") for w in "ab"}
        counts = {"a": 0, "b": 100}
        store = watching.open_store(logdir)
        for writer in order:
            payload = make.scalar("loss", counts[writer], counts[writer])
            make.append(paths[writer], make.record(payload))
            counts[writer] += 1
            store.refresh()

        assert watching.steps(store, "run") == [0, 1, 2, 100, 101, 102], order
        assert store.find_run("run").series("loss").writer_start.tolist() == [0, 3]
