"""Answer what the Audio page asks for: sounds anew encoded, their waveforms and spectrograms."""

from __future__ import annotations

import dataclasses
import re
import struct
from typing import TYPE_CHECKING, Any

from gpuboard import limits
from gpuboard.errors import DataError, InputError
from gpuboard.serve.routes import DataRoute, encode_json
from gpuboard.serve.values import decoded, place_of, run_argument, tag_argument

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gpuboard.eventlog.proto.event_pb2 import Summary
    from gpuboard.store.store import Store
    from gpuboard.summaries.wav import Format

_WHOLE = re.compile(r"[0-9]{1,12}", re.ASCII)


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """Which sound an address names, and which of its frames."""

    run: int
    tag: str
    ref: str
    sample: int
    first: int
    end: int | None


@dataclasses.dataclass(frozen=True, slots=True)
class Sound:
    """One sound of a value, still encoded.

    Attributes:
        data: A WAV file that `form` describes.
        sample: Its place in the batch.
        labels: What the samples of the batch are called.
    """

    data: bytes
    form: Format
    sample: int
    labels: tuple[str, ...]


class AudioRoute(DataRoute):
    """`GET api/v1/audio`: a sound as a WAV of 16 bits that any browser plays."""

    async def get(self) -> None:
        """Answer with a file made anew; the bytes of the log never leave as they are."""
        body = await self.run(_wav, self.context.store, _wanted(self))
        self.set_header("Content-Disposition", 'attachment; filename="sound.wav"')
        self.reply_bytes(body, "audio/wav")


class WaveRoute(DataRoute):
    """`GET api/v1/audio/wave`: what a sound is, and how far it swings in each column."""

    async def get(self) -> None:
        """Answer with a header and float32 columns."""
        width = _integer(self, "width", 600, 1, limits.MAX_WAVE_COLUMNS.value)
        self.reply_bytes(await self.run(_wave, self.context.store, _wanted(self), width))


class SpectrogramRoute(DataRoute):
    """`GET api/v1/audio/spectrogram`: how loud each frequency is over time."""

    async def get(self) -> None:
        """Answer with a header and one byte for each row and column."""
        width = _integer(self, "width", 600, 1, limits.MAX_WAVE_COLUMNS.value)
        channel = _integer(self, "channel", 0, 0, limits.MAX_AUDIO_CHANNELS.value - 1)
        window = _integer(self, "window", 1024, 256, 4096)
        if window & (window - 1):
            raise InputError(f"window: got {window}, expected 256, 512, 1024, 2048 or 4096")
        scale = self.get_query_argument("scale", "mel")
        if scale not in ("mel", "linear"):
            raise InputError(f'scale: got {scale[:100]!r}, expected "mel" or "linear"')
        wanted = _wanted(self)
        fields = (width, channel, window, scale)
        self.reply_bytes(await self.run(_spectrogram, self.context.store, wanted, *fields))


def _wanted(route: DataRoute) -> Wanted:
    most = limits.MAX_AUDIO_SAMPLES.value
    first = _integer(route, "first", 0, 0, most)
    end = _integer(route, "end", 0, 0, most) or None
    if end is not None and end <= first:
        raise InputError(f"end: got {end}, expected a frame after {first}")
    return Wanted(
        run=run_argument(route),
        tag=tag_argument(route),
        ref=route.get_query_argument("ref", ""),
        sample=_integer(route, "sample", 0, 0, most),
        first=first,
        end=end,
    )


def _integer(route: DataRoute, name: str, default: int, low: int, high: int) -> int:
    text = route.get_query_argument(name, str(default))
    if not _WHOLE.fullmatch(text) or not low <= int(text) <= high:
        raise InputError(f"{name}: got {text[:100]!r}, expected a whole number, {low} to {high}")
    return int(text)


def _find(store: Store, wanted: Wanted) -> Sound:
    """Return a sound; beyond the end of a batch it is the last one, as batches differ in size."""
    from gpuboard.summaries import audio, wav

    def decode(value: Summary.Value) -> Sound:
        clips = audio.decode(value)
        if not clips:
            raise DataError("a batch without sounds")
        sample = min(wanted.sample, len(clips) - 1)
        data = clips[sample].encoded
        return Sound(data, wav.read_format(data), sample, tuple(clip.label for clip in clips))

    values = store.values(wanted.run, wanted.tag)
    return decoded(store, values, place_of(values, wanted.ref), decode)


def _wav(store: Store, wanted: Wanted) -> bytes:
    from gpuboard.summaries import wav

    sound = _find(store, wanted)
    samples = wav.decode_wav(sound.data, sound.form, wanted.first, wanted.end)
    return wav.encode_wav(wav.to_pcm(samples), sound.form.rate)


def _wave(store: Store, wanted: Wanted, width: int) -> bytes:
    from gpuboard.analysis.sound import envelope
    from gpuboard.summaries import wav

    sound = _find(store, wanted)
    samples = wav.decode_wav(sound.data, sound.form, wanted.first, wanted.end)
    shape = envelope(samples, width)
    header = _header(sound, wanted, len(samples)) | {"columns": shape.low.shape[1]}
    return _packed(header, shape.low, shape.high, shape.rms)


def _spectrogram(
    store: Store, wanted: Wanted, width: int, channel: int, window: int, scale: str
) -> bytes:
    from gpuboard.analysis.sound import FLOOR_DB, spectrogram, to_bytes
    from gpuboard.summaries import wav

    sound = _find(store, wanted)
    end = min(wanted.end or sound.form.frames, sound.form.frames)
    first = min(wanted.first, end)
    before = max(first - window, 0)  # transforms reach beyond the range
    samples = wav.decode_wav(sound.data, sound.form, before, end + window)
    channel = min(channel, sound.form.channels - 1)
    found = spectrogram(
        samples[:, channel],
        sound.form.rate,
        width,
        within=(first - before, end - before),
        window=window,
        scale=scale,
    )
    rows, columns = found.level_db.shape
    header = _header(sound, wanted, end - first) | {
        "channel": channel,
        "rows": rows,
        "columns": columns,
        "window": window,
        "scale": scale,
        "hz": [0.0, sound.form.rate / 2],
        "db": [FLOOR_DB, 0.0],
    }
    return _packed(header, to_bytes(found.level_db))


def _header(sound: Sound, wanted: Wanted, frames: int) -> dict[str, Any]:
    form = sound.form
    return {
        "sample": sound.sample,
        "labels": sound.labels,
        "rate": form.rate,
        "channels": form.channels,
        "frames": form.frames,
        "encoding": form.encoding,
        "first": min(wanted.first, form.frames),
        "end": min(wanted.first, form.frames) + frames,
    }


def _packed(header: dict[str, Any], *columns: npt.NDArray[np.generic]) -> bytes:
    """Return the length of the header, the header padded to a multiple of 8, and the columns."""
    text = encode_json(header)
    text += b" " * (-(4 + len(text)) % 8)
    return b"".join([struct.pack("<I", len(text)), text, *(c.tobytes() for c in columns)])


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/audio", AudioRoute),
    (r"api/v1/audio/wave", WaveRoute),
    (r"api/v1/audio/spectrogram", SpectrogramRoute),
)
