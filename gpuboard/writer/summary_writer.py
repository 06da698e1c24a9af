"""Log from training scripts: `torch.utils.tensorboard.SummaryWriter`, without the waiting.

Every `add_*` takes its arguments as they are at the time of the call; arrays are copied. Encoding
and writing happen in one background thread of the process, within a twentieth of a second. Nothing
but NumPy is needed; arrays and tensors of any library are taken.
"""

from __future__ import annotations

from gpuboard.writer.array_methods import ArrayMethods
from gpuboard.writer.layout_methods import LayoutMethods
from gpuboard.writer.media_methods import MediaMethods
from gpuboard.writer.scalar_methods import ScalarMethods


class SummaryWriter(ScalarMethods, ArrayMethods, MediaMethods, LayoutMethods):
    """Writes what a training run logs into event files of one directory.

    It takes the same arguments and writes the same records as PyTorch's; any thread may use it.
    Use it in a `with` block or call `close`. What was logged is also written when the process ends
    without that: at exit, by an exception, on SIGTERM.

    An error of the disk does not end training: it is logged once, values that cannot be written are
    counted, and `flush` and `close` raise it.
    """
