"""Real sampling processes that hang, crash and stop."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import psutil
import pytest

from gpuboard.profiler.hardware.metrics import find
from gpuboard.profiler.hardware.sampler import Sampler
from gpuboard.profiler.hardware.samples import Samples
from gpuboard.profiler.nvml import NvmlState

ROOT = Path(__file__).resolve().parents[3]
TEMPERATURE = find("gpu", "temperature")
LOAD = find("host", "load")


@pytest.fixture
def sampler(tmp_path):
    """Return a function that starts a sampler over scripted GPUs."""
    made = []

    def start(*, period_s=0.05, patience_s=1.0, once=False, **script):
        path = tmp_path / "script.json"
        if once:
            script["once"] = str(tmp_path / "done")
        path.write_text(json.dumps({"gpus": 2, **script}))
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "SCRIPTED_NVML": str(path)}
        one = Sampler(
            period_s=period_s,
            patience_s=patience_s,
            nvml_module="tests.profiler.hardware.scripted_nvml",
            environment=environment,
        )
        made.append(one.start())
        return one

    yield start
    for one in made:
        one.stop()


class Watch:
    """Takes from a sampler until something holds."""

    def __init__(self, sampler):
        self.sampler = sampler
        self.parts = []

    def until(self, holds, seconds=30.0):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.parts.append(self.sampler.take())
            if holds(self):
                return
            time.sleep(0.02)
        pytest.fail(f"it never held; {self.sampler.status()}")

    def count(self, metric, place):
        devices = self.sampler.devices()
        number = [k for k, device in enumerate(devices) if device.place == place]
        samples = Samples.joined(self.parts)
        return len(samples.of(metric, number[0])[0]) if number else 0


def child_of(sampler):
    return sampler._process.pid


def test_gpus_and_host_are_sampled_by_another_process(sampler):
    one = sampler()
    watch = Watch(one)
    watch.until(lambda w: w.count(TEMPERATURE, "gpu/1") >= 3 and w.count(LOAD, "host") >= 3)

    assert child_of(one) != os.getpid()
    assert one.status().state == NvmlState.READY
    assert one.status().driver == "580.65.06"


@pytest.mark.parametrize("how", ["exit", "segv"])
def test_a_driver_that_crashes_its_process_is_read_again(sampler, how):
    one = sampler(at_call="nvmlDeviceGetTemperature", do=how, once=True)
    watch = Watch(one)
    watch.until(lambda w: w.count(TEMPERATURE, "gpu/0") >= 3)

    assert one.status().restarts == 1
    assert one.status().state == NvmlState.READY


def test_a_driver_that_keeps_crashing_is_named_and_its_signal_too(sampler):
    one = sampler(at_call="nvmlDeviceGetTemperature", do="segv")
    watch = Watch(one)
    watch.until(lambda w: w.sampler.status().restarts >= 2)

    assert one.status().state == NvmlState.CRASHED
    assert "SIGSEGV" in one.status().sentence
    assert watch.count(LOAD, "host") >= 2


def test_a_driver_that_hangs_is_ended_and_read_again(sampler):
    one = sampler(at_call="nvmlDeviceGetTemperature", do="hang", after=5, once=True, patience_s=1.5)
    watch = Watch(one)
    watch.until(lambda w: w.count(TEMPERATURE, "gpu/0") >= 1)
    hanging = child_of(one)
    watch.until(lambda w: w.sampler.status().state == NvmlState.HUNG)
    watch.parts.clear()
    watch.until(lambda w: w.count(TEMPERATURE, "gpu/0") >= 3)

    assert one.status().restarts >= 1
    assert not psutil.pid_exists(hanging)


def test_while_the_driver_may_not_be_touched_the_host_is_watched(sampler):
    one = sampler()
    watch = Watch(one)
    watch.until(lambda w: w.count(TEMPERATURE, "gpu/0") >= 1)
    for _ in range(6):
        one._restarts.failed(time.monotonic(), 0.0)
    os.kill(child_of(one), signal.SIGKILL)
    watch.until(lambda w: w.sampler.status().state == NvmlState.CRASHED)
    watch.parts.clear()
    watch.until(lambda w: w.count(LOAD, "host") >= 3)

    assert watch.count(TEMPERATURE, "gpu/0") == 0
    assert one.status().state == NvmlState.CRASHED
    one._restarts.gpu_at = 0.0
    watch.until(lambda w: w.count(TEMPERATURE, "gpu/0") >= 1)
    watch.until(lambda w: w.sampler.status().state == NvmlState.READY)


def test_devices_keep_their_numbers_over_a_restart(sampler):
    one = sampler()
    watch = Watch(one)
    watch.until(lambda w: w.count(TEMPERATURE, "gpu/1") >= 1)
    before = one.devices()
    os.kill(child_of(one), signal.SIGKILL)
    watch.until(lambda w: w.sampler.status().restarts == 1)
    watch.parts.clear()
    watch.until(lambda w: w.count(TEMPERATURE, "gpu/1") >= 1)

    assert one.devices() == before


def test_a_sampling_process_that_was_paused_shows_a_gap(sampler):
    one = sampler(patience_s=60.0)
    watch = Watch(one)
    watch.until(lambda w: w.count(TEMPERATURE, "gpu/0") >= 2)
    os.kill(child_of(one), signal.SIGSTOP)
    time.sleep(3.3)
    os.kill(child_of(one), signal.SIGCONT)
    watch.until(lambda w: w.sampler.status().gaps)

    (gap,) = one.status().gaps
    assert gap.end - gap.start >= 3.0
    assert one.status().restarts == 0


def test_stopping_leaves_no_process(sampler):
    one = sampler()
    Watch(one).until(lambda w: w.count(LOAD, "host") >= 1)
    pid = child_of(one)

    one.stop()

    assert not psutil.pid_exists(pid)


def test_the_sampling_process_ends_with_whoever_started_it(tmp_path):
    import subprocess
    import sys

    code = (
        "import time, os\n"
        "from gpuboard.profiler.hardware.sampler import Sampler\n"
        "s = Sampler(period_s=0.05, with_gpu=False).start()\n"
        "while not s.devices(): time.sleep(0.02)\n"
        "print(s._process.pid, flush=True); os._exit(0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    pid, end = int(done.stdout), time.monotonic() + 20
    while psutil.pid_exists(pid) and time.monotonic() < end:
        time.sleep(0.05)

    assert not psutil.pid_exists(pid)


def test_a_forked_copy_neither_reads_nor_stops_the_sampling(sampler):
    one = sampler()
    watch = Watch(one)
    watch.until(lambda w: w.count(LOAD, "host") >= 1)
    reading, writing = os.pipe()
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads
        copy = os.fork()
    if copy == 0:
        one.stop()
        says = f"{len(one.take())} {one.status().state}"
        os.write(writing, says.encode())
        os._exit(0)
    os.waitpid(copy, 0)
    os.close(writing)
    with os.fdopen(reading) as answer:
        assert answer.read() == "0 off"
    watch.parts.clear()
    watch.until(lambda w: w.count(LOAD, "host") >= 3)


def test_a_listener_gets_samples_with_their_devices(sampler, tmp_path):
    seen = []
    one = Sampler(
        period_s=0.05,
        with_gpu=False,
        listener=lambda samples, devices: seen.append((samples, devices)),
    )
    with one:
        end = time.monotonic() + 20
        while len(seen) < 3 and time.monotonic() < end:
            time.sleep(0.02)

    samples, devices = seen[0]
    assert devices[samples.device[0]].place == "host"
    assert len(one.take()) == 0


def test_an_updated_driver_gets_a_new_process_without_counting_as_a_failure(sampler, monkeypatch):
    one = sampler(at_call="nvmlInit", do=18, once=True)
    watch = Watch(one)
    watch.until(lambda w: w.sampler.status().state == NvmlState.MISMATCH)

    assert "updated" in one.status().sentence
    assert one.status().restarts == 0


def test_what_nobody_takes_is_dropped_and_counted(monkeypatch):
    import dataclasses

    import numpy as np

    from gpuboard.profiler.hardware import sampler as module

    small = dataclasses.replace(module.MAX_HARDWARE_PENDING, value=10)
    monkeypatch.setattr(module, "MAX_HARDWARE_PENDING", small)
    one = Sampler(with_gpu=False)
    for k in range(5):
        ones = np.ones(4, np.int32)
        one._pass_on(Samples(np.full(4, float(k)), ones, ones, np.ones(4)))

    taken = one.take()

    assert taken.wall_time.tolist() == [3.0] * 4 + [4.0] * 4
    assert one.status().dropped == 12


def test_what_lay_between_two_sampling_processes_is_a_gap():
    import numpy as np

    one = Sampler(with_gpu=False)
    zeros = np.zeros(1, np.int32)
    for is_new, wall in ((True, 100.0), (False, 101.0), (True, 140.0), (True, 141.0)):
        one._is_new = is_new
        one._pass_on(Samples(np.array([wall]), zeros, zeros, np.ones(1)))

    assert [(gap.start, gap.end) for gap in one.status().gaps] == [(101.0, 140.0)]


def test_a_listener_that_fails_does_not_end_the_sampling(caplog):
    calls = []

    def listener(samples, devices):
        calls.append(len(samples))
        raise RuntimeError("no")

    with Sampler(period_s=0.05, with_gpu=False, listener=listener) as one:
        end = time.monotonic() + 20
        while len(calls) < 4 and time.monotonic() < end:
            time.sleep(0.02)

    assert len(calls) >= 4
    assert one.status().dropped == sum(calls)
    assert caplog.text.count("a listener to hardware samples failed") == 1
