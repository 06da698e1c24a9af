"""Decode encoded pictures, which may be hostile, into arrays of pixels.

Only PNG, JPEG, GIF and WebP are read, by Pillow; anything else, SVG and HTML among it, is refused.
Sizes are checked before memory is set aside, and whatever a decoder stumbles over becomes a
`DataError`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from gpuboard import limits
from gpuboard.analysis.gif import gif_frames
from gpuboard.errors import DataError, NotFoundError

if TYPE_CHECKING:
    from PIL.ImageFile import ImageFile

Pixels = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]

FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_FAULTS = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    MemoryError,
    struct.error,
    zlib.error,
)
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES = {2: 3, 4: 2, 6: 4}  # of a PNG with several channels: how many those are
# Pillow's modes whose pixels are read as they are, and what others are read as.
_PLAIN = {"L": 1, "LA": 2, "RGB": 3, "RGBA": 4}
_MIN_DURATION_MS = 20  # browsers take less for "not said" and wait 100 ms


@dataclasses.dataclass(frozen=True, slots=True)
class PictureInfo:
    """What an encoded picture says of itself.

    Attributes:
        format: One of `FORMATS`.
        width: Pixels across.
        height: Pixels down.
        channels: 1 grey, 2 grey and alpha, 3 red, green and blue, 4 those and alpha.
        bits: Of one value: 8 or 16.
        frames: How many can be shown, 1 for a still picture.
    """

    format: str
    width: int
    height: int
    channels: int
    bits: int
    frames: int


@dataclasses.dataclass(frozen=True, slots=True)
class Frame:
    """One frame of a moving picture: uint8 pixels, and how long it stands in ms."""

    pixels: npt.NDArray[np.uint8]
    duration: int


def picture_info(encoded: bytes) -> PictureInfo:
    """Return what a picture says of itself; its pixels are not decoded.

    Raises:
        DataError: It is no picture of `FORMATS`, or larger than `limits.MAX_IMAGE_PIXELS`.
    """
    with _opened(encoded) as image:
        return _info(encoded, image)


def decoded_picture(encoded: bytes, frame: int = 0) -> tuple[PictureInfo, Pixels]:
    """Return what a picture says of itself, and the pixels of one frame.

    Returns:
        The pixels have shape (height, width, channels); 16 bits a value stay 16 bits.

    Raises:
        DataError: As `picture_info`, or the picture is cut or damaged.
        NotFoundError: It has no such frame.
    """
    with _opened(encoded) as image:
        info = _info(encoded, image)
        if frame >= info.frames:
            raise NotFoundError(f"frame: got {frame} of a picture with {info.frames} frames")
        if info.bits == 16 and info.channels > 1:
            return info, _sixteen_bits(encoded, info)
        for place in range(1, frame + 1):
            _go_to(image, place, info)
        pixels = _pixels(image)
        return dataclasses.replace(info, channels=pixels.shape[2]), pixels


def decoded_frames(encoded: bytes, first: int, count: int) -> Iterator[Frame]:
    """Yield frames from `first` on, at most `count`, each as a whole picture of the same size.

    Raises:
        DataError: As `decoded_picture`.
    """
    with _opened(encoded) as image:
        info = _info(encoded, image)
        for place in range(1, first):
            _go_to(image, place, info)
        for place in range(first, min(first + count, info.frames)):
            _go_to(image, place, info)
            pixels = eight_bits(_pixels(image))
            asked = image.info.get("duration") or 0
            duration = 100 if asked < _MIN_DURATION_MS else min(round(asked), 60_000)
            yield Frame(pixels, duration)


def eight_bits(pixels: Pixels) -> npt.NDArray[np.uint8]:
    """Return pixels as a screen shows them: of 16 bits the upper eight."""
    if pixels.dtype == np.uint8:
        return pixels.astype(np.uint8, copy=False)
    return (pixels >> 8).astype(np.uint8)


def png_chunk(name: bytes, content: bytes) -> bytes:
    """Return one chunk of a PNG file."""
    checksum = zlib.crc32(name + content)
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)


@functools.cache
def pillow() -> ModuleType:
    """Return Pillow's `Image` module, with warnings of decompression bombs made errors."""
    from PIL import Image

    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
    return Image


@contextlib.contextmanager
def _opened(encoded: bytes) -> Iterator[ImageFile]:
    image_module = pillow()
    bombs = (image_module.DecompressionBombError, image_module.DecompressionBombWarning)
    try:
        with image_module.open(io.BytesIO(encoded), formats=FORMATS) as image:
            _check_size(image)
            _check_scans(encoded, image)
            yield image
    except DataError:
        raise
    except image_module.UnidentifiedImageError as error:
        kind = _look_of(encoded)
        raise DataError(
            f"{len(encoded)} bytes that are no PNG, JPEG, GIF or WebP picture{kind}"
        ) from error
    except bombs as error:
        raise DataError(
            f"a picture of {len(encoded)} bytes claims far more than the "
            f"{limits.MAX_IMAGE_PIXELS.value:,} pixels that are decoded "
            f"({limits.MAX_IMAGE_PIXELS.name})"
        ) from error
    except _FAULTS as error:
        text = str(error)[:200] or type(error).__name__
        raise DataError(f"a picture of {len(encoded)} bytes cannot be decoded: {text}") from error


def _look_of(encoded: bytes) -> str:
    start = encoded[:400].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return "; it looks like SVG, which is never shown"
    return "; it looks like HTML or XML" if start.startswith(b"<") else ""


def _check_size(image: ImageFile) -> None:
    if image.width * image.height > limits.MAX_IMAGE_PIXELS.value:
        raise DataError(
            f"a picture of {image.width} x {image.height} pixels, at most "
            f"{limits.MAX_IMAGE_PIXELS.value:,} pixels are decoded ({limits.MAX_IMAGE_PIXELS.name})"
        )


def _check_scans(encoded: bytes, image: ImageFile) -> None:
    # Each scan of a progressive JPEG goes over the whole picture and may take six bytes.
    scans = encoded.count(b"\xff\xda") if image.format == "JPEG" else 0
    if scans > limits.MAX_JPEG_SCANS.value:
        raise DataError(
            f"a JPEG of {scans} scans, at most {limits.MAX_JPEG_SCANS.value} are decoded "
            f"({limits.MAX_JPEG_SCANS.name})"
        )


def _go_to(image: ImageFile, frame: int, info: PictureInfo) -> None:
    """Go to a frame; one that stands over the edge would make the picture grow behind the caps."""
    image.seek(frame)
    if image.size != (info.width, info.height):
        raise DataError(
            f"frame {frame} makes a picture of {info.width} x {info.height} pixels one of "
            f"{image.width} x {image.height}"
        )


def _info(encoded: bytes, image: ImageFile) -> PictureInfo:
    depth, channels = _deep_colour(encoded)
    bits = 16 if image.mode.startswith("I;16") else depth
    return PictureInfo(
        format=str(image.format),
        width=image.width,
        height=image.height,
        channels=channels or _channels(image),
        bits=bits,
        frames=_frame_count(encoded, image),
    )


def _frame_count(encoded: bytes, image: ImageFile) -> int:
    if image.format == "GIF":
        # Counted here: Pillow would walk through any number of frames.
        found = gif_frames(encoded, limits.MAX_IMAGE_FRAMES.value)
    else:
        found = int(getattr(image, "n_frames", 1))
    room = limits.MAX_ANIMATION_PIXELS.value // max(1, image.width * image.height)
    return max(1, min(found, limits.MAX_IMAGE_FRAMES.value, room))


def _mode(image: ImageFile) -> str:
    """Return the mode in which the pixels of `image` are read."""
    mode = str(image.mode)
    if mode.startswith("I;16"):
        return mode
    is_clear = "transparency" in image.info
    if mode in ("1", "L"):
        return "LA" if is_clear else "L"
    if mode in _PLAIN:
        return "RGBA" if is_clear else mode
    return "RGBA" if is_clear or mode in ("PA", "RGBa", "La") else "RGB"


def _channels(image: ImageFile) -> int:
    return _PLAIN.get(_mode(image), 1)


def _pixels(image: ImageFile) -> Pixels:
    mode = _mode(image)
    image.load()
    array: npt.NDArray[Any] = np.asarray(image if image.mode == mode else image.convert(mode))
    if array.dtype not in (np.uint8, np.uint16):
        array = array.astype(np.uint16)  # a big-endian or signed form of 16 bits
    return array if array.ndim == 3 else array[..., None]


def _deep_colour(encoded: bytes) -> tuple[int, int]:
    """Return (16, channels) for a PNG whose 16 bits of several channels Pillow would halve."""
    if not encoded.startswith(PNG_SIGNATURE) or len(encoded) < 29:
        return 8, 0
    depth, colour, _, _, interlace = encoded[24:29]
    if depth != 16 or interlace or colour not in _COLOUR_TYPES:
        return 8, 0
    return 16, _COLOUR_TYPES[colour]


def _sixteen_bits(encoded: bytes, info: PictureInfo) -> npt.NDArray[np.uint16]:
    """Return all 16 bits of a PNG with several channels.

    The filters of PNG never mix the upper with the lower byte of a value, so the two are decoded
    as two pictures of 8 bits.
    """
    width, height, channels = info.width, info.height, info.channels
    size = height * (1 + 2 * channels * width)
    inflate = zlib.decompressobj()
    rows = inflate.decompress(b"".join(_chunks(encoded, b"IDAT")), size)
    if len(rows) < size:
        raise DataError(f"a PNG with {len(rows)} bytes of pixels, expected {size}")
    table = np.frombuffer(rows, np.uint8).reshape(height, -1)
    kinds, lanes = table[:, :1], table[:, 1:].reshape(height, -1, 2)
    halves = [
        _half(np.hstack([kinds, lanes[:, :, part]]), encoded[24:26], width) for part in (0, 1)
    ]
    upper, lower = (half.astype(np.uint16) for half in halves)
    return upper * np.uint16(256) + lower


def _half(rows: npt.NDArray[np.uint8], depth_and_colour: bytes, width: int) -> Pixels:
    header = struct.pack(">IIBBBBB", width, len(rows), 8, depth_and_colour[1], 0, 0, 0)
    content = zlib.compress(rows.tobytes(), 0)
    png = (
        PNG_SIGNATURE
        + png_chunk(b"IHDR", header)
        + png_chunk(b"IDAT", content)
        + png_chunk(b"IEND", b"")
    )
    with pillow().open(io.BytesIO(png), formats=("PNG",)) as image:
        return _pixels(image)


def _chunks(encoded: bytes, wanted: bytes) -> Iterator[bytes]:
    place = len(PNG_SIGNATURE)
    while place + 8 <= len(encoded):
        (length,) = struct.unpack_from(">I", encoded, place)
        if encoded[place + 4 : place + 8] == wanted:
            yield encoded[place + 8 : place + 8 + length]
        place += 12 + length
