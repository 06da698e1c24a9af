import numpy as np
import pytest

from gpuboard.analysis.sessions import Sessions
from gpuboard.analysis.trial_metrics import MetricRequest, TrialMetrics, likely_goal
from gpuboard.analysis.trials import trials_of
from gpuboard.errors import InputError
from gpuboard.eventlog.append import EventFileWriter
from tests import make
from tests.trial_maker import log, read

CURVE = [5.0, float("nan"), 1.0, float("inf"), 3.0]
STEPS = [0, 10, 20, 30, 40]


def trials(store):
    runs = store.catalogue().runs
    return trials_of(runs, Sessions().of(store, runs))


def value(tmp_path, *, curve=CURVE, **request):
    log(tmp_path / "a", {"lr": 1.0}, loss=curve)
    store = read(tmp_path)
    (found,) = TrialMetrics().of(store, trials(store), MetricRequest("loss", **request))
    return found


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ({"how": "last"}, 3.0),
        ({"how": "min"}, 1.0),
        ({"how": "max"}, 5.0),
        ({"how": "best", "goal": "min"}, 1.0),
        ({"how": "best", "goal": "max"}, 5.0),
        ({"how": "mean", "amount": 3}, 2.0),
        ({"how": "mean", "amount": 100}, 3.0),
        ({"how": "at", "amount": 20}, 1.0),
        ({"how": "at", "amount": 29}, 1.0),
        ({"how": "at", "amount": -1}, np.nan),
    ],
)
def test_one_number_is_taken_from_a_curve(tmp_path, request_, expected):
    np.testing.assert_equal(value(tmp_path, **request_), expected)


def test_a_last_value_that_is_nan_stays_nan_and_nothing_finite_is_no_best(tmp_path):
    assert np.isnan(value(tmp_path / "x", curve=[1.0, float("nan")]))
    assert np.isnan(value(tmp_path / "y", curve=[float("nan")] * 3, how="min"))


def test_a_metric_stands_in_the_run_below_that_its_group_names(tmp_path):
    log(tmp_path / "a", {"lr": 1.0}, acc=[0.5])
    log(tmp_path / "a" / "validation", acc=[0.7])
    log(tmp_path / "b", {"lr": 1.0}, acc=[0.6])
    store = read(tmp_path)
    metrics, found = TrialMetrics(), trials(store)

    own = metrics.of(store, found, MetricRequest("acc"))
    below = metrics.of(store, found, MetricRequest("acc", "validation"))

    np.testing.assert_allclose(own, [0.5, 0.6])
    np.testing.assert_allclose(below, [0.7, np.nan])


def test_of_two_runs_with_the_tag_the_longer_curve_counts(tmp_path):
    log(tmp_path / "a", acc=[0.9, 0.5])
    log(tmp_path / "a" / "1700000000.5", {"lr": 1.0}, acc=[0.1])
    store = read(tmp_path)

    best = TrialMetrics().of(store, trials(store), MetricRequest("acc", how="max"))

    np.testing.assert_allclose(best, [0.9])


def test_what_a_restart_has_overwritten_does_not_count(tmp_path):
    for second, start, values in ((1, 0, [9.0, 8.0, 0.1]), (2, 1, [7.0, 6.0])):
        payloads = [make.header()]
        for k, number in enumerate(values):
            payloads.append(
                make.scalar("loss", number, start + k, wall_time=1.7e9 + 100 * second + k)
            )
        make.event_file(
            tmp_path / "a", payloads, name=f"events.out.tfevents.170000000{second}.h.1.0"
        )
    (tmp_path / "a" / "config.json").write_text('{"lr": 1}')
    store = read(tmp_path)

    least = TrialMetrics().of(store, trials(store), MetricRequest("loss", how="min"))

    np.testing.assert_allclose(least, [6.0])


def test_only_runs_that_have_changed_are_read_again(tmp_path):
    for k in range(5):
        log(tmp_path / f"r{k}", {"lr": 1.0}, loss=[float(k)])
    store, metrics = read(tmp_path), TrialMetrics()
    request = MetricRequest("loss")
    metrics.of(store, trials(store), request)
    assert metrics.series_read == 5

    metrics.of(store, trials(store), request)
    assert metrics.series_read == 5
    with EventFileWriter(tmp_path / "r3") as writer:
        writer.add_scalar("loss", 77.0, 100)
    store.refresh()

    found = metrics.of(store, trials(store), request)
    assert metrics.series_read == 6
    np.testing.assert_allclose(found, [0, 1, 2, 77, 4])


def test_a_tag_that_no_trial_has_gives_nothing(tmp_path):
    log(tmp_path / "a", {"lr": 1.0}, loss=[1.0])
    store = read(tmp_path)

    assert np.isnan(TrialMetrics().of(store, trials(store), MetricRequest("nothing"))).all()
    assert len(TrialMetrics().of(store, [], MetricRequest("loss"))) == 0


def test_names_say_what_is_taken():
    assert MetricRequest("loss", "val", "mean", amount=5).name == "val/loss (mean of last 5)"
    assert MetricRequest("loss").name == "loss"


@pytest.mark.parametrize("bad", [{"how": "x"}, {"goal": "x"}, {"how": "mean", "amount": 0}])
def test_requests_that_make_no_sense_are_refused(bad):
    with pytest.raises(InputError):
        MetricRequest("loss", **bad)


@pytest.mark.parametrize(
    ("tag", "goal"),
    [
        ("val/loss", "min"),
        ("Accuracy", "max"),
        ("f1_loss", "min"),
        ("eval/reward", "max"),
        ("x", "min"),
    ],
)
def test_the_goal_is_guessed_from_the_tag(tag, goal):
    assert likely_goal(tag) == goal
