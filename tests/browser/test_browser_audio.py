"""The Audio page: what cards show, what plays, what is selected and zoomed."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gpuboard.eventlog.append import EventFileWriter
from gpuboard.eventlog.proto.event_pb2 import Summary
from gpuboard.store.store import Store
from gpuboard.summaries import audio
from gpuboard.summaries.tensor import encode_strings
from tests.sounds import sine, wav

CARDS = "[...document.querySelectorAll('.vp-audio .vc')]"
SHOWN = f"{CARDS}.filter(card => card.querySelector('.au-form'))"
PLAYING = "[...document.querySelectorAll('.au-on .vc-run')].map(e => e.textContent)"
INK = """(canvas) => {
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  const seen = new Set();
  for (let i = 0; i < data.length; i += 4) if (data[i + 3]) seen.add(data.slice(i, i + 3).join());
  return seen.size;
}"""


def batch(tag, *cells):
    value = Summary.Value(tag=tag, tensor=encode_strings(list(cells), [len(cells) // 2, 2]))
    value.metadata.plugin_data.plugin_name = "audio"
    return value


@pytest.fixture
def store(tmp_path):
    for k, run in enumerate(("base", "wide")):
        with EventFileWriter(tmp_path / run) as writer:
            for step in (0, 10, 20):
                sound = sine(300 + 100 * k + 10 * step, seconds=3)
                writer.add_value(audio.encode("val/sample", sound, 8000), step)
    store = Store(tmp_path)
    store.refresh()
    return store


@pytest.fixture
def tab(open_store, store):
    return open_store(store, "audio").until(f"{SHOWN}.length === 2")


def clock(tab, at=0):
    return float(tab.texts(".au-clock")[at].split()[0])


def plot(tab, at=0):
    return tab.page.locator(".au-plot").nth(at).bounding_box()


def drag(tab, start, end):
    box = plot(tab)
    left, width = box["x"] + 38, box["width"] - 72
    tab.page.mouse.move(left + start * width, box["y"] + 120)
    tab.page.mouse.down()
    tab.page.mouse.move(left + end * width, box["y"] + 120, steps=4)
    tab.page.mouse.up()


def test_a_card_says_what_the_sound_is_and_draws_it(tab):
    assert tab.texts(".au-form") == ["8 kHz · mono · 3.00 s · 16-bit PCM"] * 2
    assert tab.texts(".vc-run") == ["base", "wide"]
    for kind in ("wave", "levels", "time"):
        assert tab.evaluate(f"({INK})(document.querySelector('.au-{kind}'))") >= 2


def test_one_sound_plays_at_a_time_and_the_other_goes_on_from_there(tab):
    tab.page.locator(".au-play").first.click()
    tab.until(f"({PLAYING}).join() === 'base'")
    tab.until("parseFloat(document.querySelector('.au-clock').textContent) > 0.3")

    tab.page.locator(".au-play").nth(1).click()
    tab.until(f"({PLAYING}).join() === 'wide'")
    assert clock(tab, 1) >= 0.3

    tab.page.locator(".au-other").nth(1).click()
    tab.until(f"({PLAYING}).join() === 'base'")
    tab.page.locator(".au-play").first.click()
    tab.until(f"({PLAYING}).length === 0")


def test_a_click_seeks_and_the_keys_go_on_from_there(tab):
    box = plot(tab)
    tab.page.mouse.click(box["x"] + 38 + (box["width"] - 72) / 2, box["y"] + 40)
    assert clock(tab) == pytest.approx(1.5, abs=0.05)

    tab.page.locator(".au-plot").first.focus()
    tab.page.keyboard.press("ArrowRight")
    assert clock(tab) == pytest.approx(1.65, abs=0.06)
    tab.page.keyboard.press("Home")
    assert clock(tab) == 0
    assert tab.texts(".vc-label") == ["step 20", "step 20"]


def test_a_range_is_selected_zoomed_to_and_left_for_all_cards_of_the_tag(tab):
    drag(tab, 0.25, 0.5)
    assert tab.evaluate("document.querySelectorAll('.au-chosen:not([hidden])').length") == 2
    assert clock(tab) == pytest.approx(0.75, abs=0.05)

    with tab.page.expect_request("**/audio/wave?*first=*") as asked:
        tab.page.locator(".au button:text('Zoom to selection')").first.click()
    assert "first=60" in asked.value.url or "first=59" in asked.value.url
    shown = "[...document.querySelectorAll('[title=\"Show all of the sound\"]:not([hidden])')]"
    tab.until(f"{shown}.length === 2")

    tab.page.locator("[title='Show all of the sound']").first.click()
    tab.until(f"{shown}.length === 0")
    tab.page.locator(".au-plot").first.focus()
    tab.page.keyboard.press("Escape")
    assert tab.evaluate("document.querySelectorAll('.au-chosen:not([hidden])').length") == 0


def test_a_selected_range_ends_where_it_was_selected(tab):
    drag(tab, 0.0, 0.1)
    tab.page.locator(".au-play").first.click()
    tab.until(f"({PLAYING}).join() === 'base'")

    tab.until(f"({PLAYING}).length === 0")

    assert clock(tab) == pytest.approx(0.3, abs=0.2)


def test_every_step_can_be_reached_and_what_plays_goes_on(tab):
    tab.page.locator(".au-play").first.click()
    tab.until(f"({PLAYING}).length === 1")
    with tab.page.expect_request("**/api/v1/audio?*"):
        tab.evaluate(
            "(() => { const s = document.querySelector('.vc-slider'); s.value = 0;"
            " s.dispatchEvent(new Event('input')) })()"
        )

    tab.until("[...document.querySelectorAll('.vc-label')].every(e => e.textContent === 'step 0')")

    tab.until(f"({PLAYING}).join() === 'base'")


def test_the_look_of_spectrograms_is_chosen_and_kept(tab):
    tab.page.click("[title='How sounds are shown and played']")
    with tab.page.expect_request("**/spectrogram?*scale=linear*"):
        tab.page.locator(".au-row select").nth(1).select_option("Linear")
    tab.until("location.search.includes('audioScale=linear')")

    tab.reload().until(f"{SHOWN}.length === 2")

    assert "audioScale=linear" in tab.page.url


def test_a_batch_shows_its_samples_by_label_as_text(open_store, tmp_path):
    with EventFileWriter(tmp_path / "run") as writer:
        cells = wav([0, 9]), b"<b>one</b>", wav(np.zeros((4, 2)), channels=2), b"two"
        writer.add_value(batch("batch", *cells), 0)
    store = Store(tmp_path)
    store.refresh()
    tab = open_store(store, "audio").until(f"{SHOWN}.length === 1")
    sample = tab.page.locator("[aria-label='Sample of the batch']")

    assert sample.locator("option").all_text_contents() == ["1 of 2: <b>one</b>", "2 of 2: two"]
    sample.select_option(index=1)

    tab.until("document.querySelector('.au-form').textContent.includes('stereo')")
    channels = tab.page.locator("[aria-label='Channel of the spectrogram'] option")
    assert channels.all_text_contents() == ["Left", "Right"]


def test_a_sound_that_cannot_be_decoded_says_so(open_store, tmp_path):
    with EventFileWriter(tmp_path / "run") as writer:
        writer.add_value(batch("ogg", b"OggS<script>window.hacked = 1</script>", b""), 0)
    store = Store(tmp_path)
    store.refresh()
    tab = open_store(store, "audio", may_fail=True)

    tab.until("document.querySelector('.vc-failure')")

    assert tab.texts(".vc-failure p") == [
        "a sound in Ogg format cannot be decoded here; log it as WAV"
    ]
    assert not [fault for fault in tab.faults if "422" not in fault]
    assert tab.evaluate("window.hacked") is None


def test_without_sounds_the_page_says_what_to_log(open_store, tmp_path):
    with EventFileWriter(tmp_path / "run") as writer:
        writer.add_scalar("loss", 1.0, 0)
    store = Store(tmp_path)
    store.refresh()

    tab = open_store(store, "audio").until("document.querySelector('.vp .empty code')")

    assert "writer.add_audio(" in json.dumps(tab.texts(".vp .empty code"))
