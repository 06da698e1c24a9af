"""Drawings: every coordinate lies where its value says."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.reports import svg
from gpuboard.reports.document import Curve, Judgement, Part, Point, Role, Scatter

WIDE, LEFT = 1_040, 62


def circles(text):
    found = re.findall(r'cx="([\d.-]+)" cy="([\d.-]+)" r="([\d.]+)"', text)
    return [tuple(map(float, one)) for one in found]


def test_points_of_a_roofline_lie_on_logarithmic_axes():
    points = tuple(Point(10.0**k, 1e10 * 10**k, 0.1, "", "", is_matrix=False) for k in range(3))

    found = circles(svg.scatter(Scatter(points, (("peak", 1e14),), 1e12)))

    assert found[1][0] - found[0][0] == pytest.approx(found[2][0] - found[1][0], abs=0.2)
    assert found[0][1] - found[1][1] == pytest.approx(found[1][1] - found[2][1], abs=0.2)
    assert found[0][0] < found[1][0]
    assert found[0][1] > found[1][1]


def test_a_point_at_the_roof_lies_on_its_line():
    point = Point(1_000.0, 1e14, 0.5, "", "", is_matrix=True)

    text = svg.scatter(Scatter((point,), (("peak", 1e14),), 1e12))

    roof = re.search(r'class="roof" points="[\d.,-]+ [\d.]+,([\d.]+)', text)[1]
    assert circles(text)[0][1] == pytest.approx(float(roof), abs=0.1)


@given(
    st.lists(
        st.tuples(st.floats(1e-9, 1e9), st.floats(1.0, 1e18), st.floats(0, 1)),
        min_size=1, max_size=20,
    )
)  # fmt: skip
def test_no_point_is_drawn_outside(values):
    points = tuple(Point(x, y, w, "", "", is_matrix=True) for x, y, w in values)

    for x, y, _ in circles(svg.scatter(Scatter(points, (("peak", 1e14),), 1e12))):
        assert LEFT <= x <= WIDE
        assert 0 <= y <= 340


def test_a_curve_reaches_the_top_at_its_peak_and_goes_by_steps():
    curve = Curve("c", ((0.0, 0.0), (0.5, 100.0), (1.0, 50.0)), "bytes", "", "")

    line = re.search(r'class="line" points="([^"]+)"', svg.curve(curve))[1]

    places = [tuple(map(float, one.split(","))) for one in line.split()]
    assert min(y for _, y in places) == 12
    middle = LEFT + (WIDE - LEFT) / 2
    assert [x for x, _ in places].count(pytest.approx(middle, abs=0.1)) == 2


def test_parts_of_a_whole_stand_side_by_side_without_gaps():
    shares = (0.5, 0.3, 0.2)
    parts = tuple(Part(str(share), "", share, Role.COMM) for share in shares)

    found = re.findall(r'x="([\d.]+)" width="([\d.]+)"', svg.split(parts))

    assert [float(x) for x, _ in found] == pytest.approx([0, 500, 800])
    assert sum(float(width) for _, width in found) == pytest.approx(1_000)


@pytest.mark.parametrize(("share", "part"), [(0.0, 0.0), (0.25, 0.25), (1.0, 1.0), (3.0, 1.0)])
def test_a_ring_is_closed_as_far_as_its_share(share, part):
    text = svg.ring(Judgement("", share, 0.0, "", "", ()))

    drawn, whole = map(float, re.search(r'stroke-dasharray="([\d.]+) ([\d.]+)"', text).groups())
    assert drawn / whole == pytest.approx(part, abs=0.001)
