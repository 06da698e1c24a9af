"""A point that a training process writes reaches the screen by itself."""

from __future__ import annotations

import time

from gpuboard.store.store import Store
from tests import make

SOON_S = 10  # the promise is two seconds; a busy machine that runs tests may take longer


VIEW = "document.querySelector('[data-view]').dataset.view"


def test_a_written_point_is_drawn_without_anybody_touching_the_page(
    tmp_path, serve_store, open_tab
):
    payloads = [make.header(), *(make.scalar("loss", 1.0, step=k) for k in range(5))]
    path = make.event_file(tmp_path / "run", payloads)
    store = Store(tmp_path)
    store.refresh()
    server = serve_store(store)
    tab = open_tab(server.root_url).open("scalars")
    tab.until("window.__gpuboard?.charts?.draws > 0")
    before = tab.evaluate(VIEW)
    store.start(0.25)

    make.append(path, make.record(make.scalar("loss", 1.0, step=500)))

    written = time.monotonic()
    tab.until(f"{VIEW} !== {before!r}")
    assert time.monotonic() - written < SOON_S
    low, high = map(float, tab.evaluate(VIEW).split()[:2])
    assert low <= 0
    assert high >= 500
    store.stop()
