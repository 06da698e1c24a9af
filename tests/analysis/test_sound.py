import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.analysis.sound import (
    FLOOR_DB,
    edges_of,
    envelope,
    hz_of,
    mel_of,
    spectrogram,
    to_bytes,
)
from tests.sounds import sine


@given(st.integers(0, 300), st.integers(1, 60), st.integers(1, 3), st.integers(0, 2**32 - 1))
def test_the_envelope_is_what_brute_force_finds(frames, columns, channels, seed):
    samples = np.random.default_rng(seed).normal(size=(frames, channels)).astype(np.float32)

    found = envelope(samples, columns)

    edges = edges_of(frames, columns)
    assert found.low.shape == (channels, min(frames, columns))
    for i, (a, b) in enumerate(itertools.pairwise(edges)):
        for channel in range(channels):
            part = samples[a:b, channel].astype(float)
            assert found.low[channel, i] == part.min()
            assert found.high[channel, i] == part.max()
            assert found.rms[channel, i] == pytest.approx(np.sqrt((part**2).mean()), rel=1e-6)


@given(st.integers(1, 10**8), st.integers(1, 4096))
def test_columns_cover_all_frames_and_none_is_empty(frames, columns):
    edges = edges_of(frames, columns)

    assert (edges[0], edges[-1]) == (0, frames)
    assert (np.diff(edges) > 0).all()
    assert np.ptp(np.diff(edges)) <= 1


@pytest.mark.parametrize("window", [256, 1024, 4096])
@pytest.mark.parametrize("hertz", [500, 1000, 3125])
def test_a_sine_is_loudest_in_its_own_row_and_at_its_own_level(hertz, window):
    found = spectrogram(
        sine(hertz, seconds=2, amplitude=0.5), 8000, 50, window=window, scale="linear"
    )

    middle = found.level_db[:, 10:40]
    row_height = found.hz[1] - found.hz[0]
    assert np.abs(found.hz[middle.argmax(axis=0)] - hertz).max() <= row_height
    # 0.5 is 6.02 dB below full scale; between two bins a Hann window loses up to 1.42 dB
    assert -6.1 - 1.5 < middle.max() < -5.9


@pytest.mark.parametrize("hertz", [200, 1000, 3500])
def test_rows_of_the_mel_scale_name_the_frequencies_that_they_show(hertz):
    found = spectrogram(sine(hertz, seconds=2), 8000, 50, window=4096, scale="mel")

    loudest = found.hz[found.level_db[:, 20:30].argmax(axis=0)]
    steps = np.diff(found.hz)
    assert np.abs(loudest - hertz).max() < max(8000 / 4096, steps[np.searchsorted(found.hz, hertz)])


def test_a_click_lies_in_its_own_column():
    samples = np.zeros(8000, np.float32)
    samples[6000] = 1

    found = spectrogram(samples, 8000, 100, window=256)

    assert abs(found.level_db.max(axis=0).argmax() - 75) <= 1


def test_silence_is_at_the_floor():
    found = spectrogram(np.zeros(5000, np.float32), 8000, 30)

    assert (found.level_db == FLOOR_DB).all()


@pytest.mark.parametrize("frames", [0, 1, 2, 100])
def test_a_sound_shorter_than_the_window_is_no_trouble(frames):
    found = spectrogram(np.ones(frames, np.float32), 8000, 30)

    assert found.level_db.shape[1] >= 1
    assert np.isfinite(found.level_db).all()


def test_a_range_is_drawn_as_within_the_whole():
    samples = sine(700, seconds=2) * np.linspace(0, 1, 16000, dtype=np.float32)

    whole = spectrogram(samples, 8000, 8, window=256)
    part = spectrogram(samples, 8000, 2, within=(8000, 12000), window=256)

    np.testing.assert_allclose(part.level_db, whole.level_db[:, 4:6], atol=0.5)


def test_the_mel_scale_goes_there_and_back():
    hertz = np.array([0.0, 100, 1000, 20_000])

    np.testing.assert_allclose(hz_of(mel_of(hertz)), hertz)
    assert mel_of(1000) == pytest.approx(1000, abs=0.1)  # by definition of the scale


def test_levels_become_bytes():
    assert to_bytes(np.array([FLOOR_DB, FLOOR_DB / 2, 0, 20], np.float32)).tolist() == [
        0,
        128,
        255,
        255,
    ]
