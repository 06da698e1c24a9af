"""Sort the events of XPlanes into the columns of a trace."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from gpuboard.profiler.traces.assemble import LONGEST_NS
from gpuboard.profiler.traces.collect import Collector, Strings
from gpuboard.profiler.traces.parts import RawTrack
from gpuboard.profiler.traces.trace import DEVICE_WORK, Device, Int64s, Kind, Place
from gpuboard.profiler.traces.xplane_details import copied_bytes, launch_of, split_name
from gpuboard.profiler.traces.xplane_kinds import (
    Chip,
    derived_kind,
    event_name,
    host_kind,
    is_stream,
    plane_chip,
    stream_kind,
    stream_number,
)
from gpuboard.profiler.traces.xplane_plane import Plane

_LATEST_NS = 1 << 62
_CUDA, _HOST_MEMORY = 1, 0


@dataclasses.dataclass(slots=True)
class _Events:
    """The events of one plane that can be shown; `row` is their slice, -1 for those that have none.

    `name` is a string, `kind` a `Kind`, `track` the number of a raw track.
    """

    start: Int64s
    dur: Int64s
    is_good: npt.NDArray[np.bool_]
    name: Int64s
    kind: npt.NDArray[np.uint8]
    track: Int64s
    category: Int64s
    row: Int64s


class PlaneColumns:
    """Takes planes one by one.

    Attributes:
        collected: Where their events go.
        start_times: Of the lines that have events, nanoseconds.
    """

    def __init__(self, collected: Collector) -> None:
        self.collected = collected
        self.start_times: list[int] = []
        self._launches = Strings()
        self._garbage = 0

    def add(self, plane: Plane) -> None:
        """Take the events of a plane, and what it says of its device."""
        chip, device = plane_chip(plane.name)
        if chip is Chip.NOTHING:
            return
        if chip is not Chip.HOST:
            self.collected.devices.append(_device(plane, device))
        if not len(plane):
            return
        self.start_times += [plane.lines[k].timestamp for k in np.unique(plane.line)]
        events = self._events(plane, chip)
        self._place(plane, events, chip, device)
        if chip is Chip.HOST:
            self._name_steps(plane, events)
            self._take_memory(plane, events)
        self._take_slices(plane, events)
        if chip is Chip.HOST:
            self._take_calls(plane, events)
        else:
            self._take_work(plane, events, device)
            self._derive_steps(plane, events, device)
        self._take_flops(plane, events)
        self._take_flows(plane, events)

    def done(self) -> None:
        """Note what concerns all planes."""
        if self._garbage:
            self.collected.note(
                "garbage_details",
                f"the launches of {self._garbage:,} kernels are described by numbers that no chip "
                "can have, as some profilers write; these numbers are shown as unknown",
                times=self._garbage,
            )

    def _events(self, plane: Plane, chip: Chip) -> _Events:
        timestamp = np.array([line.timestamp for line in plane.lines], np.int64)
        is_good = (np.abs(timestamp) < _LATEST_NS)[plane.line]
        start = plane.offset_ps // 1000
        is_good &= np.abs(start) <= LONGEST_NS
        start += np.where(is_good, timestamp[plane.line], 0)
        self._note_lost(plane, is_good)
        is_good &= plane.at >= 0
        dur = plane.dur_ps // 1000
        dur += (plane.offset_ps % 1000 + plane.dur_ps % 1000) >= 1000
        strings = self.collected.strings
        names = [_name_of(about.name, about.display_name) for about in plane.metadata]
        numbers = np.array([strings.number(name) for name in names], np.int64)
        kinds = np.array([host_kind(n) if chip is Chip.HOST else 0 for n in names], np.uint8)
        n = len(plane)
        return _Events(
            start=start,
            dur=dur,
            is_good=is_good,
            name=numbers[plane.metadata_of],
            kind=kinds[plane.metadata_of],
            track=np.zeros(n, np.int64),
            category=np.zeros(n, np.int64),
            row=np.full(n, -1),
        )

    def _note_lost(self, plane: Plane, is_good: npt.NDArray[np.bool_]) -> None:
        is_lost = ~is_good & (plane.at >= 0)
        lost = int(np.count_nonzero(is_lost))
        if lost:
            self.collected.note(
                "impossible_time",
                f"{lost:,} events of {plane.name!r} lie more than a week from the start of their "
                "line; they are left out",
                offset=int(plane.at[np.argmax(is_lost)]),
                times=lost,
            )

    def _place(self, plane: Plane, events: _Events, chip: Chip, device: int) -> None:
        """Give every line its track, and the events of devices their kind."""
        bounds = np.searchsorted(plane.line, np.arange(len(plane.lines) + 1))
        for k, line in enumerate(plane.lines):
            part = slice(bounds[k], bounds[k + 1])
            if part.start == part.stop:
                continue
            thread = str(line.id) if chip is Chip.HOST or is_stream(line.name) else line.name
            raw = RawTrack(plane.name, thread, thread_label=line.name, order=k)
            word = plane.name
            if chip is Chip.HOST:
                raw.place = Place.HOST
            else:
                word = self._place_on_device(plane, events, chip, part, k, raw)
                raw.device = device
            events.track[part] = self.collected.track(raw)
            events.category[part] = self.collected.category(word)
        if chip is Chip.GPU:
            self._tell_by_details(plane, events)
        elif chip is Chip.HOST:
            with_correlation, _ = plane.numbers("correlation_id")
            events.kind[with_correlation] = Kind.CALL

    def _place_on_device(
        self, plane: Plane, events: _Events, chip: Chip, part: slice, k: int, raw: RawTrack
    ) -> str:
        name = plane.lines[k].name
        if chip is Chip.GPU and is_stream(name):
            raw.place, raw.stream = Place.STREAM, stream_number(name)
            metadata, inverse = np.unique(plane.metadata_of[part], return_inverse=True)
            known = [
                stream_kind(_name_of(plane.metadata[m].name, plane.metadata[m].display_name), name)
                for m in metadata
            ]
            events.kind[part] = np.array(known, np.uint8)[inverse]
            return name.partition("(")[2].rstrip(")") or "Stream"
        kind = derived_kind(name, chip)
        events.kind[part] = kind
        raw.place = Place.STREAM if kind is Kind.ACCELERATOR else Place.DEVICE_NOTE
        return name

    def _tell_by_details(self, plane: Plane, events: _Events) -> None:
        on_stream = np.array([is_stream(line.name) for line in plane.lines])[plane.line]
        for name, kind in (
            ("kernel_details", Kind.KERNEL),
            ("memcpy_details", Kind.MEMCPY),
            ("memset_details", Kind.MEMSET),
        ):
            found, _ = plane.texts(name, lambda text: 0)
            events.kind[found[on_stream[found]]] = kind

    def _name_steps(self, plane: Plane, events: _Events) -> None:
        """Give marked steps their number, as in "train#7"."""
        found, step = plane.numbers("step_num")
        texts, strings = self.collected.strings.texts, self.collected.strings
        for event, number in zip(found.tolist(), step.tolist(), strict=True):
            events.name[event] = strings.number(f"{texts[events.name[event]]}#{number}")
            events.kind[event] = Kind.ANNOTATION

    def _take_memory(self, plane: Plane, events: _Events) -> None:
        """Take allocations and frees, which are no slices; `reserved` is all the pool holds."""
        found, address = plane.numbers("addr")
        if not len(found):
            return
        size, allocated, kept, free = (
            _dense(plane, name)[found]
            for name in ("allocation_bytes", "bytes_allocated", "bytes_reserved", "bytes_available")
        )
        allocators, allocator = plane.texts("allocator_name", _device_of_allocator)
        device = np.full(len(plane), -1)
        device[allocators] = allocator
        is_free = np.array(["Dealloc" in text for text in self.collected.strings.texts], np.bool_)
        is_known = events.is_good[found] & (size >= 0)
        taken = found[is_known]
        self.collected.memory.add(
            len(taken),
            time=events.start[taken],
            track=events.track[taken],
            address=address[is_known],
            bytes=np.where(is_free[events.name[found]], -size, size)[is_known],
            allocated=allocated[is_known],
            reserved=np.where((kept >= 0) & (free >= 0), allocated + kept + free, -1)[is_known],
            device_type=np.where(device[taken] >= 0, _CUDA, _HOST_MEMORY),
            device=device[taken],
        )
        events.is_good[taken] = False

    def _take_slices(self, plane: Plane, events: _Events) -> None:
        good = np.flatnonzero(events.is_good)
        events.row[good] = self.collected.slices.rows + np.arange(len(good))
        self.collected.slices.add(
            len(good),
            start=events.start[good],
            dur=events.dur[good],
            track=events.track[good],
            name=events.name[good],
            kind=events.kind[good],
            category=events.category[good],
            offset=plane.at[good],
        )

    def _take_calls(self, plane: Plane, events: _Events) -> None:
        calls = np.flatnonzero((events.kind == Kind.CALL) & (events.row >= 0))
        correlation = _dense(plane, "correlation_id")[calls]
        self.collected.calls.add(len(calls), row=events.row[calls], correlation=correlation)

    def _take_work(self, plane: Plane, events: _Events, device: int) -> None:
        work = np.flatnonzero(np.isin(events.kind, DEVICE_WORK) & (events.row >= 0))
        if not len(work):
            return
        streams = np.array([stream_number(line.name) for line in plane.lines])
        numbers = {
            column: _dense(plane, name)[work]
            for column, name in (
                ("correlation", "correlation_id"),
                ("context", "context_id"),
                ("graph", "cuda_graph_id"),
                ("graph_node", "cuda_graph_node_id"),
            )
        }
        size = np.full(len(plane), -1)
        for name in ("memcpy_details", "memset_details"):
            found, known = plane.texts(name, copied_bytes)
            size[found] = known
        self.collected.work.add(
            len(work),
            row=events.row[work],
            device=device,
            stream=streams[plane.line[work]],
            bytes=size[work],
            launcher=self._launchers(plane)[work],
            **numbers,
            **self._take_launches(plane, work),
        )

    def _take_launches(self, plane: Plane, work: Int64s) -> dict[str, npt.NDArray[np.generic]]:
        found, text = plane.texts("kernel_details", self._launches.number)
        number = np.full(len(plane), -1)
        number[found] = text
        known = [launch_of(text) for text in ("", *self._launches.texts)]
        at = number[work] + 1
        self._garbage += int(np.array([launch.is_garbage for launch in known])[at].sum())
        return {
            "registers": np.array([launch.registers for launch in known])[at],
            "shared_memory": np.array([launch.shared_memory for launch in known])[at],
            "grid": np.array([launch.grid for launch in known])[at],
            "block": np.array([launch.block for launch in known])[at],
            "occupancy": np.array([launch.occupancy for launch in known])[at],
        }

    def _launchers(self, plane: Plane) -> Int64s:
        """Return the operator that each event is work for; the surest of three stats wins."""
        launcher = np.full(len(plane), -1)
        for name in ("annotation", "hlo_op", "tf_op"):
            found, text = plane.texts(name, self._launcher)
            is_named = text >= 0
            launcher[found[is_named]] = text[is_named]
        return launcher

    def _launcher(self, text: str) -> int:
        # XLA files what belongs to no operator of the framework under its own module.
        name = split_name(text)[0]
        return -1 if name in ("", "XlaModule:") else self.collected.strings.number(name)

    def _derive_steps(self, plane: Plane, events: _Events, device: int) -> None:
        """Lay the groups of a device's work over it as steps, where the file does not do so."""
        if any(derived_kind(line.name, Chip.GPU) is Kind.MODEL_STEP for line in plane.lines):
            return
        found, group = plane.numbers("group_id")
        is_work = np.isin(events.kind[found], DEVICE_WORK) & (events.row[found] >= 0)
        found, group = found[is_work], group[is_work]
        if not len(found):
            return
        groups, inverse = np.unique(group, return_inverse=True)
        start = np.full(len(groups), np.iinfo(np.int64).max)
        end = np.full(len(groups), np.iinfo(np.int64).min)
        np.minimum.at(start, inverse, events.start[found])
        np.maximum.at(end, inverse, events.start[found] + events.dur[found])
        collected = self.collected
        track = collected.track(
            RawTrack(plane.name, "Steps", "", "Steps", len(plane.lines), Place.DEVICE_NOTE, device)
        )
        names = [collected.strings.number(str(number)) for number in groups]
        collected.slices.add(
            len(groups), start=start, dur=end - start, track=track, name=np.array(names),
            kind=Kind.MODEL_STEP, category=collected.category("group_id"),
        )  # fmt: skip

    def _take_flops(self, plane: Plane, events: _Events) -> None:
        found, flops = plane.numbers("flops")
        is_shown = (events.row[found] >= 0) & (flops > 0)
        rows, first = np.unique(events.row[found[is_shown]][::-1], return_index=True)
        counted = flops[is_shown][::-1][first]
        self.collected.operators.add(len(rows), row=rows, flops=counted)

    def _take_flows(self, plane: Plane, events: _Events) -> None:
        """Take arrows from the event that hands work on to the one that carries it out."""
        for phase, sort, number in ((0, "_pt", "_p"), (2, "_ct", "_c")):
            found, flow = plane.numbers(number)
            sorts = _dense(plane, sort)[found]
            is_shown = events.row[found] >= 0
            found, flow, sorts = found[is_shown], flow[is_shown], sorts[is_shown]
            distinct, inverse = np.unique(sorts, return_inverse=True)
            names = [self.collected.strings.number(f"context {sort}") for sort in distinct]
            self.collected.flow_ends.add(
                len(found), label=np.array(names, np.int64)[inverse], id=flow, phase=phase,
                time=events.start[found], track=events.track[found],
            )  # fmt: skip


def _name_of(name: bytes, display_name: bytes) -> str:
    texts = (text.decode("utf-8", "replace") for text in (name, display_name))
    return split_name(event_name(*texts))[0]


def _dense(plane: Plane, name: str) -> Int64s:
    """Return a stat of all events, -1 for those that lack it."""
    out = np.full(len(plane), -1)
    found, values = plane.numbers(name)
    out[found] = values
    return out


def _device_of_allocator(name: str) -> int:
    """Return the device of "GPU_0_bfc", -1 for memory of the host."""
    parts = name.split("_")
    is_device = len(parts) > 1 and parts[0] == "GPU" and parts[1].isdecimal() and len(parts[1]) < 9
    return int(parts[1]) if is_device else -1


def _device(plane: Plane, number: int) -> Device:
    def whole(name: str) -> int:
        value = plane.stats.get(name, 0)
        return int(value) if not isinstance(value, str) and 0 <= value < 2**62 else 0

    def text(name: str) -> str:
        value = plane.stats.get(name, "")
        return value if isinstance(value, str) else ""

    return Device(
        id=number,
        name=text("device_type_string"),
        memory=whole("memory_size"),
        compute_major=whole("compute_cap_major"),
        compute_minor=whole("compute_cap_minor"),
        sms=whole("core_count"),
        clock=whole("clock_rate") * 1000.0,  # the file has kHz
        bandwidth=float(whole("memory_bandwidth")),
        vendor=text("device_vendor"),
    )
