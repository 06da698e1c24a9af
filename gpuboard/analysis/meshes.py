"""Put the parts of a mesh together: vertices, triangles that stay inside them, colours as bytes."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from gpuboard.errors import DataError

Array = npt.NDArray[Any]


@dataclasses.dataclass(frozen=True, slots=True)
class Mesh:
    """One mesh or point cloud of a batch.

    Attributes:
        vertices: Coordinates, float32, shape (n, 3).
        faces: Numbers of the vertices of each triangle, uint32, shape (m, 3); m is 0 for a cloud.
        colours: Red, green, blue of each vertex, uint8, shape (n, 3), or (0, 3) without any.
        low: Least finite coordinates, shape (3,).
        high: Greatest finite coordinates, shape (3,).
    """

    vertices: npt.NDArray[np.float32]
    faces: npt.NDArray[np.uint32]
    colours: npt.NDArray[np.uint8]
    low: npt.NDArray[np.float64]
    high: npt.NDArray[np.float64]


def assemble(vertices: Array, faces: Array | None, colours: Array | None, batch: int) -> Mesh:
    """Return one mesh of a batch.

    Args:
        vertices: Shape (batch, n, 3).
        faces: Shape (batch or 1, m, 3), None without any.
        colours: Shape (batch or 1, n, 3), 0 to 255, or fractions when none
            exceeds 1; None without any.
        batch: Which one; one beyond the last means the last.

    Raises:
        DataError: A triangle names a vertex that is not there, or the parts do not fit together.
    """
    place = min(batch, len(vertices) - 1)
    if place < 0:
        raise DataError("a mesh of an empty batch")
    points = vertices[place].astype(np.float32)
    low, high = _extent(points)
    return Mesh(points, _faces(faces, place, len(points)), _colours(colours, place, len(points)),
                low, high)  # fmt: skip


def _of_batch(part: Array, place: int) -> Array:
    if not len(part):
        raise DataError("a part of a mesh with an empty batch")
    chosen: Array = part[min(place, len(part) - 1)]
    return chosen


def _faces(faces: Array | None, place: int, points: int) -> npt.NDArray[np.uint32]:
    if faces is None:
        return np.empty((0, 3), np.uint32)
    chosen = _of_batch(faces, place)
    whole = np.isfinite(chosen) & (chosen >= 0) & (chosen < points)
    if not whole.all():
        row, column = np.argwhere(~whole)[0]
        raise DataError(
            f"triangle {row} names vertex {chosen[row, column]:g}, expected one of {points}"
        )
    return chosen.astype(np.uint32)


def _colours(colours: Array | None, place: int, points: int) -> npt.NDArray[np.uint8]:
    if colours is None:
        return np.empty((0, 3), np.uint8)
    chosen = _of_batch(colours, place)
    if len(chosen) != points:
        raise DataError(f"{len(chosen)} colours for {points} vertices")
    if chosen.dtype == np.uint8:
        return chosen
    known = np.nan_to_num(chosen.astype(np.float64), nan=0.0, posinf=255.0, neginf=0.0)
    if chosen.dtype.kind == "f" and known.size and known.max() <= 1.0:
        known = known * 255.0
    return np.clip(np.rint(known), 0, 255).astype(np.uint8)


def latest(steps: npt.NDArray[np.int64], step: int, twin: int) -> int | None:
    """Return the place of the part that belongs to vertices: the last one logged until then.

    A part that was logged once holds for all later steps. Where several were logged at one step,
    as by scripts that number no steps, the part belongs to the vertices of the same rank.

    Args:
        steps: Of the values of the part, ascending.
        step: Of the vertices.
        twin: How many vertices of that step come before these.
    """
    end = int(np.searchsorted(steps, step, "right"))
    if end == 0:
        return None
    begin = int(np.searchsorted(steps, steps[end - 1], "left"))
    return min(begin + twin, end - 1) if steps[begin] == step else end - 1


def _extent(
    points: npt.NDArray[np.float32],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    finite = points[np.isfinite(points).all(axis=1)]
    if not len(finite):
        return np.zeros(3), np.zeros(3)
    return finite.min(axis=0).astype(np.float64), finite.max(axis=0).astype(np.float64)
