"""Check how images of any layout become pixels, against arrangements written out by hand."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from gpuboard.writer import pictures

RNG = np.random.default_rng(5)
IMAGE = RNG.integers(0, 256, (2, 3, 3), dtype=np.uint8)  # height 2, width 3


@pytest.mark.parametrize(
    ("dataformats", "axes"),
    [("HWC", (0, 1, 2)), ("CHW", (2, 0, 1)), ("WHC", (1, 0, 2)), ("chw", (2, 0, 1))],
)
def test_axes_of_any_order(dataformats, axes):
    np.testing.assert_array_equal(pictures.pixels_of(IMAGE.transpose(axes), dataformats), IMAGE)


@pytest.mark.parametrize("dataformats", ["HW", "HWC"])
def test_grey_becomes_three_channels(dataformats):
    grey = IMAGE[..., 0] if dataformats == "HW" else IMAGE[..., :1]

    found = pictures.pixels_of(grey, dataformats)

    for channel in range(3):
        np.testing.assert_array_equal(found[..., channel], IMAGE[..., 0])


def test_numbers_from_0_to_1_become_bytes_and_what_lies_beyond_is_clipped():
    values = np.array([[0.0, 1.0, 0.5, -3.0, 7.0, np.nan, np.inf, -np.inf]])

    found = pictures.pixels_of(values, "HW")[0, :, 0]

    assert found.tolist() == [0, 255, 127, 0, 255, 0, 255, 0]


def test_a_batch_is_laid_out_in_rows_of_eight():
    batch = RNG.integers(1, 256, (10, 3, 2, 4), dtype=np.uint8)

    found = pictures.pixels_of(batch, "NCHW")

    assert found.shape == (2 * 2, 8 * 4, 3)
    for k in range(16):
        row, column = divmod(k, 8)
        cell = found[2 * row : 2 * row + 2, 4 * column : 4 * column + 4]
        expected = batch[k].transpose(1, 2, 0) if k < 10 else np.zeros((2, 4, 3))
        np.testing.assert_array_equal(cell, expected)


def test_a_sprite_has_as_many_pictures_a_row_as_rows_fit():
    images = RNG.integers(1, 256, (5, 3, 6, 4), dtype=np.uint8)  # higher than wide

    found = pictures.sprite_of(images)

    assert found.shape == (12, 12, 3)
    np.testing.assert_array_equal(found[6:12, 4:8], images[4].transpose(1, 2, 0))
    assert not found[6:, 8:].any()


def test_the_sprite_of_wide_pictures_is_a_square():
    assert pictures.sprite_of(np.ones((3, 1, 2, 5))).shape == (10, 10, 3)


def test_videos_stand_side_by_side():
    video = RNG.integers(1, 256, (3, 2, 3, 4, 5), dtype=np.uint8)

    found = pictures.frames_of(video)

    assert found.shape == (2, 4, 4 * 5, 3), "padded to four, in one row"
    for time in range(2):
        for k in range(3):
            cell = found[time, :, 5 * k : 5 * k + 5]
            np.testing.assert_array_equal(cell, video[k, time].transpose(1, 2, 0))
    assert not found[:, :, 15:].any()


def test_boxes_are_drawn_into_a_copy():
    black = np.zeros((20, 20, 3), np.uint8)

    found = pictures.with_boxes(black, np.array([[4.0, 5.0, 12.0, 15.0]]), None)

    assert not black.any()
    assert found[5, 8].tolist() == [255, 0, 0]
    assert found[10, 4].tolist() == [255, 0, 0]
    assert not found[10, 8].any()


def test_labels_can_be_read_on_their_box():
    white = np.full((40, 60, 3), 255, np.uint8)

    found = pictures.with_boxes(white, np.array([[4, 4, 50, 36]]), ["word"])

    colours = {tuple(pixel) for pixel in found[20:36, 6:40].reshape(-1, 3).tolist()}
    assert {(255, 0, 0), (255, 255, 255)} < colours
    assert min(map(sum, colours)) < 200, "letters are dark"


def test_a_picture_is_scaled():
    assert pictures.resized(IMAGE, 1) is IMAGE
    assert pictures.resized(IMAGE, 2).shape == (4, 6, 3)
    assert pictures.resized(IMAGE, 0.01).shape == (1, 1, 3)


def test_a_figure_is_drawn_and_closed(monkeypatch):
    closed = []

    class Canvas:
        def __init__(self, figure):
            self.figure = figure

        def draw(self):
            self.figure.append("drawn")

        def buffer_rgba(self):
            return memoryview(np.full((2, 3, 4), 9, np.uint8))

    backend = types.SimpleNamespace(FigureCanvasAgg=Canvas)
    monkeypatch.setitem(sys.modules, "matplotlib.backends.backend_agg", backend)
    pyplot = types.SimpleNamespace(close=closed.append)
    monkeypatch.setitem(sys.modules, "matplotlib.pyplot", pyplot)
    figure = []

    found = pictures.pixels_of_figure(figure, close=True)
    pictures.pixels_of_figure(figure, close=False)

    assert found.tolist() == np.full((2, 3, 3), 9).tolist()
    assert figure == ["drawn", "drawn"]
    assert closed == [figure]
