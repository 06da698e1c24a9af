"""Log what a training shows besides numbers: tensors, pictures, curves, texts, its graph.

Everything comes from the network as it stands at that step, on points that it has or has not seen.
"""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from gpuboard.eventlog.append import EventFileWriter
from gpuboard.eventlog.proto.event_pb2 import Event, Summary, TensorShapeProto
from gpuboard.eventlog.proto.graph_pb2 import AttrValue, GraphDef, NodeDef
from gpuboard.summaries import audio, custom_scalars, histogram, image, mesh, pr_curve, text
from gpuboard.summaries.hparams import HParam, shown

Floats = npt.NDArray[np.float64]

EXTENT = 2.4  # the plane is shown from -EXTENT to EXTENT
PIXELS = 96
GRID = 40
COLOURS = np.array([[68, 119, 230], [230, 126, 52], [26, 148, 116]], np.float64)
LAYOUT: custom_scalars.LayoutDict = {
    "learning": {
        "loss": ["Multiline", ["loss/.*"]],
        "accuracy": ["Multiline", ["accuracy/.*"]],
    },
    "size": {"norms": ["Multiline", [".*/norm"]]},
}
_RATE_HZ = 8_000
_SECONDS = 2.0


@dataclasses.dataclass(frozen=True, slots=True)
class View:
    """What can be seen of a network at one step.

    Attributes:
        parameters: Weights and biases in turn.
        gradients: The last gradient of each.
        probabilities: Returns the probability of each class, shape (n, 3), at points, shape (n, 2).
        hidden: Outputs of the hidden layers on validation points.
        points: Validation points, shape (n, 2).
        labels: Their classes, shape (n,).
    """

    parameters: Sequence[Floats]
    gradients: Sequence[Floats]
    probabilities: Callable[[Floats], Floats]
    hidden: Sequence[Floats]
    points: Floats
    labels: npt.NDArray[np.int64]


def log_plan(writer: EventFileWriter, name: str, hparams: Mapping[str, HParam], width: int) -> None:
    """Log what is known before the first step: layout of charts, a note, the graph."""
    writer.add_value(custom_scalars.encode(LAYOUT))
    rows = "\n".join(f"| {key} | {shown(value)} |" for key, value in hparams.items())
    head = f"# {name}\n\nTell three spiral arms apart.\n\n| hyperparameter | value |\n|---|---|\n"
    writer.add_value(text.encode("notes/plan", head + rows))
    writer.add(Event(wall_time=time.time(), graph_def=graph(width).SerializeToString()))


def log_view(writer: EventFileWriter, view: View, step: int) -> None:
    """Log tensors, the map of the plane, its surface and a curve for each arm."""
    for layer in range(len(view.parameters) // 2):
        writer.add_value(
            histogram.encode(f"weights/layer{layer}", view.parameters[2 * layer]), step
        )
        gradient = view.gradients[2 * layer]
        writer.add_value(histogram.encode(f"gradients/layer{layer}", gradient), step)
    for layer, output in enumerate(view.hidden):
        writer.add_value(histogram.encode(f"activations/layer{layer}", output), step)
    pixels = _map(view)
    png = image.png_of(pixels)
    writer.add_value(
        image.encode("plane/decision", png, height=PIXELS, width=PIXELS, channels=3), step
    )
    for value in _surface(view):
        writer.add_value(value, step)
    found = view.probabilities(view.points)
    for arm in range(3):
        value = pr_curve.encode(f"arms/arm{arm}", view.labels == arm, found[:, arm], 101)
        writer.add_value(value, step)
    writer.add_value(text.encode("notes/confusion", _confusion(view, found)), step)


def log_end(writer: EventFileWriter, losses: Sequence[float], step: int) -> None:
    """Log the losses of the whole training as a tone that falls as they do."""
    sound = sonified(np.array(losses, np.float64))
    writer.add_value(audio.encode("tones/loss", sound, _RATE_HZ), step)


def sonified(losses: Floats) -> Floats:
    """Return two seconds of a tone whose pitch follows a loss: 220 Hz for 0, an octave for 0.5."""
    at = np.arange(int(_SECONDS * _RATE_HZ)) / _RATE_HZ
    known = losses[np.isfinite(losses)]
    if not len(known):
        return np.zeros(len(at))
    course = np.interp(np.linspace(0, 1, len(at)), np.linspace(0, 1, len(known)), known)
    pitch = 220.0 * 2.0 ** np.minimum(2 * course, 3.0)
    fade = np.minimum(1.0, np.minimum(at, _SECONDS - at) / 0.02)
    tone: Floats = 0.5 * fade * np.sin(2 * np.pi * np.cumsum(pitch) / _RATE_HZ)
    return tone


def graph(width: int) -> GraphDef:
    """Return the network's operations by scope, with the shapes of their outputs."""
    nodes = [_node("points", "Placeholder", [], (-1, 2))]
    below, fan_in = "points", 2
    for layer, fan_out in enumerate((width, width, 3)):
        scope = f"layer{layer}"
        nodes += [
            _node(f"{scope}/weights", "VariableV2", [], (fan_in, fan_out)),
            _node(f"{scope}/bias", "VariableV2", [], (fan_out,)),
            _node(f"{scope}/MatMul", "MatMul", [below, f"{scope}/weights"], (-1, fan_out)),
            _node(
                f"{scope}/BiasAdd", "BiasAdd", [f"{scope}/MatMul", f"{scope}/bias"], (-1, fan_out)
            ),
        ]
        below, fan_in = f"{scope}/BiasAdd", fan_out
        if layer < 2:
            nodes.append(_node(f"{scope}/LeakyRelu", "LeakyRelu", [below], (-1, fan_out)))
            below = f"{scope}/LeakyRelu"
    nodes.append(_node("probabilities", "Softmax", [below], (-1, 3)))
    return GraphDef(node=nodes)


def _node(name: str, op: str, inputs: list[str], shape: tuple[int, ...]) -> NodeDef:
    dims = [TensorShapeProto.Dim(size=size) for size in shape]
    shapes = AttrValue.ListValue(shape=[TensorShapeProto(dim=dims)])
    attr = {"_output_shapes": AttrValue(list=shapes)}
    return NodeDef(name=name, op=op, input=inputs, attr=attr)


def _grid(n: int) -> Floats:
    axis = np.linspace(-EXTENT, EXTENT, n)
    x, y = np.meshgrid(axis, axis[::-1])
    return np.stack([x.ravel(), y.ravel()], axis=1)


def _map(view: View) -> npt.NDArray[np.uint8]:
    """Return the plane in the colours of the arms, as sure as the network is, points on it."""
    chances = np.nan_to_num(view.probabilities(_grid(PIXELS)), nan=1 / 3)
    sure = (chances.max(axis=1, keepdims=True) - 1 / 3) * 1.5
    colour = 255 + (COLOURS[chances.argmax(axis=1)] - 255) * (0.15 + 0.6 * sure)
    pixels = colour.reshape(PIXELS, PIXELS, 3)
    place = ((view.points * [1, -1] + EXTENT) / (2 * EXTENT) * PIXELS).astype(np.int64)
    inside = ((place >= 0) & (place < PIXELS)).all(axis=1)
    column, row = place[inside].T
    pixels[row, column] = COLOURS[view.labels[inside]] * 0.6
    shown: npt.NDArray[np.uint8] = np.clip(pixels, 0, 255).astype(np.uint8)
    return shown


def _surface(view: View) -> list[Summary.Value]:
    """Return the probability of the first arm as heights over the plane."""
    places = _grid(GRID)
    chances = np.nan_to_num(view.probabilities(places), nan=1 / 3)
    height = chances[:, 0]
    # Up is the second coordinate, as in most viewers.
    vertices = np.stack([places[:, 0], 1.5 * height, -places[:, 1]], axis=1)
    colours = np.clip(chances @ COLOURS, 0, 255)
    corner = np.arange(GRID * GRID).reshape(GRID, GRID)
    a, b = corner[:-1, :-1].ravel(), corner[:-1, 1:].ravel()
    c, d = corner[1:, :-1].ravel(), corner[1:, 1:].ravel()
    faces = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
    return mesh.encode("plane/surface", vertices[None], colours[None], faces[None])


def _confusion(view: View, found: Floats) -> str:
    called = np.nan_to_num(found, nan=0.0).argmax(axis=1)
    rows = []
    for arm in range(3):
        counts = [int(np.sum((view.labels == arm) & (called == other))) for other in range(3)]
        rows.append(f"| **arm {arm}** | " + " | ".join(map(str, counts)) + " |")
    right = float(np.mean(called == view.labels))
    share = f"{right:.1%}" if math.isfinite(right) else "none"
    head = "| | as arm 0 | as arm 1 | as arm 2 |\n|---|---:|---:|---:|\n"
    return f"{share} of the validation points are told rightly.\n\n{head}" + "\n".join(rows) + "\n"
