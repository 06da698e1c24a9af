import numpy as np
import pytest
from PIL import Image

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.summaries.image import decode, encode, gif_of, png_of
from tests import pictures


def test_a_picture_is_written_as_torch_writes_it():
    value = encode("a/b", b"bytes", height=3, width=5, channels=4)

    assert value.tag == "a/b"
    assert value.WhichOneof("value") == "image"
    image = value.image
    assert (image.height, image.width, image.colorspace) == (3, 5, 4)
    assert image.encoded_image_string == b"bytes"


def test_what_was_written_is_read_back():
    image = decode(encode("a", b"png", height=3, width=5, channels=3))

    assert (image.width, image.height, image.samples) == (5, 3, (b"png",))


def test_a_batch_holds_its_pictures_after_width_and_height():
    image = decode(pictures.batch("a", [b"one", b"two"], b"28", b"32"))

    assert (image.width, image.height, image.samples) == (28, 32, (b"one", b"two"))


@pytest.mark.parametrize(
    "value",
    [
        encode("a", b"", height=3, width=5, channels=3),
        pictures.batch("a", []),
    ],
)
def test_a_batch_may_be_empty(value):
    assert decode(value).samples == ()


@pytest.mark.parametrize(
    "value",
    [
        Summary.Value(tag="a"),
        Summary.Value(tag="a", simple_value=1.0),
        pictures.batch("a", [], b"8x", b"8"),
        pictures.batch("a", [], b"", b"8"),
        pictures.batch("a", [], "٣".encode(), b"8"),
        pictures.batch("a", [b"x"], shape=[3, 1]),
        pictures.batch("a", [b"x"], shape=[1]),
        pictures.batch("a", [b"x"], shape=[2]),
    ],
)
def test_what_is_no_image_is_told(value):
    with pytest.raises(DataError):
        decode(value)


def test_a_batch_that_claims_very_many_pictures_is_refused_before_it_is_made():
    most = limits.MAX_IMAGE_SAMPLES.value

    with pytest.raises(DataError, match="max_image_samples"):
        decode(pictures.batch("a", [b"x"], shape=[most + 3]))


@pytest.mark.parametrize("shape", [(7, 9), (7, 9, 1), (7, 9, 2), (7, 9, 3), (7, 9, 4)])
def test_a_png_holds_exactly_the_pixels(shape):
    pixels = pictures.noise(*shape)

    png = png_of(pixels)

    assert png.startswith(pictures.SIGNATURE)
    assert np.array_equal(pictures.opened(png), np.squeeze(pixels))


def test_a_part_of_a_larger_array_is_written_as_it_looks():
    pixels = pictures.noise(20, 20, 4)[2:9, ::2, :3]

    assert np.array_equal(pictures.opened(png_of(pixels)), pixels)


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4, 5), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros(4, np.uint8),
        np.zeros((0, 4, 3), np.uint8),
    ],
)
def test_pixels_of_another_form_are_refused(pixels):
    with pytest.raises(ValueError, match="pixels of"):
        png_of(pixels)


def test_a_gif_holds_every_frame_at_its_pace(tmp_path):
    frames = np.zeros((5, 8, 8, 3), np.uint8)
    frames[..., 0] = np.arange(5)[:, None, None] * 50
    path = tmp_path / "a.gif"

    path.write_bytes(gif_of(frames, fps=20))

    with Image.open(path) as image:
        assert image.n_frames == 5
        assert image.info["loop"] == 0
        for k in range(5):
            image.seek(k)
            assert image.info["duration"] == 50
            assert np.array_equal(np.asarray(image.convert("RGB")), frames[k])


@pytest.mark.parametrize(
    ("shape", "fps"), [((0, 4, 4, 3), 4), ((4, 4, 3), 4), ((2, 4, 4, 3), 0), ((2, 4, 4, 3), -1)]
)
def test_frames_of_another_form_are_refused(shape, fps):
    with pytest.raises(ValueError, match="frames"):
        gif_of(np.zeros(shape, np.uint8), fps)
