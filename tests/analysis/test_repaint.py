import numpy as np
import pytest

from gpuboard.analysis import repaint
from gpuboard.analysis.pictures import decoded_picture
from gpuboard.analysis.repaint import painted, painted_sheet, png_for_download, sheet_of
from tests import pictures


@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("is_thumb", [False, True])
def test_nothing_is_lost_where_nothing_is_scaled(channels, is_thumb):
    pixels = pictures.noise(19, 31, channels)

    body, kind = painted(pixels, is_thumb=is_thumb)

    assert kind == "image/webp"
    found = pictures.opened(body)
    assert np.array_equal(found[..., 0], pixels[..., 0])
    if channels > 2:
        assert np.array_equal(found, pixels)
    if channels in (2, 4):
        assert np.array_equal(found[..., 3], pixels[..., -1])


@pytest.mark.parametrize(
    ("shape", "size", "kind"),
    [
        ((1024, 512, 3), (256, 512), "image/jpeg"),
        ((600, 1200, 1), (512, 256), "image/jpeg"),
        ((600, 1200, 4), (512, 256), "image/webp"),
        ((2, 5000, 3), (512, 1), "image/jpeg"),
    ],
)
def test_a_thumbnail_keeps_the_proportions(shape, size, kind):
    body, found = painted(np.full(shape, 200, np.uint8), is_thumb=True)

    pixels = pictures.opened(body)
    assert found == kind
    assert (pixels.shape[1], pixels.shape[0]) == size
    assert np.abs(pixels.astype(int) - 200).max() <= 2


def test_a_thumbnail_is_the_mean_of_what_it_stands_for():
    pixels = np.zeros((1024, 1024, 3), np.uint8)
    pixels[::2] = 200

    thumb = pictures.opened(painted(pixels, is_thumb=True)[0])

    inside = thumb[8:-8].astype(int)  # at an edge the filter has less to go by
    assert np.abs(inside - 100).max() <= 2


def test_what_is_too_long_for_a_webp_is_a_png():
    pixels = pictures.noise(2, 20_000, 3)

    body, kind = painted(pixels)

    assert kind == "image/png"
    assert np.array_equal(pictures.opened(body), pixels)


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
def test_a_download_holds_every_bit(dtype, channels):
    pixels = pictures.noise(9, 5, channels, dtype=dtype)

    png = png_for_download(pixels)

    assert np.array_equal(decoded_picture(png)[1], pixels)
    if dtype == np.uint8 or channels == 1:  # what Pillow reads whole
        assert np.array_equal(pictures.opened(png), np.squeeze(pixels))


def test_a_sheet_has_every_picture_at_its_place():
    frames = [np.full((10, 14, 3), k * 20, np.uint8) for k in range(7)]
    sheet = sheet_of(14, 10, 7)

    pixels = pictures.opened(painted_sheet(frames, sheet)[0])

    assert (sheet.width, sheet.height, sheet.tiles) == (14, 10, 7)
    for k in range(7):
        top, left = k // sheet.columns * 10, k % sheet.columns * 14
        assert (pixels[top : top + 10, left : left + 14, :3] == k * 20).all()


def test_pictures_of_any_form_lie_on_one_sheet():
    sheet = sheet_of(20, 20, 3)
    grey, clear, wide = (
        np.full((20, 20, 1), 90, np.uint8),
        np.full((20, 20, 4), 7, np.uint8),
        np.full((10, 40, 3), 50, np.uint8),
    )

    pixels = pictures.opened(painted_sheet([grey, clear, wide], sheet)[0])

    place = [(k // sheet.columns * 20, k % sheet.columns * 20) for k in range(3)]
    tiles = [pixels[top : top + 20, left : left + 20] for top, left in place]
    assert (tiles[0] == [90, 90, 90, 255]).all()
    assert (tiles[1] == 7).all()
    assert (tiles[2][:5] == [50, 50, 50, 255]).all()
    assert (tiles[2][5:, :, 3] == 0).all()


@pytest.mark.parametrize("size", [(1, 1), (256, 256), (4000, 3000), (16_000_000, 1), (1, 9000)])
def test_a_sheet_stays_within_what_a_webp_can_hold(size):
    sheet = sheet_of(*size, 1000)

    rows = -(-sheet.tiles // sheet.columns)
    assert sheet.tiles >= 1
    assert sheet.columns * sheet.width <= 16_383
    assert rows * sheet.height <= 16_383
    assert rows * sheet.columns * sheet.width * sheet.height <= 2 * repaint.SHEET_PIXELS
