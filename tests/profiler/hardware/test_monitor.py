"""Sampling and recording at once."""

from __future__ import annotations

import os
import time

from gpuboard.profiler.hardware.monitor import Monitor
from gpuboard.store.store import Store


def test_a_machine_is_watched_and_recorded_as_a_run(tmp_path):
    with Monitor(
        tmp_path, period_s=0.1, with_gpu=False, training_pid=os.getpid(), host="node7"
    ) as monitor:
        end = time.monotonic() + 20
        while len(list(tmp_path.rglob("events*"))) < 1 and time.monotonic() < end:
            time.sleep(0.05)
        time.sleep(0.5)
        status = monitor.status()
    store = Store(tmp_path)
    store.refresh()
    run = store.find_run("hardware/node7").id

    load = store.series(run, "host/load (processes)")
    processes = store.series(run, "training/processes (count)")
    hour = store.find_run("hardware/node7/per_hour").id

    assert status.state == "off"
    assert len(load.value) >= 1
    assert processes.value[0] >= 1
    assert len(store.series(hour, "host/load (processes)/mean").value) == 1
    assert store.problems() == ()
