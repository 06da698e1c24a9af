"""Read and write image summaries: one picture, or a batch of them, still encoded.

Two forms are on disk. `Summary.Image` holds height, width and one encoded picture; it is what torch
and TensorFlow 1 write. TensorFlow 2 writes a vector of strings: width, height, then any number of
encoded pictures. A moving picture is a GIF in either form.
"""

from __future__ import annotations

import dataclasses
import io
import re
from typing import TYPE_CHECKING

import numpy as np

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.summaries.tensor import decode_shape, decode_strings

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image

_SIZE = re.compile(rb"[0-9]{1,9}", re.ASCII)
_MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}


@dataclasses.dataclass(frozen=True, slots=True)
class LoggedImage:
    """What one image value holds, before anything is decoded.

    Attributes:
        width: Pixels across as the writer said, which need not be true.
        height: Pixels down, likewise.
        samples: Encoded pictures in the order in which they were logged; () for an empty batch.
    """

    width: int
    height: int
    samples: tuple[bytes, ...]


def decode(value: Summary.Value) -> LoggedImage:
    """Return the encoded pictures of an image value.

    Raises:
        DataError: The value has neither of the two forms, or more than
            `limits.MAX_IMAGE_SAMPLES` pictures.
    """
    kind = value.WhichOneof("value")
    if kind == "image":
        image = value.image
        encoded = image.encoded_image_string
        return LoggedImage(image.width, image.height, (encoded,) if encoded else ())
    if kind != "tensor":
        raise DataError(f"an image value that holds {kind or 'nothing'}, expected a picture")
    shape = decode_shape(value.tensor, 1)
    if len(shape) != 1 or shape[0] < 2:
        raise DataError(f"an image tensor of shape {list(shape)}, expected [2 + pictures]")
    if shape[0] - 2 > limits.MAX_IMAGE_SAMPLES.value:
        raise DataError(
            f"a batch of {shape[0] - 2} pictures, at most {limits.MAX_IMAGE_SAMPLES.value} "
            f"are shown ({limits.MAX_IMAGE_SAMPLES.name})"
        )
    width, height, *samples = decode_strings(value.tensor)[1]
    return LoggedImage(_size("width", width), _size("height", height), tuple(samples))


def encode(tag: str, png: bytes, *, height: int, width: int, channels: int) -> Summary.Value:
    """Return the summary value of one encoded picture, in the form that torch writes.

    Args:
        tag: Name of the tag.
        png: A PNG; a GIF where it moves.
        height: Pixels down.
        width: Pixels across.
        channels: 1 grey, 2 grey and alpha, 3 red, green and blue, 4 those and alpha.
    """
    image = Summary.Image(height=height, width=width, colorspace=channels, encoded_image_string=png)
    return Summary.Value(tag=tag, image=image)


def png_of(pixels: npt.NDArray[np.uint8]) -> bytes:
    """Return pixels as a PNG.

    Args:
        pixels: Shape (height, width) or (height, width, channels) with 1 to 4 channels, uint8.

    Raises:
        ValueError: The array has another shape or dtype.
    """
    file = io.BytesIO()
    _picture(np.asarray(pixels)).save(file, "PNG", compress_level=3)
    return file.getvalue()


def gif_of(frames: npt.NDArray[np.uint8], fps: float = 4) -> bytes:
    """Return frames as a GIF that repeats for ever.

    A GIF counts time in hundredths of a second and has at most 256 colours a frame.

    Args:
        frames: Shape (frames, height, width, channels) with 1 to 4 channels, uint8.
        fps: Frames per second, above 0.

    Raises:
        ValueError: There is no frame, or the array has another shape or dtype, or `fps` is not
            above 0.
    """
    frames = np.asarray(frames)
    if frames.ndim != 4 or not len(frames):
        raise ValueError(
            f"frames of shape {frames.shape}, expected (frames, height, width, channels)"
        )
    if not fps > 0:
        raise ValueError(f"{fps} frames per second, expected a number above 0")
    first, *others = [_picture(frame) for frame in frames]
    file = io.BytesIO()
    duration = max(10, round(100 / fps) * 10)
    first.save(file, "GIF", save_all=True, append_images=others, duration=duration, loop=0)
    return file.getvalue()


def _picture(pixels: npt.NDArray[np.uint8]) -> Image:
    from PIL import Image

    if pixels.ndim == 2:
        pixels = pixels[..., None]
    if pixels.ndim != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise ValueError(
            f"pixels of shape {pixels.shape} and dtype {pixels.dtype}, expected uint8 "
            "(height, width, channels)"
        )
    height, width, channels = pixels.shape
    if channels not in _MODES:
        raise ValueError(f"pixels of {channels} channels, expected 1 to 4")
    data = np.ascontiguousarray(pixels)
    return Image.frombuffer(_MODES[channels], (width, height), data, "raw", _MODES[channels], 0, 1)


def _size(name: str, text: bytes) -> int:
    if not _SIZE.fullmatch(text):
        raise DataError(f"an image tensor whose {name} is {text[:40]!r}, expected a number")
    return int(text)
