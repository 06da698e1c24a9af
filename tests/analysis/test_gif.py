import numpy as np
import pytest

from gpuboard.analysis.gif import gif_frames
from tests import pictures

FRAMES = pictures.noise(6, 20, 24, 3)
GIF = pictures.film(FRAMES)


def test_all_frames_are_counted():
    assert gif_frames(GIF, 1000) == 6


def test_a_still_gif_has_one_frame():
    assert gif_frames(pictures.saved(FRAMES[0], "GIF"), 1000) == 1


def test_no_more_are_counted_than_asked_for():
    assert gif_frames(GIF, 4) == 4


def test_a_cut_gif_has_the_frames_that_are_whole():
    counts = [gif_frames(GIF[:end], 1000) for end in range(len(GIF) + 1)]

    assert counts == sorted(counts)
    assert counts[0] == 0
    assert counts[-1] == 6
    assert set(np.diff(counts)) == {0, 1}


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"\xff" * 100])
def test_what_is_no_gif_has_no_frames(data):
    assert gif_frames(data, 1000) == 0
