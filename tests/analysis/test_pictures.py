import contextlib
import io
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from gpuboard import limits
from gpuboard.analysis.pictures import (
    decoded_frames,
    decoded_picture,
    eight_bits,
    picture_info,
)
from gpuboard.errors import DataError, NotFoundError
from tests import pictures

RGB = Image.fromarray(pictures.noise(11, 13, 3))
GREY = Image.fromarray(pictures.noise(11, 13))
GREEN_IS_CLEAR = Image.new("RGB", (4, 4), (0, 255, 0))


@pytest.mark.parametrize(
    ("image", "kind", "mode"),
    [
        (GREY, "PNG", "L"),
        (RGB, "PNG", "RGB"),
        (Image.fromarray(pictures.noise(5, 6, 2), "LA"), "PNG", "LA"),
        (Image.fromarray(pictures.noise(5, 6, 4)), "PNG", "RGBA"),
        (GREY.convert("1"), "PNG", "L"),
        (RGB.convert("P"), "PNG", "RGB"),
        (RGB, "JPEG", "RGB"),
        (GREY, "JPEG", "L"),
        (RGB.convert("CMYK"), "JPEG", "RGB"),
        (RGB.convert("P"), "GIF", "RGB"),
        (RGB, "WEBP", "RGB"),
        (Image.fromarray(pictures.noise(5, 6, 4)), "WEBP", "RGBA"),
    ],
)
@pytest.mark.filterwarnings("ignore:'mode' parameter")
def test_pixels_are_those_that_pillow_reads(image, kind, mode):
    encoded = pictures.saved(image, kind)

    info, pixels = decoded_picture(encoded)

    expected = Image.open(io.BytesIO(encoded)).convert(mode)
    assert np.array_equal(np.squeeze(pixels), np.asarray(expected))
    assert (info.format, info.bits, info.frames) == (kind, 8, 1)
    assert pixels.shape == (info.height, info.width, info.channels)
    assert picture_info(encoded) == info


def test_a_colour_that_stands_for_nothing_is_transparent():
    _, pixels = decoded_picture(pictures.saved(GREEN_IS_CLEAR, transparency=(0, 255, 0)))

    assert pixels.shape[2] == 4
    assert (pixels[..., 3] == 0).all()


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_sixteen_bits_are_not_cut(channels):
    pixels = pictures.noise(13, 7, channels, dtype=np.uint16)
    png = pictures.saved(pixels) if channels == 1 else pictures.deep_png(pixels)

    info, found = decoded_picture(png)

    assert (info.bits, info.channels) == (16, channels)
    assert found.dtype == np.uint16
    assert np.array_equal(found, pixels)
    assert np.array_equal(eight_bits(found), pixels // 256)


@pytest.mark.parametrize(
    "encoded",
    [
        pictures.SVG,
        b"\xef\xbb\xbf  \n" + pictures.SVG,
        pictures.HTML,
        b"",
        b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
        pictures.saved(RGB, "BMP"),
        pictures.saved(RGB, "TIFF"),
        pictures.HTML + pictures.saved(RGB),
        b"GIF89a",
    ],
)
def test_only_four_formats_are_read(encoded):
    with pytest.raises(DataError):
        decoded_picture(encoded)


def test_svg_and_html_are_called_by_their_names():
    with pytest.raises(DataError, match="SVG"):
        picture_info(pictures.SVG)
    with pytest.raises(DataError, match="HTML"):
        picture_info(pictures.HTML)


def test_what_follows_a_picture_is_not_part_of_it():
    plain = pictures.saved(RGB)

    _, pixels = decoded_picture(plain + pictures.HTML)

    assert np.array_equal(pixels, decoded_picture(plain)[1])


@pytest.mark.parametrize("side", [4097, 13_000, 20_000, 60_000, 2**31 - 1])
def test_a_bomb_is_refused_by_what_it_claims(side):
    with pytest.raises(DataError, match=re.escape(limits.MAX_IMAGE_PIXELS.name)):
        decoded_picture(pictures.bomb(side, side))


def test_a_picture_of_the_largest_size_may_be_long():
    side = limits.MAX_IMAGE_PIXELS.value // 4

    assert picture_info(pictures.bomb(side, 4)).width == side
    with pytest.raises(DataError, match="max_image_pixels"):
        picture_info(pictures.bomb(side, 5))


def test_a_text_that_unfolds_without_end_is_refused():
    with pytest.raises(DataError, match="cannot be decoded"):
        decoded_picture(pictures.text_bomb())


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_cut_picture_is_told_and_not_shown_in_part(kind):
    encoded = pictures.saved(pictures.noise(40, 40, 3), kind)

    for end in range(0, len(encoded) - 20, 97):
        with pytest.raises(DataError):
            decoded_picture(encoded[:end])


def test_a_deep_picture_with_too_few_bytes_is_told():
    whole = pictures.deep_png(pictures.noise(3, 5, 3, dtype=np.uint16))
    taller = pictures.png_header(5, 9, 16, 2) + whole[33:]

    with pytest.raises(DataError, match="bytes of pixels"):
        decoded_picture(taller)


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG"])
def test_every_frame_of_a_moving_picture_can_be_had(kind):
    colours = np.arange(7, dtype=np.uint8)[:, None, None, None] * 30
    frames = np.broadcast_to(colours, (7, 10, 12, 3)).copy()
    frames[:, 2, 3] = 255
    encoded = pictures.film(frames, kind)

    found = list(decoded_frames(encoded, 2, 3))

    assert picture_info(encoded).frames == 7
    assert [frame.duration for frame in found] == [80] * 3
    for k, frame in enumerate(found, start=2):
        assert np.array_equal(frame.pixels[..., :3], frames[k])
        assert np.array_equal(decoded_picture(encoded, k)[1][..., :3], frames[k])
    with pytest.raises(NotFoundError, match="7 frames"):
        decoded_picture(encoded, 7)


def test_frames_without_a_pace_stand_as_long_as_in_browsers():
    encoded = pictures.film(pictures.noise(3, 8, 8, 3), duration=0)

    assert {frame.duration for frame in decoded_frames(encoded, 0, 3)} == {100}


def test_frames_beyond_the_caps_are_not_shown(monkeypatch):
    encoded = pictures.film(pictures.noise(9, 10, 10, 3))

    for name, value, frames in (("MAX_IMAGE_FRAMES", 4, 4), ("MAX_ANIMATION_PIXELS", 350, 3)):
        with monkeypatch.context() as patch:
            patch.setattr(limits, name, limits.Limit(name.lower(), value, ""))
            assert picture_info(encoded).frames == frames
            assert len(list(decoded_frames(encoded, 0, 1000))) == frames


def test_a_jpeg_that_never_stops_painting_is_refused():
    encoded = pictures.saved(RGB, "JPEG", progressive=True)
    last = encoded.rindex(b"\xff\xda")
    scan = encoded[last:-2]

    most = limits.MAX_JPEG_SCANS.value - encoded.count(b"\xff\xda")
    assert decoded_picture(encoded[:-2] + scan * most + encoded[-2:])[0].format == "JPEG"
    with pytest.raises(DataError, match="max_jpeg_scans"):
        decoded_picture(encoded[:-2] + scan * (most + 1) + encoded[-2:])


def test_a_frame_that_stands_over_the_edge_is_refused():
    encoded = bytearray(pictures.film(pictures.noise(3, 6, 6, 3)))
    places = [m.start() for m in re.finditer(rb"\x2c\0\0\0\0\x06\0\x06\0", encoded)]
    second = places[1]
    encoded[second + 5 : second + 7] = (4000).to_bytes(2, "little")

    with pytest.raises(DataError, match="frame 1 makes"):
        all_frames(bytes(encoded))
    with pytest.raises(DataError, match="frame 1 makes"):
        decoded_picture(bytes(encoded), 2)


VICTIMS = (
    pictures.saved(RGB),
    pictures.saved(RGB, "JPEG"),
    pictures.saved(RGB, "WEBP"),
    pictures.film(pictures.noise(3, 6, 6, 3), "WEBP"),
    pictures.film(pictures.noise(3, 6, 6, 3)),
    pictures.deep_png(pictures.noise(4, 4, 3, dtype=np.uint16)),
    pictures.saved(RGB.convert("P"), transparency=3),
)


@given(
    st.sampled_from(VICTIMS),
    st.lists(st.tuples(st.integers(0, 600), st.binary(max_size=6)), min_size=1, max_size=4),
)
@settings(deadline=None)
def test_damage_is_a_data_error_and_nothing_else(encoded, edits):
    damaged = bytearray(encoded)
    for place, content in edits:
        at = place % len(damaged)
        damaged[at : at + len(content)] = content

    for read in (decoded_picture, all_frames):
        with contextlib.suppress(DataError):
            read(bytes(damaged))


def all_frames(encoded):
    return list(decoded_frames(encoded, 0, 5))
