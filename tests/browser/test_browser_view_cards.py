from __future__ import annotations

import numpy as np
import pytest

from gpuboard.eventlog.append import EventFileWriter
from gpuboard.store.store import Store
from gpuboard.summaries import audio, histogram, image, pr_curve, text

PAGES = {
    "histograms": "weights",
    "images": "picture",
    "audio": "tone",
    "text": "words",
    "pr_curves": "curve",
}


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    with EventFileWriter(tmp_path / "logs" / "run") as writer:
        for step in range(3):
            pixels = np.full((8, 8, 3), 80 * step, np.uint8)
            png = image.png_of(pixels)
            scores = rng.random(100)
            for value in (
                histogram.encode("weights", rng.normal(size=50)),
                image.encode("picture", png, height=8, width=8, channels=3),
                audio.encode("tone", np.sin(np.arange(800) / 9), 8_000),
                text.encode("words", f"said at **{step}**"),
                pr_curve.encode("curve", scores > 0.4, scores, 11),
            ):
                writer.add_value(value, 10 * step)
    store = Store(tmp_path / "logs")
    store.refresh()
    return store


@pytest.mark.parametrize(("page", "tag"), PAGES.items())
def test_a_card_of_each_page_goes_into_a_view_and_keeps_its_step(open_store, store, page, tag):
    tab = open_store(store, f"{page}?stepAt=10")
    tab.until("document.querySelector('.vc-label')?.textContent === 'step 10'")

    tab.page.hover(".vc")
    tab.page.click(".vc-view")
    tab.page.fill(".va-new input", "My view")
    tab.page.click(".va-new button")
    tab.page.click("text=Open the view")

    tab.until("location.pathname.endsWith('/views')")
    tab.until("document.querySelector('.vc.is-in-view .vc-label')?.textContent === 'step 10'")
    tab.until("!document.querySelector('.vc.is-in-view.is-loading')")
    assert not tab.texts(".vc-failure")


@pytest.mark.slow
def test_another_step_is_kept_with_the_view(open_store, store):
    tab = open_store(store, "text?stepAt=10")
    tab.until("document.querySelector('.vc-label')?.textContent === 'step 10'")
    tab.page.hover(".vc")
    tab.page.click(".vc-view")
    tab.page.fill(".va-new input", "My view")
    tab.page.click(".va-new button")
    tab.page.click("text=Open the view")
    tab.until("document.querySelector('.vc.is-in-view strong')?.textContent === '1'")

    tab.page.locator(".is-in-view .vc-slider").fill("0")
    tab.until("document.querySelector('.vc.is-in-view strong')?.textContent === '0'")
    tab.page.wait_for_timeout(1_500)
    tab.reload()

    tab.until("document.querySelector('.vc.is-in-view strong')?.textContent === '0'")
