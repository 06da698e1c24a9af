"""Build encoded pictures by hand or with Pillow, honest and hostile ones."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

from gpuboard.eventlog.proto.event_pb2 import (
    Summary,
    SummaryMetadata,
    TensorProto,
    TensorShapeProto,
)

SVG = (
    b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><rect width="9" height="9"/></svg>'
)
HTML = b"<!doctype html><html><body><script>alert(1)</script></body></html>"
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def noise(*shape, seed=0, dtype=np.uint8):
    """Return pixels of every value there is."""
    return np.random.default_rng(seed).integers(0, np.iinfo(dtype).max + 1, shape).astype(dtype)


def saved(picture, kind="PNG", **options):
    """Return an array or a Pillow image as a file."""
    image = picture if isinstance(picture, Image.Image) else Image.fromarray(np.squeeze(picture))
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def film(frames, kind="GIF", duration=80):
    """Return frames as one moving picture."""
    first, *others = [Image.fromarray(frame) for frame in frames]
    more = {"lossless": True} if kind == "WEBP" else {}
    return saved(
        first, kind, save_all=True, append_images=others, duration=duration, loop=0, **more
    )


def opened(encoded):
    """Return the pixels of an encoded picture as Pillow reads them."""
    return np.asarray(Image.open(io.BytesIO(encoded)))


def chunk(name, content):
    return (
        struct.pack(">I", len(content))
        + name
        + content
        + struct.pack(">I", zlib.crc32(name + content))
    )


def png_header(width, height, depth=8, colour=2):
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return SIGNATURE + chunk(b"IHDR", header)


def bomb(width, height):
    """Return a PNG of a few bytes that claims to be of this size."""
    content = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return png_header(width, height) + content + chunk(b"IEND", b"")


def text_bomb(megabytes=64):
    """Return a tiny PNG whose compressed text unfolds to many megabytes."""
    text = b"Comment\0\0" + zlib.compress(bytes(megabytes << 20), 9)
    pixels = chunk(b"IDAT", zlib.compress(b"\0" + bytes(3)))
    return png_header(1, 1) + chunk(b"zTXt", text) + pixels + chunk(b"IEND", b"")


def deep_png(pixels):
    """Return uint16 pixels of 2 to 4 channels as a PNG that uses all five filters in turn."""
    height, width, channels = pixels.shape
    size = 2 * channels
    lines = pixels.astype(">u2").view(np.uint8).reshape(height, -1).astype(int)
    rows = b""
    for y in range(height):
        line, above = lines[y], lines[y - 1] if y else np.zeros_like(lines[0])
        left = np.concatenate([np.zeros(size, int), line[:-size]])
        corner = np.concatenate([np.zeros(size, int), above[:-size]])
        kind = y % 5
        guess = (0 * line, left, above, (left + above) // 2, _paeth(left, above, corner))[kind]
        rows += bytes([kind]) + ((line - guess) % 256).astype(np.uint8).tobytes()
    colour = {2: 4, 3: 2, 4: 6}[channels]
    content = zlib.compress(rows)
    half = len(content) // 2
    return (
        png_header(width, height, 16, colour)
        + chunk(b"IDAT", content[:half])
        + chunk(b"IDAT", content[half:])
        + chunk(b"IEND", b"")
    )


def _paeth(left, above, corner):
    guess = left + above - corner
    a, b, c = abs(guess - left), abs(guess - above), abs(guess - corner)
    return np.where((a <= b) & (a <= c), left, np.where(b <= c, above, corner))


def batch(tag, pictures, width=b"8", height=b"8", shape=None):
    """Return the value that TensorFlow 2 logs: a vector of width, height and pictures."""
    strings = [width, height, *pictures]
    dims = [TensorShapeProto.Dim(size=size) for size in (shape or [len(strings)])]
    about = SummaryMetadata(plugin_data=SummaryMetadata.PluginData(plugin_name="images"))
    tensor = TensorProto(dtype=7, tensor_shape=TensorShapeProto(dim=dims), string_val=strings)
    return Summary.Value(tag=tag, tensor=tensor, metadata=about)
