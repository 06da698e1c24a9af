from __future__ import annotations

import pytest
from gpuboard.apps import PAGES
from run_store import RunStore

from gpuboard.eventlog.append import EventFileWriter
from gpuboard.serve.context import Context, ServeConfig
from gpuboard.serve.page import PageSpec
from gpuboard.serve.server import make_server
from gpuboard.store.columns import Progress
from gpuboard.store.store import Store


@pytest.fixture(scope="module")
def logdir(tmp_path_factory):
    """Three runs of a few steps; a record in the middle of the last one is damaged."""
    root = tmp_path_factory.mktemp("runs")
    for name in ("baseline", "lr=0.1/seed_1", "lr=0.1/seed_2"):
        with EventFileWriter(root / name) as writer:
            for step in range(50):
                writer.add_scalar("loss/train", 1 / (step + 1), step)
                writer.add_scalar("loss/valid", 2 / (step + 1), step)
    damaged = bytearray(writer.path.read_bytes())
    damaged[len(damaged) // 2] ^= 0xFF
    writer.path.write_bytes(damaged)
    return root


@pytest.fixture(scope="module")
def logs(logdir):
    """A store that has read `logdir`."""
    store = Store(logdir)
    store.refresh()
    return store


@pytest.mark.parametrize("spec", PAGES, ids=lambda spec: spec.name)
def test_every_page_opens_in_both_themes_and_fits_every_window(logs, open_store, spec):
    tab = open_store(logs, spec.name, color_scheme="light")

    assert tab.page.title() == f"{spec.title} - gpuboard"
    assert tab.evaluate("document.documentElement.lang") == "en"
    assert tab.texts(".rail [aria-current=page] .rail-label") == [spec.title]
    for width in (900, 1280, 1600):
        tab.page.set_viewport_size({"width": width, "height": 800})
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        assert tab.evaluate("document.querySelector('.main').scrollWidth") <= width
    assert tab.evaluate("document.documentElement.dataset.theme") == "light"
    tab.page.emulate_media(color_scheme="dark")
    tab.until("document.documentElement.dataset.theme === 'dark'")


def test_a_damaged_record_is_counted_in_the_header_and_explained_on_the_health_page(
    logs, open_store
):
    tab = open_store(logs, "scalars")
    tab.until("document.querySelector('#health-link').textContent.includes('1 problem')")

    tab.page.click("#health-link")
    tab.until("document.querySelector('.health-page .grid-row')?.checkVisibility()")

    (row,) = tab.texts(".health-page .grid-row")
    assert row.startswith("Damaged recordlr=0.1/seed_2/events.out.tfevents.")


def test_the_theme_changes_without_a_reload_and_stays(open_store):
    tab = open_store(RunStore.named("a"))
    tab.evaluate("window.notReloaded = true")
    light = tab.evaluate("getComputedStyle(document.body).backgroundColor")

    tab.page.click("#theme")
    assert tab.evaluate("document.documentElement.dataset.theme") == "light"
    tab.page.click("#theme")
    tab.until("document.documentElement.dataset.theme === 'dark'")
    dark = tab.evaluate("getComputedStyle(document.body).backgroundColor")

    assert tab.evaluate("window.notReloaded") is True
    assert light != dark
    tab.reload()
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_automatic_theme_follows_the_system(open_store):
    tab = open_store(RunStore.named("a"), color_scheme="light")

    tab.page.emulate_media(color_scheme="dark")

    tab.until("document.documentElement.dataset.theme === 'dark'")


def test_a_theme_asked_for_by_the_address_holds_until_another_is_chosen(open_store):
    tab = open_store(RunStore.named("a"), "runs?theme=dark", color_scheme="light")
    assert tab.evaluate("document.documentElement.dataset.theme") == "dark"

    tab.page.click("#theme")

    tab.until("document.documentElement.dataset.theme === 'light'")
    tab.reload()
    assert tab.evaluate("document.documentElement.dataset.theme") == "light"


def test_links_of_the_rail_carry_what_is_chosen_and_back_brings_it_again(open_store):
    tab = open_store(RunStore.named("apple", "pear"), "scalars")
    tab.page.fill("[aria-label='Filter runs']", "pea")

    tab.page.click(".rail a[href*='runs']")
    tab.until("document.documentElement.dataset.page === 'runs'").until(
        "document.querySelector('.runs-page .grid-row')?.checkVisibility()"
    )
    assert tab.page.input_value("[aria-label='Filter runs']") == "pea"

    tab.page.fill("[aria-label='Filter runs']", "apple")
    tab.page.wait_for_timeout(200)
    tab.page.go_back()
    tab.until("document.documentElement.dataset.page === 'scalars'").until(
        "!!document.querySelector('[aria-label=\"Filter runs\"]')"
    )
    assert tab.page.input_value("[aria-label='Filter runs']") == "pea"
    tab.page.go_forward()
    tab.until("document.documentElement.dataset.page === 'runs'").until(
        "!!document.querySelector('[aria-label=\"Filter runs\"]')"
    )
    assert tab.page.input_value("[aria-label='Filter runs']") == "apple"


def test_the_run_panel_hides_and_stays_hidden(open_store):
    tab = open_store(RunStore.named("a"), "scalars")
    assert tab.page.is_visible("[aria-label='Filter runs']")

    tab.page.click("#panel-toggle")

    assert not tab.page.is_visible("[aria-label='Filter runs']")
    assert tab.page.get_attribute("#panel-toggle", "aria-expanded") == "false"
    tab.reload()
    assert not tab.page.is_visible("[aria-label='Filter runs']")


def test_the_run_panel_takes_the_width_it_is_dragged_to(open_store):
    tab = open_store(RunStore.named("a"), "scalars")
    width = "document.querySelector('#panel').getBoundingClientRect().width"
    before = tab.evaluate(width)
    grip = tab.page.locator("#panel-grip").bounding_box()

    tab.page.mouse.move(grip["x"] + 3, 300)
    tab.page.mouse.down()
    tab.page.mouse.move(grip["x"] + 83, 300)
    tab.page.mouse.up()

    tab.until(f"{width} >= {before + 75}")
    wide = tab.evaluate(width)
    tab.reload()
    assert tab.evaluate(width) == wide


def test_the_rail_folds_to_icons_and_stays_so(open_store):
    tab = open_store(RunStore.named("a"))
    assert "Scalars" in tab.texts(".rail-label")

    tab.page.click("#rail-toggle")

    assert tab.texts(".rail-label") == []
    tab.reload()
    assert tab.texts(".rail-label") == []


def test_a_dashboard_without_data_is_dim_and_says_what_would_light_it(serve_store, open_tab):
    unlit = PageSpec("films", "Films", "images", 1, lambda page: None, ("film",), "log a film")
    tab = open_tab(serve_store(RunStore.named("a"), (*PAGES, unlit)).root_url).open("runs")
    link = tab.page.locator(".rail a", has_text="Films")

    link.hover()

    assert "is-dim" in link.get_attribute("class")
    assert link.locator(".tip").is_visible()
    assert link.locator(".tip").inner_text() == "Films: log a film"


def test_the_device_badge_gives_its_reason(open_store):
    from gpuboard.device import probe

    tab = open_store(RunStore.named("a"))

    tab.page.hover("#device")

    assert tab.page.inner_text("#device-tip") == probe().reason
    assert tab.page.is_visible("#device-tip")


def test_reading_is_told_in_a_sentence_and_the_sentence_goes(open_store):
    store = RunStore.named("a")
    store.phase = Progress("reading", 41_000_000, 107_000_000, 3)
    tab = open_store(store)
    tab.until("document.querySelector('#progress-text').textContent === 'reading 41.0 of 107 MB'")

    store.phase = Progress("watching", 107_000_000, 107_000_000, 3)  # no change of the version

    tab.until("document.querySelector('#progress-text').textContent === ''")


def test_a_page_that_lost_its_server_says_so(serve_store, open_tab):
    server = serve_store(RunStore.named("a"))
    tab = open_tab(server.root_url, may_fail=True).open("runs")
    assert not tab.page.is_visible("#connection")

    server.stop()

    tab.until("document.querySelector('#connection').checkVisibility()")
    assert "no longer updated" in tab.page.inner_text("#connection")


def test_everything_works_below_a_path_prefix(open_tab):
    config = ServeConfig(port=0, token="", path_prefix="/a/board")
    server = make_server(config, Context(RunStore.named("apple")), PAGES)
    server.start()
    try:
        tab = open_tab(server.root_url).open("scalars")
        tab.until("document.querySelector('.grid-row .run-name')?.textContent === 'apple'")
        tab.page.click(".rail a[href*='runs']")
        tab.until("location.pathname === '/a/board/runs'")
        tab.until("document.querySelector('.grid-row .run-name')?.textContent === 'apple'")
    finally:
        server.stop()


def test_a_browser_without_the_token_is_told_where_to_find_it(open_tab):
    config = ServeConfig(port=0, token="a-token-that-the-browser-lacks")
    server = make_server(config, Context(RunStore.named("a")), PAGES)
    server.start()
    try:
        tab = open_tab(server.root_url, may_fail=True)
        answer = tab.page.goto(f"{tab.url}/runs")
        sentence = tab.page.inner_text("main")
    finally:
        server.stop()

    assert answer.status == 401
    assert "pen the address that gpuboard serve printed" in sentence
    assert not [fault for fault in tab.faults if "401" not in fault]


def test_an_address_that_does_not_exist_is_answered_in_words(serve_store, open_tab):
    tab = open_tab(serve_store(RunStore.named("a")).root_url, may_fail=True)

    answer = tab.page.goto(f"{tab.url}/nowhere")

    assert answer.status == 404
    assert "There is nothing at this address." in tab.page.inner_text("main")
    tab.page.click("text=Go to the dashboards")
    assert tab.page.title().endswith("- gpuboard")
