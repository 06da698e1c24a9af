import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpuboard.analysis.graphs.layers import assign_rows
from gpuboard.analysis.graphs.layout import Problem, lay_out

SIZE = st.tuples(st.integers(20, 240), st.integers(20, 400))


@st.composite
def problems(draw, acyclic=False):
    boxes = draw(st.integers(1, 14))
    entries, exits = draw(st.integers(0, 3)), draw(st.integers(0, 3))
    inner = range(boxes)
    pairs = draw(st.lists(st.tuples(st.sampled_from(inner), st.sampled_from(inner)), max_size=30))
    edges = [(a, b) for a, b in pairs if (a < b if acyclic else a != b)]
    edges += [(port, draw(st.sampled_from(inner))) for port in range(boxes, boxes + entries)]
    last = range(boxes + entries, boxes + entries + exits)
    edges += [(draw(st.sampled_from(inner)), port) for port in last]
    sizes = [*(draw(SIZE) for _ in inner), *[(0.0, 0.0)] * (entries + exits)]
    anywhere = tuple(-1.0 for _ in edges)
    return Problem(tuple(sizes), tuple(edges), anywhere, anywhere, entries, exits)


def boxes_of(problem):
    return range(len(problem.sizes) - problem.entries - problem.exits)


@settings(max_examples=150, deadline=None)
@given(problems())
def test_boxes_never_overlap_and_stay_inside(problem):
    placed = lay_out(problem)

    for a in boxes_of(problem):
        assert placed.x[a] >= -1e-6
        assert placed.x[a] + problem.sizes[a][0] <= placed.width + 1e-6
        assert 0 <= placed.y[a] <= placed.height - problem.sizes[a][1] + 1e-6
    for a, b in itertools.combinations(boxes_of(problem), 2):
        apart_x = (
            placed.x[a] + problem.sizes[a][0] < placed.x[b]
            or placed.x[b] + problem.sizes[b][0] < placed.x[a]
        )
        apart_y = (
            placed.y[a] + problem.sizes[a][1] < placed.y[b]
            or placed.y[b] + problem.sizes[b][1] < placed.y[a]
        )
        assert apart_x or apart_y


@settings(max_examples=150, deadline=None)
@given(problems(acyclic=True))
def test_lines_run_downwards_from_border_to_border(problem):
    placed = lay_out(problem)

    for (tail, head), route in zip(problem.edges, placed.routes, strict=True):
        (x0, y0), (x1, y1) = route[0], route[-1]
        assert y0 == pytest.approx(placed.y[tail] + problem.sizes[tail][1])
        assert y1 == pytest.approx(placed.y[head])
        assert placed.x[tail] - 1e-6 <= x0 <= placed.x[tail] + problem.sizes[tail][0] + 1e-6
        assert placed.x[head] - 1e-6 <= x1 <= placed.x[head] + problem.sizes[head][0] + 1e-6
        assert all(a[1] <= b[1] + 1e-6 for a, b in itertools.pairwise(route))


@settings(max_examples=100, deadline=None)
@given(problems())
def test_ports_lie_in_the_borders(problem):
    placed = lay_out(problem)
    first = len(boxes_of(problem))

    assert all(placed.y[first + k] == 0 for k in range(problem.entries))
    last = range(first + problem.entries, len(problem.sizes))
    assert all(placed.y[k] == pytest.approx(placed.height) for k in last)


@settings(max_examples=60, deadline=None)
@given(problems())
def test_the_same_problem_has_the_same_answer(problem):
    assert lay_out(problem) == lay_out(problem)


def test_a_circle_is_drawn_with_one_line_upwards():
    anywhere = (-1.0,) * 3
    problem = Problem(((40, 20),) * 3, ((0, 1), (1, 2), (2, 0)), anywhere, anywhere)

    placed = lay_out(problem)
    up = [route[0][1] > route[-1][1] for route in placed.routes]

    assert up == [False, False, True]
    assert placed.routes[2][0][1] == placed.y[2]
    assert placed.routes[2][-1][1] == placed.y[0] + 20


def test_a_chain_stands_in_one_column():
    anywhere = (-1.0,) * 3
    problem = Problem(
        ((40, 20), (100, 20), (60, 20), (40, 20)), ((0, 1), (1, 2), (2, 3)), anywhere, anywhere
    )

    placed = lay_out(problem)
    middles = {x + width / 2 for x, (width, _) in zip(placed.x, problem.sizes, strict=True)}

    assert len(middles) == 1
    assert all(len(route) == 2 for route in placed.routes)


def test_a_line_starts_and_ends_where_it_has_to():
    problem = Problem(((100, 20), (100, 20)), ((0, 1),), (10.0,), (90.0,))

    placed = lay_out(problem)

    assert placed.routes[0][0][0] == placed.x[0] + 10
    assert placed.routes[0][-1][0] == placed.x[1] + 90


def test_what_feeds_one_consumer_stands_right_above_it():
    rows = assign_rows(4, [(0, 1), (1, 2), (3, 2)]).row

    assert rows == [0, 1, 2, 1]


def test_an_empty_scope_has_no_size():
    assert lay_out(Problem((), (), (), ())).height == 0
