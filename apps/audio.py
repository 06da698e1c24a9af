"""Play every sound that was logged, with its waveform and spectrogram."""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; the module asks the data routes for what is on screen."""
    page.add_module("audio.js")


PAGE = PageSpec(
    name="audio",
    title="Audio",
    icon="audio",
    order=40,
    build=build,
    needs=("audio",),
    why="no run has logged a sound yet: call `writer.add_audio(tag, sound, step, sample_rate)`",
    styles=("scalars", "values", "audio"),
    first=("values?kind=audio&limit=5000",),
)
