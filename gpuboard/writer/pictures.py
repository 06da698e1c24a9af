"""Bring images and videos of any layout into pixels, in the arrangement that PyTorch gives them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Array = npt.NDArray[Any]

GRID_COLUMNS = 8
_RED = (255, 0, 0)
_BLACK = (0, 0, 0)
_BOX_WIDTH = 2
_LABEL_MARGIN = 0.05  # of its height


def check_layout(shape: tuple[int, ...], dataformats: str) -> None:
    """Refuse an image whose axes are not those that `dataformats` names.

    Raises:
        ValueError: The names are not understood, or there are not as many axes.
    """
    names = dataformats.upper()
    if sorted(names) not in (["H", "W"], ["C", "H", "W"], ["C", "H", "N", "W"]):
        raise ValueError(f"dataformats {dataformats!r}, expected such as 'CHW', 'HW' or 'NCHW'")
    if len(shape) != len(names):
        raise ValueError(
            f"an image of shape {list(shape)} for dataformats {dataformats!r}, expected "
            f"{len(names)} axes"
        )
    if 0 in shape:
        raise ValueError(f"an image of shape {list(shape)} has no pixels")


def pixels_of(image: Array, dataformats: str) -> Pixels:
    """Return an image as pixels of shape (height, width, channels), grey as three channels.

    Args:
        image: uint8 in 0 to 255, or any other numbers in 0 to 1; what lies beyond is clipped, NaN
            is black.
        dataformats: Its axes in order, such as "CHW"; with "N" the images are laid out in rows of
            eight.
    """
    return to_bytes(_arranged(image, dataformats.upper()))


def to_bytes(values: Array) -> Pixels:
    """Return uint8 as they are, other numbers from 0 to 1 as 0 to 255."""
    if values.dtype == np.uint8:
        return values
    scaled = np.nan_to_num(values.astype(np.float32), nan=0.0, posinf=1.0, neginf=0.0) * 255
    return scaled.clip(0, 255).astype(np.uint8)


def _arranged(image: Array, names: str) -> Array:
    if "N" in names:
        return _grid(image.transpose([names.index(name) for name in "NHWC"]))
    if "C" not in names:
        image, names = image[..., None], names + "C"
    return _coloured(image.transpose([names.index(name) for name in "HWC"]))


def _coloured(image: Array) -> Array:
    return np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image


def _grid(images: Array, columns: int = GRID_COLUMNS) -> Array:
    """Lay out images, shape (n, height, width, channels), row by row; free places are black."""
    images = _coloured(images)
    count, height, width, channels = images.shape
    columns = min(count, columns)
    rows = math.ceil(count / columns)
    places = np.zeros((rows * columns, height, width, channels), images.dtype)
    places[:count] = images
    cells = places.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    return cells.reshape(rows * height, columns * width, channels)


def sprite_of(images: Array) -> Pixels:
    """Return images, shape (n, channels, height, width), as the sprite of the projector.

    It is as high as it is wide, or higher where the images are higher than wide.
    """
    columns = math.ceil(math.sqrt(len(images)))
    grid = _grid(images.transpose(0, 2, 3, 1), columns)
    height, width, channels = grid.shape
    sprite = np.zeros((max(height, width), width, channels), grid.dtype)
    sprite[:height] = grid
    return to_bytes(sprite)


def frames_of(video: Array) -> Pixels:
    """Return videos side by side as frames of shape (time, height, width, channels).

    Args:
        video: Shape (n, time, channels, height, width), values as for `pixels_of`.
    """
    count, time, channels, height, width = video.shape
    padded = np.zeros((1 << (count - 1).bit_length(), *video.shape[1:]), video.dtype)
    padded[:count] = video
    rows = 1 << (count.bit_length() - 1) // 2
    columns = len(padded) // rows
    cells = padded.reshape(rows, columns, time, channels, height, width)
    frames = cells.transpose(2, 0, 4, 1, 5, 3)
    return to_bytes(frames.reshape(time, rows * height, columns * width, channels))


def resized(pixels: Pixels, scale: float) -> Pixels:
    """Return pixels scaled in both directions."""
    if scale == 1:
        return pixels
    from PIL import Image

    height, width = (max(1, int(side * scale)) for side in pixels.shape[:2])
    image = Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(image)


def with_boxes(pixels: Pixels, boxes: Array, labels: Sequence[str] | None) -> Pixels:
    """Return a copy with rectangles drawn into it.

    Args:
        pixels: Shape (height, width, channels).
        boxes: Shape (n, 4): left, top, right, bottom in pixels.
        labels: Written into the lower left corner of each box.
    """
    from PIL import Image, ImageDraw, ImageFont

    image = Image.fromarray(pixels)
    draw = ImageDraw.Draw(image)
    for k, (left, top, right, bottom) in enumerate(boxes.astype(float).tolist()):
        corners = [(left, top), (left, bottom), (right, bottom), (right, top), (left, top)]
        draw.line(corners, fill=_RED, width=_BOX_WIDTH)
        if labels is not None and labels[k]:
            _write_label(draw, (left, bottom), labels[k], ImageFont.load_default())
    return np.asarray(image)


def _write_label(draw: Any, corner: tuple[float, float], label: str, font: Any) -> None:  # noqa: ANN401
    left, bottom = corner
    box = font.getbbox(label)
    width, height = box[2] - box[0], box[3] - box[1]
    margin = math.ceil(_LABEL_MARGIN * height)
    draw.rectangle([(left, bottom - height - 2 * margin), (left + width, bottom)], fill=_RED)
    draw.text((left + margin, bottom - height - margin), label, fill=_BLACK, font=font)


def pixels_of_figure(figure: Any, *, close: bool) -> Pixels:  # noqa: ANN401
    """Return a figure of Matplotlib as pixels of shape (height, width, 3).

    Args:
        figure: A `matplotlib.figure.Figure`.
        close: Let pyplot forget it.
    """
    import sys
    from importlib import import_module

    canvas = import_module("matplotlib.backends.backend_agg").FigureCanvasAgg(figure)
    canvas.draw()
    pixels = np.asarray(canvas.buffer_rgba())[..., :3].copy()
    pyplot = sys.modules.get("matplotlib.pyplot")
    if close and pyplot is not None:
        pyplot.close(figure)
    return pixels
