"""Check that the writer takes and writes what PyTorch's does, read by TensorBoard's own reader."""

from __future__ import annotations

import inspect
import io
import math
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
from google.protobuf import json_format, text_format

from gpuboard import SummaryWriter
from tests.eventlog import tensorboard_reader

torch = pytest.importorskip("torch", reason="PyTorch is not installed")
pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
pytestmark = pytest.mark.torch


def torch_writer():
    from torch.utils.tensorboard import SummaryWriter as TorchWriter

    return TorchWriter


RNG = np.random.default_rng(7)
IMAGE = RNG.random((3, 9, 7)).astype(np.float32)
BATCH = RNG.integers(0, 256, (11, 3, 6, 5), dtype=np.uint8)
VALUES = RNG.normal(size=1000).astype(np.float32)
LABELS, SCORES = RNG.integers(0, 2, 300), RNG.random(300).astype(np.float32)
TIME = 1.7e9 + 0.25


def raw_histogram(writer):
    counts, edges = np.histogram(VALUES, bins=12)
    writer.add_histogram_raw(
        "h", VALUES.min(), VALUES.max(), 1000, VALUES.sum(), 9.5, edges[1:], counts, 3, TIME
    )


def custom_scalars(writer):
    layout = {
        "one": {"a": ["Multiline", ["x", "y/.*"]], "b": ["Margin", ["x", "y", "z"]]},
        "two": {"c": ["Multiline", ["z"]]},
    }
    writer.add_custom_scalars(layout)


def raw_curve(writer):
    columns = [RNG.random(20) for _ in range(6)]
    rng = np.random.default_rng(1)
    columns = [rng.random(20) for _ in range(6)]
    writer.add_pr_curve_raw("pr", *columns, global_step=1, num_thresholds=20, walltime=TIME)


def mesh(writer):
    rng = np.random.default_rng(2)
    vertices = torch.from_numpy(rng.random((2, 8, 3), dtype=np.float32))
    colors = torch.from_numpy(rng.integers(0, 256, (2, 8, 3)))
    faces = torch.from_numpy(rng.integers(0, 8, (2, 5, 3)))
    config = {"camera": {"cls": "PerspectiveCamera", "fov": 75}}
    writer.add_mesh("m", vertices, colors, faces, config, 4, TIME)
    writer.add_mesh("points", vertices, global_step=4, walltime=TIME)


CALLS = {
    "scalar": lambda w: w.add_scalar("loss", 0.25, 3, TIME),
    "scalar without a step": lambda w: w.add_scalar("loss", 0.25, walltime=TIME),
    "scalar in a tensor": lambda w: w.add_scalar("loss", torch.tensor([0.1]), 3, TIME),
    "scalar of NumPy": lambda w: w.add_scalar("loss", np.float32(0.1), np.int64(3), TIME),
    "integer": lambda w: w.add_scalar("n", 7, 3, TIME),
    "special scalars": lambda w: [
        w.add_scalar("x", value, step, TIME)
        for step, value in enumerate([math.nan, math.inf, -math.inf, -0.0, 1e300, 1e-300], -3)
    ],
    "extreme steps": lambda w: [
        w.add_scalar("x", 1.0, step, TIME) for step in (0, -1, 2**63 - 1, -(2**63), 2**40)
    ],
    "new style": lambda w: w.add_scalar("loss", 0.1, 3, TIME, new_style=True),
    "double": lambda w: w.add_scalar("d", 0.1, 3, TIME, new_style=True, double_precision=True),
    "long tag": lambda w: w.add_scalar("ü/" * 400, 0.5, 300, TIME),
    "tensor": lambda w: w.add_tensor("t", torch.arange(12.0).reshape(3, 4), 2, TIME),
    "integer tensor": lambda w: w.add_tensor("t", torch.arange(5), 2, TIME),
    "histogram": lambda w: w.add_histogram("h", VALUES, 3, walltime=TIME),
    "histogram of a tensor": lambda w: w.add_histogram("h", torch.tensor(VALUES), 3, "auto", TIME),
    "histogram with bins": lambda w: w.add_histogram("h", VALUES, 3, bins=[-1, 0, 0.5, 1]),
    "histogram with few bins": lambda w: w.add_histogram("h", VALUES, 3, bins=96, max_bins=8),
    "raw histogram": raw_histogram,
    "audio": lambda w: w.add_audio("a", torch.sin(torch.arange(500) / 9)[None], 3, 8000, TIME),
    "text": lambda w: w.add_text("t", "# Größe\n*x*", 3, TIME),
    "curve": lambda w: w.add_pr_curve("pr", LABELS, SCORES, 1, 50, walltime=TIME),
    "weighted curve": lambda w: w.add_pr_curve("pr", LABELS, SCORES, 1, weights=SCORES + 1),
    "raw curve": raw_curve,
    "custom scalars": custom_scalars,
    "one chart": lambda w: w.add_custom_scalars_multilinechart(["a", "b"], "c", "t"),
    "one band": lambda w: w.add_custom_scalars_marginchart(["a", "b", "c"]),
    "mesh": mesh,
}


def written(folder: Path) -> list[dict]:
    """Return all events of a run and of those below it, as TensorBoard reads them."""
    found = []
    for path in sorted(folder.rglob("*tfevents*")):
        for event in tensorboard_reader.events(path):
            if event.WhichOneof("what") == "file_version" and not event.step:
                continue  # names its writer
            message = json_format.MessageToDict(event, preserving_proto_field_name=True)
            found.append({"run": str(path.parent.relative_to(folder)), **message})
    return found


def both(tmp_path, call):
    for name, make in (("torch", torch_writer()), ("ours", SummaryWriter)):
        with make(tmp_path / name) as writer:
            call(writer)
    return written(tmp_path / "torch"), written(tmp_path / "ours")


def plain(value: dict) -> dict:
    """Return a summary value with its tensor as an array: both of its forms mean the same."""
    from tensorboard.compat.proto.tensor_pb2 import TensorProto
    from tensorboard.util.tensor_util import make_ndarray

    tensor = value.get("tensor")
    if tensor is None or tensor.get("dtype") == "DT_STRING":
        return value
    array = make_ndarray(json_format.ParseDict(tensor, TensorProto()))
    return {**value, "tensor": (array.dtype.name, array.shape, array.tolist())}


def without_times(events):
    return [{key: value for key, value in event.items() if key != "wall_time"} for event in events]


def approximately(value):
    """Return a structure whose floats compare with a tolerance of rounding."""
    if isinstance(value, dict):
        return {key: approximately(part) for key, part in value.items()}
    if isinstance(value, list) and value and all(isinstance(part, float) for part in value):
        return pytest.approx(value, rel=1e-12)
    if isinstance(value, list):
        return [approximately(part) for part in value]
    return pytest.approx(value, rel=1e-6) if isinstance(value, float) else value


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_tensorboard_reads_the_same_from_both_writers(tmp_path, call):
    theirs, ours = both(tmp_path, call)

    assert theirs
    for events in (theirs, ours):
        for event in events:
            values = event.get("summary", {}).get("value", [])
            event.get("summary", {})["value"] = [plain(value) for value in values]
    if all(event["wall_time"] == TIME for event in theirs):
        assert [e["wall_time"] for e in ours] == [TIME] * len(theirs)
    assert without_times(ours) == approximately(without_times(theirs))


def test_scalars_are_the_same_bytes(tmp_path):
    def call(writer):
        for step in range(-2, 300):
            writer.add_scalar(f"group/{step % 3}", step / 7, step, TIME + step)
            writer.add_scalar("tensor", step / 7, step, TIME + step, new_style=True)

    for name, make in (("torch", torch_writer()), ("ours", SummaryWriter)):
        with make(tmp_path / name) as writer:
            call(writer)
    theirs, ours = (next((tmp_path / n).glob("*")).read_bytes() for n in ("torch", "ours"))

    first = struct.unpack_from("<Q", theirs)[0] + 16
    own_first = struct.unpack_from("<Q", ours)[0] + 16
    assert len(theirs) > 10_000
    assert ours[own_first:] == theirs[first:]


def test_a_run_for_each_of_several_scalars(tmp_path):
    theirs, ours = both(tmp_path, lambda w: w.add_scalars("a/b", {"x": 1.0, "y": 2.0}, 3, TIME))

    assert sorted(e["run"] for e in ours) == ["a_b_x", "a_b_y"]
    assert ours == theirs


def test_hyperparameters(tmp_path):
    def call(writer):
        hparams = {"lr": 0.1, "batch": 32, "name": "sgd", "none": None, "seed": torch.tensor([3.0])}
        writer.add_hparams(hparams, {"acc": 0.9, "loss": 1.5}, {"name": ["sgd", "adam"]}, "r", 7)

    theirs, ours = both(tmp_path, call)

    parsed = [
        [_with_parsed_hparams(value) for event in events for value in event["summary"]["value"]]
        for events in (theirs, ours)
    ]
    assert len(parsed[0]) == 5
    assert parsed[0] == parsed[1]
    assert {(e["run"], e["step"]) for e in ours} == {("r", "7")}


def _with_parsed_hparams(value: dict) -> dict:
    import base64

    from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

    if "metadata" not in value:
        return value
    content = base64.b64decode(value["metadata"]["plugin_data"].pop("content"))
    return {**value, "hparams": json_format.MessageToDict(HParamsPluginData.FromString(content))}


def test_booleans_stay_booleans(tmp_path):
    """PyTorch logs them as 1.0 and 0.0, by an `isinstance` that comes too early."""
    with SummaryWriter(tmp_path) as writer:
        writer.add_hparams({"nesterov": True}, {}, run_name="r")

    (event, start, _) = (_with_parsed_hparams(e["summary"]["value"][0]) for e in written(tmp_path))
    assert start["hparams"]["sessionStartInfo"]["hparams"] == {"nesterov": True}
    assert event["hparams"]["experiment"]["hparamInfos"][0]["type"] == "DATA_TYPE_BOOL"


def pixels(event: dict) -> np.ndarray:
    import base64

    from PIL import Image

    picture = event["summary"]["value"][0]["image"]
    image = Image.open(io.BytesIO(base64.b64decode(picture["encoded_image_string"])))
    assert (picture["width"], picture["height"]) == image.size
    return np.asarray(image)


BOXES = np.array([[1, 1, 5, 6], [0, 2, 3, 8]])
IMAGES = {
    "CHW": lambda w: w.add_image("i", IMAGE, 3, TIME),
    "grey": lambda w: w.add_image("i", IMAGE[:1], 3, TIME),
    "bytes": lambda w: w.add_image("i", BATCH[0], 3, TIME),
    "beyond": lambda w: w.add_image("i", IMAGE * 3 - 1, 3, TIME),
    "HWC": lambda w: w.add_image("i", IMAGE.transpose(1, 2, 0), 3, TIME, "HWC"),
    "HW": lambda w: w.add_image("i", torch.from_numpy(IMAGE[0]), 3, TIME, "HW"),
    "WH": lambda w: w.add_image("i", IMAGE[0], 3, TIME, "WH"),
    "RGBA": lambda w: w.add_image("i", np.concatenate([IMAGE, IMAGE[:1]]), 3, TIME),
    "NCHW": lambda w: w.add_images("i", BATCH, 3, TIME),
    "NHWC": lambda w: w.add_images("i", BATCH.transpose(0, 2, 3, 1), 3, TIME, "NHWC"),
    "grey batch": lambda w: w.add_images("i", BATCH[:3, :1], 3, TIME),
    "boxes": lambda w: w.add_image_with_boxes("i", IMAGE, BOXES, 3, TIME),
    "labels": lambda w: w.add_image_with_boxes("i", IMAGE, BOXES, 3, TIME, labels=["a", "b"]),
}


@pytest.mark.parametrize("call", IMAGES.values(), ids=IMAGES)
def test_images_have_the_same_pixels(tmp_path, call):
    (theirs,), (ours,) = both(tmp_path, call)

    np.testing.assert_array_equal(pixels(ours), pixels(theirs))
    for event in (theirs, ours):
        event["summary"]["value"][0]["image"].pop("encoded_image_string")
    assert ours == theirs


def test_a_scaled_image_says_its_own_size(tmp_path):
    (theirs,), (ours,) = both(
        tmp_path, lambda w: w.add_image_with_boxes("i", IMAGE, BOXES, 3, TIME, rescale=2)
    )

    assert pixels(ours).shape == (18, 14, 3)
    picture = theirs["summary"]["value"][0]["image"]
    assert (picture["height"], picture["width"]) == (9, 7), "PyTorch gives the size before"


def test_a_sound_that_is_too_loud_is_clipped(tmp_path):
    with SummaryWriter(tmp_path) as writer:
        writer.add_audio("a", np.array([2.0, -2.0, 0.5]), 1, 8000)

    import base64

    (event,) = written(tmp_path)
    data = base64.b64decode(event["summary"]["value"][0]["audio"]["encoded_audio_string"])
    with wave.open(io.BytesIO(data)) as file:
        assert struct.unpack("<3h", file.readframes(3)) == (32767, -32767, 16383)


def graph_of(folder: Path):
    from tensorboard.compat.proto.graph_pb2 import GraphDef

    (path,) = folder.glob("*tfevents*")
    events = tensorboard_reader.events(path)
    graphs = [GraphDef.FromString(e.graph_def) for e in events if e.graph_def]
    metadata = [e.tagged_run_metadata for e in events if e.HasField("tagged_run_metadata")]
    return *graphs, [(m.tag, m.run_metadata) for m in metadata]


class Block(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(4, 4)
        self.norm = torch.nn.BatchNorm1d(4)
        self.weight = torch.nn.Parameter(torch.ones(4))

    def forward(self, x):
        return torch.relu(self.norm(self.linear(x))) + self.weight * 2


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block()
        self.tail = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU())
        self.gain = torch.nn.Parameter(torch.ones(3))

    def forward(self, x, y):
        h = self.tail(self.block(x))
        return h * self.gain + y, h.chunk(3, dim=1)


def nodes_of(graph):
    # PyTorch lets parameters refer to modules, which are no nodes.
    names = {node.name for node in graph.node}
    return sorted(
        (
            n.name,
            n.op,
            [i for i in n.input if i in names],
            text_format.MessageToString(n.attr["attr"]),
            text_format.MessageToString(n.attr["_output_shapes"]),
        )
        for n in graph.node
    )


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_graph_of_a_module(tmp_path):
    model = Net()
    model.tail.eval()
    example = (torch.randn(5, 4), torch.randn(5, 3))
    for name, make in (("torch", torch_writer()), ("ours", SummaryWriter)):
        with make(tmp_path / name) as writer:
            writer.add_graph(model, example)
        if name == "torch":
            model.train()
            model.tail.eval()

    theirs, ours = graph_of(tmp_path / "torch"), graph_of(tmp_path / "ours")
    assert len(ours[0].node) > 20
    assert nodes_of(ours[0]) == nodes_of(theirs[0])
    assert ours[0].versions == theirs[0].versions
    assert ours[1] == theirs[1]
    assert model.training
    assert not model.tail.training, "each module is put back into its own mode"


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_what_cannot_be_traced_is_an_error(tmp_path):
    with SummaryWriter(tmp_path) as writer, pytest.raises(RuntimeError):
        writer.add_graph(torch.nn.Linear(2, 3), torch.randn(1, 5))


def test_the_graph_of_an_onnx_file(tmp_path):
    onnx = pytest.importorskip("onnx", reason="onnx is not installed")
    helper, kind = onnx.helper, onnx.TensorProto.FLOAT
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["h"], kernel_shape=[3, 3], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["h"], ["y"]),
    ]
    ends = [helper.make_tensor_value_info(n, kind, [1, 3, 8, 8]) for n in ("x", "y")]
    weight = helper.make_tensor("w", kind, [3, 3, 3, 3], np.zeros(81))
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], [weight])
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph), path)
    for name, make in (("torch", torch_writer()), ("ours", SummaryWriter)):
        with make(tmp_path / name) as writer:
            writer.add_onnx_graph(str(path))

    (theirs, _), (ours, _) = graph_of(tmp_path / "torch"), graph_of(tmp_path / "ours")
    assert ours == theirs


def test_embeddings(tmp_path):
    from tensorboard.plugins.projector.projector_config_pb2 import ProjectorConfig

    points = torch.from_numpy(RNG.random((5, 3), dtype=np.float32))
    pictures = torch.from_numpy(RNG.random((5, 3, 4, 4), dtype=np.float32))
    for name, make in (("torch", torch_writer()), ("ours", SummaryWriter)):
        with make(tmp_path / name) as writer:
            labels = ["a", "b", "ü", '"d"', "e"]
            writer.add_embedding(points, labels, pictures, 7, 'my "tag"/é')
            rows = [[k, k * 2] for k in range(5)]
            writer.add_embedding(points, rows, metadata_header=["x", "y"])

    trees = [
        {p.relative_to(tmp_path / n): p for p in sorted((tmp_path / n).rglob("*.*")) if p.is_file()}
        for n in ("torch", "ours")
    ]
    theirs, ours = ({k: v for k, v in t.items() if "tfevents" not in k.name} for t in trees)
    assert ours.keys() == theirs.keys()
    assert len(ours) == 6
    for name, path in ours.items():
        if path.suffix == ".tsv":
            assert path.read_text() == theirs[name].read_text()
    configs = [
        text_format.Parse((tmp_path / n / "projector_config.pbtxt").read_text(), ProjectorConfig())
        for n in ("torch", "ours")
    ]
    assert configs[0] == configs[1]
    from PIL import Image

    sprites = [next(p for k, p in t.items() if k.suffix == ".png") for t in (theirs, ours)]
    first, second = (np.asarray(Image.open(path)) for path in sprites)
    np.testing.assert_array_equal(first, second)


def test_a_purge_step(tmp_path):
    for name, make in (("torch", torch_writer()), ("ours", SummaryWriter)):
        with make(tmp_path / name, purge_step=7) as writer:
            writer.add_scalar("x", 1.0, 7, TIME)

    theirs, ours = (without_times(written(tmp_path / name)) for name in ("torch", "ours"))
    assert len(ours) == 3
    assert ours == theirs


def test_summaries_and_events_of_tensorboards_classes_are_taken(tmp_path):
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary

    def call(writer):
        summary = Summary(value=[Summary.Value(tag="x", simple_value=1.5)])
        writer.file_writer.add_summary(summary, 3, TIME)
        summary.value[0].simple_value = 9
        writer.file_writer.add_event(Event(step=8, graph_def=b"\n\x00"), walltime=TIME)

    theirs, ours = both(tmp_path, call)
    assert len(ours) == 2
    assert ours[0]["summary"]["value"] == [{"tag": "x", "simple_value": 1.5}]
    theirs[0]["summary"]["value"][0]["simple_value"] = 1.5  # it may come too late there
    assert ours == theirs


def test_every_method_and_argument_exists_in_the_same_place():
    own, theirs = vars_of(SummaryWriter), vars_of(torch_writer())

    for name, parameters in theirs.items():
        assert name in own, name
        assert own[name][: len(parameters)] == parameters, name


def vars_of(kind: type) -> dict[str, list[tuple[str, object]]]:
    functions = {
        name: function
        for name, function in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_") or name in {"__init__", "__enter__", "_get_file_writer"}
    }
    return {
        name: [(p.name, p.default) for p in inspect.signature(function).parameters.values()]
        for name, function in functions.items()
    }


def test_attributes_that_scripts_look_at_exist(tmp_path):
    pair = [make(tmp_path / name) for name, make in (("a", torch_writer()), ("b", SummaryWriter))]
    theirs, ours = pair
    public = {name for name in vars(theirs) if not name.startswith("_")}

    assert all(hasattr(ours, name) for name in public)
    assert ours.default_bins == theirs.default_bins
    assert ours.get_logdir() == tmp_path / "b"
    assert ours.file_writer.get_logdir() == str(tmp_path / "b")
    for writer in pair:
        writer.close()
