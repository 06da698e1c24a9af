"""Compile the kernels of this package: machine code kept on disk, run without the interpreter lock.

A kernel calls only kernels of its own file: numba's cache on disk does not notice that another
file has changed. Every column that goes into a kernel is read-only, so that there is one
compiled form for each dtype and no second one for arrays that happen to be writable.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T", bound=np.generic)


def kernel(function: F) -> F:
    """Compile `function` at its first call, or load what an earlier process compiled."""
    return cast(F, njit(cache=True, nogil=True)(function))


def frozen(column: npt.NDArray[T]) -> npt.NDArray[T]:
    """Return a contiguous read-only view of `column`, copied only if it has gaps."""
    view = np.ascontiguousarray(column).view()
    view.flags.writeable = False
    return view
