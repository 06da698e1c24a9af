"""Build WAV files by hand, without the code under test."""

from __future__ import annotations

import struct

import numpy as np

PCM_GUID = bytes.fromhex("0100000000001000800000aa00389b71")


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + bytes(len(content) % 2)


def form(code=1, channels=1, rate=8000, bits=16, width=None, more=b"") -> bytes:
    width = bits // 8 if width is None else width
    block = width * channels
    return struct.pack("<HHIIHH", code, channels, rate, rate * block % 2**32, block, bits) + more


def riff(*chunks: bytes) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def wav(frames, code=1, rate=8000, layout="<i2", channels=1) -> bytes:
    """A file of frames that are given as they are stored."""
    stored = np.asarray(frames, layout)
    head = form(code, channels, rate, 8 * stored.itemsize)
    return riff(chunk(b"fmt ", head), chunk(b"data", stored.tobytes()))


def sine(hertz, rate=8000, seconds=1.0, amplitude=0.5):
    time = np.arange(int(rate * seconds)) / rate
    return (amplitude * np.sin(2 * np.pi * hertz * time)).astype(np.float32)
