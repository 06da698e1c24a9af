"""Open tabs of the Profile page on small traces."""

from __future__ import annotations

from gpuboard.store.store import Store
from tests.profiler.timeline.maker import event, kernel
from tests.serve.trace_maker import write_trace

US = 1_000
GEMM = "volta_h884gemm_64x64_nn"
DEVICE = {"id": 0, "name": "GPU of tests", "numSms": 80, "computeMajor": 7, "computeMinor": 5}


def training(count=6):
    """Steps of 100 µs with an operator, a call and a kernel each; the last but one is slow."""
    events = []
    for i in range(count):
        t = 150 * i
        slow = 40 if i == count - 2 else 0
        events += [
            event(f"ProfilerStep#{i}", t, 95 + slow, cat="user_annotation"),
            event("aten::linear", t + 5, 30),
            event("aten::mm", t + 10, 20),
            event("cudaLaunchKernel", t + 12, 4, cat="cuda_runtime", correlation=i + 1),
            kernel(GEMM, t + 40, 50 + slow, correlation=i + 1, grid=[8, 1, 1], block=[64, 1, 1]),
        ]
    return events


def open_profile(open_store, folder, tab, events=None, **query):
    """Write a trace and open a tab on it."""
    if not any(folder.rglob("*.json")):
        shown = training() if events is None else events
        write_trace(folder / "job" / "a.pt.trace.json", shown, deviceProperties=[DEVICE])
    words = "".join(f"&{key}={value}" for key, value in query.items())
    return open_store(Store(folder), f"profile?profileTab={tab}{words}")


def text_of(tab, selector):
    """Return the text of the first element of a kind."""
    return tab.evaluate(f"document.querySelector({selector!r})?.textContent ?? ''")


def texts(tab, selector):
    """Return the texts of all elements of a kind that are in sight."""
    return tab.evaluate(
        f"[...document.querySelectorAll({selector!r})].filter(e => e.checkVisibility())"
        ".map(e => e.textContent)"
    )
