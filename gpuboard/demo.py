"""Train small networks on the spot, in plain NumPy, so that there are honest runs to look at.

The task is to tell three interleaved spiral arms apart from noisy points in the plane. Every
number that is logged was measured during that training; losses and accuracies depend on the seeds
alone, times on the machine.
"""

from __future__ import annotations

import copy
import dataclasses
import itertools
import math
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gpuboard import demo_records
from gpuboard.eventlog.append import EventFileWriter
from gpuboard.summaries.hparams import HParam, encode_start

STEPS = 1200
WARMUP_STEPS = 100
VALIDATE_EVERY = 10
LOOKS = 10  # at tensors, pictures and curves, over the steps of a run
BATCH_SIZE = 64
CLASSES = 3
LEAK = 0.1

LIVE_STEPS = 6000
LIVE_PAUSE_S = 0.1

# The crash comes at 70 % of the steps, the last checkpoint before it was taken at 60 %.
CRASH_FRACTION = 0.7
CHECKPOINT_FRACTION = 0.6
# A training that has produced nothing finite for so long is given up.
GIVE_UP_STEPS = 100

_DATA_SEED = 20_230
_TRAIN_POINTS = 1500
_VALIDATION_POINTS = 500

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Progress = Callable[[float, str], object]


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What one run is to train, and with what.

    Attributes:
        optimiser: "sgd", "momentum" or "adam".
        peak_rate: Learning rate between warmup and decay.
        width: Units in each of the two hidden layers.
        seed: Of the first weights and the order of the batches.
        steps: Batches to train on.
    """

    optimiser: str
    peak_rate: float
    width: int
    seed: int
    steps: int = STEPS

    @property
    def hparams(self) -> dict[str, HParam]:
        """What a reader may group runs by."""
        return {
            "optimiser": self.optimiser,
            "learning_rate": self.peak_rate,
            "width": float(self.width),
            "seed": float(self.seed),
        }

    @property
    def name(self) -> str:
        """The run's directory, such as "adam-lr0.003-w32/seed0"."""
        return f"{self.optimiser}-lr{self.peak_rate:g}-w{self.width}/seed{self.seed}"


_VARIANTS = (
    ("sgd", 0.1, 32),
    ("sgd", 0.5, 32),
    ("momentum", 0.02, 32),
    ("momentum", 0.1, 32),
    ("adam", 0.001, 32),
    ("adam", 0.003, 8),
    ("adam", 0.003, 32),
    ("adam", 0.01, 32),
)
_DIVERGING = ("momentum", 3.0, 32)
_RESTARTED = Plan("adam", 0.003, 32, seed=0)
_LIVE = ("adam", 0.002, 16)

RESTARTED_RUN = _RESTARTED.name
DIVERGED_RUN = Plan(*_DIVERGING, seed=0).name


def make_demo_runs(
    logdir: Path, *, seeds: int = 3, progress: Progress | None = None, steps: int = STEPS
) -> None:
    """Train all demo runs, one after another, and log them below `logdir`.

    Among them are one whose learning rate is so high that it ends in NaN (`DIVERGED_RUN`) and one
    that crashed and went on from its last checkpoint (`RESTARTED_RUN`: two event files whose
    steps overlap). Runs that are there already are left as they are.

    Args:
        logdir: Made when it is missing.
        seeds: Runs of each variant.
        progress: Told before each run which fraction is done, and what is done next.
        steps: Batches that each run trains on.
    """
    plans = [plan for plan in _plans(seeds, steps) if not (logdir / plan.name).exists()]
    crashed: list[tuple[Path, Trainer]] = []
    for done, plan in enumerate(plans):
        if progress:
            progress(done / len(plans), plan.name)
        folder = logdir / plan.name
        if plan.name == RESTARTED_RUN:
            crashed.append((folder, _train_until_crash(folder, plan)))
        else:
            _train(folder, Trainer(plan), plan.steps)
    # Last, because to restart takes a while in real life too, and time tells readers which file
    # came later.
    for folder, checkpoint in crashed:
        _wait_for_next_second(folder)
        _train(folder, checkpoint, checkpoint.plan.steps)
    if progress:
        progress(1.0, f"{len(plans)} runs trained")


def train_live(
    logdir: Path,
    *,
    stopped: threading.Event | None = None,
    steps: int = LIVE_STEPS,
    pause_s: float = LIVE_PAUSE_S,
) -> None:
    """Train one more run slowly, each step visible at once, so that a page can be seen to grow.

    Args:
        logdir: Where the run's directory goes; each call makes a new one below "live".
        stopped: Ends the training early once it is set.
        steps: Batches to train on.
        pause_s: Seconds to rest before each batch.
    """
    stopped = stopped or threading.Event()
    plan = _first_free(logdir / "live", steps)
    trainer = Trainer(plan)
    with _opened(logdir / "live" / plan.name, plan) as writer:
        while trainer.step < steps and not stopped.wait(pause_s):
            trainer.advance(writer)
            writer.flush()
        trainer.finish(writer)


def _first_free(folder: Path, steps: int) -> Plan:
    plans = (Plan(*_LIVE, seed, steps) for seed in itertools.count())
    return next(plan for plan in plans if not (folder / plan.name).exists())


def _plans(seeds: int, steps: int) -> Iterator[Plan]:
    for seed in range(seeds):
        for variant in _VARIANTS:
            yield Plan(*variant, seed, steps)
    yield Plan(*_DIVERGING, 0, steps)


def _opened(folder: Path, plan: Plan) -> EventFileWriter:
    writer = EventFileWriter(folder)
    writer.add_value(encode_start(plan.hparams))
    demo_records.log_plan(writer, plan.name, plan.hparams, plan.width)
    return writer


def _train(folder: Path, trainer: Trainer, until: int) -> None:
    with _opened(folder, trainer.plan) as writer:
        while trainer.step < until and trainer.steps_lost < GIVE_UP_STEPS:
            trainer.advance(writer)
        trainer.finish(writer)


def _train_until_crash(folder: Path, plan: Plan) -> Trainer:
    """Train up to the crash; return the training as the last checkpoint had kept it."""
    trainer = Trainer(plan)
    with _opened(folder, plan) as writer:
        while trainer.step < int(plan.steps * CHECKPOINT_FRACTION):
            trainer.advance(writer)
        checkpoint = trainer.checkpoint()
        while trainer.step < int(plan.steps * CRASH_FRACTION):
            trainer.advance(writer)
    return checkpoint


def _wait_for_next_second(folder: Path) -> None:
    """Wait until a new file in `folder` is named after a later second than those it holds."""
    latest = max(path.stat().st_mtime for path in folder.iterdir())
    while time.time() < math.floor(latest) + 1:
        time.sleep(0.02)


@dataclasses.dataclass(frozen=True, slots=True)
class Samples:
    """Points in the plane, shape (n, 2), and the spiral arm of each, shape (n,)."""

    points: Floats
    labels: Labels


def make_spirals(n_samples: int, rng: np.random.Generator) -> Samples:
    """Return noisy points on three spiral arms that wind one and a quarter times around 0."""
    labels = rng.integers(CLASSES, size=n_samples)
    along = np.sqrt(rng.uniform(0.02, 1.0, n_samples))
    angle = 2 * np.pi * (1.25 * along + labels / CLASSES) + rng.normal(0, 0.5, n_samples)
    points = np.stack([along * np.cos(angle), along * np.sin(angle)], axis=1)
    return Samples(2 * points, labels)


class Network:
    """Two hidden leaky ReLU layers and a softmax over the arms.

    Attributes:
        parameters: Weights and biases in turn, changed in place by an optimiser.
    """

    def __init__(self, width: int, rng: np.random.Generator) -> None:
        self.parameters: list[Floats] = []
        for fan_in, fan_out in ((2, width), (width, width), (width, CLASSES)):
            # He et al. 2015: variance 2 / fan-in keeps the signal's size through ReLU layers.
            self.parameters.append(rng.normal(0, math.sqrt(2 / fan_in), (fan_in, fan_out)))
            self.parameters.append(np.zeros(fan_out))

    def logits(self, points: Floats) -> list[Floats]:
        """Return the output of every layer, the logits last."""
        outputs = [points]
        for layer in range(0, len(self.parameters), 2):
            weights, bias = self.parameters[layer : layer + 2]
            output = outputs[-1] @ weights + bias
            is_last = layer + 2 == len(self.parameters)
            outputs.append(output if is_last else np.maximum(output, LEAK * output))
        return outputs

    def gradients(self, samples: Samples) -> tuple[float, list[Floats]]:
        """Return the mean cross-entropy of a batch, and its gradient for each parameter."""
        outputs = self.logits(samples.points)
        log_probabilities = _log_softmax(outputs[-1])
        rows = np.arange(len(samples.labels))
        loss = -float(log_probabilities[rows, samples.labels].mean())
        error = np.exp(log_probabilities)
        error[rows, samples.labels] -= 1
        error /= len(rows)
        found: list[Floats] = []
        for layer in reversed(range(0, len(self.parameters), 2)):
            below = outputs[layer // 2]
            found[:0] = [below.T @ error, error.sum(axis=0)]
            error = (error @ self.parameters[layer].T) * np.where(below > 0, 1, LEAK)
        return loss, found

    def evaluate(self, samples: Samples) -> tuple[float, float]:
        """Return mean cross-entropy and the fraction of points on the right arm."""
        log_probabilities = _log_softmax(self.logits(samples.points)[-1])
        rows = np.arange(len(samples.labels))
        loss = -float(log_probabilities[rows, samples.labels].mean())
        is_right = log_probabilities.argmax(axis=1) == samples.labels
        return loss, float(is_right.mean())


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max(axis=1, keepdims=True)
    result: Floats = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return result


class Optimiser:
    """Changes parameters along their gradients: plain, with momentum, or by Adam's rule."""

    def __init__(self, kind: str, parameters: list[Floats]) -> None:
        self._update = {"sgd": self._sgd, "momentum": self._momentum, "adam": self._adam}[kind]
        self._mean = [np.zeros_like(p) for p in parameters]
        self._square = [np.zeros_like(p) for p in parameters]
        self._updates = 0

    def update(self, parameters: list[Floats], gradients: list[Floats], rate: float) -> None:
        """Change `parameters` in place."""
        self._updates += 1
        for k, gradient in enumerate(gradients):
            parameters[k] -= rate * self._update(k, gradient)

    def _sgd(self, k: int, gradient: Floats) -> Floats:
        del k
        return gradient

    def _momentum(self, k: int, gradient: Floats) -> Floats:
        self._mean[k] = 0.9 * self._mean[k] + gradient
        return self._mean[k]

    def _adam(self, k: int, gradient: Floats) -> Floats:
        # Kingma & Ba 2015, algorithm 1.
        self._mean[k] = 0.9 * self._mean[k] + 0.1 * gradient
        self._square[k] = 0.999 * self._square[k] + 0.001 * gradient**2
        mean = self._mean[k] / (1 - 0.9**self._updates)
        square = self._square[k] / (1 - 0.999**self._updates)
        result: Floats = mean / (np.sqrt(square) + 1e-8)
        return result


def learning_rate(step: int, steps: int, peak: float) -> float:
    """Return the rate at a step: linear warmup to `peak`, then half a cosine down to 0."""
    warmup = min(WARMUP_STEPS, steps // 10)
    if step < warmup:
        return peak * (step + 1) / warmup
    return peak * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


class Trainer:
    """One training under way.

    Attributes:
        plan: What it trains.
        step: Batches done so far.
        steps_lost: Batches in a row whose loss was not finite.
    """

    def __init__(self, plan: Plan) -> None:
        data = np.random.default_rng(_DATA_SEED)
        self.plan = plan
        self.step = 0
        self.steps_lost = 0
        self._train = make_spirals(_TRAIN_POINTS, data)
        self._validation = make_spirals(_VALIDATION_POINTS, data)
        self._rng = np.random.default_rng(plan.seed)
        self._network = Network(plan.width, self._rng)
        self._optimiser = Optimiser(plan.optimiser, self._network.parameters)
        self._gradients: list[Floats] = []
        self._losses: list[float] = []

    def checkpoint(self) -> Trainer:
        """Return this training as a restart finds it: all its state but the order of batches."""
        kept = copy.deepcopy(self)
        kept._rng = np.random.default_rng((self.plan.seed, self.step))
        return kept

    def advance(self, writer: EventFileWriter) -> None:
        """Train on one batch, and log what was measured at this step."""
        # A learning rate that is too high overflows; that is what one run is there to show.
        with np.errstate(all="ignore"):
            self._advance(writer)
        self.step += 1

    def finish(self, writer: EventFileWriter) -> None:
        """Log what can be said once the training is over."""
        demo_records.log_end(writer, self._losses, self.step)

    def _advance(self, writer: EventFileWriter) -> None:
        start = time.perf_counter()
        network, step = self._network, self.step
        rate = learning_rate(step, self.plan.steps, self.plan.peak_rate)
        chosen = self._rng.integers(len(self._train.labels), size=BATCH_SIZE)
        batch = Samples(self._train.points[chosen], self._train.labels[chosen])
        loss, gradients = network.gradients(batch)
        self._optimiser.update(network.parameters, gradients, rate)
        elapsed_ms = 1000 * (time.perf_counter() - start)
        self._gradients = gradients
        self._losses.append(loss)
        self.steps_lost = 0 if math.isfinite(loss) else self.steps_lost + 1
        writer.add_scalar("loss/train", loss, step)
        writer.add_scalar("gradients/norm", _norm(gradients), step)
        writer.add_scalar("weights/norm", _norm(network.parameters), step)
        writer.add_scalar("optimiser/learning_rate", rate, step)
        writer.add_scalar("time/step (ms)", elapsed_ms, step)
        if step % VALIDATE_EVERY == 0 or step == self.plan.steps - 1:
            self._validate(writer)
        if step % max(self.plan.steps // LOOKS, 1) == 0 or step == self.plan.steps - 1:
            demo_records.log_view(writer, self._view(), step)

    def _view(self) -> demo_records.View:
        network = self._network
        return demo_records.View(
            parameters=network.parameters,
            gradients=self._gradients,
            probabilities=lambda points: np.exp(_log_softmax(network.logits(points)[-1])),
            hidden=network.logits(self._validation.points)[1:-1],
            points=self._validation.points,
            labels=self._validation.labels,
        )

    def _validate(self, writer: EventFileWriter) -> None:
        loss, accuracy = self._network.evaluate(self._validation)
        writer.add_scalar("loss/validation", loss, self.step)
        writer.add_scalar("accuracy/validation", accuracy, self.step)
        # As many points as for validation: enough to compare the two, and half the time.
        known = Samples(
            self._train.points[:_VALIDATION_POINTS], self._train.labels[:_VALIDATION_POINTS]
        )
        writer.add_scalar("accuracy/train", self._network.evaluate(known)[1], self.step)


def _norm(arrays: list[Floats]) -> float:
    return math.sqrt(sum(float(np.vdot(a, a)) for a in arrays))
