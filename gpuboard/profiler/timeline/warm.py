"""Have every kernel of the timeline compiled before somebody waits for a picture."""

from __future__ import annotations

import numpy as np

from gpuboard.profiler.figures.nesting import nest
from gpuboard.profiler.timeline.area import sums
from gpuboard.profiler.timeline.levels import FEW, build
from gpuboard.profiler.timeline.search import find, shown_hits
from gpuboard.profiler.timeline.view import view
from gpuboard.profiler.traces.assemble import assemble
from gpuboard.profiler.traces.parts import Parts, RawTrack
from gpuboard.profiler.traces.trace import Kind, Origin


def warm() -> None:
    """Build a small timeline and ask it everything."""
    n = 20 * FEW
    slices = {
        "start": np.arange(n) * 64,
        "dur": np.full(n, 32),
        "track": np.zeros(n),
        "name": np.zeros(n),
        "kind": np.full(n, Kind.OPERATOR),
        "category": np.zeros(n),
    }
    trace = assemble(
        Parts(Origin("warm", "chrome"), ["warm"], ["cpu_op"], [RawTrack("", "")], slices)
    )
    timeline = build(trace, nest(trace))
    lanes = np.arange(timeline.lanes)
    for pixels in (10, 10 * n):
        view(timeline, timeline.start, timeline.end, pixels, lanes)
    sums(timeline, timeline.start, timeline.end, lanes)
    hits = find(trace, np.zeros(1, np.int32))
    shown_hits(timeline, hits, (timeline.start, timeline.end), 10, lanes, 10)
