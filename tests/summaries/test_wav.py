import io
import struct
import wave

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.summaries.wav import decode_wav, encode_wav, read_format, to_pcm
from tests.sounds import PCM_GUID, chunk, form, riff, wav


def decoded(data):
    return decode_wav(data, read_format(data))


def test_eight_bits_are_unsigned_around_128():
    samples = decoded(wav([0, 64, 128, 255], layout="u1"))

    assert samples.ravel().tolist() == [-1, -0.5, 0, 127 / 128]


def test_sixteen_bits_are_signed():
    assert decoded(wav([-32768, 16384, 0])).ravel().tolist() == [-1, 0.5, 0]


def test_24_bits_are_three_bytes_each():
    numbers = [-(1 << 23), 1 << 22, -1, 0]
    body = b"".join(number.to_bytes(3, "little", signed=True) for number in numbers)
    data = riff(chunk(b"fmt ", form(bits=24)), chunk(b"data", body))

    assert decoded(data).ravel().tolist() == [-1, 0.5, -1 / (1 << 23), 0]


def test_32_bits_are_integers_or_floats():
    assert decoded(wav([-(1 << 31), 1 << 30], layout="<i4")).ravel().tolist() == [-1, 0.5]
    assert decoded(wav([0.25, -1.5], code=3, layout="<f4")).ravel().tolist() == [0.25, -1.5]
    assert decoded(wav([0.25, -1.5], code=3, layout="<f8")).ravel().tolist() == [0.25, -1.5]


def test_what_is_no_number_is_silence():
    samples = decoded(wav([np.nan, np.inf, -np.inf, 1e300], code=3, layout="<f8"))

    assert samples.ravel().tolist() == [0, 0, 0, 0]


def test_twelve_bits_in_two_bytes_are_left_aligned():
    data = riff(chunk(b"fmt ", form(bits=12, width=2)), chunk(b"data", struct.pack("<h", 16384)))

    assert decoded(data).tolist() == [[0.5]]


def test_an_extensible_header_names_its_format_later():
    more = struct.pack("<HHI", 22, 16, 0) + PCM_GUID
    data = riff(chunk(b"fmt ", form(0xFFFE, more=more)), chunk(b"data", struct.pack("<h", 16384)))

    assert decoded(data).tolist() == [[0.5]]


def test_channels_lie_side_by_side():
    data = wav([1, 2, 3, 4, 5, 6], channels=2)

    assert read_format(data).frames == 3
    assert (decoded(data) * 32768).tolist() == [[1, 2], [3, 4], [5, 6]]


def test_a_part_of_the_frames_can_be_asked_for():
    data = wav(range(10))

    part = decode_wav(data, read_format(data), 3, 6)

    assert (part.ravel() * 32768).tolist() == [3, 4, 5]
    assert decode_wav(data, read_format(data), 8, 99).shape == (2, 1)
    assert decode_wav(data, read_format(data), 50, 60).shape == (0, 1)


def test_chunks_that_mean_nothing_here_are_passed_over():
    data = riff(
        chunk(b"LIST", b"odd"),
        chunk(b"fmt ", form()),
        chunk(b"fact", bytes(4)),
        chunk(b"data", struct.pack("<h", 16384)),
    )

    assert decoded(data).tolist() == [[0.5]]


def test_samples_that_were_cut_count_as_far_as_they_go():
    whole = wav(range(100))

    assert read_format(whole[:-51]).frames == 74
    # a writer that never came back leaves the size at its greatest
    endless = whole.replace(struct.pack("<I", 200), b"\xff\xff\xff\xff")
    assert read_format(endless).frames == 100


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes that are no WAV file"),
        (b"OggS" + bytes(60), "Ogg format"),
        (b"fLaC" + bytes(60), "FLAC format"),
        (b"ID3\x04" + bytes(60), "MP3 format"),
        (bytes(4) + b"ftypM4A " + bytes(60), "MP4 format"),
        (b"<html><script>alert(1)</script>", "no WAV file"),
        (riff(chunk(b"fmt ", form())), "without samples"),
        (riff(chunk(b"data", b"1234"), chunk(b"fmt ", form())), "come before their format"),
        (riff(chunk(b"fmt ", form(code=2)), chunk(b"data", b"")), "ADPCM"),
        (riff(chunk(b"fmt ", form(code=85)), chunk(b"data", b"")), "MP3"),
        (riff(chunk(b"fmt ", form(0xFFFE)), chunk(b"data", b"")), "unknown extensible format"),
        (riff(chunk(b"fmt ", form(channels=0)), chunk(b"data", b"")), "0 channels"),
        (riff(chunk(b"fmt ", form(rate=0)), chunk(b"data", b"")), "0 Hz"),
        (riff(chunk(b"fmt ", form(rate=2**32 - 1)), chunk(b"data", b"")), "4294967295 Hz"),
        (riff(chunk(b"fmt ", form(bits=64)), chunk(b"data", b"")), "64-bit integers"),
        (riff(chunk(b"fmt ", form(3, bits=16)), chunk(b"data", b"")), "16-bit floats"),
        (riff(chunk(b"fmt ", form(channels=65)), chunk(b"data", b"")), "max_audio_channels"),
    ],
)
def test_what_cannot_be_decoded_is_named(data, words):
    with pytest.raises(DataError, match=words):
        read_format(data)


def test_too_long_a_sound_is_refused_before_it_takes_memory(monkeypatch):
    monkeypatch.setattr(
        limits, "MAX_AUDIO_SAMPLES", limits.Limit("max_audio_samples", 10, "few for a test")
    )

    assert read_format(wav(range(10))).frames == 10
    with pytest.raises(DataError, match="11 samples, at most 10"):
        read_format(wav(range(11)))


@given(st.binary(max_size=200))
def test_noise_raises_only_data_errors(noise):
    for data in (noise, b"RIFF\0\0\0\0WAVE" + noise, b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + noise):
        try:
            form = read_format(data)
        except DataError:
            continue
        assert decode_wav(data, form).shape == (form.frames, form.channels)


@given(hnp.arrays(np.int16, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=9)))
def test_sixteen_bits_come_back_bit_for_bit(pcm):
    data = encode_wav(pcm, 16000)

    np.testing.assert_array_equal(to_pcm(decoded(data)), pcm)
    with wave.open(io.BytesIO(data)) as theirs:
        assert (theirs.getframerate(), theirs.getnchannels()) == (16000, pcm.shape[1])
        assert theirs.readframes(len(pcm)) == pcm.astype("<i2").tobytes()


def test_what_clips_stays_within_sixteen_bits():
    assert to_pcm(np.array([[-3.0], [3.0], [1.0]], np.float32)).ravel().tolist() == [
        -32768,
        32767,
        32767,
    ]


@pytest.mark.parametrize(("shape", "rate"), [((3, 0), 8000), ((3,), 8000), ((3, 1), 0)])
def test_a_sound_that_no_header_can_describe_is_refused(shape, rate):
    with pytest.raises(ValueError, match="channels"):
        encode_wav(np.zeros(shape, np.int16), rate)
