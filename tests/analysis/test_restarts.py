import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.analysis import restarts
from gpuboard.store.columns import NO_PURGE
from tests.analysis.series_maker import series

NO_STEP = np.iinfo(np.int64).max


@dataclasses.dataclass
class File:
    walls: list
    steps: list
    purge: int = NO_PURGE


def combined(files):
    starts = np.cumsum([0, *(len(f.steps) for f in files)])[:-1]
    return series(
        np.zeros(sum(len(f.steps) for f in files)),
        steps=[s for f in files for s in f.steps],
        walls=[w for f in files for w in f.walls],
        starts=starts,
        purges=[f.purge for f in files],
    )


def stands_by_the_rules(files):
    """Ask the three rules of every point and every later file, one by one."""

    def known(file):
        return [w for w in file.walls if np.isfinite(w)]

    def is_restart(k):
        if not known(files[k]):
            return False
        return all(known(files[k])[0] >= known(f)[-1] for f in files[:k] if known(f))

    def is_superseded(j, step):
        for k in range(j + 1, len(files)):
            if files[k].purge != NO_PURGE and step >= files[k].purge:
                return True
            if is_restart(k) and any(later <= step for later in files[k].steps):
                return True
        return False

    return [not is_superseded(j, step) for j, f in enumerate(files) for step in f.steps]


def test_a_restart_overwrites_from_its_least_step_on():
    files = [File([1, 2, 3, 4], [0, 1, 2, 3]), File([5, 6], [2, 3])]

    assert restarts.current(combined(files)).tolist() == [True, True, False, False, True, True]
    assert restarts.superseded_count(combined(files)) == 2


def test_a_restart_of_a_restart_overwrites_both():
    files = [File([1, 2, 3], [0, 1, 2]), File([4, 5], [3, 4]), File([6], [1])]

    assert restarts.current(combined(files)).tolist() == [True, False, False, False, False, True]


def test_concurrent_writers_overwrite_nothing():
    files = [File([1, 3, 5], [0, 1, 2]), File([2, 4, 6], [0, 1, 2])]

    assert restarts.current(combined(files)).all()


def test_a_purge_step_overwrites_even_concurrent_files():
    files = [File([1, 3, 5], [0, 1, 2]), File([2, 4, 6], [7, 8, 9], purge=1)]

    assert restarts.current(combined(files)).tolist() == [True, False, False, True, True, True]


def test_one_file_never_overwrites_itself():
    points = series(np.zeros(5), steps=[0, 1, 2, 0, 0])

    assert restarts.current(points).all()


def test_the_current_series_is_the_same_object_where_nothing_was_overwritten():
    points = series(np.zeros(3))

    assert restarts.current_series(points) is points


def test_the_current_series_keeps_who_wrote_what():
    files = [File([1, 2, 3], [0, 1, 2]), File([4, 5], [1, 2])]

    kept = restarts.current_series(combined(files))

    assert kept.step.tolist() == [0, 1, 2]
    assert kept.writer_start.tolist() == [0, 1]


walls = st.one_of(st.floats(0, 20), st.just(np.nan))
steps = st.integers(-3, 8) | st.sampled_from([NO_STEP, -NO_STEP])
files_strategy = st.lists(
    st.builds(
        lambda points, purge: File([w for w, _ in points], [s for _, s in points], purge),
        st.lists(st.tuples(walls, steps), min_size=1, max_size=6),
        st.sampled_from([NO_PURGE, NO_PURGE, 0, 3]),
    ),
    max_size=4,
)
ordered_files = files_strategy.map(
    lambda files: [
        File([20.0 * k + w for w in f.walls], f.steps, f.purge) for k, f in enumerate(files)
    ]
)


@given(files_strategy | ordered_files)
def test_points_stand_exactly_where_the_rules_say_so(files):
    assert restarts.current(combined(files)).tolist() == stands_by_the_rules(files)


def stretches_of(files, *, superseded, column=None):
    points = combined(files)
    writers = restarts.writers_of([points])
    limits = restarts.step_limits(points.wall_time, points.step, writers)
    column = points.step if column is None else column
    return restarts.stretches(column, points.step, writers, limits, superseded=superseded)


@given(files_strategy | ordered_files, st.booleans())
def test_stretches_hold_each_point_once_in_file_order(files, superseded):
    found = stretches_of(files, superseded=superseded)

    covered = [i for a, b in zip(found.low, found.high, strict=True) for i in range(a, b)]
    stands = np.array(stands_by_the_rules(files), bool)
    assert covered == np.flatnonzero(stands != superseded).tolist()


@given(files_strategy | ordered_files)
def test_the_pen_is_lifted_exactly_where_x_goes_back(files):
    found = stretches_of(files, superseded=False)

    step = combined(files).step
    for s, (low, high) in enumerate(zip(found.low, found.high, strict=True)):
        assert np.all(step[low : high - 1] <= step[low + 1 : high])
        went_on = s > 0 and step[found.high[s - 1] - 1] <= step[low]
        assert found.joined[s] == went_on


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0, np.nan, np.inf, -np.inf]), max_size=12))
def test_points_without_a_finite_x_belong_to_no_stretch(x):
    x = np.array(x)
    files = [File([0.0] * len(x), [0] * len(x))] if len(x) else []

    found = stretches_of(files, superseded=False, column=x)

    covered = [i for a, b in zip(found.low, found.high, strict=True) for i in range(a, b)]
    assert covered == np.flatnonzero(np.isfinite(x)).tolist()


def test_runs_without_points_have_no_stretches():
    some = [series([1.0, 2.0]), series([]), series([3.0])]
    writers = restarts.writers_of(some)
    step = np.concatenate([s.step for s in some])
    limits = restarts.step_limits(np.concatenate([s.wall_time for s in some]), step, writers)

    found = restarts.stretches(step, step, writers, limits, superseded=False)

    assert found.first.tolist() == [0, 1, 1, 2]
    assert found.low.tolist() == [0, 2]
    assert found.high.tolist() == [2, 3]
