import numpy as np
import pytest

from gpuboard.analysis import checks
from gpuboard.analysis.checks import Finding, check_magnitude, check_scalars

N = 400


def steps(n=N):
    return np.arange(n) * 5


def names(found):
    return [finding.rule for finding in found]


def decay(n=N):
    """A loss that falls to the very end, with noise of one hundredth."""
    noise = np.random.default_rng(0).normal(scale=0.01, size=n)
    return 3.0 - 2.0 * np.arange(n) / n + noise


def test_a_loss_that_falls_has_no_trouble():
    assert check_scalars("loss/train", steps(), decay()) == []


def test_the_first_nan_is_found_with_what_came_before():
    value = decay()
    value[[300, 301, 350]] = np.nan
    value[299] = 1.25

    (found,) = check_scalars("accuracy", steps(), value)

    assert (found.rule, found.step, found.count) == ("nan", 1500, 3)
    assert "3 of 400 values" in found.message
    assert "1.25" in found.message


@pytest.mark.parametrize("value", [np.inf, -np.inf])
def test_infinities_are_no_nan(value):
    found = check_scalars("x", np.array([1, 2]), np.array([0.0, value]))

    assert [(f.rule, f.step, f.count) for f in found] == [("infinite", 2, 1)]


def test_a_series_that_starts_with_nan_says_nothing_of_a_value_before():
    (found,) = check_scalars("x", np.array([3]), np.array([np.nan]))

    assert found.message.endswith("at step 3")


def test_a_loss_that_rises_beyond_its_start_has_diverged_where_it_was_best():
    value = np.concatenate([np.linspace(2, 0.5, N // 2), np.linspace(0.5, 8, N // 2)])

    found = check_scalars("val_loss", steps(), value)

    assert names(found) == ["divergence"]
    best = np.median(value.reshape(checks.WINDOWS, -1), axis=1).argmin()
    assert found[0].step == steps()[(best + 1) * N // checks.WINDOWS - 1]


def test_a_rise_that_stays_below_the_start_is_no_divergence():
    value = np.concatenate([np.linspace(9, 1, N // 2), np.linspace(1, 5, N // 2)])

    assert "divergence" not in names(check_scalars("loss", steps(), value))


def test_what_is_no_loss_by_name_may_rise():
    assert check_scalars("accuracy", steps(), np.linspace(0.1, 0.9, N)) == []
    assert check_scalars("glossary", steps(), np.linspace(0.1, 0.9, N)) == []


@pytest.mark.parametrize("tag", ["loss", "train/loss", "val_loss", "nll", "eval/perplexity"])
def test_losses_are_known_by_their_names(tag):
    assert checks.is_loss(tag)


def test_a_loss_that_stands_still_at_its_end_is_on_a_plateau_from_there():
    value = np.concatenate([np.linspace(3, 1, N // 2), np.full(N // 2, 1.0)])

    (found,) = check_scalars("loss", steps(), value)

    assert found.rule == "plateau"
    assert found.step == steps()[N // 2]
    assert found.count == N // 2


def test_a_loss_that_never_moved_is_no_plateau():
    assert check_scalars("loss", steps(), np.full(N, 0.7)) == []


def test_short_series_are_not_judged():
    n = checks.MIN_POINTS - 1

    assert check_scalars("loss", steps(n), np.linspace(1, 99, n)) == []


@pytest.mark.parametrize("tag", ["grad_norm", "train/grad_norm", "gradient-norm", "norm/grad"])
def test_a_gradient_norm_that_jumps_has_exploded(tag):
    value = np.random.default_rng(1).uniform(0.5, 1.5, N)
    value[250] = 1e4

    (found,) = check_scalars(tag, steps(), value)

    assert (found.rule, found.step, found.count) == ("exploding", 1250, 1)


def test_a_gradient_that_fades_has_vanished_at_the_first_low_window():
    value = np.geomspace(1, 1e-8, N)

    (found,) = check_magnitude(steps(), value, "norm")

    assert found.rule == "vanishing"
    medians = np.median(value.reshape(checks.WINDOWS, -1), axis=1)
    window = np.flatnonzero(medians < checks.VANISHED * medians[0])[0]
    assert found.step == steps()[window * N // checks.WINDOWS]


def test_a_gradient_that_is_zero_at_the_end_has_vanished():
    value = np.concatenate([np.ones(N // 2), np.zeros(N // 2)])

    (found,) = check_magnitude(steps(), value, "norm")

    assert found.rule == "vanishing"
    assert "zero" in found.message


def test_a_steady_gradient_has_no_trouble():
    value = np.random.default_rng(2).uniform(0.5, 1.5, N)

    assert check_magnitude(steps(), value, "norm") == []


def test_nan_does_not_hide_a_divergence():
    value = np.concatenate([np.linspace(2, 0.5, N // 2), np.linspace(0.5, 8, N // 2)])
    value[::7] = np.nan

    assert names(check_scalars("loss", steps(), value)) == ["nan", "divergence"]


def test_findings_are_plain_values():
    assert Finding("nan", 1, 2, "m") == Finding("nan", 1, 2, "m")


def test_every_definition_names_its_thresholds():
    texts = {rule.name: rule.definition for rule in checks.SCALAR_RULES}

    assert f"{checks.DIVERGED:g} times" in texts["divergence"]
    assert f"{checks.EXPLODED:g} times" in texts["exploding"]
    assert f"{checks.VANISHED:g}" in texts["vanishing"]
    assert "1%" in texts["plateau"]
