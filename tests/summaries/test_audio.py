import numpy as np
import pytest

from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.summaries.audio import WAV, Clip, decode, encode
from gpuboard.summaries.tensor import encode_strings, encode_tensor
from gpuboard.summaries.wav import decode_wav, read_format


def samples_of(value):
    data = value.audio.encoded_audio_string
    return decode_wav(data, read_format(data))


@pytest.mark.parametrize("shape", [(500,), (1, 500), (500, 1)])
def test_torch_writes_the_same_bytes(shape):
    summary = pytest.importorskip("torch.utils.tensorboard.summary")
    sound = np.sin(np.arange(500) / 9).reshape(shape).astype(np.float32)

    theirs = summary.audio("a", sound, 8000).value[0]

    assert encode("a", sound, 8000).SerializeToString() == theirs.SerializeToString()


def test_channels_are_the_last_axis():
    value = encode("a", np.array([[0, 1], [0.5, -1], [0, 0]]), 44100)

    assert (value.audio.num_channels, value.audio.length_frames) == (2, 3)
    expected = np.array([[0, 32767], [16383, -32767], [0, 0]]) / 32768
    np.testing.assert_allclose(samples_of(value), expected)


def test_what_is_beyond_is_clipped_and_nan_is_silence():
    value = encode("a", np.array([3.0, -3.0, np.nan, np.inf]), 8000)

    assert (samples_of(value).ravel() * 32768).tolist() == [32767, -32767, 0, 32767]


def test_a_sound_of_more_axes_is_refused():
    with pytest.raises(ValueError, match="expected \\[frames\\]"):
        encode("a", np.zeros((2, 3, 4)))


def test_one_sound_comes_back():
    value = encode("a", np.zeros(3), 8000)

    (clip,) = decode(value)

    assert clip == Clip(value.audio.encoded_audio_string, WAV)


def test_a_batch_of_tensorflow_has_labels():
    cells = [b"one", b"first", b"two", b"caf\xe9"]
    value = Summary.Value(tensor=encode_strings(cells, [2, 2]))

    assert decode(value) == (Clip(b"one", label="first"), Clip(b"two", label="caf\\xe9"))


def test_a_batch_may_have_no_labels():
    assert decode(Summary.Value(tensor=encode_strings([b"x", b"y"], [2]))) == (
        Clip(b"x"),
        Clip(b"y"),
    )


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (Summary.Value(simple_value=1), "a sound as simple_value"),
        (Summary.Value(), "a sound as None"),
        (Summary.Value(tensor=encode_tensor(np.zeros(2))), "expected strings"),
        (Summary.Value(tensor=encode_strings([b""] * 6, [2, 3])), r"shape \[2, 3\]"),
    ],
)
def test_what_is_no_sound_is_named(value, words):
    with pytest.raises(DataError, match=words):
        decode(value)
