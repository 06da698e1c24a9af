"""Turn a scene into the columns that a page draws: boxes, lines and the pairs they tie."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from gpuboard.analysis.graphs.costs import ItemCosts, common, item_costs
from gpuboard.analysis.graphs.first import first_open
from gpuboard.analysis.graphs.scene import Scene, compose
from gpuboard.analysis.graphs.trace import Bools, reached
from gpuboard.analysis.graphs.tree import NODE, SCOPE, SERIES, Float64s, Int32s, Tree
from gpuboard.analysis.graphs.view import Options
from gpuboard.errors import InputError
from gpuboard.summaries.graphs import graph as model
from gpuboard.summaries.graphs.costs import Costs

FORMS = {NODE: "node", SCOPE: "scope", SERIES: "series"}


@dataclasses.dataclass(frozen=True, slots=True)
class Trace:
    """A node or scope whose ancestors ("inputs") or descendants ("outputs") are marked."""

    key: str
    direction: str = "inputs"


@dataclasses.dataclass(frozen=True, slots=True)
class Extras:
    """What goes with a graph in a picture.

    Attributes:
        costs: What nodes cost in one step, None where nothing was logged.
        without: Devices that do not count.
        trace: What is traced, None for nothing.
        health: Numbers that are no numbers, by name of the node: NaN and infinities.
    """

    costs: Costs | None = None
    without: Collection[str] = ()
    trace: Trace | None = None
    health: Mapping[str, tuple[int, int]] = dataclasses.field(default_factory=dict)


def picture(
    tree: Tree, parameters: Float64s, options: Options, extras: Extras, *, first: bool = False
) -> dict[str, Any]:
    """Return all columns of a picture; box 0 is the whole graph and not drawn.

    Args:
        tree: The items.
        parameters: Trained numbers below each item.
        options: What the user chose.
        extras: What is shown besides.
        first: Whether to open what suits a screen, instead of what `options` says.

    Raises:
        LimitError: Too many boxes would be open.
        InputError: The traced key is not there.
    """
    if first:
        chosen = frozenset(first_open(tree, parameters, options))
        options = dataclasses.replace(options, open=chosen)
    scene = compose(tree, options, parameters)
    item = scene.view.item
    costs = item_costs(tree, extras.costs, extras.without)
    return {
        "source": tree.graph.source,
        "nodes": len(tree.order),
        "open": [tree.keys[k] for k in item[scene.view.is_open].tolist()[1:]],
        "width": float(scene.width[0]),
        "height": float(scene.height[0]),
        "boxes": {**_boxes(tree, scene, parameters), **_colours(tree, item, costs, extras)},
        "lines": _lines(tree, scene),
        "pairs": _pairs(scene),
        "traced": _traced(tree, scene, extras.trace),
        "devices": list(costs.devices),
        "clusters": list(tree.graph.clusters),
        "has": _has(tree, extras),
    }


def _boxes(tree: Tree, scene: Scene, parameters: Float64s) -> dict[str, Any]:
    view, item = scene.view, scene.view.item
    hidden = _hidden_ties(scene)
    return {
        "key": [tree.keys[k] for k in item.tolist()],
        "label": [one.label for one in scene.looks],
        "sub": [one.sub for one in scene.looks],
        "form": [FORMS[int(tree.form[k])] for k in item.tolist()],
        "kind": [_kind(tree, k) for k in item.tolist()],
        "x": np.round(scene.x, 1),
        "y": np.round(scene.y, 1),
        "width": np.round(scene.width, 1),
        "height": np.round(scene.height, 1),
        "parent": view.parent,
        "depth": view.depth,
        "open": view.is_open.astype(np.int8),
        "apart": view.is_apart.astype(np.int8),
        "nodes": tree.last[item] - tree.first[item],
        "parameters": _null(parameters[item]),
        "hidden": hidden,
    }


def _kind(tree: Tree, item: int) -> str:
    node = tree.node[item]
    if node < 0:
        return "functions" if tree.keys[item] == model.FUNCTIONS else ""
    return model.KIND_NAMES[tree.graph.kind[node]]


def _hidden_ties(scene: Scene) -> list[int]:
    """Return for each box how many of its ties have no line."""
    is_hidden = np.diff(scene.pair_start) == 0
    counts = np.zeros(len(scene.view), np.int64)
    np.add.at(counts, scene.view.source[is_hidden], 1)
    np.add.at(counts, scene.view.target[is_hidden], 1)
    return counts.tolist()


def _colours(tree: Tree, item: Int32s, costs: ItemCosts, extras: Extras) -> dict[str, Any]:
    graph = tree.graph
    is_named = np.array([bool(name) for name in graph.clusters])
    clusters = np.where(is_named[graph.cluster], graph.cluster, -1).astype(np.int32)
    found = {
        "structure": tree.alike[item],
        "device": costs.device[item],
        "cluster": common(tree, clusters)[item],
        "time_us": _null(costs.time_us[item]),
        "memory_bytes": _null(costs.memory_bytes[item]),
    }
    if extras.health:
        found |= _health(tree, item, extras.health)
    return found


def _health(tree: Tree, item: Int32s, health: Mapping[str, tuple[int, int]]) -> dict[str, Any]:
    nans = np.full(len(tree.graph), np.nan)
    infinities = nans.copy()
    for node, name in enumerate(tree.graph.names):
        if name in health:
            nans[node], infinities[node] = health[name]
    return {
        "nan": _null(tree.totals(nans)[item]),
        "infinite": _null(tree.totals(infinities)[item]),
    }


def _lines(tree: Tree, scene: Scene) -> dict[str, Any]:
    return {
        "start": scene.line_start,
        "points": np.round(scene.points, 1).ravel(),
        "tail": scene.line_tail,
        "head": scene.line_head,
        "tensors": scene.line_tensors,
        "control": scene.line_control.astype(np.int8),
        "label": _line_labels(tree, scene),
    }


def _line_labels(tree: Tree, scene: Scene) -> list[str]:
    """Return for each line the shape of its tensor, or how many tensors it carries."""
    one_pair = np.full(len(scene.line_tail), -1, np.int64)
    owner = np.repeat(np.arange(len(scene.view.source)), np.diff(scene.pair_start))
    one_pair[scene.pair_line[::-1]] = owner[::-1]
    labels: list[str] = []
    for line, tensors in enumerate(scene.line_tensors.tolist()):
        if scene.line_control[line]:
            labels.append("after")
        elif tensors > 1:
            labels.append(f"{tensors:,} tensors")
        else:
            labels.append(edge_shape(tree, int(scene.view.example[one_pair[line]])))
    return labels


def edge_shape(tree: Tree, edge: int) -> str:
    """Return the shape of the tensor that runs along an edge, "" when it is not known."""
    node, port = int(tree.edges.source[edge]), int(tree.edges.port[edge])
    outputs = tree.graph.outputs(node)
    return outputs[port].dims if port < len(outputs) else ""


def _pairs(scene: Scene) -> dict[str, Any]:
    return {
        "source": scene.view.source,
        "target": scene.view.target,
        "tensors": scene.view.tensors,
        "start": scene.pair_start,
        "line": scene.pair_line,
    }


def _traced(tree: Tree, scene: Scene, trace: Trace | None) -> list[int] | None:
    """Return which boxes hold a node that the traced one depends on, None without a trace."""
    if trace is None:
        return None
    item = tree.position.get(trace.key)
    if item is None:
        raise InputError(f"trace: there is no {trace.key[:100]!r} in this graph")
    nodes = reached(
        tree.edges,
        len(tree.graph),
        tree.nodes_below(item),
        backwards=trace.direction == "inputs",
    )
    return _holds(tree, scene.view.item, nodes).tolist()


def _holds(tree: Tree, item: Int32s, nodes: Bools) -> npt.NDArray[np.int8]:
    counts = np.concatenate([[0], np.cumsum(nodes[tree.order])])
    return (counts[tree.last[item]] > counts[tree.first[item]]).astype(np.int8)


def _has(tree: Tree, extras: Extras) -> dict[str, bool]:
    """Return what the boxes can be coloured by."""
    costs = extras.costs
    return {
        "device": any(tree.graph.devices) or (costs is not None and len(costs.names) > 0),
        "cluster": any(tree.graph.clusters),
        "time": costs is not None and bool(np.isfinite(costs.time_us).any()),
        "memory": costs is not None and bool(np.isfinite(costs.memory_bytes).any()),
        "health": bool(extras.health),
        "constants": bool((tree.graph.kind == model.CONSTANT).any()),
    }


def _null(values: Float64s) -> list[float | None]:
    return [None if math.isnan(value) else value for value in np.round(values, 3).tolist()]
