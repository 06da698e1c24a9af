import pytest

from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import Event, Summary
from gpuboard.store.store import Store
from gpuboard.summaries.hparams import START_TAG, decode_start, encode_start, shown
from tests import make

SET = {"lr": 0.001, "optimizer": "adam", "nesterov": False, "width": 32.0}


def test_what_is_written_is_read_back_with_its_types():
    value = encode_start(SET)

    found = decode_start(value.metadata.plugin_data.content)

    assert found == SET
    assert {name: type(v) for name, v in found.items()} == {n: type(v) for n, v in SET.items()}


def test_tensorboard_reads_what_is_written():
    metadata = pytest.importorskip("tensorboard.plugins.hparams.metadata")

    start = metadata.parse_session_start_info_plugin_data(
        encode_start(SET).metadata.plugin_data.content
    )

    assert start.hparams["lr"].number_value == 0.001
    assert start.hparams["optimizer"].string_value == "adam"
    assert start.hparams["nesterov"].bool_value is False


def test_bytes_that_are_no_hyperparameters_are_named():
    with pytest.raises(DataError, match="session_start_info: 3 bytes"):
        decode_start(b"\x1a\xff\xff")


def test_a_store_finds_them_in_the_metadata_of_their_tag(tmp_path):
    event = Event(wall_time=1.0, summary=Summary(value=[encode_start(SET)]))
    make.event_file(tmp_path / "run", [make.header(), event.SerializeToString()])
    store = Store(tmp_path)
    store.refresh()

    (run,) = store.catalogue().runs

    assert run.tags[START_TAG].kind == "hparams"
    assert decode_start(store.tag_content(run.id, START_TAG)) == SET
    assert store.tag_content(run.id, "no such tag") == b""


@pytest.mark.parametrize(
    ("value", "text"), [(0.001, "0.001"), (32.0, "32"), (True, "true"), ("adam", "adam")]
)
def test_values_are_shown_short(value, text):
    assert shown(value) == text
