import json
import struct
from urllib.parse import urlencode

import numpy as np
import pytest

from gpuboard.eventlog.append import EventFileWriter
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.serve.data import audio as routes
from gpuboard.store.store import Store
from gpuboard.summaries import audio
from gpuboard.summaries.tensor import encode_strings
from tests.sounds import sine, wav

STEREO = np.stack([sine(200), sine(1000, amplitude=0.25)], 1)


def batch(*cells):
    value = Summary.Value(tag="batch", tensor=encode_strings(list(cells), [len(cells) // 2, 2]))
    value.metadata.plugin_data.plugin_name = "audio"
    return value


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("sounds")
    html = b"<script>alert(1)</script>"
    ogg = Summary.Value(tag="ogg", audio=Summary.Audio(encoded_audio_string=b"OggS" + html))
    with EventFileWriter(logdir / "run") as writer:
        writer.add_value(audio.encode("stereo", STEREO, 8000), 7)
        writer.add_value(ogg, 3)
        floats = wav([0.5, -2.0, 0.25], code=3, layout="<f4", rate=16000)
        writer.add_value(batch(wav([1, 2]), b"<b>one</b>", floats, b"two"), 0)
    store = Store(logdir)
    store.refresh()
    return store


@pytest.fixture
def ask(serve, store):
    client = serve(store=store, routes=[(f"/{path}", route) for path, route in routes.ROUTES])

    def get(path, tag, **query):
        values = store.values(0, tag)
        ref = f"{values.file[0]}-{values.offset[0]}"
        query = {"run": 0, "tag": tag, "ref": ref} | query
        return client.authorised(f"/api/v1/audio{path}?{urlencode(query)}")

    return get


def unpacked(answer, dtype):
    assert answer.status == 200, answer.text
    (length,) = struct.unpack_from("<I", answer.body)
    assert (4 + length) % 8 == 0
    header = json.loads(answer.body[4 : 4 + length])
    return header, np.frombuffer(answer.body, dtype, offset=4 + length)


def refusal(answer, status):
    assert answer.status == status
    return json.loads(answer.body)["error"]["message"]


def test_a_sound_leaves_as_a_wav_of_sixteen_bits(ask, store):
    answer = ask("", "stereo")

    assert answer.headers["Content-Type"] == "audio/wav"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    logged = audio.encode("stereo", STEREO, 8000).audio.encoded_audio_string
    assert answer.body == logged


def test_floats_are_encoded_anew_and_clipped(ask):
    answer = ask("", "batch", sample=1)

    assert answer.body[:4] == b"RIFF"
    assert struct.unpack("<3h", answer.body[-6:]) == (16384, -32768, 8192)
    assert struct.unpack_from("<I", answer.body, 24) == (16000,)


def test_a_part_can_be_asked_for(ask):
    whole, part = ask("", "stereo").body, ask("", "stereo", first=100, end=104).body

    assert part[44:] == whole[44 + 400 : 44 + 416]


def test_a_wave_says_what_the_sound_is(ask):
    header, _ = unpacked(ask("/wave", "batch", sample=1), "<f4")

    assert header == {
        "sample": 1,
        "labels": ["<b>one</b>", "two"],
        "rate": 16000,
        "channels": 1,
        "frames": 3,
        "encoding": "32-bit float",
        "first": 0,
        "end": 3,
        "columns": 3,
    }


def test_a_wave_has_the_extremes_and_the_loudness_of_each_channel(ask):
    header, columns = unpacked(ask("/wave", "stereo", width=10), "<f4")

    low, high, rms = columns.reshape(3, header["channels"], header["columns"])
    assert header["columns"] == 10
    np.testing.assert_allclose(high, [[0.5] * 10, [0.25] * 10], atol=0.01)
    np.testing.assert_allclose(low, -high, atol=0.01)
    np.testing.assert_allclose(rms, high / np.sqrt(2), atol=0.01)


def test_a_sample_beyond_the_batch_is_its_last(ask):
    header, _ = unpacked(ask("/wave", "batch", sample=9), "<f4")

    assert header["sample"] == 1


def test_a_range_beyond_the_end_is_empty(ask):
    header, columns = unpacked(ask("/wave", "stereo", first=9000, end=9999), "<f4")

    assert (header["first"], header["end"], len(columns)) == (8000, 8000, 0)
    assert ask("/spectrogram", "stereo", first=9000).status == 200


@pytest.mark.parametrize(("channel", "hertz"), [(0, 200), (1, 1000), (9, 1000)])
def test_a_spectrogram_shows_the_channel_that_is_asked_for(ask, channel, hertz):
    answer = ask("/spectrogram", "stereo", channel=channel, scale="linear", window=2048, width=50)
    header, levels = unpacked(answer, np.uint8)

    rows = levels.reshape(header["rows"], header["columns"])
    loudest = (rows[:, 20].argmax() + 0.5) / header["rows"] * header["hz"][1]
    assert abs(loudest - hertz) < header["hz"][1] / header["rows"]
    assert (header["db"], header["hz"]) == ([-120.0, 0.0], [0.0, 4000.0])


def test_a_zoomed_spectrogram_sees_what_stands_beside_it(ask):
    whole = unpacked(ask("/spectrogram", "stereo", width=4, window=256), np.uint8)[1]
    part = unpacked(
        ask("/spectrogram", "stereo", width=1, window=256, first=2000, end=4000), np.uint8
    )[1]

    column = whole.reshape(-1, 4)[:, 1].astype(int)
    loud = column > 128
    assert np.abs(part.astype(int) - column)[loud].max() <= 4


def test_what_cannot_be_decoded_is_refused_and_told_on_the_health_page(ask, store):
    for path in ("", "/wave", "/spectrogram"):
        message = refusal(ask(path, "ogg"), 422)
        assert message == "a sound in Ogg format cannot be decoded here; log it as WAV"

    (problem,) = [problem for problem in store.problems() if problem.kind == "bad_value"]
    assert "audio 'ogg' at step 3" in problem.message


@pytest.mark.parametrize(
    ("path", "query", "word"),
    [
        ("/wave", {"width": 0}, "width"),
        ("/wave", {"width": 5000}, "width"),
        ("/wave", {"sample": "-1"}, "sample"),
        ("/wave", {"sample": "١"}, "sample"),
        ("", {"first": 5, "end": 5}, "end"),
        ("", {"run": "x"}, "run"),
        ("", {"ref": "x"}, "ref"),
        ("/spectrogram", {"window": 1000}, "window"),
        ("/spectrogram", {"window": 8192}, "window"),
        ("/spectrogram", {"scale": "bark"}, "scale"),
        ("/spectrogram", {"channel": 64}, "channel"),
    ],
)
def test_what_makes_no_sense_is_told(ask, path, query, word):
    assert refusal(ask(path, "stereo", **query), 400).startswith(f"{word}:")
