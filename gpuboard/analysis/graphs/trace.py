"""Walk a graph against its edges or along them, for "what does this depend on"."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gpuboard.analysis.graphs.tree import Edges, Int32s

Bools = npt.NDArray[np.bool_]


def reached(edges: Edges, nodes: int, start: Int32s, *, backwards: bool = True) -> Bools:
    """Return which nodes lead to those of `start`, or follow from them; they themselves included.

    Args:
        edges: Connections.
        nodes: How many nodes the graph has.
        start: Where to begin.
        backwards: Whether to walk towards the inputs.
    """
    near, far = (edges.target, edges.source) if backwards else (edges.source, edges.target)
    order = np.argsort(near, kind="stable")
    first = np.searchsorted(near[order], np.arange(nodes + 1))
    ends = far[order]
    seen = np.zeros(nodes, np.bool_)
    seen[start] = True
    front = np.asarray(start, np.int64)
    while len(front):
        spans = [ends[first[node] : first[node + 1]] for node in front.tolist()]
        found = np.unique(np.concatenate(spans)) if spans else np.empty(0, np.int64)
        front = found[~seen[found]].astype(np.int64)
        seen[front] = True
    return seen
