import contextlib

import pytest

from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import Event, Summary
from gpuboard.store.store import Store
from gpuboard.summaries.hparams import (
    START_TAG,
    STATUSES,
    End,
    Experiment,
    HParamInfo,
    MetricInfo,
    decode_end,
    decode_experiment,
    decode_session_start,
    decode_start,
    encode_described,
    encode_end,
    encode_experiment,
    encode_start,
    shown,
)
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


def content(value):
    return value.metadata.plugin_data.content


def test_the_start_of_a_session_keeps_its_group_and_time():
    start = decode_session_start(content(encode_start(SET, group_name="g", start_time_secs=12.5)))

    assert (start.hparams, start.group, start.started) == (SET, "g", 12.5)


@pytest.mark.parametrize("status", STATUSES)
def test_every_status_is_read_back(status):
    assert decode_end(content(encode_end(status, end_time_secs=3.0))) == End(status, 3.0)


def test_a_status_that_nobody_knows_is_unknown():
    # session_end_info (field 4), of it status (field 1) = 99
    assert decode_end(b"\x22\x02\x08\x63") == End("unknown", 0.0)


def test_an_experiment_is_read_back_whole():
    experiment = Experiment(
        hparams=(
            HParamInfo("lr", "number", interval=(0.001, 0.1), display_name="η", description="d"),
            HParamInfo("opt", "text", values=("adam", "sgd")),
            HParamInfo("free"),
        ),
        metrics=(MetricInfo("acc", "validation", "Accuracy", "of all", "validation"),),
        name="n",
        description="about",
        user="u",
        created=5.0,
    )

    assert decode_experiment(content(encode_described(experiment))) == experiment


def test_tensorboard_reads_an_experiment_and_an_end():
    metadata = pytest.importorskip("tensorboard.plugins.hparams.metadata")
    value = encode_experiment(SET, ["accuracy"], {"optimizer": ["adam", "sgd"]})

    experiment = metadata.parse_experiment_plugin_data(content(value))
    end = metadata.parse_session_end_info_plugin_data(content(encode_end("failure")))

    infos = {info.name: info for info in experiment.hparam_infos}
    assert {name: info.type for name, info in infos.items()} == {
        "lr": 3,
        "optimizer": 1,
        "nesterov": 2,
        "width": 3,
    }
    assert [v.string_value for v in infos["optimizer"].domain_discrete.values] == ["adam", "sgd"]
    assert [info.name.tag for info in experiment.metric_infos] == ["accuracy"]
    assert end.status == 2


def test_what_pytorch_writes_is_read():
    summary = pytest.importorskip("torch.utils.tensorboard.summary")

    experiment, start, end = summary.hparams({"lr": 0.1, "opt": "sgd"}, {"acc": 0.5})

    found = decode_experiment(content(experiment.value[0]))
    assert decode_start(content(start.value[0])) == {"lr": 0.1, "opt": "sgd"}
    assert decode_end(content(end.value[0])).status == "success"
    assert [info.tag for info in found.metrics] == ["acc"]
    assert [(info.name, info.kind) for info in found.hparams] == [("lr", "number"), ("opt", "text")]


def test_what_tensorflow_writes_is_read():
    api = pytest.importorskip("tensorboard.plugins.hparams.summary_v2")
    hparam = api.HParam("dropout", api.RealInterval(0.1, 0.5), display_name="Dropout")
    metric = api.Metric("epoch_acc", group="validation")

    experiment = api.hparams_config_pb([hparam], [metric], time_created_secs=7.0)
    start = api.hparams_pb({"dropout": 0.2, "on": True}, trial_id="t", start_time_secs=1.0)

    found = decode_experiment(content(experiment.value[0]))
    assert found.hparams[0].interval == (0.1, 0.5)
    assert (found.metrics[0].group, found.metrics[0].tag) == ("validation", "epoch_acc")
    session = decode_session_start(content(start.value[0]))
    assert (session.hparams, session.group) == ({"dropout": 0.2, "on": True}, "t")


@pytest.mark.parametrize("decode", [decode_session_start, decode_end, decode_experiment])
def test_no_bytes_raise_anything_but_a_data_error(decode):
    for n in range(1, 60):
        with contextlib.suppress(DataError):
            decode(bytes((n * k * 37) % 256 for k in range(n)))
