"""Write audio summaries, and read them in every form that writers use.

torch, tensorboardX and TensorFlow 1 fill `Summary.Audio`; TensorFlow 2 logs a tensor of strings
with plugin "audio": of shape [k, 2] (encoded sound, label) or [k] (encoded sound).
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from gpuboard.errors import DataError
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.summaries.tensor import decode_strings
from gpuboard.summaries.wav import encode_wav

WAV = "audio/wav"
_LOUDEST = np.iinfo(np.int16).max


@dataclasses.dataclass(frozen=True, slots=True)
class Clip:
    """One sound as its writer encoded it, and what the writer said about it.

    Attributes:
        encoded: Bytes of a sound file; untrusted, whatever `content_type` says.
        content_type: What the writer says they are, "" if it does not say.
        label: Name of the sample within its batch, "" for none.
    """

    encoded: bytes
    content_type: str = ""
    label: str = ""


def encode(tag: str, sound: npt.ArrayLike, sample_rate: float = 44100) -> Summary.Value:
    """Return a sound as a WAV of 16 bits, scaled as torch does it.

    Args:
        tag: Name of the summary.
        sound: Samples in [-1, 1], shape (frames,) or (frames, channels); axes of length 1 are
            dropped first. What lies beyond is clipped, NaN becomes silence.
        sample_rate: Frames per second.

    Raises:
        ValueError: The shape is another, or the rate is below 1.
    """
    pcm = _to_pcm(np.asarray(sound))
    audio = Summary.Audio(
        sample_rate=sample_rate,
        num_channels=pcm.shape[1],
        length_frames=pcm.shape[0],
        encoded_audio_string=encode_wav(pcm, round(sample_rate)),
        content_type=WAV,
    )
    return Summary.Value(tag=tag, audio=audio)


def decode(value: Summary.Value) -> tuple[Clip, ...]:
    """Return the sounds of a value, still encoded: one, or those of a batch.

    Raises:
        DataError: It holds none.
    """
    form = value.WhichOneof("value")
    if form == "audio":
        return (Clip(value.audio.encoded_audio_string, value.audio.content_type),)
    if form != "tensor":
        raise DataError(f"a sound as {form}, expected an audio message or a tensor of strings")
    shape, cells = decode_strings(value.tensor)
    if len(shape) == 2 and shape[1] == 2:
        return tuple(
            Clip(cells[i], label=cells[i + 1].decode("utf-8", "backslashreplace"))
            for i in range(0, len(cells), 2)
        )
    if len(shape) <= 1:
        return tuple(Clip(cell) for cell in cells)
    raise DataError(f"sounds in a tensor of shape {list(shape[:8])}, expected [k, 2]")


def _to_pcm(sound: npt.NDArray[np.generic]) -> npt.NDArray[np.int16]:
    sound = np.atleast_1d(np.squeeze(sound))
    if sound.ndim > 2:
        raise ValueError(
            f"a sound of shape {list(sound.shape)}, expected [frames] or [frames, channels]"
        )
    wide = sound if sound.dtype.kind == "f" else sound.astype(np.float64)
    clipped = np.nan_to_num(np.clip(wide, -1, 1), nan=0.0)
    return (clipped * _LOUDEST).astype("<i2").reshape(len(sound), -1)
