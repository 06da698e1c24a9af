import numpy as np
import pytest

from gpuboard.analysis.importance import MIN_TRIALS, Feature, importance

QUIET = lambda fraction, sentence: None  # noqa: E731


@pytest.fixture(scope="module")
def found():
    rng = np.random.default_rng(1)
    n = 160
    lr, noise = 10 ** rng.uniform(-5, 0, n), rng.uniform(size=n)
    optimizer = rng.integers(0, 3, n).astype(float)
    missing = np.where(rng.uniform(size=n) < 0.5, np.nan, 1.0)
    metric = (np.log10(lr) + 2.5) ** 2 + 3.0 * (optimizer == 1) + rng.normal(0, 0.1, n)
    metric[:3] = [1e12, np.nan, np.inf]
    features = [
        Feature("noise", noise),
        Feature("lr", lr),
        Feature("optimizer", optimizer, ("adam", "sgd", "lion")),
        Feature("missing", missing),
        Feature("constant", np.ones(n)),
    ]
    return importance(QUIET, features, metric)


def test_what_decides_comes_first_and_noise_counts_for_nothing(found):
    means = dict(zip(found.names, found.mean, strict=True))

    assert set(found.names[:2]) == {"lr", "optimizer"}
    assert min(means["lr"], means["optimizer"]) > 0.2
    assert max(abs(means["noise"]), abs(means["missing"])) < 0.05
    assert (np.diff(found.mean) <= 0).all()


def test_it_says_how_much_is_explained_and_what_could_not_be_looked_at(found):
    assert 0.7 < found.r2 < 1
    assert (found.trials, found.used) == (158, 158)
    assert found.constant == ("constant",)


def test_one_trial_that_diverged_outweighs_nothing(found):
    assert np.isfinite(found.mean).all()
    assert found.curves["lr"].y.max() < 100


def test_curves_follow_what_the_metric_does(found):
    curve = found.curves["lr"]
    optimum = curve.x[np.argmin(curve.y)]
    words = found.curves["optimizer"]

    assert 10**-3.5 < optimum < 10**-1.5
    assert curve.y[0] > curve.y.min() + 1 < curve.y[-1]
    assert words.x.tolist() == [0, 1, 2]
    assert np.argmax(words.y) == 1
    assert ((curve.low <= curve.y) & (curve.y <= curve.high)).all()


def test_a_metric_of_noise_is_not_explained():
    rng = np.random.default_rng(2)

    found = importance(QUIET, [Feature("a", rng.uniform(size=80))], rng.normal(size=80))

    assert found.r2 < 0.1


@pytest.mark.parametrize("n", [0, 1, MIN_TRIALS - 1])
def test_too_few_trials_give_no_numbers(n):
    found = importance(QUIET, [Feature("a", np.arange(n, dtype=float))], np.arange(n, dtype=float))

    assert np.isnan(found.r2)
    assert found.names == ()
    assert found.trials == n


def test_a_constant_metric_gives_no_numbers():
    assert np.isnan(importance(QUIET, [Feature("a", np.arange(40.0))], np.ones(40)).r2)


def test_many_trials_are_drawn_from_and_the_same_seed_gives_the_same_answer(monkeypatch):
    from gpuboard import limits

    monkeypatch.setattr(limits, "MAX_IMPORTANCE_TRIALS", limits.Limit("m", 50, ""))
    monkeypatch.setattr(limits, "MAX_IMPORTANCE_HPARAMS", limits.Limit("h", 1, ""))
    x = np.arange(200.0)

    first, second = (importance(QUIET, [Feature("a", x), Feature("b", -x)], x) for _ in range(2))

    assert (first.used, first.trials) == (50, 200)
    assert first.left_out == ("b",)
    assert first.r2 == second.r2 > 0.9
