from __future__ import annotations

import numpy as np
import pytest

from gpuboard import demo, demo_records
from gpuboard.store.store import Store
from gpuboard.store.values import read
from gpuboard.summaries import mesh, text
from gpuboard.summaries.value import parse

KINDS = {
    "scalar",
    "custom_scalars",
    "histogram",
    "image",
    "audio",
    "text",
    "pr_curve",
    "mesh",
    "graph",
    "hparams",
}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("demo")
    plan = demo.Plan("adam", 0.01, 16, seed=0, steps=300)
    demo._train(folder / "run", demo.Trainer(plan), plan.steps)
    store = Store(folder)
    store.refresh()
    return store


def last(store, tag):
    values = store.values(0, tag)
    return parse(read(values, len(values) - 1))


def test_a_run_has_something_for_every_dashboard(store):
    tags = store.catalogue().runs[0].tags.values()

    assert {tag.kind for tag in tags} == KINDS
    assert store.problems() == ()


def test_the_surface_is_a_whole_one_of_probabilities(store):
    vertices = mesh.decode(last(store, "plane/surface_VERTEX"))[0]
    faces = mesh.decode(last(store, "plane/surface_FACE"))[0]

    assert vertices.shape == (demo_records.GRID**2, 3)
    assert faces.shape == (2 * (demo_records.GRID - 1) ** 2, 3)
    assert set(np.unique(faces)) == set(range(len(vertices)))
    assert 0 <= vertices[:, 1].min() < 0.1 < 1.4 < vertices[:, 1].max() <= 1.5


def test_the_confusion_counts_every_validation_point(store):
    content = text.decode(last(store, "notes/confusion/text_summary")).cells[0]

    counts = [int(word) for word in content.replace("|", " ").split() if word.isdigit()]
    # The heads are "as arm 0", "as arm 1" and "as arm 2".
    assert sum(counts) - (0 + 1 + 2) == 500


def test_the_tone_follows_the_loss():
    falling = demo_records.sonified(np.linspace(1, 0, 100))

    def pitch(part):
        spectrum = np.abs(np.fft.rfft(part * np.hanning(len(part))))
        return np.argmax(spectrum) * 8_000 / len(part)

    first, second = pitch(falling[400:1400]), pitch(falling[-1400:-400])
    assert first > 3 * second
    assert second == pytest.approx(240, abs=25)
    assert not demo_records.sonified(np.array([np.nan])).any()


def test_the_graph_has_a_scope_for_each_layer():
    nodes = {node.name: node for node in demo_records.graph(16).node}

    assert {name.split("/")[0] for name in nodes if "/" in name} == {"layer0", "layer1", "layer2"}
    inputs = {source for node in nodes.values() for source in node.input}
    assert inputs <= set(nodes)
    assert set(nodes) - inputs == {"probabilities"}
