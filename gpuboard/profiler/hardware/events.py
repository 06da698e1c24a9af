"""Listen for what the driver reports by itself: Xid errors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gpuboard.profiler.nvml import Handle, LibraryDown, Nvml, NvmlError, text

_XID_CRITICAL_ERROR = 0x8
_MOST_PER_TICK = 64

# What the codes of NVIDIA's Xid catalogue mean to somebody who trains.
XID_WORDS: dict[int, str] = {
    13: "a kernel did something illegal, often an access out of bounds: look at the program first",
    31: "a kernel touched memory that is not mapped: look at the program first",
    32: "a damaged command reached the GPU: the bus, the driver or the program",
    43: "a process was stopped on the GPU after a fault of its own",
    45: "work was cancelled, mostly because its process ended or an earlier error stopped it",
    48: "memory error beyond mending (two bits): drain the machine and reset the GPU",
    61: "the GPU's own controller stopped: reset the GPU",
    62: "the GPU's own controller halted: reset the GPU",
    63: "a row of memory was marked for replacement; it is done at the next reset",
    64: "a row of memory could not be replaced: exchange the GPU",
    68: "the video processor failed",
    69: "the graphics engine failed: look at the program first",
    74: "an NVLink failed: check the link or the switch",
    79: "the GPU fell off the bus: power, heat or the slot; start the machine anew",
    92: "many memory errors were mended: watch the GPU",
    94: "a memory error was contained: the process is lost, the GPU goes on",
    95: "a memory error was not contained: reset the GPU",
    109: "a context switch timed out: look at the program first",
    119: "the GPU's system processor (GSP) does not answer: reset the GPU",
    120: "the GPU's system processor (GSP) failed: reset the GPU",
    140: "memory errors beyond mending: drain the machine and reset the GPU",
    145: "an NVLink had an error that was not mended",
}


def words_of(code: int) -> str:
    """Return what an Xid means."""
    return XID_WORDS.get(code, "see this code in NVIDIA's list of Xid errors")


class Events:
    """The queue of reported errors of all GPUs.

    Attributes:
        reason: Why nothing can be heard, or "".
    """

    def __init__(self, nvml: Nvml) -> None:
        self._nvml = nvml
        self._queue: Any = None
        self._heard: set[str] = set()
        self.reason = ""

    def hear(self, handle: Handle, key: str) -> None:
        """Begin to listen to a GPU; done once for each."""
        if key in self._heard:
            return
        try:
            if self._queue is None:
                self._queue = self._nvml.ask("nvmlEventSetCreate")
            self._nvml.ask("nvmlDeviceRegisterEvents", handle, _XID_CRITICAL_ERROR, self._queue)
        except LibraryDown:
            raise
        except NvmlError as error:
            self.reason = error.words
            return
        self._heard.add(key)

    def drain(self) -> Iterator[tuple[str, int]]:
        """Yield the key of the GPU and the Xid of each error since the last time."""
        if not self._heard:
            return
        for _ in range(_MOST_PER_TICK):
            try:
                event = self._nvml.ask("nvmlEventSetWait", self._queue, 0)
                if event.eventType & _XID_CRITICAL_ERROR:
                    key = text(self._nvml.ask("nvmlDeviceGetUUID", event.device))
                    yield key, int(event.eventData)
            except LibraryDown:
                raise
            except NvmlError:
                return

    def close(self) -> None:
        """Stop listening."""
        if self._queue is not None:
            try:
                self._nvml.ask("nvmlEventSetFree", self._queue)
            except NvmlError:
                return
            finally:
                self._queue = None
                self._heard.clear()
