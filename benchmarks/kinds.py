"""Build a log directory with every kind of summary in it, for the pages that show them.

Four runs. Each logs 200 steps of two pictures of 96 x 96 pixels, 200 of six histograms, 50 texts
and PR curves, 20 sounds of a second, ten meshes, a graph of a small network, hyperparameters and a
layout of custom scalars.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gpuboard import SummaryWriter

RUNS = 4
STEPS = 200


def build(root: Path) -> Path:
    """Write the logs below `root` unless they are there, and return their directory."""
    folder = root / f"kinds-{RUNS}x{STEPS}"
    finished = folder / "finished"
    if not finished.exists():
        for run in range(RUNS):
            _write_run(folder / f"run{run}", run)
        finished.touch()
    return folder


def _write_run(folder: Path, run: int) -> None:
    random = np.random.default_rng(run)
    with SummaryWriter(str(folder)) as writer:
        writer.add_custom_scalars({"losses": {"all": ["Multiline", ["loss/.*"]]}})
        for step in range(STEPS):
            _log_step(writer, random, step)
        _log_graph(writer)
        metrics = {"hparam/loss": float(random.random())}
        writer.add_hparams({"lr": 10.0 ** -(1 + run), "layers": run}, metrics, run_name="trial")


def _log_step(writer: SummaryWriter, random: np.random.Generator, step: int) -> None:
    for part in ("train", "val"):
        writer.add_scalar(f"loss/{part}", float(np.exp(-step / 60) + 0.1 * random.random()), step)
        picture = random.integers(0, 256, (96, 96, 3), np.uint8)
        writer.add_image(f"samples/{part}", picture, step, dataformats="HWC")
    for layer in range(6):
        values = random.normal(scale=1 + step / STEPS, size=2_000)
        writer.add_histogram(f"weights/layer{layer}", values, step)
    if step % 4 == 0:
        writer.add_text("notes/sample", f"## Step {step}\n\nIt *learns*: `{step}`", step)
        scores = random.random(2_000)
        writer.add_pr_curve("pr/all", random.random(2_000) < scores, scores, step)
    if step % 10 == 0:
        time = np.arange(8_000) / 8_000
        sound = np.sin(2 * np.pi * (220 + step) * time).astype(np.float32)
        writer.add_audio("sounds/tone", sound, step, sample_rate=8_000)
    if step % 20 == 0:
        points = random.normal(size=(1, 2_000, 3)).astype(np.float32)
        colours = random.integers(0, 256, (1, 2_000, 3))
        writer.add_mesh("shapes/cloud", points, colors=colours, global_step=step)


def _log_graph(writer: SummaryWriter) -> None:
    try:
        import torch
    except ImportError:
        return
    layers = [torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU()) for _ in range(8)]
    writer.add_graph(torch.nn.Sequential(*layers), torch.zeros(1, 64))
