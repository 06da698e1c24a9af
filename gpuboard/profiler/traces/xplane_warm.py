"""Load or compile the kernels that read XPlane files, before the first real file needs them."""

from __future__ import annotations

from gpuboard.profiler.traces.watch import Watch
from gpuboard.profiler.traces.xplane_plane import Plane

# A line of one event that has a stat, and the name of that stat.
_EVENT = b"\x22\x09\x08\x01\x22\x05\x08\x01\x2a\x01a"
_PLANE = b"\x1a\x0b" + _EVENT + b"\x2a\x0b\x08\x01\x12\x07\x12\x05tf_op"


def warm() -> None:
    """Read a plane of one event; takes seconds only after installation."""
    Plane(_PLANE, 0, room=1, watch=Watch()).texts("tf_op", len)
