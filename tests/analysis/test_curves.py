import numpy as np
import pytest

from gpuboard import limits
from gpuboard.analysis.cache import ColumnCache
from gpuboard.analysis.curves import curves
from gpuboard.analysis.layers import NO_RUN
from gpuboard.analysis.markers import KINDS
from gpuboard.analysis.request import CurveRequest, Fold, Smoothing
from gpuboard.analysis.smooth import smooth
from gpuboard.errors import InputError
from tests.analysis.series_maker import lines_of, source

EMA = Smoothing("ema", 0.6)


def noise(n, seed=0):
    return np.random.default_rng(seed).normal(size=n)


def test_short_runs_are_drawn_whole():
    chart = curves([source([1.0, 2, 4], run=7), source([5.0], run=3)], CurveRequest())

    lines = lines_of(chart)
    assert [(role, run, x.tolist(), y.tolist()) for role, run, x, y in lines] == [
        ("line", 7, [0, 1, 2], [1, 2, 4]),
        ("line", 3, [0], [5]),
    ]
    assert chart.lines.rows.points.tolist() == [3, 1]
    assert chart.lines.rows.last.tolist() == [4, 5]
    assert chart.lines.rows.last_step.tolist() == [2, 0]
    assert (chart.x_extent, chart.y_extent) == ((0, 2), (1, 5))


def test_smoothing_adds_a_line_on_top_of_the_one_logged():
    values = noise(30)

    lines = lines_of(curves([source(values)], CurveRequest(smoothing=EMA)))

    assert [line[0] for line in lines] == ["raw", "line"]
    np.testing.assert_array_equal(lines[0][3], values)
    np.testing.assert_array_equal(lines[1][3], smooth(np.arange(30.0), values, EMA))


def test_each_run_is_smoothed_for_itself():
    runs = [source(noise(40, seed), run=seed) for seed in range(3)]

    together = lines_of(curves(runs, CurveRequest(smoothing=EMA)))

    alone = [line for run in runs for line in lines_of(curves([run], CurveRequest(smoothing=EMA)))]
    by_role = sorted(alone, key=lambda line: line[0] == "line")
    for one, other in zip(together, by_role, strict=True):
        assert one[:2] == other[:2]
        np.testing.assert_array_equal(one[3], other[3])


def test_large_and_small_runs_keep_their_order():
    runs = [source(noise(n, n), run=k) for k, n in enumerate([5, 150_000, 7, 3, 120_000])]

    chart = curves(runs, CurveRequest(smoothing=EMA))

    assert chart.lines.rows.run.tolist() == [0, 1, 2, 3, 4] * 2
    assert chart.lines.rows.points.tolist() == [5, 150_000, 7, 3, 120_000] * 2


def test_relative_time_starts_at_each_runs_own_origin():
    runs = [source([1.0, 2], origin=990.0), source([1.0, 2], run=1, origin=1000.0)]

    lines = lines_of(curves(runs, CurveRequest(axis="relative")))

    assert [line[2].tolist() for line in lines] == [[10, 11], [0, 1]]


def test_a_restart_is_drawn_as_one_line_and_its_past_on_demand():
    run = source([1.0, 2, 3, 4, 9, 9], steps=[0, 1, 2, 3, 2, 3], starts=[0, 4])

    plain = lines_of(curves([run], CurveRequest()))
    full = lines_of(curves([run], CurveRequest(overwritten=True)))

    assert plain[0][2].tolist() == [0, 1, 2, 3]
    assert plain[0][3].tolist() == [1, 2, 9, 9]
    assert full[0][0] == "overwritten"
    assert full[0][3].tolist() == [3, 4]


def test_a_run_without_a_past_has_no_overwritten_line():
    runs = [source([1.0, 2, 9], run=1, steps=[0, 1, 1], starts=[0, 2]), source([1.0, 2], run=2)]

    lines = lines_of(curves(runs, CurveRequest(overwritten=True)))

    assert [(role, run) for role, run, _, _ in lines] == [
        ("overwritten", 1),
        ("line", 1),
        ("line", 2),
    ]


def test_a_window_keeps_the_extent_of_all_and_measures_what_is_seen():
    chart = curves([source(np.arange(100.0) ** 2)], CurveRequest(window=(10, 20)))

    assert chart.x_extent == (0, 99)
    assert chart.y_extent == (100, 400)
    assert chart.x.tolist() == list(range(9, 22))


def test_zooming_in_shows_every_point():
    values = noise(1_000_000)

    chart = curves([source(values)], CurveRequest(window=(500_000, 500_100), width=320))

    np.testing.assert_array_equal(chart.y, values[499_999:500_102])


def test_markers_tell_run_place_and_kind():
    chart = curves([source([1.0, np.nan, np.inf], run=5)], CurveRequest(smoothing=EMA))

    markers = chart.markers
    assert markers.run.tolist() == [5, 5]
    assert markers.x.tolist() == [1, 2]
    assert [KINDS[k] for k in markers.kind] == ["nan", "inf"]
    assert markers.total == 2


def test_markers_of_many_runs_are_capped_and_counted():
    runs = [source(np.full(1000, np.nan), run=k) for k in range(5)]

    markers = curves(runs, CurveRequest()).markers

    assert markers.total == 5000
    assert len(markers.x) == limits.MAX_MARKERS.value
    assert set(markers.run) == set(range(5))


@pytest.mark.parametrize("smoothing", [Smoothing(), EMA])
def test_a_chart_stays_within_its_point_budget(smoothing):
    runs = [source(noise(3000, k), run=k) for k in range(300)]

    chart = curves(runs, CurveRequest(width=2000, smoothing=smoothing))

    assert len(chart.x) <= limits.MAX_CHART_POINTS.value
    assert (chart.lines.sent > 300).all()


def test_runs_that_zigzag_stay_within_the_budget(monkeypatch):
    monkeypatch.setattr(limits, "MAX_CHART_POINTS", limits.Limit("n", 1000, ""))
    steps = np.tile(np.arange(50), 40)
    runs = [source(noise(2000, k), run=k, steps=steps) for k in range(8)]

    assert len(curves(runs, CurveRequest()).x) <= 1000


def test_seeds_fold_into_a_band_and_others_stay_lines():
    runs = [source(noise(20, k), run=k, name=f"adam/seed{k}") for k in range(4)]
    runs.append(source([1.0, 2], run=9, name="lonely"))

    chart = curves(runs, CurveRequest(fold=Fold("(.*)/seed", band="minmax")))

    lines = lines_of(chart)
    assert [line[:2] for line in lines] == [
        ("low", "adam"),
        ("high", "adam"),
        ("line", 9),
        ("line", "adam"),
    ]
    values = np.array([noise(20, k) for k in range(4)])
    np.testing.assert_allclose(lines[0][3], values.min(0))
    np.testing.assert_allclose(lines[1][3], values.max(0))
    np.testing.assert_allclose(lines[3][3], values.mean(0))
    assert chart.lines.rows.points[-1] == 80
    assert chart.lines.rows.run.tolist() == [NO_RUN, NO_RUN, 9, NO_RUN]


def test_a_band_is_that_of_the_smoothed_lines():
    runs = [source(noise(20, k), run=k, name=f"s{k}") for k in range(3)]

    lines = lines_of(curves(runs, CurveRequest(smoothing=EMA, fold=Fold("s"))))

    smoothed = np.array([smooth(np.arange(20.0), noise(20, k), EMA) for k in range(3)])
    np.testing.assert_allclose(lines[-1][3], smoothed.mean(0))


def test_edges_of_a_band_share_their_x():
    runs = [source(noise(5000, k), run=k, name=f"s{k}") for k in range(3)]

    low, high, _ = lines_of(curves(runs, CurveRequest(width=100, fold=Fold("s"))))

    np.testing.assert_array_equal(low[2], high[2])
    assert len(low[2]) <= 202


def test_a_folded_window_starts_at_its_neighbours():
    runs = [source(noise(100, k), run=k, name=f"s{k}") for k in range(3)]

    line = lines_of(curves(runs, CurveRequest(window=(10, 20), fold=Fold("s"))))[-1]

    assert line[2].tolist() == list(range(9, 22))


def test_a_run_that_goes_back_is_folded_in_order_of_x():
    run = source([1.0, 2, 3, 9], steps=[0, 1, 2, 1], name="s0")

    line = lines_of(curves([run], CurveRequest(fold=Fold("s"))))[-1]

    assert (line[2].tolist(), line[3].tolist()) == ([0, 1, 2], [1, 9, 3])


def test_no_runs_make_an_empty_chart():
    chart = curves([], CurveRequest(smoothing=EMA, fold=Fold("a")))

    assert len(chart.x) == len(chart.lines.role) == 0
    assert chart.x_extent is chart.y_extent is chart.y_robust is None


def test_runs_without_a_known_time_have_no_line_over_time():
    run = source([1.0, 2], walls=[np.nan, np.nan])

    assert len(curves([run], CurveRequest(axis="wall")).lines.role) == 0
    assert len(curves([run], CurveRequest(axis="step")).lines.role) == 1


def test_the_smoothed_line_of_a_large_run_is_kept_until_the_run_changes():
    cache = ColumnCache(1 << 30)
    values = noise(120_000)
    request = CurveRequest(smoothing=EMA)

    first = curves([source(values)], request, "loss", cache)
    used = cache.bytes
    again = curves([source(values)], request, "loss", cache)
    curves([source(values, version=2)], request, "loss", cache)

    assert used == values.nbytes
    np.testing.assert_array_equal(first.y, again.y)
    assert cache.bytes == 2 * used


def test_other_tags_and_axes_do_not_share_what_is_kept():
    cache = ColumnCache(1 << 30)
    for tag, axis, smoothing in (
        ("a", "step", EMA),
        ("b", "step", EMA),
        ("a", "relative", EMA),
        ("a", "step", Smoothing("ema", 0.5)),
    ):
        curves([source(noise(120_000))], CurveRequest(axis=axis, smoothing=smoothing), tag, cache)

    assert cache.bytes == 4 * 120_000 * 8


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"axis": "epoch"}, "x: got 'epoch'"),
        ({"width": 0}, "width: got 0"),
        ({"width": 99_999}, "width: got 99999"),
        ({"window": (2.0, 1.0)}, "range: got"),
        ({"window": (0.0, float("inf"))}, "range: got"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(fields, message):
    with pytest.raises(InputError, match=message):
        CurveRequest(**fields)


@pytest.mark.parametrize("fields", [{"center": "mode"}, {"band": "iqr"}])
def test_a_fold_of_an_unknown_kind_is_refused(fields):
    with pytest.raises(InputError, match="expected one of"):
        Fold("a", **fields)
