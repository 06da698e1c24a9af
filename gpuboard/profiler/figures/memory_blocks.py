"""Join each free of memory to its allocation."""

from __future__ import annotations

import dataclasses

import numpy as np

from gpuboard.profiler.traces.trace import Bools, Int64s, Trace


@dataclasses.dataclass(frozen=True, slots=True)
class Blocks:
    """Pieces of memory from allocation to free; columns of shape (b,), by their first event.

    Attributes:
        address: In the device's memory.
        bytes: Of the block.
        device_type: 0 host, 1 CUDA or HIP; `device` its number, -1 on the host.
        start: When it was allocated, and `start_event` the row of `trace.memory`; both -1 where
            that was before the recording.
        end: When it was freed, and `end_event` the row; both -1 where it was not within the
            recording.
    """

    address: Int64s
    bytes: Int64s
    device_type: Int64s
    device: Int64s
    start: Int64s
    start_event: Int64s
    end: Int64s
    end_event: Int64s

    def __len__(self) -> int:
        return len(self.address)

    @property
    def lifetime(self) -> Int64s:
        """From allocation to free, nanoseconds, -1 where one of them is not in the trace."""
        known = (self.start_event >= 0) & (self.end_event >= 0)
        return np.where(known, self.end - self.start, -1)

    def alive(self, time: int, device_type: int, device: int) -> Bools:
        """Tell which blocks of a device were allocated at a time, shape (b,)."""
        begun = (self.start_event < 0) | (self.start <= time)
        lasts = (self.end_event < 0) | (self.end > time)
        there = (self.device_type == device_type) & (self.device == device)
        alive: Bools = there & begun & lasts
        return alive


def pair_blocks(trace: Trace, key: Int64s) -> Blocks:
    """Join frees to allocations by device and address.

    A free belongs to the event before it at its address if that is an allocation. One without is of
    a block from before the recording; an allocation whose address is next allocated again, or never
    freed, has no end.

    Args:
        trace: Whose memory events are joined.
        key: Number of the device of each row of `trace.memory`, shape (e,).
    """
    events = trace.memory
    rows = np.flatnonzero((events.address >= 0) & (events.bytes != 0))
    rows = rows[np.lexsort((rows, events.address[rows], key[rows]))]
    address, device = events.address[rows], key[rows]
    begins = events.bytes[rows] > 0
    follows = np.zeros(len(rows), np.bool_)
    follows[1:] = (address[1:] == address[:-1]) & (device[1:] == device[:-1])
    joined = follows & ~begins & np.concatenate([[False], begins[:-1]])
    ended = np.concatenate([joined[1:], [False]])[: len(rows)]
    # One block for each allocation, and one for each free that has none.
    heads = np.flatnonzero(begins | ~joined)
    is_start = begins[heads]
    tails = np.where(is_start, np.where(ended[heads], heads + 1, -1), heads)
    start_event = np.where(is_start, rows[heads], -1)
    end_event = np.where(tails >= 0, rows[tails], -1)
    order = np.argsort(rows[heads], kind="stable")
    heads, start_event, end_event = heads[order], start_event[order], end_event[order]
    kind = events.device_type[rows[heads]]
    return Blocks(
        address=address[heads],
        bytes=np.abs(events.bytes[rows[heads]]),
        device_type=kind.astype(np.int64),
        device=np.where(kind == 0, -1, events.device[rows[heads]]).astype(np.int64),
        start=np.where(start_event >= 0, events.time[start_event], -1),
        start_event=start_event,
        end=np.where(end_event >= 0, events.time[end_event], -1),
        end_event=end_event,
    )
