"""Make lean Bokeh figures: explicit ranges, two axes, one source, none of the usual extras.

A default `figure()` costs a browser about 130 ms, a lean plot about 40. `LineFigure` holds lines
and bands; `lean_plot` is the same frame for any other glyph.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Literal

import numpy as np
from bokeh.models import (
    Axis,
    BoxZoomTool,
    CDSView,
    ColumnDataSource,
    DatetimeAxis,
    Grid,
    GroupFilter,
    HoverTool,
    LinearAxis,
    LinearScale,
    LogAxis,
    LogScale,
    MultiLine,
    PanTool,
    Plot,
    Range1d,
    ResetTool,
    SaveTool,
    TimedeltaAxis,
    WheelZoomTool,
)
from bokeh.models.glyph import Glyph
from bokeh.models.glyphs import Patches
from bokeh.models.renderers import GlyphRenderer

from gpuboard.errors import InputError
from gpuboard.serve.text import plain
from gpuboard.store.columns import Float64s

AxisKind = Literal["linear", "log", "time", "duration"]
Role = Literal["line", "raw", "overwritten", "band"]
SaveFormat = Literal["png", "svg"]

ROLES: tuple[Role, ...] = ("band", "raw", "line", "overwritten")  # painted in this order
MS_PER_S = 1000.0
_COLUMNS = ("xs", "ys", "name", "role", "colour")
_AXES: dict[str, type[Axis]] = {
    "linear": LinearAxis,
    "log": LogAxis,
    "time": DatetimeAxis,
    "duration": TimedeltaAxis,
}


@dataclasses.dataclass(frozen=True, slots=True)
class FigureTheme:
    """Colours of a figure, the same as the page's style sheet has them."""

    text: str
    muted: str
    grid: str
    axis: str
    surface: str


LIGHT = FigureTheme("#1a1e24", "#59626f", "#eceef1", "#cfd3da", "#ffffff")
DARK = FigureTheme("#e3e6ea", "#9aa3ae", "#20252b", "#3a414a", "#14171b")


def theme_of(name: str) -> FigureTheme:
    """Return the colours of the theme that a page's address names: "dark", else light."""
    return DARK if name == "dark" else LIGHT


def lean_plot(
    *,
    x: tuple[float, float] = (0.0, 1.0),
    y: tuple[float, float] = (0.0, 1.0),
    x_label: str = "",
    y_label: str = "",
    x_kind: AxisKind = "linear",
    y_kind: AxisKind = "linear",
    height: int = 360,
    theme: FigureTheme = LIGHT,
    save: SaveFormat = "png",
) -> Plot:
    """Return an empty figure that pans by dragging and zooms by wheel or box.

    Args:
        x: First range, in the unit of the axis; seconds for "time" and "duration".
        y: First range.
        x_label: Any text, also of a log: it is shown as text.
        y_label: As `x_label`.
        x_kind: "time" for seconds since the epoch, "duration" for seconds.
        y_kind: "linear" or "log".
        height: Pixels; the width follows the page.
        theme: `LIGHT` or `DARK`; `restyle` changes it later.
        save: What the save button writes. "svg" draws by SVG and suits up to some 10,000 points.

    Raises:
        InputError: A log axis with a range that is not above 0.
    """
    plot = Plot(
        x_range=_range(x, x_kind, "x"),
        y_range=_range(y, y_kind, "y"),
        x_scale=LogScale() if x_kind == "log" else LinearScale(),
        y_scale=LogScale() if y_kind == "log" else LinearScale(),
        height=height,
        sizing_mode="stretch_width",
        min_border=8,
        lod_threshold=None,  # else glyphs thin out while the user drags
        output_backend="svg" if save == "svg" else "canvas",
        toolbar_location="above",
        title=None,
    )
    x_axis = _axis(x_kind, x_label)
    y_axis = _axis(y_kind, y_label)
    plot.add_layout(x_axis, "below")
    plot.add_layout(y_axis, "left")
    plot.add_layout(Grid(axis=x_axis, dimension=0))
    plot.add_layout(Grid(axis=y_axis, dimension=1))
    _add_tools(plot)
    restyle(plot, theme)
    return plot


def restyle(plot: Plot, theme: FigureTheme) -> None:
    """Paint the frame of a figure in the colours of `theme`."""
    plot.background_fill_color = plot.border_fill_color = theme.surface
    plot.outline_line_color = None
    for axis in plot.axis:
        axis.axis_line_color = axis.major_tick_line_color = theme.axis
        axis.major_label_text_color = theme.muted
        axis.axis_label_text_color = theme.text
        axis.axis_label_text_font_style = "normal"
    for grid in plot.grid:
        grid.grid_line_color = theme.grid


def hover_of(
    renderers: Sequence[GlyphRenderer[Glyph]], columns: Iterable[tuple[str, str]]
) -> HoverTool:
    """Return a tooltip of rows (label, field); no field can bring markup from a log.

    Args:
        renderers: What reacts to the pointer.
        columns: Labels written by us, and fields such as "@tag" or "$snap_y".

    Raises:
        InputError: A field asks to be shown as HTML.
    """
    rows = list(columns)
    for label, field in rows:
        if "{safe}" in field or "{safe}" in label:
            raise InputError(f"tooltip {field!r}: shown as HTML, expected plain text such as @tag")
    return HoverTool(renderers=list(renderers), tooltips=rows, line_policy="nearest")


@dataclasses.dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line, or one band, of a figure.

    Attributes:
        name: What the tooltip calls it, such as the name of its run.
        role: How it is painted.
        colour: Any CSS colour.
        x: In the unit of the axis, seconds for times, shape (n,).
        y: NaN lifts the pen, shape (n,).
    """

    name: str
    role: Role
    colour: str
    x: Float64s
    y: Float64s


def band(name: str, colour: str, x: Float64s, low: Float64s, high: Float64s) -> Line:
    """Return the area between two lines over the same x; places without both are left out."""
    isfinite = np.isfinite(low) & np.isfinite(high)
    x, low, high = x[isfinite], low[isfinite], high[isfinite]
    return Line(name, "band", colour, np.r_[x, x[::-1]], np.r_[high, low[::-1]])


class LineFigure:
    """Lines and bands over two axes, all in one source that changes by one message.

    Attributes:
        plot: To be put into a layout.
        source: Columns xs, ys, name, role, colour; one row a line.
    """

    def __init__(self, plot: Plot, *, x_kind: AxisKind = "linear") -> None:
        """Add one glyph for each role to an empty `lean_plot` with the same `x_kind`."""
        self.plot = plot
        self.source = ColumnDataSource(
            {name: [] for name in ("xs", "ys", "name", "role", "colour")}
        )
        self._in_ms = x_kind in ("time", "duration")
        glyphs = {role: self._add(role) for role in ROLES}
        rows = [("", "@name"), ("x", "$snap_x"), ("y", "$snap_y")]
        plot.add_tools(hover_of([glyphs["line"]], rows))

    def set_lines(self, lines: Sequence[Line]) -> None:
        """Show just these lines; the ranges stay as they are."""
        scale = MS_PER_S if self._in_ms else 1.0
        self.source.data = {
            "xs": [line.x * scale for line in lines],
            "ys": [line.y for line in lines],
            "name": [plain(line.name) for line in lines],
            "role": [line.role for line in lines],
            "colour": [line.colour for line in lines],
        }

    def fit(self) -> None:
        """Set both ranges, and what the reset button returns to, to all that is shown."""
        for values, axis_range, is_log in (
            (self.source.data["xs"], self.plot.x_range, False),
            (self.source.data["ys"], self.plot.y_range, isinstance(self.plot.y_scale, LogScale)),
        ):
            found = _extent(values, positive=is_log)
            if found is not None and isinstance(axis_range, Range1d):
                low, high = found if axis_range is self.plot.x_range else _padded(found, is_log)
                axis_range.update(start=low, end=high, reset_start=low, reset_end=high)

    def _add(self, role: Role) -> GlyphRenderer[Glyph]:
        view = CDSView(filter=GroupFilter(column_name="role", group=role))
        return self.plot.add_glyph(self.source, _glyph(role), view=view)


def _glyph(role: Role) -> Glyph:
    if role == "band":
        return Patches(xs="xs", ys="ys", fill_color="colour", fill_alpha=0.17, line_color=None)
    alpha = {"line": 1.0, "raw": 0.25, "overwritten": 0.6}[role]
    dash = "dashed" if role == "overwritten" else "solid"
    return MultiLine(
        xs="xs", ys="ys", line_color="colour", line_alpha=alpha, line_width=1.5, line_dash=dash
    )


def _axis(kind: AxisKind, label: str) -> Axis:
    return _AXES[kind](axis_label=plain(label), minor_tick_line_color=None)


def _range(ends: tuple[float, float], kind: AxisKind, name: str) -> Range1d:
    low, high = ends
    if kind == "log" and low <= 0:
        raise InputError(f"{name}: a log axis from {low} to {high}, expected a range above 0")
    scale = MS_PER_S if kind in ("time", "duration") else 1.0
    return Range1d(start=low * scale, end=high * scale)


def _add_tools(plot: Plot) -> None:
    pan, wheel = PanTool(), WheelZoomTool(dimensions="width")
    plot.add_tools(pan, wheel, BoxZoomTool(), ResetTool(), SaveTool())
    plot.toolbar.active_drag = pan
    plot.toolbar.active_scroll = wheel
    plot.toolbar.logo = None
    plot.toolbar.autohide = True


def _extent(columns: Iterable[Float64s], *, positive: bool) -> tuple[float, float] | None:
    """Return the least and the greatest finite value of all columns, None where there is none."""
    low, high = np.inf, -np.inf
    for values in columns:
        usable = values[np.isfinite(values) & (values > 0)] if positive else values
        low = min(low, float(np.nanmin(usable, initial=np.inf)))
        high = max(high, float(np.nanmax(usable, initial=-np.inf)))
    if not low <= high:
        return None
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _padded(ends: tuple[float, float], is_log: bool) -> tuple[float, float]:
    low, high = ends
    if is_log:
        factor = (high / low) ** 0.05 if low > 0 else 1.0
        return low / factor, high * factor
    return low - (high - low) * 0.05, high + (high - low) * 0.05
