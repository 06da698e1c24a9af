"""The charts of the Scalars page, as they stand when it opens."""

from __future__ import annotations

import re

import numpy as np
import pytest
from scalar_store import ScalarStore, a_store, losses, series_of
from scalars_page import pixels, place, read, until_lines, until_view, view


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
