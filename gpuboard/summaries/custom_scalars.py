"""Read, write and merge layouts of scalars: categories of charts that show several tags each."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence

from google.protobuf.message import DecodeError

from gpuboard import limits
from gpuboard.errors import DataError, InputError
from gpuboard.eventlog.proto.custom_scalars_pb2 import (
    CustomScalarsCategory,
    CustomScalarsChart,
    CustomScalarsLayout,
    MarginContent,
    MultilineContent,
)
from gpuboard.eventlog.proto.event_pb2 import Summary, SummaryMetadata
from gpuboard.summaries.tensor import decode_strings, encode_strings

LAYOUT_TAG = "custom_scalars__config__"
PLUGIN = "custom_scalars"

# What torch's `SummaryWriter.add_custom_scalars` takes: {category: {chart: [kind, tags]}}.
LayoutDict = Mapping[str, Mapping[str, Sequence[object]]]


@dataclasses.dataclass(frozen=True, slots=True)
class Margin:
    """A tag whose value is drawn within a band between two others."""

    value: str
    lower: str
    upper: str


@dataclasses.dataclass(frozen=True, slots=True)
class Chart:
    """One chart: lines of all tags that match, or values with their margins.

    Attributes:
        tags: Regular expressions, each searched in the names of tags; () for a margin chart.
        margins: Names of tags; () for a chart of lines.
    """

    title: str
    tags: tuple[str, ...] = ()
    margins: tuple[Margin, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Category:
    """Charts under one heading; `closed` ones are folded up at first."""

    title: str
    charts: tuple[Chart, ...]
    closed: bool = False


Layout = tuple[Category, ...]


def encode(layout: LayoutDict) -> Summary.Value:
    """Return the summary value of a layout as torch's `add_custom_scalars` writes it.

    Args:
        layout: `{category: {chart: [kind, tags]}}`; kind "Margin" takes three tags (value, lower,
            upper), any other kind, such as "Multiline", takes any number of regular expressions.

    Raises:
        InputError: A chart is not such a pair, or a margin chart has not three tags.
    """
    categories = [
        CustomScalarsCategory(
            title=title, chart=[_encoded(name, content) for name, content in charts.items()]
        )
        for title, charts in layout.items()
    ]
    content = CustomScalarsLayout(category=categories).SerializeToString()
    plugin = SummaryMetadata.PluginData(plugin_name=PLUGIN)
    return Summary.Value(
        tag=LAYOUT_TAG,
        tensor=encode_strings([content], ()),
        metadata=SummaryMetadata(plugin_data=plugin),
    )


def decode(value: Summary.Value) -> Layout:
    """Return the categories of a layout.

    Raises:
        DataError: The value holds no layout, or one with more charts or tags than are shown.
    """
    _, found = decode_strings(value.tensor)
    if len(found) != 1:
        raise DataError(f"{LAYOUT_TAG}: {len(found)} strings, expected one that holds a layout")
    try:
        layout = CustomScalarsLayout.FromString(found[0])
    except DecodeError as error:
        raise DataError(f"{LAYOUT_TAG}: {len(found[0])} bytes that are no layout") from error
    charts = [chart for category in layout.category for chart in category.chart]
    parts = sum(len(chart.multiline.tag) + len(chart.margin.series) for chart in charts)
    most = limits.MAX_LAYOUT_PARTS.value
    if len(layout.category) + len(charts) + parts > most:
        raise DataError(
            f"{LAYOUT_TAG}: {len(layout.category)} categories, {len(charts)} charts and {parts} "
            f"tags, together at most {most} are shown ({limits.MAX_LAYOUT_PARTS.name})"
        )
    return tuple(
        Category(category.title, tuple(map(_decoded, category.chart)), category.closed)
        for category in layout.category
    )


def merged(layouts: Iterable[Layout]) -> Layout:
    """Return one layout of those of several runs.

    Categories of one title become one; a chart that stands in several of them stands there once,
    and charts of one title that show different tags stay side by side. A category is closed at
    first where every run says so.
    """
    charts: dict[str, dict[Chart, None]] = {}
    closed: dict[str, bool] = {}
    for category in (category for layout in layouts for category in layout):
        charts.setdefault(category.title, {}).update(dict.fromkeys(category.charts))
        closed[category.title] = closed.get(category.title, True) and category.closed
    return tuple(Category(title, tuple(found), closed[title]) for title, found in charts.items())


def _encoded(title: str, content: Sequence[object]) -> CustomScalarsChart:
    shape = "expected [kind, tags], such as ['Multiline', ['loss/train', 'loss/val']]"
    if isinstance(content, str) or len(content) != 2:
        raise InputError(f"chart {title!r}: got {str(content)[:200]}, {shape}")
    kind, tags = content
    if isinstance(tags, str) or not isinstance(tags, Sequence):
        raise InputError(f"chart {title!r}: got tags {str(tags)[:200]}, {shape}")
    names = [str(tag) for tag in tags]
    if kind != "Margin":
        return CustomScalarsChart(title=title, multiline=MultilineContent(tag=names))
    if len(names) != 3:
        raise InputError(
            f"margin chart {title!r}: got {len(names)} tags, expected [value, lower, upper]"
        )
    series = MarginContent.Series(value=names[0], lower=names[1], upper=names[2])
    return CustomScalarsChart(title=title, margin=MarginContent(series=[series]))


def _decoded(chart: CustomScalarsChart) -> Chart:
    margins = tuple(Margin(one.value, one.lower, one.upper) for one in chart.margin.series)
    return Chart(chart.title, tuple(chart.multiline.tag), margins)
