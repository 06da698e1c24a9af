import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.eventlog.append import EventFileWriter
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.store.store import Store
from gpuboard.store.value_pieces import GAP_BYTES, pieces
from gpuboard.store.values import read
from gpuboard.summaries.histogram import encode


def log(run, sizes, tags=("h",)):
    """Log histograms of so many buckets, one after the other for all tags."""
    with EventFileWriter(run) as writer:
        for step, size in enumerate(sizes):
            for tag in tags:
                value = encode(tag, np.arange(size + 1.0), bins=size)
                writer.add_value(value, step, wall_time=1.7e9 + step)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    root = tmp_path_factory.mktemp("logs")
    log(root / "a", [3, 40, 2, 500, 7, 1], tags=("h", "between"))
    log(root / "a", [9, 8, 7])
    log(root / "a", [4] * 5, tags=("h", "between"))
    store = Store(root)
    store.refresh()
    return store


def bytes_of(values, places, piece_bytes):
    found = {}
    for piece in pieces(values, places, piece_bytes):
        for place, a, b in zip(piece.place, piece.start, piece.end, strict=True):
            found[int(place)] = piece.data[a:b].tobytes()
    return found


@given(st.data(), st.sampled_from([1, 100, 1000, GAP_BYTES, 1 << 20]))
def test_every_value_comes_as_if_it_were_read_alone(store, data, piece_bytes):
    values = store.values(0, "h")
    places = np.array(data.draw(st.permutations(range(len(values)))))
    places = places[: data.draw(st.integers(1, len(places)))]

    found = bytes_of(values, places, piece_bytes)

    assert found == {int(place): read(values, int(place)) for place in places}
    for one in found.values():
        assert Summary.Value.FromString(one).tag == "h"


def test_nothing_is_read_for_no_places(store):
    assert list(pieces(store.values(0, "h"), np.empty(0, np.int64))) == []


def test_what_was_cut_off_comes_as_empty(tmp_path):
    log(tmp_path / "a", [5, 5, 5])
    store = Store(tmp_path)
    store.refresh()
    values = store.values(0, "h")
    path = values.files[0]
    path.write_bytes(path.read_bytes()[: int(values.offset[1]) + 3])

    found = bytes_of(values, np.arange(3), 1 << 20)

    assert Summary.Value.FromString(found[0]).tag == "h"
    assert (found[1], found[2]) == (b"", b"")


@pytest.mark.parametrize("how", ["gone", "directory"])
def test_a_file_that_is_gone_leaves_its_values_empty(tmp_path, how):
    log(tmp_path / "a", [5, 5])
    store = Store(tmp_path)
    store.refresh()
    values = store.values(0, "h")
    values.files[0].unlink()
    if how == "directory":
        values.files[0].mkdir()

    assert bytes_of(values, np.arange(2), 1 << 20) == {0: b"", 1: b""}
