"""Read and write WAV files, in memory: RIFF chunks around interleaved samples.

Source of the format: Microsoft's "Multimedia Programming Interface and Data Specifications 1.0" and
"Multiple Channel Audio Data and WAVE Files". Layout, little-endian: "RIFF", uint32 size, "WAVE",
then chunks of a name of four bytes, a uint32 size and that many bytes, padded to an even count.
"fmt " holds uint16 format (1 integers, 3 floats, 0xFFFE "extensible": the format is the first
field of a GUID at byte 24), uint16 channels, uint32 rate, uint32 bytes per second, uint16 bytes per
frame, uint16 bits per sample. "data" holds the frames. Integers of 8 bits or fewer are unsigned
around 128, wider ones are signed and left-aligned in whole bytes.
"""

from __future__ import annotations

import dataclasses
import struct

import numpy as np
import numpy.typing as npt

from gpuboard import limits
from gpuboard.errors import DataError

_FORMAT = struct.Struct("<HHIIHH")
_CHUNK = struct.Struct("<4sI")
_INTEGER, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE
_GUID_TAIL = bytes.fromhex("000000001000800000aa00389b71")
_GUID_AT = 24
_MAX_RATE = 4_000_000
_NAMES = {2: "ADPCM", 6: "A-law", 7: "mu-law", 17: "IMA ADPCM", 85: "MP3"}

# What the first bytes of other containers look like, to say honestly what cannot be played.
_OTHERS = (
    (0, b"OggS", "Ogg"),
    (0, b"fLaC", "FLAC"),
    (0, b"ID3", "MP3"),
    (0, b"\xff\xfb", "MP3"),
    (0, b"\xff\xf3", "MP3"),
    (0, b"\xff\xf1", "AAC"),
    (0, b"FORM", "AIFF"),
    (0, b".snd", "AU"),
    (0, b"RF64", "RF64"),
    (4, b"ftyp", "MP4"),
    (0, b"\x1aE\xdf\xa3", "WebM"),
)

Samples = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True, slots=True)
class Format:
    """How the frames of a WAV file are written.

    Attributes:
        is_float: Floats, else integers.
        channels: Samples in a frame.
        rate: Frames in a second.
        bits: Of each sample that mean something.
        width: Bytes that each sample takes.
        frames: Frames that are there, whatever the header promises.
        start: First byte of the samples in the file.
    """

    is_float: bool
    channels: int
    rate: int
    bits: int
    width: int
    frames: int
    start: int

    @property
    def encoding(self) -> str:
        """Return a few words for people: "16-bit PCM", "32-bit float"."""
        return f"{self.bits}-bit {'float' if self.is_float else 'PCM'}"


def read_format(data: bytes) -> Format:
    """Return how a WAV file is written; a "data" chunk that was cut counts as far as it goes.

    Raises:
        DataError: It is no WAV file, its samples are compressed, or it holds more samples or
            channels than `limits.MAX_AUDIO_SAMPLES` and `limits.MAX_AUDIO_CHANNELS` allow.
    """
    if len(data) < 12 or data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise DataError(_what_else(data))
    header: bytes | None = None
    at = 12
    while at + _CHUNK.size <= len(data):
        name, size = _CHUNK.unpack_from(data, at)
        at += _CHUNK.size
        if name == b"fmt ":
            header = data[at : at + size]
        elif name == b"data":
            return _checked(header, at, min(size, len(data) - at))
        at += size + size % 2
    raise DataError(f"a WAV file of {len(data)} bytes without samples")


def decode_wav(data: bytes, form: Format, first: int = 0, end: int | None = None) -> Samples:
    """Return the frames from `first` up to `end`, float32 in [-1, 1], shape (frames, channels).

    Floats beyond [-1, 1] stay as they are: how far a sound clips is worth seeing. NaN and
    infinities become 0.

    Args:
        data: The file.
        form: What `read_format` says of it.
        first: Frame to begin with.
        end: Frame to stop before, None for all there are.
    """
    first, end, _ = slice(first, end).indices(form.frames)
    block = form.width * form.channels
    count = max(end - first, 0)
    raw = np.frombuffer(data, np.uint8, count * block, form.start + first * block)
    flat = _floats(raw, form.width) if form.is_float else _integers(raw, form.width)
    return flat.reshape(count, form.channels)


def encode_wav(pcm: npt.NDArray[np.int16], rate: int) -> bytes:
    """Return a WAV file of 16-bit samples, shape (frames, channels).

    Raises:
        ValueError: There is no channel, or the rate does not fit the header.
    """
    channels = pcm.shape[1] if pcm.ndim == 2 else 0
    if not 1 <= channels <= 0x7FFF or not 1 <= rate <= _MAX_RATE:
        raise ValueError(
            f"a sound of {channels} channels at {rate} Hz; expected 1 to 32767 channels and a "
            f"rate of 1 to {_MAX_RATE} Hz"
        )
    body = np.ascontiguousarray(pcm, "<i2").tobytes()
    head = _FORMAT.pack(_INTEGER, channels, rate, rate * channels * 2, channels * 2, 16)
    return b"".join(
        (
            b"RIFF" + struct.pack("<I", 36 + len(body)) + b"WAVE",
            _CHUNK.pack(b"fmt ", len(head)) + head,
            _CHUNK.pack(b"data", len(body)) + body,
        )
    )


def to_pcm(samples: Samples) -> npt.NDArray[np.int16]:
    """Return samples as 16-bit integers, the nearest ones; those beyond [-1, 1] are clipped.

    A 16-bit file comes back bit for bit, as it was divided by 32768.
    """
    scaled = samples * np.float32(32768)
    np.rint(scaled, out=scaled)
    np.clip(scaled, -32768, 32767, out=scaled)
    return scaled.astype("<i2")


def _checked(header: bytes | None, start: int, room: int) -> Format:
    if header is None or len(header) < _FORMAT.size:
        raise DataError("a WAV file whose samples come before their format")
    code, channels, rate, _, block, bits = _FORMAT.unpack_from(header)
    if code == _EXTENSIBLE:
        code = _subformat(header)
    if code not in (_INTEGER, _FLOAT):
        raise DataError(
            f"a WAV file of format {code} ({_NAMES.get(code, 'unknown')}), expected PCM or floats"
        )
    width = block // channels if channels else 0
    if not channels or block != width * channels or not 1 <= rate <= _MAX_RATE:
        raise DataError(f"a WAV file of {channels} channels, {block} bytes a frame, {rate} Hz")
    widths = (4, 8) if code == _FLOAT else (1, 2, 3, 4)
    if width not in widths or not (width - 1) * 8 < bits <= width * 8:
        kind = "floats" if code == _FLOAT else "integers"
        raise DataError(f"a WAV file of {bits}-bit {kind} in {width} bytes each")
    if channels > limits.MAX_AUDIO_CHANNELS.value:
        raise DataError(
            f"a sound of {channels} channels, at most {limits.MAX_AUDIO_CHANNELS.value} are "
            f"decoded ({limits.MAX_AUDIO_CHANNELS.name})"
        )
    frames = room // block
    most = limits.MAX_AUDIO_SAMPLES
    if frames * channels > most.value:
        raise DataError(
            f"a sound of {frames * channels} samples, at most {most.value} are decoded "
            f"({most.name})"
        )
    return Format(code == _FLOAT, channels, rate, bits, width, frames, start)


def _subformat(header: bytes) -> int:
    guid = header[_GUID_AT : _GUID_AT + 16]
    if len(guid) < 16 or guid[2:] != _GUID_TAIL:
        raise DataError(f"a WAV file of an unknown extensible format {guid.hex()}")
    return int.from_bytes(guid[:2], "little")


def _integers(raw: npt.NDArray[np.uint8], width: int) -> Samples:
    if width == 1:
        return (raw.astype(np.float32) - np.float32(128)) / np.float32(128)
    if width == 2:
        return raw.view("<i2").astype(np.float32) / np.float32(32768)
    if width == 4:
        return _of_32_bits(raw)
    padded = np.zeros((len(raw) // 3, 4), np.uint8)
    padded[:, 1:] = raw.reshape(-1, 3)
    return _of_32_bits(padded.reshape(-1))


def _of_32_bits(raw: npt.NDArray[np.uint8]) -> Samples:
    scaled: Samples = (raw.view("<i4") / 2147483648).astype(np.float32)
    return scaled


def _floats(raw: npt.NDArray[np.uint8], width: int) -> Samples:
    with np.errstate(over="ignore", invalid="ignore"):
        flat = raw.view(f"<f{width}").astype(np.float32)
    flat[~np.isfinite(flat)] = 0
    return flat


def _what_else(data: bytes) -> str:
    for at, magic, name in _OTHERS:
        if data.startswith(magic, at):
            return f"a sound in {name} format cannot be decoded here; log it as WAV"
    start = data[:12].hex(" ") or "nothing"
    return f"{len(data)} bytes that are no WAV file; they begin with {start}"
