"""When a failed sampling process is started again."""

from __future__ import annotations

from gpuboard.profiler.hardware.restarts import Restarts


def test_the_wait_doubles_up_to_ten_minutes():
    restarts, waits = Restarts(), []
    for _ in range(12):
        restarts.failed(1000.0, 1.0)
        waits.append(restarts.gpu_at - 1000.0)

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert restarts.count == 12


def test_a_long_life_makes_up_for_earlier_failures():
    restarts = Restarts()
    for _ in range(5):
        restarts.failed(1000.0, 1.0)

    restarts.failed(9000.0, 7200.0)

    assert restarts.gpu_at == 9001.0


def test_the_host_is_watched_alone_during_long_waits_only():
    restarts = Restarts()
    restarts.failed(1000.0, 1.0)
    short = restarts.wants_host_process(1000.0)
    for _ in range(4):
        restarts.failed(1000.0, 1.0)

    assert not short
    assert restarts.wants_host_process(1000.0)
    assert not restarts.may_touch_driver(1015.9)
    assert restarts.may_touch_driver(1016.0)
