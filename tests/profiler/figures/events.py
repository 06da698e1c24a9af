"""Make events of a host and a device for small traces, in microseconds."""

from __future__ import annotations

from typing import Any

Event = dict[str, Any]


def slice_of(cat: str, name: str, start: float, dur: float, tid=1, pid=1, **args: Any) -> Event:
    return {"ph": "X", "cat": cat, "name": name, "ts": start, "dur": dur, "pid": pid, "tid": tid,
            "args": args}  # fmt: skip


def op(name: str, start: float, dur: float, external: int | None = None, tid=1, **args) -> Event:
    more = args if external is None else {**args, "External id": external}
    return slice_of("cpu_op", name, start, dur, tid, **more)


def note(name: str, start: float, dur: float, tid=1) -> Event:
    return slice_of("user_annotation", name, start, dur, tid)


def python(name: str, start: float, dur: float, tid=1) -> Event:
    return slice_of("python_function", name, start, dur, tid, **{"Python id": 1})


def call(correlation: int, start: float, dur=5, tid=1, name="cudaLaunchKernel") -> Event:
    return slice_of("cuda_runtime", name, start, dur, tid, correlation=correlation)


def kernel(
    correlation: int, start: float, dur=10, name="k", stream=7, external=None, **args
) -> Event:
    if external is not None:
        args["External id"] = external
    return slice_of("kernel", name, start, dur, stream, 0, correlation=correlation, device=0,
                    stream=stream, **args)  # fmt: skip


def launched(correlation: int, start: float, name="k", dur=10, wait=10, **args) -> list[Event]:
    """Return a call of 5 us and its kernel, which starts `wait` after the call began."""
    return [call(correlation, start), kernel(correlation, start + wait, dur, name, **args)]
