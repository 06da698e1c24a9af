"""Write a view as one HTML file: its curves, a small viewer, and a policy that forbids all else.

The viewer is made of the very modules that draw the pages. Everything that comes from logs or
people is JSON in which no "<" stands, or Base64, so that it cannot end its element; the page's own
policy lets no script run but the viewer, known by its hash, and no request leave at all.
"""

from __future__ import annotations

import base64
import dataclasses
import functools
import gzip
import hashlib
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, Template
from markupsafe import Markup

import gpuboard
from gpuboard import limits
from gpuboard.errors import GpuboardError
from gpuboard.serve import fields, wire
from gpuboard.serve.api import hparams_of, memory_of, sources_of
from gpuboard.serve.bundle import Bundles
from gpuboard.serve.data.custom_scalars import custom_chart, wanted_chart
from gpuboard.serve.environment import TEMPLATES
from gpuboard.serve.routes import encode_json
from gpuboard.serve.run_selection import selected_runs
from gpuboard.serve.static_files import STATIC

if TYPE_CHECKING:
    from gpuboard.analysis.curves import ChartCurves
    from gpuboard.serve.kept import ViewInfo
    from gpuboard.serve.view_layout import Card, Layout
    from gpuboard.store.columns import Catalogue
    from gpuboard.store.store import Store

VIEWER = "exported_view.js"
STYLES = ("theme", "controls", "scalars", "custom_scalars", "views", "exported_view")
BUCKETS = 1_000  # of each line: a least and a greatest value in each, finer than a screen is wide
CHARTS = ("scalar", "custom")
DEFAULT_SMOOTHING = 0.6  # as in static/state.js, where a view keeps only what differs


@dataclasses.dataclass(frozen=True, slots=True)
class Block:
    """The curves of one card, packed for the page."""

    card: str
    text: str


def exported(
    store: Store, info: ViewInfo, layout: Layout, ids: Sequence[int] | None = None
) -> bytes:
    """Return the HTML of a view.

    Args:
        store: Where the points are.
        info: Title and time of the view.
        layout: What it holds.
        ids: Runs to show, None for those of the view.
    """
    catalogue = store.catalogue()
    rows = {run.id: row for row, run in enumerate(catalogue.runs)}
    if ids is None:
        ids = [run.id for run in selected_runs(layout.runs, catalogue.runs)]
    known = [i for i in ids if i in rows]
    blocks, failures = [], {}
    charts = [card for card in layout.cards if card.kind in CHARTS]
    for card in charts:
        try:
            chart = _packed(store, catalogue, card, layout, known, len(charts))
            blocks.append(Block(card.id, chart))
        except GpuboardError as error:  # one chart that cannot be made must not cost the others
            failures[card.id] = str(error)
    names = {run.id: run.name for run in catalogue.runs}
    view = {
        "title": info.title,
        "made": time.time(),
        "gpuboard": gpuboard.__version__,
        "runs": [{"id": i, "name": names[i], "row": rows[i]} for i in known],
        "settings": dict(layout.settings),
        "cards": [
            {**dataclasses.asdict(card), "failure": failures.get(card.id)} for card in layout.cards
        ],
    }
    return _page(info.title, view, blocks).encode("utf-8", "replace")


def _page(title: str, view: Mapping[str, Any], blocks: Sequence[Block]) -> str:
    script, style = _viewer()
    policy = {
        "default-src": "'none'",
        "script-src": f"'sha256-{_digest(script)}'",
        "style-src": f"'sha256-{_digest(style)}'",
        "img-src": "data: blob:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    return _template().render(
        title=title,
        policy="; ".join(f"{name} {value}" for name, value in policy.items()),
        script=Markup(script),  # noqa: S704 - our own modules
        style=Markup(style),  # noqa: S704 - our own sheets
        view=Markup(inert_json(view)),  # noqa: S704 - no "<" stands in it
        blocks=blocks,
    )


def inert_json(value: object) -> str:
    """Return JSON that can stand in any element of a page: it holds no "<", ">" or "&"."""
    text = encode_json(value).decode("utf-8", "replace")
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _packed(
    store: Store,
    catalogue: Catalogue,
    card: Card,
    layout: Layout,
    ids: Sequence[int],
    charts: int,
) -> str:
    """Return the reply to a curves request as Base64 of gzip, with values as float32 has them.

    Float32 is finer than any screen, and the zeros at the end of each number pack well.
    """
    room = limits.MAX_EXPORT_POINTS.value // charts
    chart, more = _chart(store, catalogue, card, layout, ids, BUCKETS)
    if len(chart.x) > room:
        fewer = max(1, BUCKETS * room // len(chart.x))
        chart, more = _chart(store, catalogue, card, layout, ids, fewer)
    y = chart.y.astype("f4").astype("f8")
    body = wire.chart_bytes(dataclasses.replace(chart, y=y), catalogue.version, more)
    return base64.b64encode(gzip.compress(body, compresslevel=6, mtime=0)).decode()


def _chart(
    store: Store,
    catalogue: Catalogue,
    card: Card,
    layout: Layout,
    ids: Sequence[int],
    width: int,
) -> tuple[ChartCurves, dict[str, object]]:
    from gpuboard.analysis.curves import curves

    own = card.spec.get("settings")  # a card that has settings has all of them, defaults left out
    body = _request(own if isinstance(own, dict) else layout.settings, width)
    request = fields.curve_request(body)
    if card.kind == "custom":
        return custom_chart(store, catalogue, wanted_chart(card.spec), ids, request)
    tag = fields.text(card.spec, "tag", None)
    by_hparams = request.fold is not None and bool(request.fold.hparams)
    hparams = hparams_of(store, catalogue) if by_hparams else {}
    sources = sources_of(store, catalogue, ids, tag, hparams)
    return curves(sources, request, tag, memory_of(store).smoothed), {}


def _request(settings: Mapping[str, Any], width: int) -> dict[str, Any]:
    kind = settings.get("smoothKind", "ema")
    amount = settings.get("smoothing", DEFAULT_SMOOTHING)
    return {
        "x": settings.get("x", "step"),
        "x_log": settings.get("xLog", False),
        "smooth": {"kind": kind if amount else "none", "amount": amount},
        "overwritten": settings.get("overwritten", False),
        "fold": settings.get("fold"),
        "width": width,
    }


@functools.cache
def _viewer() -> tuple[str, str]:
    """Return script and style sheet of every exported view."""
    bundles = Bundles(STATIC)
    return "\n" + bundles.script(VIEWER), "\n" + bundles.sheet([f"{name}.css" for name in STYLES])


def _digest(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


@functools.cache
def _template() -> Template:
    """Return the template; it has no nonce, as no server stands behind the page."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template("exported_view.html")
