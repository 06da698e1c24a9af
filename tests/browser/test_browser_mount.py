"""Modules run before Bokeh does, and stay what they are when it connects them."""

from __future__ import annotations

import shutil
import threading

import numpy as np
import pytest
from run_store import RunStore
from scalar_store import ScalarStore, series_of

from gpuboard.serve import application
from gpuboard.serve.figures import Line, LineFigure, lean_plot
from gpuboard.serve.page import PageSpec
from gpuboard.serve.static_files import STATIC

BOKEH = "**/bokeh.min.js*"
LINES = "document.querySelector('.gb-chart')?.dataset.lines === '2'"
STATE = '{"yours":[1],"mine":2}'
LOST = "document.querySelector('#connection').checkVisibility()"


def two_runs() -> ScalarStore:
    return ScalarStore({name: {"loss": series_of(np.arange(50.0))} for name in "ab"})


def hold(tab, address=BOKEH):
    """Keep requests for `address` waiting; returns what lets them go."""
    held = []

    def keep(route):
        held.append(route)

    tab.page.route(address, keep)

    def let_go():
        for _ in range(400):
            if held:
                break
            tab.page.wait_for_timeout(10)
        for route in held:
            route.continue_()

    return let_go


def page_of(build) -> list[PageSpec]:
    return [PageSpec("p", "P", "scalars", 1, build)]


@pytest.fixture
def probe(tmp_path, monkeypatch):
    """Serve a module of the test's own as probe.js."""
    folder = tmp_path / "static"
    shutil.copytree(STATIC, folder)
    monkeypatch.setattr(application, "STATIC", folder)
    return folder / "probe.js"


def test_curves_are_drawn_before_bokeh_and_their_elements_are_kept(serve_store, open_tab):
    tab = open_tab(serve_store(two_runs()).root_url)
    let_go = hold(tab)
    tab.page.goto(f"{tab.url}/scalars")
    tab.until(LINES)
    tab.page.fill("[aria-label='Search tags']", "lo")
    elements = "[...document.querySelectorAll('.module, .module *')]"
    tab.until("new URLSearchParams(location.search).get('tagFilter') === 'lo'")
    tab.page.wait_for_timeout(300)  # the search has been answered, and the page is at rest
    tab.evaluate(
        f"window.before = {elements}; window.places = before.map(e => e.getBoundingClientRect());"
        "window.shifts = []; new PerformanceObserver(list => shifts.push(...list.getEntries()))"
        ".observe({ type: 'layout-shift' })"
    )
    assert tab.evaluate("window.Bokeh === undefined")

    let_go()
    tab.until_connected()

    assert tab.evaluate(f"before.length > 50 && {elements}.every((e, i) => e === before[i])")
    assert tab.evaluate(
        "before.every((e, i) => ['x', 'y', 'width', 'height']"
        ".every(k => e.getBoundingClientRect()[k] === places[i][k]))"
    )
    assert tab.evaluate("shifts.length") == 0
    assert tab.evaluate("document.activeElement.getAttribute('aria-label')") == "Search tags"


def test_a_page_that_was_adopted_follows_its_store(serve_store, open_tab):
    store = RunStore.named("first")
    tab = open_tab(serve_store(store).root_url).open("runs")

    store.add("second")

    tab.until(
        "[...document.querySelectorAll('.runs-page .grid-row')]"
        ".filter(e => e.checkVisibility()).length === 2"
    )


def test_what_a_module_says_early_reaches_python_in_order(serve_store, open_tab, probe):
    probe.write_text(
        """export default { render({ el, model }) {
            el.append("early");
            model.on("state", (state) => { el.dataset.told = JSON.stringify(state); });
            model.on("arrays", ({ x }) => { el.dataset.x = x.join(); });
            model.on("pong", (detail) => { el.dataset.pong = JSON.stringify(detail); });
            model.send("ping", 1);
            model.setState({ mine: 2 });
            model.send("ping", 3);
            el.dataset.own = JSON.stringify(model.state);
        } };"""
    )
    heard = []

    def build(page):
        module = page.add_module("probe.js", state={"yours": [1]})

        def answer(detail):
            heard.append((detail, dict(module.state)))
            if detail == 3:
                module.send("pong", {"got": detail})
                module.arrays = {"x": np.arange(3.0)}

        module.on("ping", answer)

    tab = open_tab(serve_store(two_runs(), page_of(build)).root_url)
    let_go = hold(tab)
    tab.page.goto(f"{tab.url}/p")
    data = "document.querySelector('main .module').dataset"
    tab.until(f"document.querySelector('main .module') && {data}.own === {STATE!r}")
    tab.evaluate(f"delete {data}.told")
    assert heard == []

    let_go()

    tab.until(f"{data}.pong === '{{\"got\":3}}' && {data}.x === '0,1,2'")
    assert heard == [(1, {"yours": [1], "mine": 2}), (3, {"yours": [1], "mine": 2})]
    assert tab.evaluate(f"{data}.told ?? ''") == ""


def test_what_python_changed_meanwhile_is_told_once(serve_store, open_tab, probe):
    probe.write_text(
        """export default { render({ el, model }) {
            const told = [];
            model.on("state", (state) => {
                told.push(state.n);
                el.dataset.told = told.join();
            });
            el.textContent = model.state.n;
        } };"""
    )
    changed = threading.Event()

    def build(page):
        module = page.add_module("probe.js", state={"n": 1})

        def change():
            module.update_state(n=2)
            changed.set()

        page.doc.add_timeout_callback(change, 600)

    tab = open_tab(serve_store(two_runs(), page_of(build)).root_url)
    let_go = hold(tab)
    tab.page.goto(f"{tab.url}/p")
    tab.until("document.querySelector('main .module')?.textContent === '1'")
    assert changed.wait(20)

    let_go()

    tab.until("document.querySelector('main .module').dataset.told === '2'")


def test_a_module_with_columns_waits_for_them(serve_store, open_tab, probe):
    probe.write_text(
        """export default { render({ el, model }) {
            el.textContent = model.arrays.x.join();
        } };"""
    )
    arrays = {"x": np.arange(4.0)}
    pages = page_of(lambda page: page.add_module("probe.js", arrays=arrays))

    tab = open_tab(serve_store(two_runs(), pages).root_url)
    tab.page.goto(f"{tab.url}/p")

    tab.until("document.querySelector('main .module')?.textContent === '0,1,2,3'")


def test_a_state_that_json_lacks_words_for_waits_for_bokeh(serve_store, open_tab, probe):
    probe.write_text(
        "export default { render({ el, model }) { el.textContent = String(model.state.n); } };"
    )
    pages = page_of(lambda page: page.add_module("probe.js", state={"n": float("nan")}))

    tab = open_tab(serve_store(two_runs(), pages).root_url)
    tab.page.goto(f"{tab.url}/p")

    tab.until("document.querySelector('main .module')?.textContent === 'NaN'")


def test_without_a_websocket_the_curves_are_there_and_the_page_says_what_is_missing(
    serve_store, open_tab
):
    tab = open_tab(serve_store(two_runs()).root_url, may_fail=True)
    tab.page.route_web_socket("**/ws*", lambda socket: socket.close())

    tab.page.goto(f"{tab.url}/scalars")

    tab.until(LINES).until(LOST)
    assert "no longer updated" in tab.page.inner_text("#connection")
    assert tab.evaluate(LINES)


def test_without_bokeh_the_curves_are_there_and_the_page_says_what_is_missing(
    serve_store, open_tab
):
    tab = open_tab(serve_store(two_runs()).root_url, may_fail=True)
    tab.page.route(BOKEH, lambda route: route.abort())

    tab.page.goto(f"{tab.url}/scalars")

    tab.until(LINES).until(LOST)


def test_a_module_that_cannot_be_loaded_says_so_even_without_bokeh(serve_store, open_tab):
    def build(page):
        page.add_module("no_such_module.js")
        page.add_module("message.js", state={"title": "still here"})

    tab = open_tab(serve_store(two_runs(), page_of(build)).root_url, may_fail=True)
    tab.page.route(BOKEH, lambda route: route.abort())

    tab.page.goto(f"{tab.url}/p")

    tab.until("document.querySelector('.module-failure')?.textContent.includes('no_such_module')")
    tab.until("document.querySelector('.message')?.textContent === 'still here'")


def test_nothing_is_fetched_twice_while_a_page_opens(serve_store, open_tab):
    tab = open_tab(serve_store(two_runs()).root_url).open("scalars")
    tab.until(LINES)
    tab.page.wait_for_timeout(700)  # the version of the store has been told

    names = tab.evaluate("performance.getEntriesByType('resource').map(e => e.name)")
    once = [name.removeprefix(tab.url) for name in names if not name.endswith("/ws")]

    assert sorted(once) == sorted(set(once))
    for route in ("runs", "status", "tags?kind=scalar&limit=5000", "curves"):
        assert f"/api/v1/{route}" in once


def test_a_page_of_plain_bokeh_figures_shows_them(serve_store, open_tab):
    def build(page):
        plot = lean_plot(x=(0, 10), y=(0, 10), height=300)
        plot.name = "main"
        x = np.arange(10.0)
        LineFigure(plot).set_lines([Line("a", "line", "#ff0000", x, x)])
        page.doc.add_root(plot)

    tab = open_tab(serve_store(two_runs(), page_of(build)).root_url)
    tab.page.goto(f"{tab.url}/p")
    tab.until_connected()

    box = tab.page.locator("main .bk-Plot").bounding_box()
    assert box["height"] == 300
    assert box["width"] > 600
