"""Generate logs and damage for hypothesis."""

from __future__ import annotations

import struct

import numpy as np
from hypothesis import strategies as st

from tests import make

STEPS = st.one_of(
    st.integers(0, 20), st.integers(-(2**63), 2**63 - 1), st.sampled_from([2**31, 2**53 + 1, -1])
)
VALUES = st.floats(width=32)
TIMES = st.floats(0, 4e9, allow_nan=False)
TAGS = st.one_of(st.sampled_from(["loss", "loss/train", "lr", "a" * 40, ""]), st.text(max_size=12))
POINTS = st.tuples(TAGS, VALUES, STEPS, TIMES)


@st.composite
def scalar_payloads(draw, max_size=12):
    """Return payloads of scalar events, and the points (tag, step, wall time, value) in order."""
    points = draw(st.lists(POINTS, max_size=max_size))
    writers = [draw(st.sampled_from([make.scalar, make.tf2_scalar])) for _ in points]
    payloads = [write(*point) for write, point in zip(writers, points, strict=True)]
    return payloads, [(tag, step, time, value) for tag, value, step, time in points]


@st.composite
def payloads_of_all_kinds(draw, max_size=8):
    kinds = [
        make.header,
        lambda: make.session_start(draw(STEPS)),
        lambda: make.scalar(draw(TAGS), draw(VALUES), draw(STEPS), draw(TIMES)),
        lambda: make.scalars(draw(st.dictionaries(TAGS, VALUES, max_size=4)), draw(STEPS)),
        lambda: make.tf2_scalar(draw(TAGS), draw(VALUES), draw(STEPS), draw(TIMES)),
        lambda: make.tensor_value(draw(TAGS), make.tensor("float64", [1.0, 2.0], shape=[2])),
        lambda: make.histogram("weights", [0.0, 1.0, 3.0], draw(STEPS)),
        lambda: make.image("picture", draw(st.binary(max_size=30)), draw(STEPS)),
        lambda: make.audio("sound", b"RIFF", draw(STEPS)),
        lambda: make.text("words", draw(st.text(max_size=8)), draw(STEPS)),
        lambda: make.graph(draw(st.binary(max_size=20))),
        lambda: make.run_metadata("step1", b"abc"),
    ]
    choices = draw(st.lists(st.integers(0, len(kinds) - 1), max_size=max_size))
    return [kinds[choice]() for choice in choices]


@st.composite
def mutations(draw, data: bytes, max_changes=4):
    """Return bytes that were cut, flipped, zeroed, doubled or swapped in places."""
    out = bytearray(data)
    for _ in range(draw(st.integers(1, max_changes))):
        start = draw(st.integers(0, max(0, len(out) - 1)))
        length = draw(st.integers(1, 64))
        stop = min(len(out), start + length)
        change = draw(st.sampled_from(["cut", "flip", "zero", "double", "swap", "noise"]))
        if change == "cut":
            del out[start:stop]
        elif change == "flip" and out:
            out[start] ^= 1 << draw(st.integers(0, 7))
        elif change == "zero":
            out[start:stop] = bytes(stop - start)
        elif change == "double":
            out[start:start] = out[start:stop]
        elif change == "swap":
            other = draw(st.integers(0, max(0, len(out) - 1)))
            block = bytes(out[start:stop])
            del out[start:stop]
            out[other:other] = block
        elif change == "noise":
            out[start:start] = draw(st.binary(max_size=40))
    return bytes(out)


def as_float32(value: float) -> float:
    return float(np.float32(value))


def half_from_bits(bits: int) -> float:
    return struct.unpack("<e", struct.pack("<H", bits))[0]
