"""Lean figures: what a page asks for is what the browser is sent."""

from __future__ import annotations

import numpy as np
import pytest
from bokeh.document import Document
from bokeh.models import HoverTool, LogScale, MultiLine, SaveTool, TimedeltaAxis

from gpuboard.errors import InputError
from gpuboard.serve import figures
from gpuboard.serve.figures import DARK, LIGHT, Line, LineFigure, band, lean_plot


def a_line(role="line", y=(1.0, 2.0, 4.0), name="run") -> Line:
    return Line(name, role, "#123456", np.arange(len(y), dtype=float), np.array(y, dtype=float))


def test_a_plot_is_valid_and_has_two_axes_and_no_default_extras():
    document = Document()
    document.add_root(lean_plot(x_label="Step", y_label="loss"))

    document.validate()
    plot = document.roots[0]
    assert [axis.axis_label for axis in plot.axis] == ["Step", "loss"]
    assert len(plot.grid) == 2
    assert plot.lod_threshold is None
    assert plot.toolbar.logo is None
    assert not plot.legend


def test_ranges_are_explicit_and_in_milliseconds_for_times():
    plot = lean_plot(x=(10.0, 20.0), y=(-1.0, 1.0), x_kind="duration")

    assert (plot.x_range.start, plot.x_range.end) == (10_000, 20_000)
    assert (plot.y_range.start, plot.y_range.end) == (-1, 1)
    assert isinstance(plot.xaxis[0], TimedeltaAxis)


def test_all_lines_are_one_source_and_each_role_has_its_glyph():
    figure = LineFigure(lean_plot())

    figure.set_lines([a_line("raw"), a_line("line"), a_line("overwritten")])

    sources = {id(renderer.data_source) for renderer in figure.plot.renderers}
    assert sources == {id(figure.source)}
    groups = [renderer.view.filter.group for renderer in figure.plot.renderers]
    assert groups == list(figures.ROLES)
    dashes = {r.view.filter.group: r.glyph.line_dash for r in figure.plot.renderers[1:]}
    assert dashes == {"raw": "solid", "line": "solid", "overwritten": "dashed"}
    assert isinstance(figure.plot.renderers[2].glyph, MultiLine)


def test_new_lines_are_one_change_of_the_document():
    document, changes = Document(), []
    figure = LineFigure(lean_plot())
    document.add_root(figure.plot)
    document.on_change(changes.append)

    figure.set_lines([a_line("raw"), a_line("line")])

    assert len(changes) == 1


def test_seconds_become_milliseconds_on_a_time_axis():
    figure = LineFigure(lean_plot(x_kind="time"), x_kind="time")

    figure.set_lines([a_line()])

    assert figure.source.data["xs"][0].tolist() == [0.0, 1000.0, 2000.0]


def test_fitting_covers_all_finite_values_with_room_above_and_below():
    figure = LineFigure(lean_plot())
    figure.set_lines([a_line(y=(1.0, np.nan, 3.0)), a_line(y=(2.0, 5.0))])

    figure.fit()

    assert (figure.plot.x_range.start, figure.plot.x_range.end) == (0.0, 2.0)
    assert (figure.plot.y_range.start, figure.plot.y_range.end) == pytest.approx((0.8, 5.2))
    assert figure.plot.y_range.reset_start == figure.plot.y_range.start


def test_fitting_a_log_axis_leaves_out_what_has_no_logarithm():
    figure = LineFigure(lean_plot(y=(1.0, 10.0), y_kind="log"))
    figure.set_lines([a_line(y=(-5.0, 0.0, 1.0, 100.0))])

    figure.fit()

    assert isinstance(figure.plot.y_scale, LogScale)
    assert figure.plot.y_range.start == pytest.approx(100 ** (-0.05))
    assert figure.plot.y_range.end == pytest.approx(100**1.05)


def test_fitting_nothing_leaves_the_ranges_alone():
    figure = LineFigure(lean_plot(x=(2.0, 3.0)))

    figure.fit()

    assert (figure.plot.x_range.start, figure.plot.x_range.end) == (2.0, 3.0)


def test_one_value_alone_gets_room_around_it():
    figure = LineFigure(lean_plot())
    figure.set_lines([a_line(y=(7.0,))])

    figure.fit()

    assert (figure.plot.x_range.start, figure.plot.x_range.end) == (-0.5, 0.5)
    assert figure.plot.y_range.start < 7 < figure.plot.y_range.end


def test_a_band_is_a_closed_area_without_the_places_that_lack_an_edge():
    x = np.arange(4.0)
    area = band("b", "red", x, np.array([0.0, np.nan, 2.0, 3.0]), np.array([1.0, 2.0, 3.0, 4.0]))

    assert area.role == "band"
    assert area.x.tolist() == [0, 2, 3, 3, 2, 0]
    assert area.y.tolist() == [1, 3, 4, 3, 2, 0]


def test_a_log_axis_refuses_a_range_that_reaches_zero():
    with pytest.raises(InputError, match="above 0"):
        lean_plot(y=(0.0, 1.0), y_kind="log")


def test_both_themes_reach_every_part_of_the_frame():
    plot = lean_plot(theme=LIGHT)

    figures.restyle(plot, figures.theme_of("dark"))

    assert plot.background_fill_color == plot.border_fill_color == DARK.surface
    assert {grid.grid_line_color for grid in plot.grid} == {DARK.grid}
    assert {axis.major_label_text_color for axis in plot.axis} == {DARK.muted}
    assert figures.theme_of("anything") == LIGHT


def test_a_tooltip_never_shows_a_field_as_html():
    with pytest.raises(InputError, match="HTML"):
        figures.hover_of([], [("run", "@name{safe}")])


def test_names_from_logs_are_shown_with_nothing_hidden_in_them():
    figure = LineFigure(lean_plot(y_label="loss\u202e"))
    figure.set_lines([a_line(name="a\u202eb")])

    assert figure.source.data["name"] == ["a<U+202E>b"]
    assert figure.plot.yaxis[0].axis_label == "loss<U+202E>"
    assert figure.plot.select_one(HoverTool).tooltips[0] == ("", "@name")


@pytest.mark.parametrize(("save", "backend"), [("png", "canvas"), ("svg", "svg")])
def test_the_save_button_writes_the_format_that_was_asked_for(save, backend):
    plot = lean_plot(save=save)

    assert plot.output_backend == backend
    assert plot.select_one(SaveTool) is not None
