"""The plain functions under the charts, called one by one."""

from __future__ import annotations

import json

import pytest
from scalar_store import ScalarStore, series_of

from gpuboard.serve.static_files import static_url


@pytest.fixture(scope="module")
def call(chromium):
    """Call an exported function of one of our modules, or evaluate `code` with it as `m`."""
    from gpuboard.apps import scalars

    from gpuboard.serve.context import Context, ServeConfig
    from gpuboard.serve.server import make_server

    store = ScalarStore({"a": {"t": series_of([1.0])}})
    server = make_server(ServeConfig(port=0, token=""), Context(store), [scalars.PAGE])
    server.start()
    page = chromium.new_page(timezone_id="Europe/Berlin")
    page.goto(f"{server.root_url}scalars")

    def run(module: str, code: str):
        url = json.dumps(f"{server.root_url}{static_url(module)}")
        return page.evaluate(f"async () => {{ const m = await import({url}); return {code}; }}")

    yield run
    page.close()
    server.stop()


@pytest.mark.parametrize(
    ("kind", "lo", "hi", "labels"),
    [
        ("value", 0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ("value", 0, 5e-6, ["0", "1e-6", "2e-6", "3e-6", "4e-6", "5e-6"]),
        ("value", 1.0001, 1.0003, ["1.00010", "1.00015", "1.00020", "1.00025", "1.00030"]),
        ("step", 0, 50_000, ["0", "10k", "20k", "30k", "40k", "50k"]),
        ("step", 0, 2_500_000, ["0", "0.5M", "1.0M", "1.5M", "2.0M", "2.5M"]),
        ("step", 12_340, 12_345, ["12,340", "12,341", "12,342", "12,343", "12,344", "12,345"]),
        ("relative", 0, 1500, ["0s", "5m", "10m", "15m", "20m", "25m"]),
        ("relative", 0, 400_000, ["0s", "1d", "2d", "3d", "4d"]),
    ],
)
def test_ticks_are_round_and_their_labels_short(call, kind, lo, hi, labels):
    got = call(
        "ticks.js",
        f"(({{ ticks, step }}) => ticks.map(m.labelsFor({kind!r}, ticks, step)))"
        f"(m.ticksFor({kind!r}, {lo}, {hi}, 5, false))",
    )

    assert got == labels


def test_names_have_the_order_of_the_server(call):
    import random

    from gpuboard.store.store import natural_key

    draw = random.Random(7)
    numbers = ["0.01", "0.003", "9", "10", "1.0", "1"]
    parts = ["lr", "run", "Run", "/", "", "é", "😀", "\uffee", *numbers]
    names = ["".join(draw.choices(parts, k=draw.randint(0, 5))) for _ in range(400)]
    names += ["9" * 400, "8" * 400, "1.2.3", "1.10.3"]

    got = call("natural.js", f"{json.dumps(names)}.sort(m.compareNames)")

    assert got == sorted(names, key=natural_key)


def test_completions_are_prefixes_from_short_to_long_and_then_tags(call):
    tags = ["a/b/c", "a/b/d", "lr", "x/y"]

    assert call("tag_completion.js", f"m.completions({tags})") == ["a/", "x/", "a/b/", *tags]
    many = [f"t/{k}" for k in range(100)]
    assert call("tag_completion.js", f"m.completions({many})") == ["t/", *many[:49]]


@pytest.mark.parametrize(
    ("a", "b", "alike"),
    [
        ("{a: [1, {b: null}]}", "{a: [1, {b: null}]}", True),
        ("{a: 1}", "{a: 1, b: undefined}", False),
        ("{a: 1}", "{b: 1}", False),
        ("[1, 2]", "[1, 2, 3]", False),
        ("Float64Array.of(1, NaN)", "Float64Array.of(1, NaN)", True),
        ("Float64Array.of(1, 2)", "Float64Array.of(1, 3)", False),
        ("Float64Array.of(1)", "Float32Array.of(1)", False),
        ("null", "{}", False),
    ],
)
def test_values_are_alike_by_what_they_hold(call, a, b, alike):
    assert call("mounted.js", f"m.same({a}, {b})") is alike


def test_ticks_of_wall_time_are_round_on_the_clock_of_the_reader(call):
    hour = "(({ ticks, step }) => ticks.map(m.labelsFor('wall', ticks, step)))"

    # From 2026-09-21 16:13:20 in Berlin, for an hour and for two days.
    near = call("ticks.js", f"{hour}(m.ticksFor('wall', 1790000000, 1790003600, 6, false))")
    far = call("ticks.js", f"{hour}(m.ticksFor('wall', 1790000000, 1790200000, 6, false))")

    assert near == ["16:20", "16:30", "16:40", "16:50", "17:00", "17:10"]
    assert far == ["Sep 22", "12:00", "Sep 23", "12:00"]


def test_steps_are_never_parted(call):
    assert call("ticks.js", "m.ticksFor('step', 0, 3, 10, false).ticks") == [0, 1, 2, 3]


def test_a_log_axis_has_its_ticks_at_powers_of_ten(call):
    assert call("ticks.js", "m.ticksFor('value', 2e-4, 50, 8, true).ticks") == [
        1e-3,
        0.01,
        0.1,
        1,
        10,
    ]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("m.formatValue(0.0421357)", "0.042136"),
        ("m.formatValue(1.234567e-7)", "1.235e-7"),
        ("m.formatValue(31250)", "31250"),
        ("m.formatValue(NaN)", "NaN"),
        ("m.formatValue('-Infinity')", "-∞"),
        ("m.formatValue(null)", "–"),
        ("m.groupDigits('9223372036854775807')", "9,223,372,036,854,775,807"),
        ("m.formatDuration(0.35)", "350ms"),
        ("m.formatDuration(200)", "3m 20s"),
        ("m.formatDuration(-7200)", "−2h"),
        ("m.shortStep(1500000)", "1.5M"),
    ],
)
def test_numbers_are_written_as_people_read_them(call, code, text):
    assert call("ticks.js", code) == text


LINE = "{ x: Float64Array.of(0, 1, 2, 3, 10), y: Float64Array.of(5, NaN, 7, 8, 9), sorted: true }"


@pytest.mark.parametrize(("at", "index"), [(-5, 0), (0.4, 0), (0.9, 0), (1.2, 2), (7, 4), (99, 4)])
def test_the_nearest_point_is_one_that_has_a_value(call, at, index):
    assert call("curves.js", f"m.nearestIndex({LINE}, {at})") == index


def test_the_nearest_point_is_found_in_a_line_that_goes_back(call):
    line = "{ x: Float64Array.of(0, 5, 2, 3), y: Float64Array.of(1, 1, 1, 1), sorted: false }"

    assert call("curves.js", f"m.nearestIndex({line}, 2.2)") == 2


def test_a_line_without_values_has_no_nearest_point(call):
    line = "{ x: Float64Array.of(0, 1), y: Float64Array.of(NaN, NaN), sorted: true }"

    assert call("curves.js", f"m.nearestIndex({line}, 0)") == -1


def test_outliers_are_left_out_of_the_range_and_ordinary_ends_are_not(call):
    ramp = "Array.from({ length: 101 }, (_, i) => i)"
    code = (
        "((values) => m.yExtent([{{ line: {{ x: Float64Array.from(values.keys()),"
        " y: Float64Array.from(values) }} }}], {{ ignoreOutliers: true }}))({})"
    )

    assert call("curves.js", code.format(ramp)) == [0, 100]
    assert call("curves.js", code.format(f"[...{ramp}, 1e6]"))[1] < 250


def test_the_range_of_a_zoom_is_that_of_the_points_in_it(call):
    line = "{ x: Float64Array.of(0, 1, 2, 3), y: Float64Array.of(100, 1, 2, -50) }"

    assert call("curves.js", f"m.yExtent([{{ line: {line} }}], {{ view: [1, 2] }})") == [1, 2]


def test_a_point_between_gaps_is_a_dot_and_the_pen_is_up_at_nan(call):
    pen = (
        "new Proxy({ calls: [] }, { get: (t, k) => k === 'calls' ? t.calls"
        " : (...a) => t.calls.push(k), set: () => true })"
    )
    line = (
        "{ x: Float64Array.of(0, 1, 2, 3, 4, 5),"
        " y: Float64Array.of(1, 2, NaN, 3, NaN, 4), sorted: true }"
    )
    calls = call(
        "plot.js",
        f"""(() => {{
          const pen = {pen};
          const scene = {{ sx: m.axisScale(0, 5, 0, 500), sy: m.axisScale(0, 5, 100, 0) }};
          m.paintLine(pen, scene, {line}, 'red', 1, 1);
          return pen.calls;
        }})()""",
    )

    stroke = calls.index("stroke")
    assert calls[:stroke].count("moveTo") == 3
    assert calls[:stroke].count("lineTo") == 1
    assert calls[stroke:].count("arc") == 2


def test_a_log_scale_maps_there_and_back(call):
    place, back = call(
        "plot.js", "((s) => [s.to(10), s.from(s.to(37))])(m.axisScale(1, 100, 0, 200, true))"
    )

    assert place == pytest.approx(100)
    assert back == pytest.approx(37)


def test_tags_are_grouped_by_what_stands_before_the_first_slash(call):
    groups = call(
        "card_grid.js",
        "m.groupTags(['b/x', 'lone', 'a/y/z', 'a/q'].map((tag) => ({ tag })))"
        ".map(({ name, infos }) => [name, infos.map(({ tag }) => tag)])",
    )

    assert groups == [["", ["lone"]], ["a", ["a/y/z", "a/q"]], ["b", ["b/x"]]]


def test_a_plain_search_takes_its_signs_literally(call):
    assert call("tag_pattern.js", "m.tagPattern('a.b(c', false)") == r"a\.b\(c"
    assert call("tag_pattern.js", "m.tagPattern('a.b', true)") == "a.b"
