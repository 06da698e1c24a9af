"""Encode pixels for a browser: whole pictures, thumbnails, and sheets of many small ones.

Measured on noisy RGB pictures of 256 x 256 and 512 x 512 pixels: WebP without loss takes 1.5 and
6 ms, Pillow's PNG at its fastest 7 and 28 ms at the same size. JPEG is for thumbnails, which are
scaled anyway.
"""

from __future__ import annotations

import dataclasses
import io
import math
import struct
import zlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from gpuboard.analysis.pictures import PNG_SIGNATURE, Pixels, pillow, png_chunk

if TYPE_CHECKING:
    from PIL.Image import Image

THUMB_SIDE = 512
TILE_SIDE = 256
SHEET_PIXELS = 4 << 20
SHEET_TILES = 256
_WEBP_SIDE = 16_383  # more does not fit its header
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}

Painted = tuple[bytes, str]


@dataclasses.dataclass(frozen=True, slots=True)
class Sheet:
    """How pictures lie on a sheet: rows from left to right, each tile of one size."""

    width: int
    height: int
    columns: int
    tiles: int


def painted(pixels: npt.NDArray[np.uint8], *, is_thumb: bool = False) -> Painted:
    """Return pixels encoded for a browser, and their content type.

    Args:
        pixels: Shape (height, width, channels) with 1 to 4 channels.
        is_thumb: Scale what is larger than `THUMB_SIDE` down to it, with loss.
    """
    if not is_thumb or max(pixels.shape[:2]) <= THUMB_SIDE:
        return _without_loss(_image(pixels))
    small = _image(_fitted(pixels, *_fit(pixels.shape[1], pixels.shape[0], THUMB_SIDE)))
    if small.mode in ("LA", "RGBA"):
        return _webp(small, quality=90), "image/webp"
    file = io.BytesIO()
    small.save(file, "JPEG", quality=90, subsampling=0)
    return file.getvalue(), "image/jpeg"


def png_for_download(pixels: Pixels) -> bytes:
    """Return pixels as a PNG with as many bits a value as they have."""
    height, width, channels = pixels.shape
    is_deep = pixels.dtype == np.uint16
    rows = np.ascontiguousarray(pixels.astype(">u2" if is_deep else "u1"))
    lines = rows.view(np.uint8).reshape(height, -1)
    # Every line starts with the filter that was used on it: 2 is the difference to the line above.
    above = np.vstack([np.zeros_like(lines[:1]), lines[:-1]])
    kinds = np.full((height, 1), 2, np.uint8)
    content = zlib.compress(np.hstack([kinds, lines - above]).tobytes(), 6)
    colour = {1: 0, 2: 4, 3: 2, 4: 6}[channels]
    header = struct.pack(">IIBBBBB", width, height, 16 if is_deep else 8, colour, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", content), (b"IEND", b""))
    return PNG_SIGNATURE + b"".join(png_chunk(*chunk) for chunk in chunks)


def sheet_of(width: int, height: int, tiles: int) -> Sheet:
    """Return how pictures of a size are laid out; a sheet holds the first of them that fit."""
    width, height = _fit(width, height, TILE_SIDE)
    most = max(1, min(SHEET_TILES, SHEET_PIXELS // (width * height)))
    tiles = min(tiles, most)
    # About as wide as high, so that neither side passes what a WebP can hold.
    columns = max(1, min(tiles, round(math.sqrt(tiles * height / width))))
    return Sheet(width, height, columns, tiles)


def painted_sheet(pictures: Sequence[npt.NDArray[np.uint8]], sheet: Sheet) -> Painted:
    """Return pictures side by side on one sheet, encoded without loss; gaps are transparent."""
    rows = math.ceil(len(pictures) / sheet.columns)
    canvas = np.zeros((rows * sheet.height, sheet.columns * sheet.width, 4), np.uint8)
    for place, picture in enumerate(pictures):
        row, column = divmod(place, sheet.columns)
        side = _fit_into(picture.shape[1], picture.shape[0], sheet.width, sheet.height)
        tile = _coloured(_fitted(picture, *side))
        top, left = row * sheet.height, column * sheet.width
        canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    is_opaque = bool((canvas[..., 3] == 255).all())
    return _without_loss(_image(canvas[..., :3] if is_opaque else canvas))


def _fit(width: int, height: int, side: int) -> tuple[int, int]:
    return _fit_into(width, height, side, side)


def _fit_into(width: int, height: int, box_width: int, box_height: int) -> tuple[int, int]:
    scale = min(1.0, box_width / width, box_height / height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _fitted(pixels: npt.NDArray[np.uint8], width: int, height: int) -> npt.NDArray[np.uint8]:
    if pixels.shape[:2] == (height, width):
        return pixels
    scaled = _image(pixels).resize((width, height), pillow().Resampling.HAMMING, reducing_gap=1.01)
    array = np.asarray(scaled)
    return array if array.ndim == 3 else array[..., None]


def _coloured(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return pixels of any number of channels with four."""
    colours = pixels[..., :1].repeat(3, 2) if pixels.shape[2] < 3 else pixels[..., :3]
    if pixels.shape[2] in (2, 4):
        return np.concatenate([colours, pixels[..., -1:]], 2)
    return np.concatenate([colours, np.full_like(pixels[..., :1], 255)], 2)


def _image(pixels: npt.NDArray[np.uint8]) -> Image:
    height, width, channels = pixels.shape
    data = np.ascontiguousarray(pixels)
    mode = _MODES[channels]
    image: Image = pillow().frombuffer(mode, (width, height), data, "raw", mode, 0, 1)
    return image


def _without_loss(image: Image) -> Painted:
    if max(image.size) <= _WEBP_SIDE:
        return _webp(image, lossless=True, quality=0, exact=True), "image/webp"
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=1)
    return file.getvalue(), "image/png"


def _webp(image: Image, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, "WEBP", method=0, **options)
    return file.getvalue()
