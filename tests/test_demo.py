from __future__ import annotations

import math
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from gpuboard import demo
from gpuboard.demo import Network, Optimiser, Plan, Samples, Trainer
from gpuboard.store.columns import Series
from gpuboard.store.store import Store

STEPS = 500


class Recorder:
    """Stands for an event file: keeps what is logged, by tag."""

    def __init__(self) -> None:
        self.points: dict[str, list[tuple[int, float]]] = {}
        self.records: list[tuple[str, int]] = []

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        self.points.setdefault(tag, []).append((step, value))

    def add_value(self, value, step: int = 0) -> None:
        self.records.append((value.tag, step))

    def values(self, tag: str) -> list[float]:
        return [value for _, value in self.points[tag]]


def train(plan: Plan) -> Recorder:
    recorder, trainer = Recorder(), Trainer(plan)
    while trainer.step < plan.steps:
        trainer.advance(recorder)  # type: ignore[arg-type]
    return recorder


@pytest.fixture(scope="module")
def progress() -> list[tuple[float, str]]:
    return []


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, progress) -> Store:
    logdir = tmp_path_factory.mktemp("demo")
    demo.make_demo_runs(logdir, seeds=1, steps=STEPS, progress=lambda *args: progress.append(args))
    store = Store(logdir)
    store.refresh()
    return store


def series(store: Store, run: str, tag: str) -> Series:
    return store.find_run(run).series(tag)


def test_the_networks_learn_to_tell_the_arms_apart(store):
    chance = 1 / demo.CLASSES

    accuracy = series(store, "momentum-lr0.1-w32/seed0", "accuracy/validation").value
    loss = series(store, "momentum-lr0.1-w32/seed0", "loss/train").value

    assert accuracy[0] < chance + 0.25
    assert accuracy[-1] > 0.85
    assert loss[-50:].mean() < 0.5 * loss[:50].mean()


def test_every_run_logs_every_tag_without_a_problem(store):
    for run in store.catalogue().runs:
        scalars = {tag for tag, info in run.tags.items() if info.kind in ("scalar", "hparams")}
        assert scalars == {
            "loss/train",
            "loss/validation",
            "accuracy/train",
            "accuracy/validation",
            "gradients/norm",
            "weights/norm",
            "optimiser/learning_rate",
            "time/step (ms)",
            "_hparams_/session_start_info",
        }
    assert store.problems() == ()


def test_there_is_one_run_for_each_variant_and_seed_and_one_that_diverges(store):
    names = [run.name for run in store.catalogue().runs]

    assert len(names) == 9
    assert demo.DIVERGED_RUN in names
    assert demo.RESTARTED_RUN in names
    assert all(name.endswith("/seed0") for name in names)


def test_a_learning_rate_that_is_too_high_really_ends_in_nan(store):
    loss = series(store, demo.DIVERGED_RUN, "loss/train").value

    first_lost = int(np.flatnonzero(~np.isfinite(loss))[0])

    assert 0 < first_lost < STEPS
    assert np.isnan(loss[-1])
    assert not np.isfinite(loss[-demo.GIVE_UP_STEPS :]).any()
    assert len(loss) < STEPS


def test_a_crashed_run_goes_on_from_its_checkpoint_in_a_second_file(store):
    loss = series(store, demo.RESTARTED_RUN, "loss/train")

    crash, checkpoint = int(STEPS * 0.7), int(STEPS * 0.6)
    before, after = np.split(loss.step, loss.writer_start[1:])

    np.testing.assert_array_equal(before, np.arange(crash))
    np.testing.assert_array_equal(after, np.arange(checkpoint, STEPS))
    # Readers take a file for a restart only when it begins after the others have ended.
    assert loss.wall_time[len(before)] > loss.wall_time[len(before) - 1]


def test_the_restart_has_the_weights_of_the_checkpoint_but_other_batches(store):
    checkpoint, crash = int(STEPS * 0.6), int(STEPS * 0.7)
    weights = series(store, demo.RESTARTED_RUN, "weights/norm").value
    loss = series(store, demo.RESTARTED_RUN, "loss/train").value

    old, new = weights[checkpoint], weights[crash]

    assert abs(new - old) < 0.1 * abs(old - weights[0])
    assert (loss[checkpoint:crash] != loss[crash : crash + crash - checkpoint]).all()


def test_progress_names_each_run_before_it_is_trained(store, progress):
    assert [done for done, _ in progress] == pytest.approx([k / 9 for k in range(10)])
    assert progress[0][1] == "sgd-lr0.1-w32/seed0"
    assert progress[-1][1] == "9 runs trained"


def test_runs_that_are_there_are_left_as_they_are(store):
    before = {path: path.stat().st_mtime_ns for path in store.logdir.rglob("*tfevents*")}

    demo.make_demo_runs(store.logdir, seeds=1, steps=STEPS)

    after = {path: path.stat().st_mtime_ns for path in store.logdir.rglob("*tfevents*")}
    assert after == before


def test_the_same_seed_gives_the_same_numbers_and_another_seed_others():
    first, again, other = (train(Plan("adam", 0.01, 16, seed, 60)) for seed in (4, 4, 5))

    for tag in ("loss/train", "accuracy/validation", "gradients/norm", "weights/norm"):
        assert first.values(tag) == again.values(tag)
        assert first.values(tag) != other.values(tag)


def test_validation_is_measured_every_ten_steps_and_at_the_last():
    recorder = train(Plan("sgd", 0.1, 8, 0, 25))

    assert [step for step, _ in recorder.points["loss/validation"]] == [0, 10, 20, 24]
    assert [step for step, _ in recorder.points["loss/train"]] == list(range(25))


def test_the_learning_rate_warms_up_and_falls_along_a_cosine():
    rates = [demo.learning_rate(step, 1000, 0.5) for step in range(1000)]

    assert rates[0] == pytest.approx(0.005)
    assert rates[99] == rates[100] == pytest.approx(0.5)
    assert rates[550] == pytest.approx(0.25)
    assert 0 < rates[-1] < 1e-5
    assert all(np.diff(rates[:100]) > 0)
    assert all(np.diff(rates[100:]) < 0)


def test_gradients_agree_with_finite_differences():
    rng = np.random.default_rng(0)
    network = Network(5, rng)
    batch = Samples(rng.normal(size=(20, 2)), rng.integers(demo.CLASSES, size=20))
    _, gradients = network.gradients(batch)

    for parameter, gradient in zip(network.parameters, gradients, strict=True):
        for place in np.ndindex(parameter.shape):
            kept = parameter[place]
            losses = []
            for nudge in (1e-6, -1e-6):
                parameter[place] = kept + nudge
                losses.append(network.evaluate(batch)[0])
            parameter[place] = kept
            slope = (losses[0] - losses[1]) / 2e-6
            assert gradient[place] == pytest.approx(slope, abs=1e-7)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("sgd", 1 - 0.1 * (2 + 4)),
        ("momentum", 1 - 0.1 * (2 + (0.9 * 2 + 4))),
        # By hand: means 0.2, 0.58 and squares 0.004, 0.019996, each over its bias correction.
        ("adam", 1 - 0.1 * (2 / 2 + (0.58 / 0.19) / math.sqrt(0.019996 / 0.001999))),
    ],
)
def test_each_optimiser_takes_the_steps_of_its_formula(kind, expected):
    parameters = [np.ones(1)]
    optimiser = Optimiser(kind, parameters)

    for gradient in (2.0, 4.0):
        optimiser.update(parameters, [np.array([gradient])], 0.1)

    assert parameters[0][0] == pytest.approx(expected, abs=1e-7)


def wait_for(condition, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_a_live_run_grows_while_it_is_watched_and_ends_when_told(tmp_path: Path):
    store = Store(tmp_path)

    def points() -> int:
        store.refresh()
        return sum(run.points for run in store.catalogue().runs)

    stopped = threading.Event()
    options = {"stopped": stopped, "pause_s": 0.001}
    thread = threading.Thread(target=demo.train_live, args=(tmp_path,), kwargs=options)
    thread.start()
    wait_for(lambda: points() > 0)
    seen = points()
    wait_for(lambda: points() > seen)
    stopped.set()
    thread.join(timeout=20)

    assert not thread.is_alive()
    assert store.problems() == ()


def test_each_live_run_has_a_directory_of_its_own(tmp_path: Path):
    for _ in range(2):
        demo.train_live(tmp_path, steps=1, pause_s=0)

    folders = sorted(path.parent.name for path in tmp_path.rglob("*tfevents*"))
    assert folders == ["seed0", "seed1"]
