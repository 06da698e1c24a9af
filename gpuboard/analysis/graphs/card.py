"""Say everything about one node or scope, and find or list nodes by name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from gpuboard.analysis.graphs.costs import SEVERAL, ItemCosts
from gpuboard.analysis.graphs.labels import node_label
from gpuboard.analysis.graphs.picture import FORMS
from gpuboard.analysis.graphs.tree import NODE, SERIES, Float64s, Tree
from gpuboard.analysis.patterns import compiled, searched
from gpuboard.errors import NotFoundError
from gpuboard.summaries.graphs import graph as model
from gpuboard.summaries.graphs.graph import Graph

MAX_LISTED = 100  # inputs or outputs in a card, and operations of a scope
MAX_USAGES = 50
MAX_ROWS = 20_000  # of a table


def card(tree: Tree, key: str, parameters: Float64s, costs: ItemCosts) -> dict[str, Any]:
    """Return what is known of the item that a key names.

    Raises:
        NotFoundError: There is no such item.
    """
    item = tree.position.get(key)
    if item is None:
        raise NotFoundError(f"there is no {key[:200]!r} in this graph")
    common = {
        "key": key,
        "form": FORMS[int(tree.form[item])],
        "label": tree.labels[item],
        "above": [tree.keys[k] for k in reversed(tree.ancestors(item))],
        "time_us": float(costs.time_us[item]),
        "memory_bytes": float(costs.memory_bytes[item]),
        "device": _device(costs, item),
    }
    if tree.form[item] == NODE:
        return {**common, **_node_card(tree, int(tree.node[item]))}
    return {**common, **_scope_card(tree, item, parameters)}


def search(tree: Tree, text: str, limit: int, *, is_regex: bool) -> dict[str, Any]:
    """Return items whose key or operation holds a text, names and scopes first, at most `limit`.

    Raises:
        InputError: The text is no regular expression.
        LimitError: Searching took too long.
    """
    ops = [_op(tree, item) for item in range(len(tree))]
    if is_regex:
        pattern = compiled(text)
        names = [match is not None for match in searched(pattern, tree.keys)]
        by_op = [match is not None for match in searched(pattern, ops)]
    else:
        wanted = text.lower()
        names = [wanted in key.lower() for key in tree.keys]
        by_op = [wanted in op.lower() for op in ops]
    found = [item for item in range(1, len(tree)) if names[item] or by_op[item]]
    found.sort(
        key=lambda item: (
            not names[item],
            tree.form[item] == NODE,
            tree.keys[item].count("/"),
            item,
        )
    )
    shown = found[:limit]
    return {
        "total": len(found),
        "key": [tree.keys[item] for item in shown],
        "label": [
            node_label(tree, item) if tree.form[item] == NODE else tree.labels[item]
            for item in shown
        ],
        "op": [ops[item] for item in shown],
        "form": [FORMS[int(tree.form[item])] for item in shown],
    }


def table(tree: Tree, costs: ItemCosts) -> dict[str, Any]:
    """Return all nodes as columns: what they make, hold and cost."""
    graph = tree.graph
    items = np.flatnonzero(tree.form == NODE)
    shown = items[:MAX_ROWS].tolist()
    nodes = [int(tree.node[item]) for item in shown]
    return {
        "total": len(items),
        "key": [tree.keys[item] for item in shown],
        "op": [graph.ops[graph.op[node]] for node in nodes],
        "kind": [model.KIND_NAMES[graph.kind[node]] for node in nodes],
        "shape": [_shapes(graph, node) for node in nodes],
        "parameters": [_parameters(graph, node) for node in nodes],
        "bytes": [int(graph.parameter_bytes[node]) for node in nodes],
        "device": [_device(costs, item) for item in shown],
        "time_us": costs.time_us[shown],
        "memory_bytes": costs.memory_bytes[shown],
    }


def summary(tree: Tree) -> dict[str, Any]:
    """Return the totals of a graph."""
    graph = tree.graph
    is_parameter = graph.kind == model.PARAMETER
    has_shape = np.diff(graph.output_start) > 0
    return {
        "nodes": len(graph),
        "edges": len(graph.input_node),
        "parameters": int(graph.parameters.sum()),
        "parameter_bytes": int(graph.parameter_bytes.sum()),
        "without_shape": int((is_parameter & ~has_shape).sum()),
    }


def _node_card(tree: Tree, node: int) -> dict[str, Any]:
    graph = tree.graph
    inputs, before = _inputs(tree, node)
    outputs, after = _outputs(tree, node)
    call = int(graph.calls[node])
    function = f"{model.FUNCTIONS}/{graph.functions[call]}" if call >= 0 else ""
    return {
        "name": graph.names[node],
        "op": graph.ops[graph.op[node]],
        "kind": model.KIND_NAMES[graph.kind[node]],
        "cluster": graph.clusters[graph.cluster[node]],
        "tensors": [tensor.text for tensor in graph.outputs(node)],
        "parameters": _parameters(graph, node),
        "bytes": int(graph.parameter_bytes[node]),
        "attributes": [
            {"name": one.name, "text": one.text, "cut": one.is_cut}
            for one in graph.attributes(node)
        ],
        "inputs": inputs,
        "before": before,
        "outputs": outputs,
        "after": after,
        "calls": function if function in tree.position else "",
    }


def _scope_card(tree: Tree, item: int, parameters: Float64s) -> dict[str, Any]:
    graph, nodes = tree.graph, tree.nodes_below(item)
    ops = Counter(graph.ops[k] for k in graph.op[nodes].tolist())
    is_inside = np.zeros(len(graph), np.bool_)
    is_inside[nodes] = True
    edges = tree.edges
    enters = ~is_inside[edges.source] & is_inside[edges.target]
    leaves = is_inside[edges.source] & ~is_inside[edges.target]
    total = parameters[item]
    # A series has the structure of its members.
    is_other = (tree.structure == tree.structure[item]) & (tree.form != SERIES)
    is_other[item] = False
    alike = int(is_other.sum())
    return {
        "name": tree.keys[item],
        "op": "",
        "kind": "",
        "nodes": len(nodes),
        "members": len(tree.children[item]),
        "parameters": 0 if np.isnan(total) else int(total),
        "bytes": int(graph.parameter_bytes[nodes].sum()),
        "alike": 0 if tree.form[item] == SERIES else alike,
        "ops": [{"op": op, "count": count} for op, count in ops.most_common(MAX_LISTED)],
        "inputs": _crossing(tree, edges.source[enters].tolist(), edges.port[enters].tolist()),
        "outputs": _crossing(tree, edges.source[leaves].tolist(), edges.port[leaves].tolist()),
        "usages": _usages(tree, tree.keys[item]),
    }


Ties = dict[str, Any]


def _inputs(tree: Tree, node: int) -> tuple[Ties, Ties]:
    """Return what a node takes, and what it only waits for."""
    graph = tree.graph
    span = slice(graph.input_start[node], graph.input_start[node + 1])
    rows = list(
        zip(
            graph.input_node[span].tolist(),
            graph.input_port[span].tolist(),
            graph.is_control[span].tolist(),
            strict=True,
        )
    )
    return (
        _ties(tree, [(source, port) for source, port, is_control in rows if not is_control]),
        _ties(tree, [(source, port) for source, port, is_control in rows if is_control]),
    )


def _outputs(tree: Tree, node: int) -> tuple[Ties, Ties]:
    """Return who takes what a node makes, and who only waits for it."""
    graph = tree.graph
    places = np.flatnonzero(graph.input_node == node)
    takers = np.searchsorted(graph.input_start, places, side="right") - 1
    rows = list(
        zip(
            takers.tolist(),
            graph.input_port[places].tolist(),
            graph.is_control[places].tolist(),
            strict=True,
        )
    )
    made = graph.outputs(node)

    def ties(wanted: bool) -> Ties:
        own = [(taker, port) for taker, port, is_control in rows if is_control is wanted]
        shown = own[:MAX_LISTED]
        shapes = [made[port].text if port < len(made) else "" for _, port in shown]
        return _named(tree, [taker for taker, _ in shown], shapes, len(own))

    return ties(False), ties(True)


def _crossing(tree: Tree, source: Sequence[int], port: Sequence[int]) -> Ties:
    pairs = dict.fromkeys(zip(source, port, strict=True))
    return _ties(tree, list(pairs))


def _ties(tree: Tree, rows: Sequence[tuple[int, int]]) -> Ties:
    shapes: list[str] = []
    for node, port in rows[:MAX_LISTED]:
        made = tree.graph.outputs(node)
        text = made[port].text if port < len(made) else ""
        shapes.append(text or _value(tree.graph, node))
    return _named(tree, [node for node, _ in rows[:MAX_LISTED]], shapes, len(rows))


def _named(tree: Tree, nodes: Sequence[int], tensors: Sequence[str], total: int) -> Ties:
    items = [int(tree.item_of[node]) for node in nodes]
    return {
        "total": total,
        "key": [tree.keys[item] if item >= 0 else "" for item in items],
        "name": [tree.graph.names[node] for node in nodes],
        "op": [tree.graph.ops[tree.graph.op[node]] for node in nodes],
        "tensor": list(tensors),
    }


def _value(graph: Graph, node: int) -> str:
    """Return the value of a constant in few words, "" for other nodes."""
    if graph.kind[node] != model.CONSTANT:
        return ""
    wanted = ("value", "attr", "value_int", "value_float")
    found = [one for one in graph.attributes(node) if one.name in wanted]
    return found[0].text[:60] if found else ""


def _usages(tree: Tree, key: str) -> list[str]:
    """Return the nodes that call a function, for the scope that holds its body."""
    graph = tree.graph
    name = key.removeprefix(f"{model.FUNCTIONS}/")
    if name == key or name not in graph.functions:
        return []
    nodes = np.flatnonzero(graph.calls == graph.functions.index(name))[:MAX_USAGES]
    return [tree.keys[tree.item_of[node]] for node in nodes.tolist() if tree.item_of[node] >= 0]


def _device(costs: ItemCosts, item: int) -> str:
    device = int(costs.device[item])
    return "several" if device == SEVERAL else costs.devices[device] if device >= 0 else ""


def _op(tree: Tree, item: int) -> str:
    node = int(tree.node[item])
    return tree.graph.ops[tree.graph.op[node]] if node >= 0 else ""


def _shapes(graph: Graph, node: int) -> str:
    return ", ".join(tensor.text for tensor in graph.outputs(node)[:4] if tensor.text)


def _parameters(graph: Graph, node: int) -> int | None:
    """Return how many numbers a parameter has: None when its shape was not logged."""
    has_shape = graph.output_start[node + 1] > graph.output_start[node]
    if graph.kind[node] == model.PARAMETER and not has_shape:
        return None
    return int(graph.parameters[node])
