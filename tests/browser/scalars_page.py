"""Hands and eyes for tests of the Scalars page."""

from __future__ import annotations

import json

import pytest
from scalar_store import losses


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
