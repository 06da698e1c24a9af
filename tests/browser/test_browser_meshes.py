"""Meshes in a browser that draws in 3D on the processor."""

from __future__ import annotations

import json
import math
import shutil

import numpy as np
import pytest

from gpuboard.eventlog.append import EventFileWriter
from gpuboard.store.store import Store
from gpuboard.summaries import mesh

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or ""
ARGS = [
    "--no-sandbox",
    "--disable-dev-shm-usage",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
CORNERS = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], np.float32)
SIDES = np.array(
    [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
)
CUBE = np.concatenate([SIDES[:, [0, 1, 2]], SIDES[:, [0, 2, 3]]])
RED = np.tile(np.float32([255, 0, 0]), (8, 1))
FRONT = "meshCamera=[0,0,1,0,0,0]"


@pytest.fixture(scope="module")
def chromium():
    """Chromium without `--disable-gpu`, with which it complains of each copy out of WebGL."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not CHROMIUM:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield browser
        browser.close()


def log(path, name, arrays, *, step=0):
    with EventFileWriter(path) as writer:
        for value in mesh.encode(name, *arrays):
            writer.add_value(value, step)


def store_of(path):
    store = Store(path)
    store.refresh()
    return store


def cube_store(path, runs=("a",), steps=1):
    for run in runs:
        for step in range(steps):
            stretched = CORNERS * [1, 1 - 0.15 * step, 1]
            log(path / run, "shapes/cube", (stretched[None], RED[None], CUBE[None]), step=step)
    return store_of(path)


def cloud(seed=0, n=2000):
    return np.random.default_rng(seed).normal(size=(n, 3)).astype(np.float32)


def until_drawn(tab, cards=1):
    return tab.until(f"document.querySelectorAll('.me-view[data-drawn]').length >= {cards}")


def picture(tab, card=0):
    """Return the pixels of a card, shape (h, w, 4)."""
    tab.page.wait_for_timeout(60)
    tab.until("!document.querySelector('.me-view[data-state=moving]')")
    found = tab.evaluate(
        f"""() => {{
          const shown = document.querySelectorAll('.me-canvas')[{card}];
          const {{ width, height }} = shown;
          const canvas = new OffscreenCanvas(width, height);
          const context = canvas.getContext('2d', {{ willReadFrequently: true }});
          context.drawImage(shown, 0, 0);
          const {{ data }} = context.getImageData(0, 0, width, height);
          return [height, width, Array.from(data).join()];
        }}"""
    )
    return np.fromstring(found[2], np.uint8, sep=",").reshape(found[0], found[1], 4)


def until_changed(tab, before, card=0):
    for _ in range(100):
        after = picture(tab, card)
        if after.shape != before.shape or (after != before).any():
            return after
    pytest.fail("the picture stayed the same")


def drawn_part(pixels):
    """Return which pixels are not those of an empty corner."""
    return (np.abs(pixels.astype(int) - pixels[0, 0].astype(int)) > 12).any(axis=2)


def middle_of(tab, card=0):
    box = tab.page.locator(".me-view").nth(card).bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2, box["height"]


def drag(tab, dx, dy, card=0):
    x, y, _ = middle_of(tab, card)
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x + dx / 2, y + dy / 2)
    tab.page.mouse.move(x + dx, y + dy)
    tab.page.mouse.up()


def test_a_mesh_has_its_colours_its_shape_and_a_caption(open_store, tmp_path):
    tab = until_drawn(open_store(cube_store(tmp_path), f"meshes?{FRONT}&meshAxes=0"))

    pixels = picture(tab)

    # From the front its side spans this part of the height (scale / distance of a unit sphere).
    half = math.tan(math.radians(17.5))
    side = (1 / half / math.sqrt(3)) / (1 / math.sin(math.radians(17.5)) - 1 / math.sqrt(3))
    rows, columns = np.nonzero(drawn_part(pixels))
    height, width = pixels.shape[:2]
    assert np.ptp(rows) == pytest.approx(side * height, abs=3)
    assert np.ptp(columns) == pytest.approx(side * height, abs=3)
    red, green, blue = pixels[height // 2, width // 2, :3].astype(int)
    assert red > 4 * max(green, blue)
    assert tab.texts(".me-caption") == ["8 vertices, 12 triangles"]
    assert tab.texts(".vc-title") == ["cube"]


def test_a_cloud_is_drawn_and_what_is_not_finite_is_counted(open_store, tmp_path):
    points = cloud()
    points[7, 1] = np.nan
    log(tmp_path, "cloud", (points[None],))
    tab = until_drawn(open_store(store_of(tmp_path), "meshes"))

    assert drawn_part(picture(tab)).mean() > 0.02
    assert tab.texts(".me-caption") == ["2,000 points, 1 not finite"]


@pytest.mark.slow
def test_dragging_turns_all_linked_cards_and_the_address_keeps_it(open_store, tmp_path):
    store = cube_store(tmp_path, ("a", "b"))
    tab = until_drawn(open_store(store, f"meshes?{FRONT}"), 2)
    before = [picture(tab, card) for card in (0, 1)]

    drag(tab, 60, 30)

    after = [until_changed(tab, before[card], card) for card in (0, 1)]
    np.testing.assert_array_equal(*after)
    assert (drawn_part(after[0]) != drawn_part(before[0])).mean() > 0.01
    until_drawn(tab.reload(), 2)
    np.testing.assert_array_equal(picture(tab, 1), after[1])


@pytest.mark.slow
def test_cards_that_are_not_linked_turn_by_themselves(open_store, tmp_path):
    store = cube_store(tmp_path, ("a", "b"))
    tab = until_drawn(open_store(store, "meshes"), 2)
    tab.page.click("text=Linked cameras")
    before = [picture(tab, card) for card in (0, 1)]

    drag(tab, 60, 30)

    until_changed(tab, before[0], 0)
    np.testing.assert_array_equal(picture(tab, 1), before[1])


@pytest.mark.slow
def test_another_step_shows_another_mesh_through_the_same_camera(open_store, tmp_path):
    tab = until_drawn(open_store(cube_store(tmp_path, steps=3), f"meshes?{FRONT}&meshAxes=0"))
    last = picture(tab)

    tab.page.fill(".vp-step-number", "0")
    tab.page.keyboard.press("Enter")
    first = until_changed(tab, last)

    spans = [np.ptp(np.nonzero(drawn_part(pixels))[0]) for pixels in (first, last)]
    assert spans[0] / spans[1] == pytest.approx(1 / 0.7, rel=0.03)  # in the same units
    assert tab.page.inner_text(".vc-label") == "step 0"


@pytest.mark.slow
def test_keys_turn_the_view_that_has_the_focus_and_no_step(open_store, tmp_path):
    tab = until_drawn(open_store(cube_store(tmp_path, steps=3), f"meshes?{FRONT}"))
    before = picture(tab)

    tab.page.focus(".me-view")
    tab.page.keyboard.press("ArrowRight")
    until_changed(tab, before)
    assert tab.page.inner_text(".vc-label") == "step 2"

    tab.page.keyboard.press("ArrowLeft")
    tab.until("!location.search.includes('stepAt')")
    for _ in range(50):
        if (picture(tab) == before).all():
            return
    pytest.fail("turning back did not bring the picture back")


def test_a_click_shows_the_frontmost_vertex_and_a_second_one_lets_go(open_store, tmp_path):
    tab = until_drawn(open_store(cube_store(tmp_path), f"meshes?{FRONT}"))
    x, y, height = middle_of(tab)
    near = 1 / math.sqrt(3)
    sine, tangent = math.sin(math.radians(17.5)), math.tan(math.radians(17.5))
    away = near / tangent / (1 / sine - near) * height / 2 - 4

    tab.page.mouse.click(x + away, y - away)

    tab.until("document.querySelector('.me-tip')?.checkVisibility()")
    text = tab.page.inner_text(".me-tip")
    assert "Vertex 7" in text
    assert tab.texts(".me-tip dd")[:4] == ["1", "1", "1", "#ff0000"]
    tab.page.mouse.click(x + away, y - away)
    tab.page.mouse.move(5, 5)
    tab.until("!document.querySelector('.me-tip').checkVisibility()")


@pytest.mark.slow
def test_a_point_is_found_in_a_cloud_by_hovering(open_store, tmp_path):
    points = np.concatenate([np.float32([[0, 0, 0]]), 4 * CORNERS])
    log(tmp_path, "cloud", (points[None] + np.float32([100, 20, 3]),))
    tab = until_drawn(open_store(store_of(tmp_path), f"meshes?{FRONT}"))
    x, y, _ = middle_of(tab)

    tab.page.mouse.move(x + 30, y)
    tab.page.mouse.move(x + 5, y + 4)

    tab.until("document.querySelector('.me-tip')?.checkVisibility()")
    assert tab.texts(".me-tip dd") == ["100", "20", "3"]
    assert "Vertex 0" in tab.page.inner_text(".me-tip")


@pytest.mark.slow
def test_the_wheel_zooms_once_the_view_was_pressed(open_store, tmp_path):
    tab = until_drawn(open_store(cube_store(tmp_path), "meshes"))
    before = picture(tab)
    x, y, _ = middle_of(tab)

    tab.page.mouse.move(x, y)
    tab.page.mouse.wheel(0, -200)
    tab.until("document.querySelector('.me-note').textContent.includes('Press the view')")
    np.testing.assert_array_equal(picture(tab), before)
    tab.page.focus(".me-view")
    tab.page.mouse.wheel(0, -200)

    after = until_changed(tab, before)
    assert drawn_part(after).sum() > 1.2 * drawn_part(before).sum()


def test_a_click_on_an_axis_looks_along_it(open_store, tmp_path):
    tab = until_drawn(open_store(cube_store(tmp_path), "meshes"))
    box = tab.page.locator(".me-view").bounding_box()
    right, bottom = box["x"] + box["width"] - 40, box["y"] + box["height"] - 40
    lifted = 26 * math.cos(0.4)  # the y axis of the first view

    tab.page.mouse.click(right, bottom - lifted)

    tab.until(f"location.search.includes('{round(math.pi / 2, 6)}')")


@pytest.mark.slow
def test_each_choice_of_the_look_changes_the_picture(open_store, tmp_path):
    tab = until_drawn(open_store(cube_store(tmp_path), "meshes"))
    tab.page.click("button.button:has-text('View')")
    look = tab.page.locator(".me-look")

    for name, value in [
        ("Surface", "edged"),
        ("Surface", "wire"),
        ("Surface", "points"),
        ("Surface", "solid"),
        ("Shading", "flat"),
        ("Colours", "run"),
        ("Colours", "height"),
        ("Up", "z"),
    ]:
        before = picture(tab)
        look.get_by_label(name, exact=True).select_option(value)
        assert drawn_part(until_changed(tab, before)).any(), (name, value)
    for name in ("Axes", "Bounding box"):
        before = picture(tab)
        look.get_by_label(name, exact=True).click()
        until_changed(tab, before)


@pytest.mark.slow
def test_an_item_of_a_batch_can_be_picked(open_store, tmp_path):
    batch = np.stack([CORNERS, CORNERS * [1, 0.2, 1]])
    log(tmp_path, "cube", (batch, None, np.stack([CUBE, CUBE])))
    tab = until_drawn(open_store(store_of(tmp_path), f"meshes?{FRONT}&meshAxes=0"))
    before = picture(tab)

    tab.page.select_option(".me-batch select", "1")

    after = until_changed(tab, before)
    tall, flat = (np.ptp(np.nonzero(drawn_part(one))[0]) for one in (before, after))
    assert flat < 0.5 * tall
    assert tab.texts(".me-caption span") == ["8 vertices, 12 triangles", "2 of 2"]


def test_the_look_that_a_script_asked_for_is_taken(open_store, tmp_path):
    config = {"scene": {"background": "#102030"}, "material": {"color": "#00ff00"}}
    log(tmp_path, "cube", (CORNERS[None], None, CUBE[None], config))
    tab = until_drawn(open_store(store_of(tmp_path), f"meshes?{FRONT}"))

    pixels = picture(tab)

    assert pixels[0, 0].tolist() == [0x10, 0x20, 0x30, 255]
    red, green, blue = pixels[pixels.shape[0] // 2, pixels.shape[1] // 2, :3].astype(int)
    assert green > 4 * max(red, blue)


@pytest.mark.slow
def test_picture_and_mesh_can_be_saved(open_store, tmp_path):
    tab = until_drawn(open_store(cube_store(tmp_path), "meshes"))
    saved = {}
    for name in ("PNG", "PLY"):
        tab.page.hover(".vc")
        tab.page.click("[aria-label=Save]")
        with tab.page.expect_download() as download:
            tab.page.click(f".me-menu-item:has-text('{name}')")
        saved[name] = (download.value.suggested_filename, download.value.path().read_bytes())

    name, png = saved["PNG"]
    assert name == "a_cube_step_0.png"
    assert png.startswith(b"\x89PNG")
    name, ply = saved["PLY"]
    head, _, body = ply.partition(b"end_header\n")
    assert name == "a_cube_step_0.ply"
    assert b"element vertex 8\n" in head
    assert b"element face 12\n" in head
    rows = np.frombuffer(body, [("at", "<f4", 3), ("colour", "u1", 3)], 8)
    np.testing.assert_array_equal(rows["at"], CORNERS)
    np.testing.assert_array_equal(rows["colour"], RED)
    faces = np.frombuffer(body, [("n", "u1"), ("at", "<u4", 3)], 12, rows.nbytes)
    np.testing.assert_array_equal(faces["at"], CUBE)


KEEP_CONTEXTS = """
const before = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  const made = before.call(this, kind, ...rest);
  if (kind === "webgl2") (window.contexts ??= []).push(made);
  return made;
};
"""
NO_CONTEXTS = """
const before = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, ...rest) {
  return kind === "webgl2" ? null : before.call(this, kind, ...rest);
};
"""


@pytest.mark.slow
def test_what_the_graphics_card_lost_is_drawn_again(serve_store, open_tab, tmp_path):
    tab = open_tab(serve_store(cube_store(tmp_path)).root_url)
    tab.page.add_init_script(KEEP_CONTEXTS)
    until_drawn(tab.open("meshes"))
    alive = "contexts.filter(gl => !gl.isContextLost())"
    tab.evaluate(f"window.losers = {alive}.map(gl => gl.getExtension('WEBGL_lose_context')), 0")

    tab.evaluate("losers.forEach(one => one.loseContext()), 0")
    tab.until("document.querySelector('.me-note').textContent.includes('has been lost')")
    drawn = int(tab.evaluate("document.querySelector('.me-view').dataset.drawn"))
    tab.evaluate("losers.forEach(one => one.restoreContext()), 0")

    tab.until(f"document.querySelector('.me-view').dataset.drawn > {drawn}")
    assert drawn_part(picture(tab)).mean() > 0.02
    assert not tab.page.is_visible(".me-note")


@pytest.mark.slow
def test_all_cards_share_one_context(serve_store, open_tab, tmp_path):
    runs = [f"r{i:02}" for i in range(20)]
    tab = open_tab(serve_store(cube_store(tmp_path, runs)).root_url)
    tab.page.add_init_script(KEEP_CONTEXTS)
    tab.page.set_viewport_size({"width": 1600, "height": 2400})
    until_drawn(tab.open("meshes"), 12)

    kept = tab.evaluate("[...new Set(contexts)].filter(gl => !gl.isContextLost()).length")

    assert kept == 1


def test_a_browser_without_webgl_says_so(serve_store, open_tab, tmp_path):
    tab = open_tab(serve_store(cube_store(tmp_path)).root_url)
    tab.page.add_init_script(NO_CONTEXTS)

    tab.open("meshes")

    tab.until("document.querySelector('.me-note')?.textContent.includes('WebGL2')")


def test_a_log_without_meshes_says_how_to_log_one(open_store, tmp_path):
    with EventFileWriter(tmp_path) as writer:
        writer.add_scalar("x", 1.0, 0)

    tab = open_store(store_of(tmp_path), "meshes")

    tab.until("document.querySelector('.empty code')?.textContent.includes('add_mesh')")


@pytest.fixture
def call(open_store, tmp_path):
    """Evaluate code with one of our modules as `m`."""
    from gpuboard.serve.static_files import static_url

    tab = open_store(cube_store(tmp_path), "meshes")

    def run(module, code):
        url = json.dumps(f"{tab.url}/{static_url(module)}")
        return tab.evaluate(f"async () => {{ const m = await import({url}); return {code}; }}")

    return run


def test_normals_weigh_triangles_by_their_area(call):
    points, faces = cloud(3, 30), np.random.default_rng(4).integers(0, 30, (40, 3))
    corners = points[faces].astype(np.float64)
    crosses = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    expected = np.zeros((30, 3))
    for face, cross in zip(faces, crosses, strict=True):
        for vertex in set(face.tolist()) if len(set(face.tolist())) == 3 else ():
            expected[vertex] += cross
    lengths = np.linalg.norm(expected, axis=1, keepdims=True)
    expected = np.divide(expected, lengths, out=np.zeros_like(expected), where=lengths > 0)

    found = call(
        "mesh_shape.js",
        f"Array.from(m.normalsOf({{vertices: Float32Array.from({points.ravel().tolist()}), n: 30,"
        f" sphere: {{r: 2}}}}, Uint32Array.from({faces.ravel().tolist()})))",
    )

    normals = np.array(found).reshape(30, 4)[:, :3] / 32767
    np.testing.assert_allclose(normals, expected, atol=1e-3)


def test_a_shuffled_cloud_has_each_finite_point_once(call):
    found = call(
        "mesh_shape.js",
        "Array.from(m.shuffled({vertices: Float32Array.from({length: 300},"
        " (_, i) => i === 31 ? NaN : i), n: 100, bad: 1}))",
    )

    assert sorted(found) == [i for i in range(100) if i != 10]
    assert found != sorted(found)


@pytest.mark.parametrize("up", ["y", "z"])
def test_zooming_keeps_what_is_under_the_pointer(call, up):
    found = call(
        "mesh_camera.js",
        f"""(() => {{
          const scene = {{ width: 300, height: 200, up: "{up}", ball: {{x: 0, y: 0, z: 0, r: 1}} }};
          const camera = {{ ...m.START, yaw: 1.1, pitch: -0.3, zoom: 2, x: 0.2, y: 0.1, z: 0.3 }};
          const view = m.viewOf(camera, scene);
          const across = 40 * view.perPixel, along = 25 * view.perPixel;
          const place = [0, 1, 2].map((i) => [camera.x, camera.y, camera.z][i]
            + view.right[i] * across - view.upward[i] * along);
          const before = m.projected(view, ...place);
          const after = m.projected(m.viewOf(m.zoomed(camera, view, 3, 40, 25), scene), ...place);
          return [before.x, before.y, after.x, after.y];
        }})()""",
    )

    np.testing.assert_allclose(found, [190, 125, 190, 125], atol=1e-6)
