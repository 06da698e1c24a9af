"""Read many points, tags and runs in a process of its own and measure what it holds."""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests import make
from tests.faults import children

MIB = 1 << 20

# Prints what the process held before and after reading, and at most, in bytes.
MEASURE = """
import dataclasses, gc, json, os, resource, sys
from pathlib import Path
from gpuboard.store.store import Store

def resident():
    gc.collect()
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * resource.getpagesize()

def peak():
    with open("/proc/self/status") as file:
        return next(int(l.split()[1]) for l in file if l.startswith("VmHWM")) * 1024

small, large = map(Path, sys.argv[1:3])
warm = Store(small, workers=2)
warm.refresh()
warm.catalogue()
before = resident()
store = Store(large, workers=2)
store.refresh()
after = resident()
series = points = packed = 0
memory = {}  # several columns may be cut from one piece of memory
for run in store._runs:
    for content in run.files():
        for block in content.scalars:
            for field in dataclasses.fields(block):
                column = getattr(block, field.name)
                while column.base is not None:
                    column = column.base
                memory[id(column)] = column.nbytes
            series += len(block.tag)
            points += len(block)
            packed += block.data.nbytes
catalogue, owned = store.catalogue(), sum(memory.values())
print(json.dumps(dict(
    grown=after - before, peak=peak() - before, owned=owned, packed=packed, series=series,
    points=points, runs=len(catalogue.runs), tags=sum(len(r.tags) for r in catalogue.runs),
    listed=resident() - after, problems=len(store.problems()),
    last=[len(store.series(r.id, t)) for r in catalogue.runs[:1] for t in list(r.tags)[-1:]],
)))
"""


@pytest.fixture
def measure(tmp_path):
    def run(large):
        make.event_file(tmp_path / "small", [make.scalar("a", 1.0)])
        child = children.run(MEASURE, tmp_path / "small", large)
        assert child.returncode == 0, child.stderr[-2000:]
        return json.loads(child.stdout)

    return run


def test_two_million_points_take_seven_bytes_each_and_little_more(tmp_path, measure):
    random = np.random.default_rng(0)
    values = random.normal(size=20_000).tolist()
    times = (make.START_TIME + np.cumsum(random.uniform(0.09, 0.11, 20_000))).tolist()
    block = make.records(make.scalar(f"t{k % 10}", values[k], k, times[k]) for k in range(20_000))
    (tmp_path / "large").mkdir()
    with (tmp_path / "large" / make.FILE_NAME).open("wb") as file:
        for _ in range(100):
            file.write(block)

    found = measure(tmp_path / "large")

    assert (found["points"], found["tags"], found["last"]) == (2_000_000, 10, [200_000])
    assert found["packed"] <= 7 * found["points"]
    slab_of_each_thread = 2 * 8 * MIB
    assert found["owned"] <= found["packed"] + 64 * found["series"] + slab_of_each_thread
    assert found["grown"] <= 7 * found["points"] + 24 * MIB


def test_a_hundred_thousand_tags_are_all_listed_and_take_little_memory_each(tmp_path, measure):
    tags = 100_000
    payloads = (make.scalar(f"layer{k // 100}/weight{k % 100}", k, k) for k in range(tags))
    make.event_file(tmp_path / "large" / "run", payloads)

    found = measure(tmp_path / "large")

    assert (found["tags"], found["points"], found["last"]) == (tags, tags, [1])
    assert found["problems"] == 0
    # Name as bytes and as text, its number, one point: some 350 bytes a tag.
    assert found["grown"] <= 500 * tags + 16 * MIB
    assert found["peak"] <= 1500 * tags + 16 * MIB
    assert found["listed"] <= 600 * tags


@pytest.mark.slow
def test_ten_thousand_runs_are_all_listed_and_take_little_memory_each(tmp_path, measure):
    runs = 10_000
    data = make.records([make.header(), *(make.scalar("loss", k, k) for k in range(10))])
    for k in range(runs):
        folder = tmp_path / "large" / f"run{k}"
        folder.mkdir(parents=True)
        (folder / make.FILE_NAME).write_bytes(data)

    found = measure(tmp_path / "large")

    assert (found["runs"], found["points"], found["problems"]) == (runs, 10 * runs, 0)
    assert found["grown"] <= 8_000 * runs + 16 * MIB
