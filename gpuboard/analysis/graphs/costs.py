"""Add up what nodes cost over the scopes of a graph, on the devices that count."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection

import numpy as np

from gpuboard.analysis.graphs.tree import Float64s, Int32s, Tree
from gpuboard.summaries.graphs.costs import Costs, aligned

SEVERAL = -2  # devices below one item
NONE = -1


@dataclasses.dataclass(frozen=True, slots=True)
class ItemCosts:
    """Columns over the items of a tree.

    Attributes:
        time_us: Microseconds in one step, NaN where none were logged.
        memory_bytes: Bytes asked for, NaN where none were logged.
        devices: Different devices.
        device: Index into `devices`, SEVERAL or NONE, int32.
    """

    time_us: Float64s
    memory_bytes: Float64s
    devices: tuple[str, ...]
    device: Int32s


def item_costs(tree: Tree, costs: Costs | None, without: Collection[str] = ()) -> ItemCosts:
    """Return what lies below each item.

    Args:
        tree: The items.
        costs: What nodes cost; None where nothing was logged.
        without: Devices whose time and memory are not to count.
    """
    graph = tree.graph
    names = [graph.devices[k] for k in graph.device.tolist()]
    time = np.full(len(graph), np.nan)
    memory = np.full(len(graph), np.nan)
    if costs is not None:
        time, memory, ran_on = aligned(costs, graph.names)
        names = [ran or own for ran, own in zip(ran_on, names, strict=True)]
    if without:
        is_out = np.array([name in without for name in names])
        time, memory = np.where(is_out, np.nan, time), np.where(is_out, np.nan, memory)
    devices = tuple(sorted({name for name in names if name}))
    number = {name: k for k, name in enumerate(devices)}
    own = np.array([number.get(name, NONE) for name in names], np.int32)
    return ItemCosts(tree.totals(time), tree.totals(memory), devices, common(tree, own))


def common(tree: Tree, own: Int32s) -> Int32s:
    """Return for each item the number that all nodes below it share, SEVERAL, or NONE.

    Args:
        tree: The items.
        own: A number for each node of the graph, NONE for none.
    """
    values = own[tree.order]
    is_known = values >= 0
    counts = np.concatenate([[0], np.cumsum(is_known)])
    changes = np.concatenate([[0], np.cumsum(_changes(values, is_known))])
    known = np.flatnonzero(is_known)
    found = np.full(len(tree), NONE, np.int32)
    has_any = counts[tree.last] > counts[tree.first]
    first_known = counts[tree.first][has_any]
    places = known[first_known]
    found[has_any] = values[places]
    # Between the first known node of an item and its end, no known one may differ from the last.
    is_mixed = changes[tree.last][has_any] > changes[places + 1]
    found[np.flatnonzero(has_any)[is_mixed]] = SEVERAL
    return found


def _changes(values: Int32s, is_known: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Int32s:
    """Return 1 at each known value that differs from the known one before it."""
    changes = np.zeros(len(values), np.int32)
    known = np.flatnonzero(is_known)
    changes[known[1:]] = values[known[1:]] != values[known[:-1]]
    return changes
