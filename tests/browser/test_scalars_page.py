"""The Scalars page under a person's hands."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from scalar_store import ScalarStore, series_of

POINTS = 400
NAMES = ("base/seed1", "base/seed2", "wide/seed1", "wide/seed2")


def losses(k: int) -> np.ndarray:
    steps = np.arange(POINTS)
    noise = np.random.default_rng(k).normal(0, 0.02, POINTS)
    return 2.0 * np.exp(-steps / 120) + 0.3 * k + 0.2 + noise


def a_store() -> ScalarStore:
    """Four runs, four tags in two groups; the second run of loss/val breaks down."""
    broken = losses(1)
    broken[200:203] = np.nan
    broken[250] = np.inf
    broken[[300, 302]] = np.nan
    step = np.arange(POINTS) * 10
    runs = {}
    for k, name in enumerate(NAMES):
        start = 1.79e9 + 60 * k
        series = {
            "loss/train": series_of(losses(k), step=step, start=start),
            "loss/val": series_of(broken if k == 1 else losses(k), step=step, start=start),
            "optim/lr": series_of(np.linspace(1e-3, 1e-5, POINTS), step=step, start=start),
        }
        if k == 0:
            restarted = np.r_[np.arange(300), np.arange(250, 400)]
            series["loss/restarted"] = series_of(
                losses(0)[restarted], step=restarted * 10, writers=(0, 300)
            )
        runs[name] = series
    return ScalarStore(runs)


def card(tag_name: str) -> str:
    return f".sc-groups .sc-card[data-tag={json.dumps(tag_name)}]"


def plot(tag_name: str) -> str:
    return f"{card(tag_name)} .gb-chart"


def read(tab, tag_name: str, name: str, selector=None):
    return tab.evaluate(f"document.querySelector({(selector or plot(tag_name))!r}).dataset.{name}")


def view(tab, tag_name: str, selector=None) -> list[float]:
    return [float(end) for end in read(tab, tag_name, "view", selector).split()]


def pixels(tag_name: str) -> str:
    """JavaScript for the pixels of a chart; of a copy, as reading slows a canvas down."""
    return f"""(() => {{
      const seen = document.querySelector({(plot(tag_name) + " canvas")!r});
      const copy = document.createElement('canvas');
      [copy.width, copy.height] = [seen.width, seen.height];
      const context = copy.getContext('2d', {{ willReadFrequently: true }});
      context.drawImage(seen, 0, 0);
      return context.getImageData(0, 0, copy.width, copy.height).data;
    }})()"""


def until_lines(tab, count: int, tag_name="loss/train", selector=None):
    place = selector or plot(tag_name)
    return tab.until(f"document.querySelector({place!r})?.dataset.lines === '{count}'")


def until_view(tab, condition: str, tag_name="loss/train", selector=None):
    """Wait until `condition` holds for x0, x1, y0, y1 of a chart."""
    place = selector or plot(tag_name)
    return tab.until(
        f"(([x0, x1, y0, y1]) => {condition})"
        f"(document.querySelector({place!r}).dataset.view.split(' ').map(Number))"
    )


def asked(tab) -> list[dict]:
    """Bodies of all requests for curves from now on."""
    bodies: list[dict] = []

    def note(request):
        if request.url.endswith("/api/v1/curves"):
            bodies.append(request.post_data_json)

    tab.page.on("request", note)
    return bodies


def until_asked(tab, bodies, condition):
    for _ in range(400):
        if any(condition(body) for body in bodies):
            return
        tab.page.wait_for_timeout(20)
    pytest.fail(f"never asked for it; the last request was {bodies[-1:]}")


def place(tab, tag_name: str, across: float, down: float, selector=None) -> tuple[float, float]:
    box = tab.page.locator(selector or plot(tag_name)).bounding_box()
    return box["x"] + box["width"] * across, box["y"] + box["height"] * down


def drag(tab, start, end, key=None):
    if key:
        tab.page.keyboard.down(key)
    tab.page.mouse.move(*start)
    tab.page.mouse.down()
    tab.page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    tab.page.mouse.move(*end)
    tab.page.mouse.up()
    if key:
        tab.page.keyboard.up(key)


def pixel_of(tab, tag_name: str, series_run: int, share: float):
    """Where on the page the line of a run is at a share of its points; by the module's own map."""
    return tab.evaluate(
        f"""async () => {{
          const host = document.querySelector({plot(tag_name)!r});
          const [x0, x1, y0, y1] = host.dataset.view.split(' ').map(Number);
          const values = {json.dumps(losses(series_run).tolist())};
          const i = Math.round({share} * (values.length - 1));
          const box = host.getBoundingClientRect();
          const left = 46, right = box.width - 10, top = 8, bottom = box.height - 22;
          return [box.x + left + (i * 10 - x0) / (x1 - x0) * (right - left),
                  box.y + bottom - (values[i] - y0) / (y1 - y0) * (bottom - top)];
        }}"""
    )


def open_options(tab):
    tab.page.get_by_role("button", name="Options").click()
    return tab.page.locator(".sc-options")


@pytest.fixture
def tab(open_store):
    tab = open_store(a_store(), "scalars?smoothing=0")
    return until_lines(tab, 4)


# What is there when the page opens.


def test_charts_stand_in_groups_by_prefix_and_draw_every_selected_run(tab):
    assert tab.texts(".sc-group-name") == ["loss", "optim"]
    assert tab.texts(".sc-groups .sc-title") == ["restarted", "train", "val", "lr"]
    assert read(tab, "loss/restarted", "lines") == "1"
    assert tab.texts(".sc-bar .count") == ["4 tags"]


def test_a_chart_spans_the_steps_and_values_of_its_runs(tab):
    x0, x1, y0, y1 = view(tab, "loss/train")

    highest = max(losses(k).max() for k in range(4))
    assert (x0, x1) == (0, 3990)
    assert y0 < min(losses(k).min() for k in range(4))
    assert highest <= y1 < highest * 1.1


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_lines_are_drawn_in_the_colours_of_the_runs(open_store, theme):
    tab = open_store(a_store(), f"scalars?smoothing=0&theme={theme}")
    until_lines(tab, 4)

    swatches = tab.evaluate(
        "[...document.querySelectorAll('.grid-row.is-on .swatch')]"
        ".map(e => getComputedStyle(e).backgroundColor)"
    )
    assert len(set(swatches)) == 4
    for colour in swatches:
        wanted = [int(part) for part in re.findall(r"\d+", colour)[:3]]
        tab.until(
            f"""((data) => {{
              let found = 0;
              for (let i = 0; i < data.length; i += 4) {{
                const isSame = {wanted}.every((v, k) => Math.abs(data[i + k] - v) < 12);
                if (data[i + 3] > 200 && isSame) found++;
              }}
              return found > 20;
            }})({pixels("loss/train")})"""
        )


def test_the_theme_changes_without_a_reload(open_store):
    tab = open_store(a_store(), "scalars?smoothing=0&theme=light")
    until_lines(tab, 4)
    grid = f"""((data) => {{
      const [r, g, b] = getComputedStyle(document.documentElement).getPropertyValue('--grid')
        .match(/[0-9a-f]{{2}}/gi).map((part) => parseInt(part, 16));
      for (let i = 0, found = 0; i < data.length; i += 4) {{
        if (data[i + 3] === 255 && data[i] === r && data[i + 1] === g && data[i + 2] === b) found++;
        if (found > 200) return true;
      }}
      return false;
    }})({pixels("loss/train")})"""
    tab.until(grid)

    tab.page.locator("#theme").click()

    tab.until("document.documentElement.dataset.theme === 'dark'")
    tab.until(grid)


def test_a_log_with_nan_shows_where_it_happened(tab):
    assert read(tab, "loss/val", "markers") == "6"
    assert read(tab, "loss/train", "markers") == "0"


def test_names_with_markup_are_text_everywhere(open_store):
    evil = "<img src=x onerror=\"document.body.dataset.xss='1'\">"
    store = ScalarStore({evil: {f"{evil}/{evil}": series_of(losses(0))}})
    tab = open_store(store, "scalars?smoothing=0")
    tab.until("document.querySelector('.gb-chart')?.dataset.lines === '1'")

    tab.page.mouse.move(*place(tab, "", 0.5, 0.5, ".gb-chart"))
    tab.until("!document.querySelector('.gb-tip').hidden")
    tab.page.locator(".sc-card [aria-label='Open in full resolution']").click()
    tab.until("document.querySelectorAll('.sc-table tbody tr').length === 1")

    assert tab.texts(".sc-detail .sc-title") == [f"{evil}/{evil}"]
    assert tab.evaluate("document.body.dataset.xss") is None
    assert tab.evaluate("document.querySelectorAll('.main img, .gb-tip img').length") == 0


def test_an_empty_log_says_what_would_fill_the_page(open_store):
    tab = open_store(ScalarStore({}), "scalars")

    tab.until("!document.querySelector('.sc-page .empty').hidden")
    assert tab.texts(".sc-page .empty h2") == ["No scalars yet"]


def test_of_thousands_of_tags_only_those_on_screen_have_a_chart(open_store):
    one = series_of([1.0, 2.0])
    store = ScalarStore({"run": {f"layer_{i % 3}/weight_{i}": one for i in range(6000)}})
    tab = open_store(store, "scalars?smoothing=0")
    tab.until("window.__gpuboard?.scalars?.shown > 5")

    assert "first 5,000 of 6,000 tags" in tab.texts(".sc-bar .count")[0]
    assert tab.evaluate("document.querySelectorAll('.gb-chart').length") < 60
    tab.evaluate("document.querySelector('#main').scrollTo(0, 50_000)")
    tab.until(
        "[...document.querySelectorAll('.gb-chart')].some(e => e.dataset.lines === '1'"
        " && e.getBoundingClientRect().top > 0 && e.getBoundingClientRect().top < innerHeight)"
    )


def test_new_points_appear_by_themselves(open_store):
    store = a_store()
    tab = open_store(store, "scalars?smoothing=0")
    until_lines(tab, 4)

    longer = np.r_[losses(0), np.full(100, 0.2)]
    store.put(0, "loss/train", series_of(longer, step=np.arange(500) * 10))

    until_view(tab, "x1 === 4990")


# Toolbar and options.


@pytest.mark.parametrize(
    ("axis", "condition"),
    [
        ("relative", "x0 === 0 && x1 === 399"),
        ("wall", "x0 === 1790000000 && x1 === 1790000579"),
        ("active", "x0 === 0 && x1 === 399"),
        ("index", "x0 === 0 && x1 === 399"),
    ],
)
def test_every_x_axis_can_be_chosen(tab, axis, condition):
    tab.page.get_by_label("X axis", exact=True).select_option(axis)

    until_view(tab, condition)
    tab.until(f"new URLSearchParams(location.search).get('x') === '{axis}'")


@pytest.mark.parametrize("kind", ["ema", "gaussian", "mean"])
def test_every_smoothing_draws_a_line_over_the_logged_values(tab, kind):
    bodies = asked(tab)

    tab.page.get_by_label("Kind of smoothing").select_option(kind)
    tab.page.get_by_label("Amount of smoothing").fill("0.9")
    tab.page.get_by_label("Amount of smoothing").press("Enter")

    until_asked(tab, bodies, lambda body: body["smooth"] == {"kind": kind, "amount": 0.9})
    tab.until("document.querySelector('[aria-label=Smoothing]').value === '0.9'")
    heads = "[...document.querySelectorAll('.gb-tip th')].map(e => e.textContent)"
    for nudge in range(100):  # the tooltip tells of the lines that are drawn when the mouse moves
        tab.page.mouse.move(*place(tab, "loss/train", 0.5 + nudge / 1000, 0.6))
        if "Smoothed" in tab.evaluate(heads):
            return
        tab.page.wait_for_timeout(50)
    pytest.fail("no smoothed value was ever shown")


def test_the_slider_smooths_too_and_is_off_without_a_kind(tab):
    bodies = asked(tab)
    tab.page.get_by_label("Smoothing", exact=True).fill("0.5")
    until_asked(tab, bodies, lambda body: body["smooth"]["amount"] == 0.5)

    tab.page.get_by_label("Kind of smoothing").select_option("none")

    tab.until("document.querySelector('[aria-label=Smoothing]').disabled")
    until_asked(tab, bodies, lambda body: body["smooth"]["kind"] == "none")


def test_log_y_leaves_only_what_has_a_logarithm(tab):
    tab.page.get_by_role("button", name="Log y").click()

    until_view(tab, "y0 > 0 && y0 < 0.25 && y1 > 3")


def test_tags_are_searched_by_pattern_or_by_plain_text(tab):
    search = tab.page.get_by_label("Search tags")
    search.fill("loss/(train|val)")
    tab.until("document.querySelectorAll('.sc-groups .sc-card').length === 2")

    tab.page.get_by_title("Use a regular expression").click()
    tab.until("!document.querySelector('.sc-page .empty').hidden")
    assert tab.texts(".sc-page .empty h2") == ["No tag matches"]
    search.fill("loss/tr")

    tab.until("document.querySelectorAll('.sc-groups .sc-card').length === 1")
    assert tab.texts(".sc-bar .count") == ["1 tag"]


def test_a_pattern_that_is_none_is_said_beside_the_field(open_store, serve_store):
    tab = open_store(a_store(), "scalars?smoothing=0", may_fail=True)
    until_lines(tab, 4)

    tab.page.get_by_label("Search tags").fill("loss/(")

    tab.until("document.querySelector('[aria-label=\"Search tags\"]').ariaInvalid === 'true'")
    assert len(tab.texts(".sc-bar .count")[0]) > 10


def test_the_slash_key_goes_to_the_search(tab):
    tab.page.keyboard.press("/")

    assert tab.evaluate("document.activeElement.getAttribute('aria-label')") == "Search tags"


def test_options_of_the_axes_change_what_is_drawn(tab):
    options = open_options(tab)

    options.get_by_label("Range of y").select_option("fixed")
    options.get_by_label("from", exact=True).fill("-1")
    options.get_by_label("to", exact=True).fill("4")
    options.get_by_label("to", exact=True).press("Enter")
    until_view(tab, "y0 === -1 && y1 === 4")

    options.get_by_label("Range of y").select_option("own")
    options.get_by_text("Log scale").click()
    until_view(tab, "x0 > 0 && x0 <= 10 && x1 === 3990")

    options.get_by_label("Vertical lines at").fill("1000, 2e3")
    options.get_by_label("Vertical lines at").press("Enter")
    tab.until("new URLSearchParams(location.search).get('marks') === '[1000,2000]'")


def test_a_shared_range_is_the_same_in_all_charts_of_a_group(tab):
    open_options(tab).get_by_label("Range of y").select_option("shared")

    tab.until(
        "(([a, b, c]) => a && a === b && b === c)(['loss/train', 'loss/val', 'loss/restarted']"
        ".map(t => document.querySelector(`.sc-card[data-tag='${t}'] .gb-chart`).dataset.view"
        ".split(' ').slice(2).join()))"
    )
    assert view(tab, "optim/lr")[3] < 0.01


def test_outliers_are_left_out_until_they_are_asked_for(open_store):
    spiked = losses(0)
    spiked[100] = 500.0
    tab = open_store(ScalarStore({"a": {"loss/train": series_of(spiked)}}), "scalars?smoothing=0")
    until_lines(tab, 1)
    until_view(tab, "y1 < 10")

    open_options(tab).get_by_text("Ignore outliers").click()

    until_view(tab, "y1 > 500")


def test_markers_and_overwritten_points_can_be_turned_off_and_on(tab):
    bodies = asked(tab)
    options = open_options(tab)

    options.get_by_text("Mark NaN and infinities").click()
    tab.until(f"document.querySelector({plot('loss/val')!r}).dataset.markers === '0'")
    options.get_by_text("Show overwritten points").click()

    until_asked(tab, bodies, lambda body: body["overwritten"])


def test_seeds_fold_into_one_line_with_a_band(tab):
    options = open_options(tab)
    options.get_by_text("Fold runs into bands").click()
    until_lines(tab, 2)

    bodies = asked(tab)
    options.get_by_label("Line", exact=True).select_option("median")
    options.get_by_label("Band", exact=True).select_option("minmax")
    options.get_by_label("Regular expression of the group's name").fill("seed(\\d)")
    options.get_by_label("Regular expression of the group's name").press("Enter")

    wanted = {"by": "regex", "pattern": "seed(\\d)", "center": "median", "band": "minmax"}
    until_asked(tab, bodies, lambda body: body["fold"] == wanted)
    options.get_by_text("Fold runs into bands").click()
    until_lines(tab, 4)


def test_a_step_is_marked_in_all_charts_and_read_off_in_tables(tab):
    options = open_options(tab)
    options.get_by_label("Mark", exact=True).select_option("step")
    options.get_by_text("Table under each chart").click()
    tab.page.keyboard.press("Escape")
    tab.until("document.querySelectorAll('.sc-groups .gb-fob').length >= 4")

    tab.page.mouse.click(*place(tab, "loss/train", 0.5, 0.06))

    tab.until("new URLSearchParams(location.search).get('at')?.endsWith(',null]')")
    at = json.loads(tab.evaluate("new URLSearchParams(location.search).get('at')"))[0]
    assert 1500 < at < 2300
    tab.until(
        f"[...document.querySelectorAll('.sc-table-at')].some(e => e.textContent.includes("
        f"{f'at {at:,}'!r}))"
    )


def test_a_range_is_marked_by_two_handles_that_can_be_dragged(tab):
    open_options(tab).get_by_label("Mark", exact=True).select_option("range")
    tab.page.keyboard.press("Escape")
    tab.until(f"document.querySelectorAll({(plot('loss/train') + ' .gb-fob')!r}).length === 2")

    handle = tab.page.locator(f"{plot('loss/train')} .gb-fob").nth(1).bounding_box()
    start = (handle["x"] + 4, handle["y"] + 60)
    drag(tab, start, (start[0] - 120, start[1]))

    tab.until("JSON.parse(new URLSearchParams(location.search).get('at') ?? '[0,9999]')[1] < 3990")
    tab.until(f"document.querySelector({(plot('loss/val') + ' .gb-shade')!r}) !== null")


def test_unlinked_marks_stay_in_their_own_chart(tab):
    options = open_options(tab)
    options.get_by_label("Mark", exact=True).select_option("step")
    options.get_by_text("The same mark in all charts").click()
    tab.page.keyboard.press("Escape")
    fob = "e => e.querySelector('.gb-fob')?.textContent"
    tab.until(f"({fob})(document.querySelector({plot('loss/train')!r})) === '3.99k'")

    tab.page.mouse.click(*place(tab, "loss/train", 0.5, 0.06))

    tab.until(f"({fob})(document.querySelector({plot('loss/train')!r})) !== '3.99k'")
    assert tab.evaluate(f"({fob})(document.querySelector({plot('loss/val')!r}))") == "3.99k"


def test_the_tooltip_keeps_its_order_and_its_number_of_rows(tab):
    options = open_options(tab)
    options.get_by_label("Order of the tooltip").select_option("descending")
    options.get_by_label("Rows of the tooltip").fill("3")
    options.get_by_label("Rows of the tooltip").press("Enter")
    tab.page.keyboard.press("Escape")

    tab.page.mouse.move(*place(tab, "loss/train", 0.6, 0.5))

    tab.until("document.querySelectorAll('.gb-tip tbody tr').length === 3")
    assert tab.texts(".gb-tip-name") == ["wide/seed2", "wide/seed1", "base/seed2"]
    assert tab.texts(".gb-tip-more") == ["and 1 more"]


def test_the_tooltip_can_go_by_distance_in_height_alone(tab):
    open_options(tab).get_by_label("Order of the tooltip").select_option("nearestY")
    tab.page.keyboard.press("Escape")

    x, y = pixel_of(tab, "loss/train", 2, 0.6)
    tab.page.mouse.move(x, y)

    tab.until("document.querySelectorAll('.gb-tip tbody tr').length === 4")
    names = tab.texts(".gb-tip-name")
    assert names[0] == "wide/seed1"
    assert set(names[1:3]) == {"base/seed2", "wide/seed2"}  # 0.3 above and below it
    assert names[3] == "base/seed1"


def test_the_corner_of_a_card_makes_all_plots_higher_and_they_stay_so(tab):
    height = f"document.querySelector({plot('loss/val')!r}).clientHeight"
    before = tab.evaluate(height)
    corner = tab.page.locator(f"{card('loss/train')} .sc-grip").bounding_box()
    at = corner["x"] + 8, corner["y"] + 8

    drag(tab, at, (at[0] + 30, at[1] + 100))

    tab.until(f"{height} === {before + 100}")
    tab.reload()
    until_lines(tab, 4)
    assert tab.evaluate(height) == before + 100
    tab.page.locator(f"{card('loss/train')} .sc-grip").dblclick()
    tab.until(f"{height} === {before}")


def test_the_tag_search_completes_prefixes(tab):
    offered = "[...document.querySelector('#tag-completion').options].map(e => e.value)"
    assert tab.evaluate(offered)[:2] == ["loss/", "optim/"]

    tab.page.get_by_label("Search tags").fill("optim")

    tab.until(f"{offered}.join() === 'optim/,optim/lr'")


def test_cards_take_the_width_that_is_chosen(tab):
    before = tab.page.locator(card("loss/train")).bounding_box()["width"]

    open_options(tab).get_by_label("Card width").fill("800")

    tab.until(f"document.querySelector({card('loss/train')!r}).clientWidth > {before + 200}")


# Pointer.


def test_hovering_shows_every_run_with_its_exact_step_and_time(tab):
    tab.page.mouse.move(*place(tab, "loss/train", 0.5, 0.5))

    tab.until("document.querySelectorAll('.gb-tip tbody tr').length === 4")
    tab.until("document.querySelector('.gb-tip tbody td:nth-last-child(1)').textContent !== ''")
    cells = tab.evaluate(
        "[...document.querySelector('.gb-tip tbody tr').cells].map(e => e.textContent)"
    )
    step = int(cells[3].replace(",", ""))
    k = NAMES.index(cells[1])
    assert float(cells[2]) == pytest.approx(losses(k)[step // 10], rel=1e-3)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", cells[4])


def test_the_crosshair_stands_in_all_charts_and_goes_with_the_pointer(tab):
    tab.page.mouse.move(*place(tab, "loss/train", 0.5, 0.5))
    tab.until("[...document.querySelectorAll('.gb-crosshair')].filter(e => !e.hidden).length >= 3")

    tab.page.mouse.move(5, 300)

    tab.until("[...document.querySelectorAll('.gb-crosshair')].every(e => e.hidden)")
    tab.until("document.querySelector('.gb-tip').hidden")


def test_dragging_zooms_in_x_and_asks_for_that_range(tab):
    bodies = asked(tab)
    drag(tab, place(tab, "loss/train", 0.4, 0.4), place(tab, "loss/train", 0.6, 0.7))

    until_view(tab, "x0 > 1000 && x1 < 2800 && x1 - x0 > 500")
    until_asked(tab, bodies, lambda body: body["range"] and body["tag"] == "loss/train")
    x0, x1, *_ = view(tab, "loss/train")
    assert [body for body in bodies if body["range"]][-1]["range"] == pytest.approx([x0, x1])
    assert view(tab, "loss/val")[:2] == [0, 3990]

    tab.page.mouse.dblclick(*place(tab, "loss/train", 0.5, 0.2))
    until_view(tab, "x0 === 0 && x1 === 3990")


def test_dragging_with_shift_zooms_in_y(tab):
    drag(tab, place(tab, "loss/train", 0.4, 0.3), place(tab, "loss/train", 0.6, 0.5), "Shift")

    until_view(tab, "x0 === 0 && x1 === 3990 && y1 - y0 < 1")


def test_the_wheel_zooms_only_with_a_key_so_that_pages_scroll(tab):
    middle = place(tab, "loss/train", 0.5, 0.5)
    tab.page.mouse.move(*middle)
    tab.page.mouse.wheel(0, -200)
    tab.page.keyboard.down("Alt")
    tab.page.mouse.wheel(0, -200)
    tab.page.keyboard.up("Alt")

    until_view(tab, "x0 > 0 && x1 < 3990")
    one_notch = 3990 * 1.0018**-200
    x0, x1, *_ = view(tab, "loss/train")
    assert x1 - x0 == pytest.approx(one_notch, rel=0.01)


def test_dragging_with_alt_moves_the_range(tab):
    drag(tab, place(tab, "loss/train", 0.4, 0.4), place(tab, "loss/train", 0.6, 0.4))
    until_view(tab, "x0 > 1000")
    x0, x1, *_ = view(tab, "loss/train")

    drag(tab, place(tab, "loss/train", 0.5, 0.4), place(tab, "loss/train", 0.6, 0.4), "Alt")

    until_view(tab, f"x1 < {x1} && Math.abs((x1 - x0) - {x1 - x0}) < 1")


def test_a_click_on_a_line_picks_its_run_and_offers_what_can_be_done(tab):
    tab.page.mouse.click(*pixel_of(tab, "loss/train", 2, 0.8))

    tab.until("!document.querySelector('.sc-chip').hidden")
    assert tab.texts(".sc-chip-name") == ["wide/seed1"]
    tab.page.keyboard.press("Escape")
    tab.until("document.querySelector('.sc-chip').hidden")

    tab.page.mouse.click(*pixel_of(tab, "loss/train", 2, 0.8))
    tab.page.get_by_role("button", name="Only this run").click()

    until_lines(tab, 1)


def test_a_picked_run_can_be_hidden(tab):
    tab.page.mouse.click(*pixel_of(tab, "loss/train", 3, 0.8))
    tab.page.get_by_role("button", name="Hide", exact=True).click()

    until_lines(tab, 3)
    assert tab.evaluate("document.querySelector('.sc-chip').hidden")


# Cards.


def test_a_pinned_card_stands_on_top_and_in_links(tab):
    tab.page.locator(card("optim/lr")).hover()
    tab.page.locator(f"{card('optim/lr')} [aria-label='Pin to the top']").click()

    tab.until("document.querySelector('.sc-group-name').textContent === 'Pinned'")
    tab.until("document.querySelectorAll(\".sc-card[data-tag='optim/lr']\").length === 2")
    tab.reload()
    tab.until("document.querySelector('.sc-group-name')?.textContent === 'Pinned'")
    tab.page.get_by_role("button", name="Clear all pins").click()

    tab.until("document.querySelector('.sc-group-name').textContent === 'loss'")


def test_a_group_closes_and_its_cards_are_gone(tab):
    tab.page.locator(".sc-group-head", has_text="loss").click()

    tab.until("document.querySelectorAll('.sc-groups .sc-card').length === 1")
    tab.page.locator(".sc-group-head", has_text="loss").click()
    until_lines(tab, 4)


def open_menu(tab, tag_name):
    tab.page.locator(card(tag_name)).hover()
    tab.page.locator(f"{card(tag_name)} [aria-label='More']").click()
    return tab.page.locator(".sc-menu")


def test_the_menu_of_a_card_turns_its_own_axis_logarithmic(tab):
    open_menu(tab, "optim/lr").get_by_text("Log y axis").click()

    until_view(tab, "y0 > 0 && y0 < 1e-5", "optim/lr")
    assert view(tab, "loss/train")[2] < 0.2


def test_the_menu_of_a_card_gives_it_the_full_width(tab):
    open_menu(tab, "loss/train").get_by_text("Full width").click()

    tab.until(
        f"document.querySelector({card('loss/train')!r}).clientWidth"
        " > 0.9 * document.querySelector('.sc-groups').clientWidth"
    )


@pytest.mark.parametrize(
    ("name", "mark"), [("CSV", b"wall_time"), ("JSON", b"{"), ("Parquet", b"PAR1")]
)
def test_the_data_of_a_card_can_be_taken_away(tab, name, mark):
    with tab.page.expect_download() as download:
        open_menu(tab, "loss/train").get_by_text(f"Data as {name}").click()

    content = download.value.path().read_bytes()
    assert mark in content


def test_a_figure_is_saved_with_legend_and_names_of_both_axes(tab):
    with tab.page.expect_download() as download:
        open_menu(tab, "loss/val").get_by_text("Figure as SVG").click()

    root = ET.parse(download.value.path()).getroot()
    texts = ["".join(e.itertext()) for e in root.iter("{http://www.w3.org/2000/svg}text")]
    assert set(NAMES) <= set(texts)
    assert "Step" in texts
    assert texts.count("loss/val") == 2
    assert download.value.suggested_filename == "loss_val.svg"


def test_a_figure_is_saved_as_pixels_too(tab):
    with tab.page.expect_download() as download:
        open_menu(tab, "loss/val").get_by_text("Figure as PNG").click()

    assert download.value.path().read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"


# The opened card.

DETAIL = ".sc-detail .gb-chart"


def open_card(tab, tag_name="loss/train"):
    tab.page.locator(card(tag_name)).hover()
    tab.page.locator(f"{card(tag_name)} [aria-label='Open in full resolution']").click()
    until_lines(tab, 4, selector=DETAIL)


def test_an_opened_card_zooms_by_wheel_and_shows_every_point(open_store):
    many = 200_000
    spiked = np.zeros(many)
    spiked[123_456] = 1.0
    tab = open_store(ScalarStore({"a": {"t": series_of(spiked)}}), "scalars?smoothing=0&outliers=0")
    tab.until("document.querySelector('.gb-chart')?.dataset.lines === '1'")
    tab.page.locator(".sc-card [aria-label='Open in full resolution']").click()
    until_lines(tab, 1, selector=DETAIL)
    until_view(tab, "y1 > 1", selector=DETAIL)

    bodies = asked(tab)
    box = tab.page.locator(DETAIL).bounding_box()
    left, right = box["x"] + 46, box["x"] + box["width"] - 10
    tab.page.mouse.move(left + (right - left) * 123_456 / (many - 1), box["y"] + 150)
    for _ in range(9):
        tab.page.mouse.wheel(0, -300)

    until_view(tab, "x1 - x0 < 2000 && x0 < 123456 && x1 > 123456 && y1 > 1", selector=DETAIL)
    until_asked(tab, bodies, lambda body: body["range"] and np.ptp(body["range"]) < 2000)


def test_the_table_of_an_opened_card_sorts_and_follows_the_pointer(tab):
    open_card(tab)
    tab.until("document.querySelectorAll('.sc-detail tbody tr').length === 4")
    assert tab.texts(".sc-table-at") == ["at 3,990"]

    tab.page.locator(".sc-detail th button", has_text="Value").click()
    assert tab.texts(".sc-detail .sc-run") == list(reversed(NAMES))
    tab.page.locator(".sc-detail th button", has_text="Value").click()
    assert tab.texts(".sc-detail .sc-run") == list(NAMES)
    tab.page.mouse.move(*place(tab, "", 0.5, 0.5, DETAIL))

    tab.until("document.querySelector('.sc-table-at').textContent !== 'at 3,990'")


def test_the_columns_of_the_table_can_be_chosen(tab):
    open_card(tab)
    tab.until("document.querySelectorAll('.sc-detail tbody tr').length === 4")

    tab.page.get_by_role("button", name="Choose columns").click()
    tab.page.locator(".sc-menu").get_by_text("Mean").click()
    tab.page.locator(".sc-menu").get_by_text("Smoothed").click()

    heads = "[...document.querySelectorAll('.sc-detail th')].map(e => e.textContent)"
    tab.until(f"{heads}.includes('Mean') && !{heads}.includes('Smoothed')")


def test_a_row_of_the_table_picks_its_run(tab):
    open_card(tab)

    tab.page.locator(".sc-detail tbody tr", has_text="wide/seed1").click()

    tab.until("!document.querySelector('.sc-chip').hidden")
    assert tab.texts(".sc-chip-name") == ["wide/seed1"]


def test_an_opened_card_is_in_the_link_and_closes_by_key_and_by_button(tab):
    open_card(tab)
    tab.until("new URLSearchParams(location.search).get('open') === 'loss/train'")
    tab.reload()
    until_lines(tab, 4, selector=DETAIL)

    tab.page.keyboard.press("Escape")
    tab.until("document.querySelector('.sc-detail') === null")
    until_lines(tab, 4)
    open_card(tab)
    tab.page.get_by_role("button", name="Back to all charts (Esc)").click()

    tab.until("document.querySelector('.sc-detail') === null")
