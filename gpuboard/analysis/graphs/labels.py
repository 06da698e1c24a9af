"""Say what stands in a box, and how large it has to be for that."""

from __future__ import annotations

import dataclasses
import re

from gpuboard.analysis.graphs.tree import NODE, SERIES, Tree
from gpuboard.summaries.graphs import graph as model

LABEL_PX = 12.0
SUB_PX = 10.5
MOST_WIDTH = 232.0
LEAST_WIDTH = 64.0
SIDE = 12.0  # between text and border
HEADER = 30.0  # of an open scope

_TRACE_NAME = re.compile(r"(?:input|output|x|_)?[.]?\d*\Z")
_NARROW = frozenset("iljtfr.,:;'|!()[]/ I-")
_WIDE = frozenset("mwMW@%—")


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """Texts of a box and its size when closed, in pixels."""

    label: str
    sub: str
    width: float
    height: float


def look(tree: Tree, item: int, parameters: float) -> Look:
    """Return what a closed box shows.

    Args:
        tree: The items.
        item: The one to show.
        parameters: Trained numbers below it, NaN for none.
    """
    if tree.form[item] != NODE:
        return _scope_look(tree, item, parameters)
    label, sub = _node_texts(tree, item)
    kind = tree.graph.kind[tree.node[item]]
    if kind in (model.PARAMETER, model.CONSTANT):
        width = text_width(label, LABEL_PX) + (text_width(sub, SUB_PX) + 8 if sub else 0)
        return Look(label, sub, _bounded(width + 2 * SIDE), 24.0)
    widest = max(text_width(label, LABEL_PX), text_width(sub, SUB_PX))
    return Look(label, sub, _bounded(widest + 2 * SIDE), 38.0 if sub else 28.0)


def text_width(text: str, size: float) -> float:
    """Return about how wide a text is in a sans-serif font of `size` pixels."""
    units = 0.0
    for character in text[:200]:
        if character in _NARROW:
            units += 0.34
        elif character in _WIDE:
            units += 0.87
        elif character.isupper():
            units += 0.68
        elif ord(character) > 0x2E80:
            units += 1.0
        else:
            units += 0.56
    return units * size


def amount(value: float) -> str:
    """Return a count in short: 950, "12.3k", "1.2M", "175B"."""
    for unit, size in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        if value >= 0.9995 * size:
            shown = f"{value / size:.3g}"
            return f"{float(shown):g}{unit}" if float(shown) < 1000 else f"{value / size:.0f}{unit}"
    return f"{value:.0f}"


def node_label(tree: Tree, item: int) -> str:
    """Return the name of a node as a box shows it."""
    return _node_texts(tree, item)[0]


def _scope_look(tree: Tree, item: int, parameters: float) -> Look:
    count = len(tree.children[item])
    nodes = int(tree.last[item] - tree.first[item])
    sub = f"× {count}" if tree.form[item] == SERIES else _plural(nodes, "node")
    if parameters > 0:
        sub = f"{sub} · {amount(parameters)} params"
    label = tree.labels[item]
    widest = max(text_width(label, LABEL_PX) * 1.06, text_width(sub, SUB_PX))
    return Look(label, sub, _bounded(widest + 2 * SIDE + 14), 42.0)


def _node_texts(tree: Tree, item: int) -> tuple[str, str]:
    graph, node = tree.graph, int(tree.node[item])
    op, name = graph.ops[graph.op[node]], tree.labels[item]
    shape = graph.shape_text(node)
    short = op.rpartition("::")[2].lstrip("_") or op
    kind = graph.kind[node]
    if kind in (model.PARAMETER, model.CONSTANT):
        return name, shape
    if kind in (model.INPUT, model.OUTPUT):
        return name, shape
    is_nameless = graph.source == "torch" and "[" not in name
    if is_nameless or graph.source == "onnx" or _TRACE_NAME.fullmatch(name):
        return short, shape
    if short.lower().replace("_", "") in name.lower().replace("_", ""):
        return name, shape
    return name, f"{short} · {shape}" if shape else short


def _bounded(width: float) -> float:
    return float(round(min(MOST_WIDTH, max(LEAST_WIDTH, width))))


def _plural(count: int, noun: str) -> str:
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
