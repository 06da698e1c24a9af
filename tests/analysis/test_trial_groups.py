import statistics

import numpy as np
import pytest

from gpuboard.analysis.trial_groups import STATS, grouped, grouped_metric
from gpuboard.analysis.trials import Trial


def trial(run, status="success", **hparams):
    return Trial(run, f"t{run}", hparams, (("", None),), status, float(run), 10.0 + run)


def test_trials_that_differ_in_nothing_but_the_seed_are_one_row():
    trials = [trial(0, lr=1.0, seed=0.0), trial(1, lr=2.0, seed=0.0), trial(2, lr=1.0, seed=1.0)]

    groups = grouped(trials, ["seed"])

    assert groups.group.tolist() == [0, 1, 0]
    assert groups.sizes.tolist() == [2, 1]
    assert [row.hparams for row in groups.trials] == [{"lr": 1.0}, {"lr": 2.0, "seed": 0.0}]
    assert [row.name for row in groups.trials] == ["t0 +1", "t1"]
    assert (groups.trials[0].started, groups.trials[0].ended) == (0.0, 12.0)
    assert len(groups.trials[0].members) == 2


def test_what_is_missing_is_a_value_of_its_own_and_types_are_told_apart():
    trials = [trial(0, a=1.0), trial(1, a=True), trial(2, a="1"), trial(3), trial(4, a=1.0)]

    assert grouped(trials, []).group.tolist() == [0, 1, 2, 3, 0]


def test_nan_is_equal_to_nan_here():
    trials = [trial(0, a=float("nan")), trial(1, a=float("nan"))]

    assert grouped(trials, []).sizes.tolist() == [2]


def test_the_statuses_of_a_group_are_counted():
    trials = [trial(0, "success"), trial(1, "failure"), trial(2, "success")]

    assert grouped(trials, []).trials[0].status == "2 success, 1 failure"


@pytest.mark.parametrize("stat", STATS)
def test_statistics_are_those_of_the_finite_values(stat):
    rng = np.random.default_rng(3)
    trials = [trial(k, g=float(k % 4)) for k in range(41)]
    value = rng.normal(size=41)
    value[[0, 5]] = np.nan, np.inf

    found = grouped_metric(value, grouped(trials, []), stat)

    exact = {"mean": statistics.fmean, "std": statistics.stdev}.get(stat)
    exact = exact or {"median": statistics.median, "min": min, "max": max}[stat]
    parts = [[v for k, v in enumerate(value) if k % 4 == g and np.isfinite(v)] for g in range(4)]
    np.testing.assert_allclose(found.value, [exact(part) for part in parts])
    assert found.count.tolist() == [len(part) for part in parts]


def test_a_group_without_values_has_none_and_a_single_one_no_spread():
    groups = grouped([trial(0, g=1.0), trial(1, g=2.0)], [])

    found = grouped_metric(np.array([np.nan, 3.0]), groups, "mean")

    np.testing.assert_array_equal(found.value, [np.nan, 3.0])
    assert np.isnan(found.std).all()


def test_no_trials_make_no_groups():
    groups = grouped([], ["seed"])

    assert groups.trials == []
    assert len(grouped_metric(np.empty(0), groups, "mean").value) == 0
