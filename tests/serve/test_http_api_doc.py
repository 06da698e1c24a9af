import json
import re
from pathlib import Path

import numpy as np
import pytest

from gpuboard import limits
from gpuboard.analysis.curves import curves
from gpuboard.analysis.request import CurveRequest, Source
from gpuboard.serve import api, data
from gpuboard.serve.wire import chart_bytes
from gpuboard.store.columns import NO_PURGE, Series

ROUTES = (*api.ROUTES, *data.ROUTES)
DOCS = Path(__file__).parents[2] / "docs"
PAGES = (DOCS / "http-api.md", *sorted((DOCS / "http-api").glob("*.md")))
TEXT = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)


# A part of an address that says which one is meant stands in capitals.
NAMES = [path.replace("([^/]+)", "ID") for path, _ in ROUTES]


def section_of(name):
    return TEXT.split(f" {name}\n", 1)[1].split("\n## ", 1)[0]


@pytest.mark.parametrize("name", NAMES)
def test_every_route_is_described_with_an_example(name):
    section = section_of(name)

    assert "curl " in section
    assert f"$URL/{name}" in section


@pytest.mark.parametrize("name", NAMES)
def test_every_route_shows_what_it_answers(name):
    section = section_of(name)

    assert "```json" in section or re.search(r"PNG|WAV|WebP|HTML|CSV|[Bb]inary", section)


def test_every_example_of_json_is_json():
    examples = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)

    assert len(examples) > 30
    assert all(json.loads(example) for example in examples)


@pytest.mark.parametrize(
    "limit",
    [
        limits.MAX_REGEX_CHARACTERS,
        limits.MAX_TAGS_LISTED,
        limits.MAX_CHART_WIDTH,
        limits.MAX_CHART_POINTS,
        limits.MAX_MARKERS,
    ],
)
def test_caps_are_told_as_they_are(limit):
    assert f"{limit.value:,}" in TEXT


def test_the_python_example_reads_a_chart():
    n = np.arange(5)
    some = Series(n + 0.5, n, n * 2.0, np.array([0]), np.array([NO_PURGE]))
    chart = curves([Source(k, "a", 0.0, 1, some) for k in range(2)], CurveRequest())
    (example,) = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    names = {"reply": chart_bytes(chart, 3)}

    exec(re.sub(r"reply = open.*", "", example), names)

    lines = list(names["lines"])
    assert [(line["run"], x.tolist(), y.tolist()) for line, x, y in lines] == [
        (0, [0, 1, 2, 3, 4], [0, 2, 4, 6, 8]),
        (1, [0, 1, 2, 3, 4], [0, 2, 4, 6, 8]),
    ]
