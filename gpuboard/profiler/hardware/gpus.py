"""Keep the list of GPUs and slices, and read all that answer, whatever happens to the others."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator

from gpuboard.profiler.hardware import metrics
from gpuboard.profiler.hardware.devices import Devices
from gpuboard.profiler.hardware.events import Events, words_of
from gpuboard.profiler.hardware.gpu_reader import GpuReader, Part
from gpuboard.profiler.hardware.processes import ProcessTable
from gpuboard.profiler.hardware.samples import (
    Absent,
    Batch,
    DeviceInfo,
    DriverEvent,
    GpuProcess,
    Instant,
    Lost,
)
from gpuboard.profiler.nvml import (
    ARCHITECTURES,
    SENTENCES,
    Answer,
    DeviceLost,
    Handle,
    LibraryDown,
    Nvml,
    NvmlError,
    NvmlState,
    text,
)

START_AGAIN_S = 60.0
LIST_AGAIN_S = 60.0
LIST_AGAIN_WHEN_LOST_S = 10.0
_MAX_LINKS = 18
_MAX_SLICES = 16
_XID = metrics.find(metrics.GPU, "Xid")
_PROCESSES = metrics.find(metrics.GPU, "processes")


class Gpus:
    """All GPUs of this machine.

    Args:
        nvml: The library, not started yet.
        devices: Where devices get their numbers.

    Attributes:
        state: Why nothing is read, or `READY`.
        driver: Version of the driver, or "".
        wants_new_process: The library in memory is older than the driver; only a new process
            loads the new one.
    """

    def __init__(self, nvml: Nvml, devices: Devices) -> None:
        self._nvml = nvml
        self._devices = devices
        self._readers: dict[str, GpuReader] = {}
        self._lost: dict[str, Lost] = {}
        self._events = Events(nvml)
        self._processes = ProcessTable(nvml)
        self._listed_processes: tuple[GpuProcess, ...] = ()
        self._reported: list[DriverEvent] = []
        self._unlisted: dict[int, str] = {}
        self._start_at = 0.0
        self._list_at = 0.0
        self._is_first = True
        self._detail = ""
        self.state = NvmlState.STARTING
        self.driver = ""
        self.wants_new_process = False

    def tick(self, paces: Collection[str], at: Instant, out: Batch) -> None:
        """Read what is due into a batch; start and list anew when it is time. Never raises."""
        try:
            if not self._nvml.is_started and not self._start(at):
                return
            if at.monotonic >= self._list_at:
                self._list(at)
            self._read(paces, at, out)
            self._take_events(at, out)
        except LibraryDown as error:
            self._down(error, at)

    def forget(self) -> None:
        """Work out no growth across what came before: there was a gap."""
        for reader in self._readers.values():
            reader.forget()

    @property
    def sentence(self) -> str:
        """Return in words why the GPUs are dark, or that they are read."""
        words = SENTENCES[self.state]
        return f"{words} ({self._detail})" if self._detail and self.state == "failed" else words

    def absent(self) -> Iterator[Absent]:
        """Yield the metrics that devices do not have, with reasons."""
        for key, reader in self._readers.items():
            yield from reader.absent()
            number = self._devices.known(key)
            if self._events.reason and number is not None:
                yield Absent(metrics.NUMBER_OF[_XID], number, self._events.reason)

    def lost(self) -> tuple[Lost, ...]:
        """Return the devices that no longer answer."""
        return tuple(self._lost.values())

    def notes(self) -> tuple[str, ...]:
        """Return what could not be listed at all."""
        return tuple(f"GPU number {i}: {why}" for i, why in self._unlisted.items())

    def processes(self) -> tuple[GpuProcess, ...]:
        """Return the processes of all GPUs, as of the last look."""
        return self._listed_processes

    def reported(self) -> list[DriverEvent]:
        """Return what the driver reported since the last call."""
        reported, self._reported = self._reported, []
        return reported

    def close(self) -> None:
        """Let everything go."""
        for reader in self._readers.values():
            reader.close()
        self._readers.clear()
        self._events.close()
        self._nvml.stop()

    def _start(self, at: Instant) -> bool:
        if at.monotonic < self._start_at and not self._is_first:
            return False
        if self.state == NvmlState.MISMATCH and not self._is_first:
            self.wants_new_process = True
            return False
        self._is_first = False
        self._nvml.start()
        self.state = NvmlState.READY
        self._list_at = at.monotonic
        self.driver = self._driver_version()
        return True

    def _down(self, error: LibraryDown, at: Instant) -> None:
        self.close()
        self.state, self._detail = error.state, error.words
        self._start_at = at.monotonic + START_AGAIN_S
        self._listed_processes = ()
        for number, device in enumerate(self._devices.rows()):
            if device.on == metrics.GPU and device.key not in self._lost:
                self._lose(device.key, number, SENTENCES[self.state], at)

    def _lose(self, key: str, number: int, reason: str, at: Instant) -> None:
        before = self._lost.get(key)
        self._lost[key] = Lost(number, before.since if before else at.wall, reason)
        if (reader := self._readers.pop(key, None)) is not None:
            reader.close()

    def _read(self, paces: Collection[str], at: Instant, out: Batch) -> None:
        for key, reader in list(self._readers.items()):
            try:
                reader.read(paces, at, out)
                self._lost.pop(key, None)
            except DeviceLost as error:
                self._lose(key, reader.parts[0].device, error.words, at)
                self._list_at = min(self._list_at, at.monotonic + LIST_AGAIN_WHEN_LOST_S)
        if metrics.SLOW in paces:
            self._look_at_processes(at, out)

    def _look_at_processes(self, at: Instant, out: Batch) -> None:
        found: list[GpuProcess] = []
        for reader in self._readers.values():
            number = reader.parts[0].device
            try:
                rows = self._processes.of(reader.handle, number)
            except DeviceLost:
                continue  # the next reading of its metrics says so
            except LibraryDown:
                raise
            except NvmlError:
                continue
            out.add(at.wall, _PROCESSES, number, len(rows))
            found += rows
        self._processes.end_round(row.pid for row in found)
        self._listed_processes = tuple(found)

    def _take_events(self, at: Instant, out: Batch) -> None:
        for key, code in self._events.drain():
            if (number := self._devices.known(key)) is not None:
                out.add(at.wall, _XID, number, code)
                self._reported.append(DriverEvent(at.wall, number, code, words_of(code)))

    def _list(self, at: Instant) -> None:
        """Find all GPUs and slices anew; those that are gone become rows "lost since"."""
        self._list_at = at.monotonic + LIST_AGAIN_WHEN_LOST_S
        try:
            count = int(self._nvml.ask("nvmlDeviceGetCount"))
        except LibraryDown:
            raise
        except NvmlError:
            return  # those that are known stay, and are listed again soon
        self._unlisted.clear()
        seen: set[str] = set()
        for index in range(count):
            try:
                seen |= self._list_gpu(index)
            except LibraryDown:
                raise
            except NvmlError as error:
                self._unlisted[index] = error.words
        for key in set(self._readers) - seen:
            number = self._devices.known(key)
            if number is not None:
                self._lose(key, number, "the driver no longer lists it", at)
        self.state = NvmlState.READY if count else NvmlState.NO_GPU
        if not self._lost and not self._unlisted:
            self._list_at = at.monotonic + LIST_AGAIN_S

    def _list_gpu(self, index: int) -> set[str]:
        handle = self._nvml.ask("nvmlDeviceGetHandleByIndex", index)
        key = text(self._nvml.ask("nvmlDeviceGetUUID", handle))
        is_sliced = self._is_sliced(handle)
        place = self._devices.place_of(key, f"gpu/{index}", "gpu/")
        generation = self._architecture(handle)
        info = self._info(handle, key, place, generation)
        number = self._devices.put(info)
        if number is None:
            return set()
        parts = [Part(number, metrics.GPU_METRICS), *self._links(handle, key, number, info)]
        self._keep(
            key, GpuReader(self._nvml, handle, parts, architecture=generation, is_sliced=is_sliced)
        )
        self._events.hear(handle, key)
        return {key} | (self._list_slices(handle, number, info, generation) if is_sliced else set())

    def _keep(self, key: str, reader: GpuReader) -> None:
        """Take in a reader, unless the one in place reads the same and so knows its counters."""
        old = self._readers.get(key)
        if old is not None and old.is_like(reader):
            old.handle = reader.handle
            return
        if old is not None:
            old.close()
        self._readers[key] = reader

    def _list_slices(
        self,
        parent: Handle,
        number: int,
        info: DeviceInfo,
        generation: int,
    ) -> set[str]:
        seen: set[str] = set()
        for index in range(_MAX_SLICES):
            try:
                handle = self._nvml.ask("nvmlDeviceGetMigDeviceHandleByIndex", parent, index)
                key = text(self._nvml.ask("nvmlDeviceGetUUID", handle))
                instance = int(self._nvml.ask("nvmlDeviceGetGpuInstanceId", handle))
            except LibraryDown:
                raise
            except NvmlError:
                continue
            place = self._devices.place_of(key, f"{info.place}:{index}", f"{info.place}:")
            made = self._info(handle, key, place, generation)
            made = dataclasses.replace(made, parent=number, is_mig=True)
            slice_number = self._devices.put(made)
            if slice_number is None:
                continue
            parts = [Part(slice_number, metrics.GPU_METRICS)]
            reader = GpuReader(
                self._nvml,
                handle,
                parts,
                architecture=generation,
                gpm=(parent, instance),
                is_slice=True,
            )
            self._keep(key, reader)
            seen.add(key)
        return seen

    def _info(self, handle: Handle, key: str, place: str, generation: int) -> DeviceInfo:
        return DeviceInfo(
            key,
            place,
            metrics.GPU,
            text(self._if_told("nvmlDeviceGetName", handle) or ""),
            memory_mib=self._memory_mib(handle),
            architecture=ARCHITECTURES.get(generation, ""),
        )

    def _links(self, handle: Handle, key: str, number: int, info: DeviceInfo) -> Iterator[Part]:
        for link in range(_MAX_LINKS):
            try:
                is_active = self._nvml.ask("nvmlDeviceGetNvLinkState", handle, link)
            except LibraryDown:
                raise
            except NvmlError:
                return
            if is_active:
                made = DeviceInfo(
                    f"{key}/nvlink {link}",
                    f"{info.place}/nvlink {link}",
                    metrics.LINK,
                    f"NVLink {link}",
                    number,
                )
                if (device := self._devices.put(made)) is not None:
                    yield Part(device, metrics.LINK_METRICS, link)

    def _is_sliced(self, handle: Handle) -> bool:
        modes = self._if_told("nvmlDeviceGetMigMode", handle)
        return modes is not None and modes[0] == 1

    def _architecture(self, handle: Handle) -> int:
        found = self._if_told("nvmlDeviceGetArchitecture", handle)
        return int(found) if found in ARCHITECTURES else 0

    def _memory_mib(self, handle: Handle) -> int:
        memory = self._if_told("nvmlDeviceGetMemoryInfo", handle)
        return 0 if memory is None else int(memory.total) >> 20

    def _if_told(self, function: str, *arguments: Answer) -> Answer:
        """Return an answer, or None when there is none though the device is well."""
        try:
            return self._nvml.ask(function, *arguments)
        except (DeviceLost, LibraryDown):
            raise
        except NvmlError:
            return None

    def _driver_version(self) -> str:
        try:
            return text(self._nvml.ask("nvmlSystemGetDriverVersion"))
        except LibraryDown:
            raise
        except NvmlError:
            return ""
