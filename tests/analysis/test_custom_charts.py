import numpy as np
import pytest

from gpuboard import limits
from gpuboard.analysis.curves import curves
from gpuboard.analysis.custom_charts import MarginSources, lines_of_tags, lines_with_margins
from gpuboard.analysis.request import CurveRequest, Fold, Smoothing
from tests.analysis.series_maker import lines_of, source

NAMES = ("value", "lower", "upper")


def margin(value, lower, upper):
    return [(NAMES, MarginSources([value], [lower], [upper]))]


def test_the_lines_of_a_tag_are_those_of_its_own_chart():
    tags = [("a", [source([1.0, 2.0]), source([3.0], run=1)]), ("b", [source([5.0, 4.0, 3.0])])]
    request = CurveRequest(smoothing=Smoothing("ema", 0.5))

    found = lines_of_tags(tags, request)

    own = [lines_of(curves(sources, request, tag)) for tag, sources in tags]
    together = lines_of(found.chart)
    for line, wanted in zip(together, [line for lines in own for line in lines], strict=True):
        assert line[:2] == wanted[:2]
        assert line[2].tolist() == wanted[2].tolist()
        assert line[3].tolist() == wanted[3].tolist()
    assert found.line_tag.tolist() == [0] * len(own[0]) + [1] * len(own[1])


def test_extents_are_those_of_all_tags():
    tags = [("a", [source([1.0, 2.0])]), ("b", [source([9.0] * 5)]), ("none", [])]

    chart = lines_of_tags(tags, CurveRequest()).chart

    assert chart.x_extent == (0, 4)
    assert chart.y_extent == (1, 9)


def test_a_chart_without_tags_is_empty():
    chart = lines_of_tags([], CurveRequest()).chart

    assert chart.x_extent is None
    assert len(chart.x) == len(chart.lines.role) == 0


def test_markers_know_their_tag():
    tags = [("a", [source([1.0, np.nan])]), ("b", [source([np.inf, 2.0, np.nan])])]

    found = lines_of_tags(tags, CurveRequest())

    assert found.marker_tag.tolist() == [0, 1, 1]
    assert found.chart.markers.total == 3


def test_runs_are_folded_within_each_tag():
    seeds = [source([float(k)] * 3, run=k, name=f"x/seed{k}") for k in range(2)]
    tags = [("a", seeds), ("b", seeds)]

    found = lines_of_tags(tags, CurveRequest(fold=Fold(r"(.*)/seed\d")))

    lines = lines_of(found.chart)
    assert [(role, group) for role, group, *_ in lines if role == "line"] == [("line", "x")] * 2
    assert set(found.line_tag.tolist()) == {0, 1}


def test_many_lines_get_fewer_points_each_so_that_the_chart_stays_within_its_cap():
    values = np.random.default_rng(1).normal(size=20_000)
    tags = [(f"t{k}", [source(values, run=run) for run in range(40)]) for k in range(5)]

    chart = lines_of_tags(tags, CurveRequest(width=4000)).chart

    assert 200_000 < len(chart.x) <= limits.MAX_CHART_POINTS.value


@pytest.mark.parametrize("smoothing", [Smoothing(), Smoothing("ema", 0.7)])
def test_a_band_lies_between_the_lines_of_its_tags(smoothing):
    rng = np.random.default_rng(0)
    columns = [rng.normal(level, 0.1, 30) for level in (0.0, -1.0, 1.0)]
    request = CurveRequest(smoothing=smoothing)

    chart = lines_with_margins(margin(*map(source, columns)), request).chart

    lines = {role: (x, y) for role, _, x, y in lines_of(chart)}
    alone = [lines_of(curves([source(column)], request))[-1] for column in columns]
    for role, (*_, x, y) in zip(("line", "low", "high"), alone, strict=True):
        assert lines[role][0].tolist() == x.tolist()
        np.testing.assert_allclose(lines[role][1], y)
    assert chart.y_extent[0] <= lines["low"][1].min()
    assert chart.y_extent[1] >= lines["high"][1].max()


def test_margins_logged_at_other_steps_meet_where_both_have_a_line():
    lower = source([0.0, 2.0, 4.0], steps=[0, 20, 40])
    upper = source([10.0] * 5, steps=[10, 15, 20, 25, 30])

    chart = lines_with_margins(margin(source([5.0]), lower, upper), CurveRequest()).chart

    lines = {role: (x, y) for role, _, x, y in lines_of(chart)}
    x, low = lines["low"]
    assert x.tolist() == [0, 10, 15, 20, 25, 30, 40]
    np.testing.assert_allclose(low, np.interp(x, [0, 20, 40], [0, 2, 4]))
    assert np.isnan(lines["high"][1][[0, -1]]).all()
    assert lines["high"][1][1:-1].tolist() == [10.0] * 5


def test_a_run_without_one_of_its_margins_has_no_band():
    sources = MarginSources(
        [source([1.0], run=0), source([2.0], run=1)], [source([0.0], run=0)], []
    )

    chart = lines_with_margins([(NAMES, sources)], CurveRequest()).chart

    assert [role for role, *_ in lines_of(chart)] == ["line", "line"]


def test_a_fold_is_left_aside_where_runs_have_margins():
    parts = [[source([float(v)] * 3, run=k, name=f"s{k}") for k in range(2)] for v in (1, 0, 2)]
    request = CurveRequest(fold=Fold(r"s\d"))

    chart = lines_with_margins([(NAMES, MarginSources(*parts))], request).chart

    assert sorted((role, run) for role, run, *_ in lines_of(chart)) == [
        ("high", 0), ("high", 1), ("line", 0), ("line", 1), ("low", 0), ("low", 1),
    ]  # fmt: skip


def test_a_band_of_many_points_keeps_its_extremes():
    n = 50_000
    spike = np.zeros(n)
    spike[n // 3] = -7.0
    parts = (source(np.full(n, 1.0)), source(spike), source(np.full(n, 2.0)))

    chart = lines_with_margins(margin(*parts), CurveRequest(width=100)).chart

    (low,) = [y for role, _, _, y in lines_of(chart) if role == "low"]
    assert low.min() == -7.0
    assert len(low) <= 202
