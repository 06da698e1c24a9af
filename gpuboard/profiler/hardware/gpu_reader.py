"""Read one GPU, or one slice of a GPU, with as few calls as its metrics allow."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any, TypeVar

from gpuboard.profiler.hardware.counters import Rate
from gpuboard.profiler.hardware.metrics import NUMBER_OF, Metric
from gpuboard.profiler.hardware.samples import Absent, Batch, Instant
from gpuboard.profiler.hardware.sources import COUNTER, Buffered, Call, Field, Gpm, Told
from gpuboard.profiler.nvml import (
    ARCHITECTURES,
    NOT_SUPPORTED,
    Answer,
    DeviceLost,
    Handle,
    LibraryDown,
    NothingNew,
    Nvml,
    NvmlError,
    Unsupported,
    number,
)

# What a device does not have may come with a change of its mode: it is asked again that often.
ASK_AGAIN_S = 600.0
# Other errors may pass: so many in a row make the metric absent for a while.
FAILURES_TO_GIVE_UP = 3
TRY_AGAIN_S = 60.0
# A source that has never had a value by then gives way to the next.
LOOKS_WITHOUT_VALUE = 10
# Two GPM samples closer than this give no answer (nvml.h, nvmlGpmMetricsGet).
MIN_GPM_GAP_S = 0.1
# The driver's buffers are stamped in microseconds since the epoch; further off they are not.
MAX_STAMP_ERROR_S = 60.0
MOST_BUFFERED_PER_S = 10.0

_NO_VALUE = "the driver answers that the number is not available"
_NEVER_A_VALUE = "the driver offers the number but never had a value"
_MIG_SLICE = "a slice of a GPU has no such number; that of the whole GPU, or its GPM metrics, may"
_MIG_ON = "the GPU is divided into slices (MIG); look at these"

S = TypeVar("S")


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """A device that is read together with its GPU.

    Attributes:
        device: Its number.
        metrics: What is read of it.
        scope: Number of the link, or 0.
    """

    device: int
    metrics: tuple[Metric, ...]
    scope: int = 0


class _Slot:
    """One metric of one device: which source answers, and what was read last."""

    def __init__(self, metric: Metric, part: Part) -> None:
        self.metric = metric
        self.device = part.device
        self.scope = part.scope
        self.reason = ""
        self.rate = Rate()
        self.seen_us = 0
        self._choice = 0
        self._failures = 0
        self._silent: int | None = 0
        self._ask_at = -math.inf

    @property
    def source(self) -> Answer:
        return self.metric.sources[self._choice]

    def is_due(self, now: float) -> bool:
        return now >= self._ask_at

    def forget(self) -> None:
        self.rate.forget()
        self.seen_us = 0

    def answered(self) -> None:
        self.reason = ""
        self._failures = 0
        self._silent = None

    def silent(self, now: float) -> None:
        """Note that there was nothing new; a source that never had anything gives way."""
        if self._silent is not None:
            self._silent += 1
            if self._silent >= LOOKS_WITHOUT_VALUE:
                self.refused(_NEVER_A_VALUE, now)

    def refused(self, reason: str, now: float) -> None:
        """Go on to the next source; after the last, leave the metric alone for a while."""
        self.forget()
        self._silent = 0
        if self._choice + 1 < len(self.metric.sources):
            self._choice += 1
            return
        self.reason, self._choice, self._ask_at = reason, 0, now + ASK_AGAIN_S

    def failed(self, reason: str, now: float) -> None:
        self.forget()
        self._failures += 1
        if self._failures >= FAILURES_TO_GIVE_UP:
            self.reason, self._ask_at = reason, now + TRY_AGAIN_S


class GpuReader:
    """Reads the metrics of one GPU or slice, and of its links.

    Args:
        nvml: The started library.
        handle: What the library calls the device.
        parts: What is read; the GPU or slice itself first.
        architecture: A key of `nvml.ARCHITECTURES`, 0 when not known.
        gpm: The handle to ask for GPM samples, and the GPU instance of a slice.
        is_slice: Whether it is a slice of a GPU.
        is_sliced: Whether it is a GPU that is divided into slices.
    """

    def __init__(
        self,
        nvml: Nvml,
        handle: Handle,
        parts: Sequence[Part],
        *,
        architecture: int = 0,
        gpm: tuple[Any, int | None] | None = None,
        is_slice: bool = False,
        is_sliced: bool = False,
    ) -> None:
        self._nvml = nvml
        self.handle = handle
        self.parts = tuple(parts)
        self._gpm = gpm or (handle, None)
        self._kind = (architecture, is_slice, is_sliced, self._gpm[1])
        self._gpm_old: tuple[Any, float] | None = None
        self._has_gpm: bool | None = None
        self._context = _MIG_SLICE if is_slice else _MIG_ON if is_sliced else ""
        slots = [_Slot(metric, part) for part in parts for metric in part.metrics]
        self._slots = [s for s in slots if not isinstance(s.metric.sources[0], Told)]
        self._too_old = [s for s in self._slots if 0 < architecture < s.metric.needs]
        for slot in self._too_old:
            needs, has = ARCHITECTURES[slot.metric.needs], ARCHITECTURES.get(architecture, "older")
            slot.reason = f"it needs {needs} or later; this GPU is {has}"
            self._slots.remove(slot)

    def read(self, paces: Collection[str], at: Instant, out: Batch) -> None:
        """Read what is due and add it to a batch.

        Raises:
            DeviceLost: The GPU no longer answers.
            LibraryDown: Nothing answers.
        """
        due = [s for s in self._slots if s.metric.pace in paces and s.is_due(at.monotonic)]
        for slot, answer in self._answers(due, at):
            self._take(slot, answer, at, out)

    def absent(self) -> Iterator[Absent]:
        """Yield the metrics that this device does not have, with reasons."""
        for slot in (*self._too_old, *self._slots):
            if slot.reason:
                yield Absent(NUMBER_OF[slot.metric], slot.device, slot.reason)

    def is_like(self, other: GpuReader) -> bool:
        """Say whether both read the same of the same kind of device."""
        return self.parts == other.parts and self._kind == other._kind

    def forget(self) -> None:
        """Work out no growth across what came before: there was a gap."""
        for slot in self._slots:
            slot.forget()
        self.close()

    def close(self) -> None:
        """Give back what the library holds for this device."""
        if self._gpm_old is not None:
            self._nvml.gpm_free(self._gpm_old[0])
            self._gpm_old = None

    def _answers(self, due: Sequence[_Slot], at: Instant) -> Iterator[tuple[_Slot, Any]]:
        yield from self._calls([s for s in due if isinstance(s.source, Call)])
        yield from self._fields([s for s in due if isinstance(s.source, Field)])
        yield from self._buffers([s for s in due if isinstance(s.source, Buffered)])
        yield from self._gpm_answers([s for s in due if isinstance(s.source, Gpm)], at)

    def _calls(self, slots: Sequence[_Slot]) -> Iterator[tuple[_Slot, Any]]:
        answers: dict[tuple[str, tuple[int, ...]], Any] = {}
        for slot in slots:
            call: Call = slot.source
            question = (call.function, call.arguments)
            if question not in answers:
                answers[question] = self._one(call.function, *call.arguments)
            answer = answers[question]
            yield slot, answer if isinstance(answer, NvmlError) else _picked(call, answer)

    def _one(self, function: str, *arguments: int) -> Answer:
        try:
            return self._nvml.ask(function, self.handle, *arguments)
        except NvmlError as error:
            return error

    def _fields(self, slots: Sequence[_Slot]) -> Iterator[tuple[_Slot, Any]]:
        if not slots:
            return
        wanted = [
            (s.source.field_id, s.scope if s.source.scope is None else s.source.scope)
            for s in slots
        ]
        once = list(dict.fromkeys(wanted))
        try:
            answers = dict(zip(once, self._nvml.fields(self.handle, once), strict=False))
        except NvmlError as error:
            answers = dict.fromkeys(once, error)
        for slot, question in zip(slots, wanted, strict=True):
            yield slot, answers.get(question)

    def _buffers(self, slots: Sequence[_Slot]) -> Iterator[tuple[_Slot, Any]]:
        for slot in slots:
            try:
                yield (
                    slot,
                    self._nvml.buffered(self.handle, slot.source.sampling_type, slot.seen_us),
                )
            except NvmlError as error:
                yield slot, error

    def _gpm_answers(self, slots: Sequence[_Slot], at: Instant) -> Iterator[tuple[_Slot, Any]]:
        if not slots:
            return
        try:
            values = self._gpm_values([s.source.metric_id for s in slots], at)
        except NvmlError as error:
            values = [error] * len(slots)
        yield from zip(slots, values, strict=False)

    def _gpm_values(self, wanted: Sequence[int], at: Instant) -> Sequence[float | NvmlError]:
        if self._has_gpm is None:
            self._has_gpm = self._nvml.has_gpm(self._gpm[0])
        if not self._has_gpm:
            raise Unsupported("nvmlGpmQueryDeviceSupport", NOT_SUPPORTED)
        old = self._gpm_old
        if old is not None and at.monotonic - old[1] < MIN_GPM_GAP_S:
            return ()
        new = self._nvml.gpm_sample(*self._gpm)
        self._gpm_old = (new, at.monotonic)
        if old is None:
            return ()
        try:
            return self._nvml.gpm_metrics(old[0], new, wanted)
        finally:
            self._nvml.gpm_free(old[0])

    def _take(self, slot: _Slot, answer: Answer, at: Instant, out: Batch) -> None:
        if isinstance(answer, DeviceLost | LibraryDown):
            raise answer
        if isinstance(answer, NothingNew):
            slot.silent(at.monotonic)
        elif isinstance(answer, Unsupported):
            slot.refused(self._why(answer), at.monotonic)
        elif isinstance(answer, NvmlError):
            slot.failed(answer.words, at.monotonic)
        elif answer is None:
            slot.refused(_NO_VALUE, at.monotonic)
        else:
            slot.answered()
            self._add(slot, answer, at, out)

    def _why(self, error: NvmlError) -> str:
        return self._context if self._context and error.code == NOT_SUPPORTED else error.words

    def _add(self, slot: _Slot, answer: Answer, at: Instant, out: Batch) -> None:
        source = slot.source
        if isinstance(source, Buffered):
            for wall, value in _stamped(slot, source, answer, at):
                out.add(wall, slot.metric, slot.device, value * source.scale)
            return
        shown = slot.rate.step(answer, at.monotonic) if source.kind == COUNTER else float(answer)
        if shown is not None:
            out.add(at.wall, slot.metric, slot.device, shown * source.scale)


def _picked(call: Call, answer: Answer) -> float | None:
    if isinstance(call.pick, str):
        answer = getattr(answer, call.pick, None)
    elif call.pick is not None:
        answer = answer[call.pick]
    value = number(answer, call.bits)
    if value is None or call.mask is None:
        return value
    return 100.0 if int(value) & call.mask else 0.0


def _stamped(
    slot: _Slot, source: Buffered, samples: list[tuple[int, float]], at: Instant
) -> list[tuple[float, float]]:
    """Return buffered samples with wall times; at the first look the newest alone."""
    if not samples:
        return []
    if not slot.seen_us:
        samples = samples[-1:]
    slot.seen_us = samples[-1][0]
    newest = samples[-1][0] * 1e-6
    shift = at.wall - newest if abs(at.wall - newest) > MAX_STAMP_ERROR_S else 0.0
    if source.reduce == "max":
        return [(newest + shift, max(value for _, value in samples))]
    return _thinned([(stamp * 1e-6 + shift, value) for stamp, value in samples])


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return means of neighbours where the driver samples faster than anybody looks."""
    span = points[-1][0] - points[0][0]
    together = math.ceil(len(points) / (MOST_BUFFERED_PER_S * max(span, 0.1) + 1))
    if together <= 1:
        return points
    groups = [points[i : i + together] for i in range(0, len(points), together)]
    return [(group[-1][0], sum(v for _, v in group) / len(group)) for group in groups]
