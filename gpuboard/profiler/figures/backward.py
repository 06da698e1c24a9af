"""Join operators of the forward pass with those that compute their gradients."""

from __future__ import annotations

import dataclasses

import numpy as np

from gpuboard.profiler.traces.trace import Bools, Int32s, Int64s, Kind, Trace


@dataclasses.dataclass(frozen=True, slots=True)
class Backward:
    """Pairs of operators; columns of shape (p,), by ascending `backward`.

    Attributes:
        forward: Row of the operator of the forward pass.
        backward: Row of the operator of the backward pass. Of nested ones of the same number, as
            "autograd::engine::evaluate_function: X" and "X", only the outer.
        absent: Why there are no pairs, "" if there are.
    """

    forward: Int32s
    backward: Int32s
    absent: str = ""


def join_backward(trace: Trace, parent: Int32s) -> Backward:
    """Pair operators by "Sequence number": backward ones name a forward thread (not 0).

    Autograd gives its number to every operator that runs before the next node of the graph is made;
    the latest one to begin before the backward operator made it. The arrows of the file ("fwdbwd")
    pair the same operators, but only newer files have them. Numbers are counted by thread: where
    several threads run forward passes at once, pairs may be mixed up.

    Args:
        trace: As read.
        parent: The operator that each slice lies in, -1 for none, shape (n,).
    """
    from gpuboard.profiler.compiled import frozen
    from gpuboard.profiler.figures.launch_kernels import launching_calls

    operators, start = trace.operators, trace.slices.start
    is_operator = trace.slices.kind[operators.row] == Kind.OPERATOR
    numbered = (operators.sequence >= 0) & is_operator
    back = np.flatnonzero(numbered & (operators.forward_thread > 0))
    front = np.flatnonzero(numbered & (operators.forward_thread <= 0))
    if not len(back) or not len(front):
        none = np.empty(0, np.int32)
        return Backward(none, none, 'No operators share a "Sequence number" with a backward pass.')
    back = back[_outer(trace, operators.row[back], operators.sequence[back], parent)]
    sequence, row = operators.sequence, operators.row
    order = front[np.lexsort((start[row[front]], sequence[front]))]
    columns = (sequence[order] + 1, start[row[order]], sequence[back] + 1, start[row[back]])
    found = launching_calls(*map(frozen, columns))
    early = start[np.append(row[order], row[back][:1])[found]] <= start[row[back]]
    paired = (found >= 0) & early
    return Backward(row[order][found[paired]], row[back][paired])


def _outer(trace: Trace, rows: Int32s, sequence: Int64s, parent: Int32s) -> Bools:
    of_slice = np.full(len(trace.slices) + 1, -1, np.int64)
    of_slice[rows] = sequence
    outer: Bools = of_slice[parent[rows]] != sequence
    return outer
