"""The Images page, on files whose pictures say by their colours which they are."""

from __future__ import annotations

import json
import re
from urllib.parse import quote

import numpy as np
import pytest

from gpuboard.eventlog.append import EventFileWriter
from gpuboard.store.store import Store
from gpuboard.summaries.image import encode, gif_of, png_of
from tests import pictures

STEPS = 2000
START = 1_700_000_000.0
SEEN = "document.querySelectorAll('.vc, .iv').length"


def colour_of(step: int, run: int = 0) -> list[int]:
    """A colour that no other step of any run has."""
    return [step % 256, step // 256 * 16 + run, 77]


def flat(colour, height=12, width=20):
    return np.full((height, width, 3), colour, np.uint8)


def value(tag, encoded, height=12, width=20):
    return encode(tag, encoded, height=height, width=width, channels=3)


def write(run, values):
    """Log (value, step) pairs."""
    with EventFileWriter(run) as writer:
        for k, (one, step) in enumerate(values):
            writer.add_value(one, step, wall_time=START + k)


@pytest.fixture
def open_images(tmp_path, open_store):
    """Log values by run, and open the page on them."""

    def start(runs, query="", **options):
        for name, values in runs.items():
            write(tmp_path / name, values)
        store = Store(tmp_path)
        store.refresh()
        tab = open_store(store, f"images{query}", **options)
        return tab.until(f"{SEEN} > 0") if runs else tab

    return start


def one_of(tag, run=None):
    """JavaScript for the card of a tag, of one run if it is named."""
    wanted = f"&& (!{json.dumps(run)} || c.querySelector('.vc-run').title === {json.dumps(run)})"
    return (
        f"[...document.querySelectorAll('.vc')].find((c) => "
        f"c.querySelector('.vc-title').title === {json.dumps(tag)} {wanted})"
    )


def pixel(canvas, x=0.5, y=0.5):
    """JavaScript for the colour of a canvas at a place given in parts of it."""
    return f"""(() => {{
      const seen = {canvas};
      if (!seen || seen.hidden) return null;
      const copy = document.createElement('canvas');
      [copy.width, copy.height] = [seen.width, seen.height];
      const context = copy.getContext('2d', {{ willReadFrequently: true }});
      context.drawImage(seen, 0, 0);
      const at = [Math.floor({x} * seen.width), Math.floor({y} * seen.height)];
      return [...context.getImageData(...at, 1, 1).data];
    }})()"""


def card_pixel(tag, run=None, x=0.5, y=0.5):
    return pixel(f"{one_of(tag, run)}?.querySelector('canvas')", x, y)


def view_pixel(view=1, x=0.5, y=0.5):
    return pixel(f"document.querySelector('.iv-view:nth-child({view}) .iv-image')", x, y)


def until_pixel(tab, script, colour):
    wanted = json.dumps([*colour, 255])
    return tab.until(f"JSON.stringify({script}) === JSON.stringify({wanted})")


def many(run=0):
    return [(value("many", png_of(flat(colour_of(step, run)))), step) for step in range(STEPS)]


def test_every_step_can_be_reached_by_the_slider(open_images):
    tab = open_images({"run": many()})
    until_pixel(tab, card_pixel("many"), colour_of(STEPS - 1))

    for step in (0, 1234, 1235, 7):
        tab.evaluate(
            "(() => { const s = document.querySelector('.vp-step-slider');"
            f"s.value = {step}; s.dispatchEvent(new Event('input')); }})()"
        )
        until_pixel(tab, card_pixel("many"), colour_of(step))

    assert tab.evaluate(f"{one_of('many')}.querySelector('.vc-label').textContent") == "step 7"


def test_a_drag_shows_the_last_step_and_never_asks_for_two_at_once(open_images):
    tab = open_images({"run": many()}, "?stepAt=0")
    until_pixel(tab, card_pixel("many"), colour_of(0))
    tab.page.wait_for_timeout(300)  # the neighbours of the first step are in

    tab.evaluate(
        """(async () => {
          const fetched = window.fetch;
          window.asked = { now: 0, most: 0, all: 0 };
          window.fetch = async (url, options) => {
            if (!String(url).includes('/image?') || options?.priority === 'low')
              return fetched(url, options);
            asked.most = Math.max(asked.most, ++asked.now);
            asked.all++;
            try { return await fetched(url, options); } finally { asked.now--; }
          };
          const slider = document.querySelector('.vp-step-slider');
          for (let step = 0; step <= 1500; step += 3) {
            slider.value = step;
            slider.dispatchEvent(new Event('input'));
            if (step % 30 === 0) await new Promise(requestAnimationFrame);
          }
        })()"""
    )

    until_pixel(tab, card_pixel("many"), colour_of(1500))
    asked = tab.evaluate("window.asked")
    assert asked["most"] == 1
    assert 1 <= asked["all"] < 500


def test_one_slider_moves_the_cards_of_all_runs(open_images):
    steps = range(0, 100, 10)
    runs = {
        f"run{k}": [(value("a", png_of(flat(colour_of(s, k)))), s) for s in steps] for k in range(2)
    }
    tab = open_images(runs)

    tab.evaluate(
        f"(() => {{ const s = {one_of('a', 'run0')}.querySelector('.vc-slider');"
        "s.value = 3; s.dispatchEvent(new Event('input')); })()"
    )

    for k in range(2):
        until_pixel(tab, card_pixel("a", f"run{k}"), colour_of(30, k))


def test_a_batch_shows_all_samples_and_opens_the_one_that_is_clicked(open_images):
    samples = [png_of(flat([40 * k, 9, 9])) for k in range(5)]
    tab = open_images({"run": [(pictures.batch("batch", samples, b"20", b"12"), 1)]})
    # Five samples of 20 x 12 lie in two columns, four pixels apart.
    until_pixel(tab, card_pixel("batch", x=0.2, y=0.1), [0, 9, 9])
    until_pixel(tab, card_pixel("batch", x=0.8, y=0.5), [120, 9, 9])
    box = tab.page.locator(".im-canvas").bounding_box()
    scale = min(box["width"] / 44, box["height"] / 44)
    x = box["x"] + box["width"] / 2 + 12 * scale
    y = box["y"] + box["height"] / 2

    tab.page.mouse.click(x, y)

    until_pixel(tab, view_pixel(), [120, 9, 9])
    tab.page.select_option("[aria-label='Sample of A']", "4")
    until_pixel(tab, view_pixel(), [160, 9, 9])


def test_one_sample_can_be_picked_for_all_cards(open_images):
    samples = [png_of(flat([40 * k, 9, 9])) for k in range(3)]
    tab = open_images({"run": [(pictures.batch("batch", samples, b"20", b"12"), 1)]})
    tab.until("document.querySelector('.im-samples').checkVisibility()")

    tab.page.select_option("[aria-label='Sample of a batch']", "2")

    until_pixel(tab, card_pixel("batch", x=0.1, y=0.1), [80, 9, 9])


FILM = np.stack([flat([20 * k, 200, 0]) for k in range(8)])


def test_a_film_plays_and_stands_still_at_the_frame_that_is_asked_for(open_images):
    tab = open_images({"run": [(value("film", gif_of(FILM, fps=20)), 1)]})
    tab.until("document.querySelector('.im-film')")
    seen = card_pixel("film")
    tab.until(f"{seen}?.[0] === 60").until(f"{seen}?.[0] === 120")

    tab.evaluate(
        "(() => { const s = document.querySelector('.im-film-slider');"
        "s.value = 6; s.dispatchEvent(new Event('input')); })()"
    )

    until_pixel(tab, seen, [120, 200, 0])
    tab.page.wait_for_timeout(200)
    until_pixel(tab, seen, [120, 200, 0])
    assert tab.texts(".im-film-label") == ["7 / 8"]


def viewed(**what):
    return f"?viewed={quote(json.dumps(what))}"


def test_the_viewer_reads_the_value_under_the_pointer(open_images):
    pixels = pictures.noise(12, 20, 3)
    tab = open_images({"run": [(value("noise", png_of(pixels)), 1)]})
    tab.page.click(".im-frame")
    tab.until("document.querySelector('.iv-facts')?.textContent.includes('20 × 12')")
    box = tab.page.locator(".iv-view").first.bounding_box()

    tab.page.mouse.move(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2 + 2)

    values = "  ".join(map(str, pixels[6, 10]))
    tab.until(f"document.querySelector('.iv-readout').textContent.includes({values!r})")
    text = tab.evaluate("document.querySelector('.iv-readout').textContent")
    assert text.startswith("x 10  y 6")
    assert text.endswith("#" + bytes(pixels[6, 10]).hex())


def test_sixteen_bits_are_read_as_they_were_logged(open_images):
    pixels = pictures.noise(12, 20, dtype=np.uint16)
    tab = open_images(
        {"run": [(value("deep", pictures.saved(pixels)), 1)]}, viewed(tag="deep", run=0)
    )
    tab.until("document.querySelector('.iv-facts')?.textContent.includes('16 bit grey')")
    box = tab.page.locator(".iv-view").first.bounding_box()

    tab.page.mouse.move(box["x"] + box["width"] / 2 + 2, box["y"] + box["height"] / 2 + 2)

    tab.until(f"document.querySelector('.iv-readout').textContent.endsWith('{pixels[6, 10]}')")


def test_the_viewer_follows_keys(open_images):
    steps = range(0, 50, 10)
    tab = open_images({"run": [(value("a", png_of(flat(colour_of(s)))), s) for s in steps]})
    tab.page.click(".im-frame")
    until_pixel(tab, view_pixel(), colour_of(40))

    tab.page.keyboard.press("ArrowLeft")
    tab.page.keyboard.press("ArrowLeft")
    until_pixel(tab, view_pixel(), colour_of(20))
    tab.page.keyboard.press("1")
    assert tab.texts(".iv-zoom") == ["100 %"]
    tab.page.keyboard.press("+")
    assert tab.texts(".iv-zoom") == ["150 %"]
    tab.page.keyboard.press("Escape")

    tab.until("!document.querySelector('.iv')")
    until_pixel(tab, card_pixel("a"), colour_of(20))


def test_pixels_are_lined_and_written_into_when_they_are_large(open_images):
    tab = open_images({"run": [(value("a", png_of(flat([250, 1, 2], 3, 4)), 3, 4), 1)]})
    tab.page.click(".im-frame")
    until_pixel(tab, view_pixel(), [250, 1, 2])

    lines = pixel("document.querySelector('.iv-lines')", 0.5, 0.5)
    tab.until(f"{lines}?.[3] > 0")


def test_the_wheel_zooms_where_the_pointer_is(open_images):
    pixels = flat([0, 0, 0], 40, 40)
    pixels[10, 10] = [255, 0, 0]
    tab = open_images({"run": [(value("a", png_of(pixels), 40, 40), 1)]})
    tab.page.click(".im-frame")
    until_pixel(tab, view_pixel(x=0.5), [0, 0, 0])
    box = tab.page.locator(".iv-view").first.bounding_box()
    zoom = float(tab.texts(".iv-zoom")[0].split()[0]) / 100
    x = box["width"] / 2 + (10.5 - 20) * zoom
    y = box["height"] / 2 + (10.5 - 20) * zoom
    tab.page.mouse.move(box["x"] + x, box["y"] + y)

    for _ in range(6):
        tab.page.mouse.wheel(0, -120)

    until_pixel(tab, view_pixel(x=x / box["width"], y=y / box["height"]), [255, 0, 0])
    assert float(tab.texts(".iv-zoom")[0].split()[0]) / 100 > 3 * zoom


def two_runs():
    a, b = flat([100, 50, 25]), flat([90, 50, 35])
    return {"one": [(value("a", png_of(a)), 5)], "two": [(value("a", png_of(b)), 5)]}


def test_two_runs_stand_side_by_side(open_images):
    tab = open_images(two_runs(), viewed(tag="a", run=0, mode="side"))

    until_pixel(tab, view_pixel(1), [100, 50, 25])
    until_pixel(tab, view_pixel(2), [90, 50, 35])
    assert [text.split()[:2] for text in tab.texts(".iv-label")] == [["A", "one"], ["B", "two"]]


def test_the_difference_is_that_of_the_pixels(open_images):
    tab = open_images(two_runs(), viewed(tag="a", run=0, mode="difference", gain=4))

    until_pixel(tab, view_pixel(3), [40, 0, 40])
    (text,) = tab.texts(".iv-measures")
    mean, largest, psnr, part = re.findall(r"[\d.]+", text)
    assert float(mean) == pytest.approx(20 / 3, abs=0.01)
    assert largest == "10"
    assert float(psnr) == pytest.approx(10 * np.log10(255**2 / (200 / 3)), abs=0.06)
    assert part == "100.0"


def test_a_signed_difference_is_warm_where_a_is_brighter(open_images):
    runs = two_runs()
    runs["two"] = [(value("a", png_of(flat([10, 10, 10]))), 5)]
    tab = open_images(runs, viewed(tag="a", run=0, mode="difference", gain=64, signed=True))

    until_pixel(tab, view_pixel(3), [214, 72, 40])
    tab.page.select_option("[aria-label='Run of A']", "1")
    tab.page.select_option("[aria-label='Run of B']", "0")
    until_pixel(tab, view_pixel(3), [38, 104, 214])


def test_two_steps_of_one_run_are_compared(open_images):
    steps = (0, 10, 20)
    tab = open_images(
        {"run": [(value("a", png_of(flat(colour_of(s)))), s) for s in steps]},
        viewed(tag="a", run=0, mode="side"),
    )

    until_pixel(tab, view_pixel(1), colour_of(20))
    until_pixel(tab, view_pixel(2), colour_of(0))
    tab.evaluate(
        "(() => { const s = document.querySelector('[aria-label=\"Step of B\"]');"
        "s.value = 1; s.dispatchEvent(new Event('input')); })()"
    )
    until_pixel(tab, view_pixel(2), colour_of(10))
    until_pixel(tab, view_pixel(1), colour_of(20))


def test_the_divider_parts_two_pictures_where_it_is_dragged(open_images):
    tab = open_images(two_runs(), viewed(tag="a", run=0, mode="swipe"))
    until_pixel(tab, view_pixel(2), [90, 50, 35])
    stage = tab.page.locator(".iv-stage").bounding_box()
    middle = stage["y"] + stage["height"] / 2

    tab.page.mouse.move(stage["x"] + stage["width"] / 2, middle)
    tab.page.mouse.down()
    tab.page.mouse.move(stage["x"] + stage["width"] / 4, middle, steps=4)
    tab.page.mouse.up()

    clip = tab.evaluate("document.querySelector('.iv-view:nth-child(2)').style.clipPath")
    assert float(re.findall(r"[\d.]+(?=%)", clip)[-1]) == pytest.approx(25, abs=1)


def test_pictures_of_all_sizes_leave_the_grid_as_it_is(open_images):
    sizes = [(12, 20), (300, 10), (4, 900), (1, 1), (640, 480)]
    values = [
        (value("mixed", png_of(flat([9, 9, k], *size)), *size), k) for k, size in enumerate(sizes)
    ]
    tab = open_images({"run": values}, "?stepAt=0")
    until_pixel(tab, card_pixel("mixed"), [9, 9, 0])
    box = "(({ width, height }) => [width, height])(document.querySelector('.vc')" + (
        ".getBoundingClientRect())"
    )
    before = tab.evaluate(box)

    for step in range(1, len(sizes)):
        tab.page.keyboard.press("ArrowRight")
        tab.until(f"{card_pixel('mixed')}?.[2] - {step} <= 2 && {card_pixel('mixed')}?.[2] > 0")
        assert tab.evaluate(box) == before


def test_brightness_and_contrast_can_be_set_and_taken_back(open_images):
    tab = open_images(two_runs(), "?brightness=1.5&contrast=3")
    look = "getComputedStyle(document.querySelector('.im-canvas')).filter"
    tab.until(f"{look} === 'brightness(1.5) contrast(3)'")

    tab.page.click("button:has-text('View')")
    tab.page.click(".im-look .link")

    tab.until(f"{look} === 'none'")


def test_the_width_of_pictures_follows_its_slider(open_images):
    tab = open_images(two_runs())
    until_pixel(tab, card_pixel("a", "one"), [100, 50, 25])
    width = "document.querySelector('.im-frame').clientWidth"
    before = tab.evaluate(width)

    tab.evaluate(
        "(() => { const s = document.querySelector('.im-width');"
        "s.value = 600; s.dispatchEvent(new Event('input')); })()"
    )

    tab.until(f"{width} > {before} + 200")


def test_what_cannot_be_shown_says_why_and_leads_to_health(open_images):
    runs = {
        "run": [
            (value("a/svg", pictures.SVG), 1),
            (value("b/good", png_of(flat([1, 2, 3]))), 1),
            (pictures.batch("c/empty", []), 1),
        ]
    }
    tab = open_images(runs, may_fail=True)

    until_pixel(tab, card_pixel("b/good"), [1, 2, 3])
    tab.until("document.querySelector('.vc-failure')")
    (text,) = tab.texts(".vc-failure p")
    assert "SVG" in text
    assert tab.evaluate("document.querySelector('.vc-failure a').getAttribute('href')").endswith(
        "health"
    )
    tab.until("document.querySelector('.im-note:not([hidden])')")
    assert not [fault for fault in tab.faults if "422" not in fault]


def test_without_images_the_page_says_what_to_log(open_images):
    tab = open_images({})

    tab.until("document.querySelector('.empty code')?.checkVisibility()")
    assert "add_image" in tab.texts(".empty code")[0]
