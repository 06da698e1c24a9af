"""Stand in for the binding of NVIDIA's library, with answers and failures that tests decide."""

from __future__ import annotations

import collections
import dataclasses
import types
from types import SimpleNamespace
from typing import Any

NOT_SUPPORTED, LOST, NOT_FOUND, TIMEOUT, INVALID = 3, 15, 6, 10, 2
ULL = 3  # value type of a 64-bit answer


class NVMLError(Exception):
    def __init__(self, value: int) -> None:
        super().__init__(value)
        self.value = value


def memory(total_mib: int = 81_920, used_mib: int = 1_024) -> SimpleNamespace:
    return SimpleNamespace(
        total=total_mib << 20, used=used_mib << 20, free=(total_mib - used_mib) << 20
    )


@dataclasses.dataclass
class FakeGpu:
    """One GPU or slice: answers by function and arguments; what is missing is not supported."""

    uuid: str
    name: str = "NVIDIA H100 80GB HBM3"
    answers: dict[tuple[Any, ...], Any] = dataclasses.field(default_factory=dict)
    fields: dict[tuple[int, int], Any] = dataclasses.field(default_factory=dict)
    buffers: dict[int, list[tuple[int, int]]] = dataclasses.field(default_factory=dict)
    gpm: dict[int, float] = dataclasses.field(default_factory=dict)
    slices: list[FakeGpu] = dataclasses.field(default_factory=list)
    is_sliced: bool = False
    instance: int = 0
    fails: dict[str, int] = dataclasses.field(default_factory=dict)
    lost: int = 0


def h100(uuid: str = "GPU-0") -> FakeGpu:
    """Return a GPU that answers all there is."""
    return FakeGpu(
        uuid,
        answers={
            ("nvmlDeviceGetArchitecture",): 9,
            ("nvmlDeviceGetUtilizationRates",): SimpleNamespace(gpu=97, memory=41),
            ("nvmlDeviceGetMemoryInfo",): memory(),
            ("nvmlDeviceGetPowerUsage",): 612_345,
            ("nvmlDeviceGetEnforcedPowerLimit",): 700_000,
            ("nvmlDeviceGetTemperature", 0): 61,
            ("nvmlDeviceGetClockInfo", 1): 1_755,
            ("nvmlDeviceGetClockInfo", 2): 2_619,
            ("nvmlDeviceGetMaxClockInfo", 1): 1_980,
            ("nvmlDeviceGetPerformanceState",): 0,
            ("nvmlDeviceGetCurrentClocksEventReasons",): 0x4,
            ("nvmlDeviceGetRemappedRows",): (0, 1, 0, 0),
            ("nvmlDeviceGetEncoderUtilization",): (0, 167_000),
            ("nvmlDeviceGetComputeRunningProcesses",): [],
            **{
                ("nvmlDeviceGetViolationStatus", policy): SimpleNamespace(violationTime=0)
                for policy in (0, 1, 2, 3, 5)
            },
        },
        fields={(83, 0): 10_000_000, (82, 0): 70, (197, 0): 0, (198, 0): 0},
        buffers={1: [(1, 90)], 2: [(1, 30)], 0: [(1, 600_000)]},
        gpm={1: 95.0, 2: 88.5, 3: 24.25, 5: 61.0, 10: 41.5, 20: 100.0, 21: 200.0, 60: 5.0, 61: 6.0},
    )


class GpmRequest:
    def __init__(self) -> None:
        self.version = self.numMetrics = 0
        self.sample1 = self.sample2 = None
        self.metrics = [SimpleNamespace(metricId=0, nvmlReturn=0, value=0.0) for _ in range(64)]


class FakeNvml(types.ModuleType):
    """A module with the names of pynvml.

    Attributes:
        gpus: What is plugged in.
        fails: Code that a function returns from now on, by its name.
        fail_call: The number of the one call that fails, with `fail_code`.
        calls: How often each function was called.
        xids: Errors to report: (GPU, code).
        open_samples: GPM samples taken and not given back.
    """

    NVMLError = NVMLError
    c_nvmlGpmMetricsGet_t = GpmRequest  # noqa: N815

    def __init__(self, *gpus: FakeGpu) -> None:
        super().__init__("fake_nvml")
        self.gpus = list(gpus)
        self.fails: dict[str, int] = {}
        self.fail_call = 0
        self.fail_code = 0
        self.total_calls = 0
        self.calls: collections.Counter[str] = collections.Counter()
        self.xids: list[tuple[FakeGpu, int]] = []
        self.open_samples = 0

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("nvml"):
            raise AttributeError(name)
        return lambda *arguments: self._call(name, *arguments)

    def _call(self, name: str, *arguments: Any) -> Any:
        self.calls[name] += 1
        self.total_calls += 1
        if self.total_calls == self.fail_call:
            raise NVMLError(self.fail_code)
        if name in self.fails:
            raise NVMLError(self.fails[name])
        gpu = arguments[0] if arguments and isinstance(arguments[0], FakeGpu) else None
        if gpu is not None and (gpu.lost or name in gpu.fails):
            raise NVMLError(gpu.lost or gpu.fails[name])
        own = getattr(self, f"_{name}", None)
        if own is not None:
            return own(*arguments)
        if gpu is None or (name, *arguments[1:]) not in gpu.answers:
            raise NVMLError(NOT_SUPPORTED)
        return gpu.answers[name, *arguments[1:]]

    def _nvmlInit(self) -> None:
        pass

    def _nvmlShutdown(self) -> None:
        pass

    def _nvmlSystemGetDriverVersion(self) -> bytes:
        return b"580.65.06"

    def _nvmlDeviceGetCount(self) -> int:
        return len(self.gpus)

    def _nvmlDeviceGetHandleByIndex(self, index: int) -> FakeGpu:
        if self.gpus[index].lost:
            raise NVMLError(self.gpus[index].lost)
        return self.gpus[index]

    def _nvmlDeviceGetUUID(self, gpu: FakeGpu) -> str:
        return gpu.uuid

    def _nvmlDeviceGetName(self, gpu: FakeGpu) -> str:
        return gpu.name

    def _nvmlDeviceGetMigMode(self, gpu: FakeGpu) -> list[int]:
        return [int(gpu.is_sliced), int(gpu.is_sliced)]

    def _nvmlDeviceGetMigDeviceHandleByIndex(self, gpu: FakeGpu, index: int) -> FakeGpu:
        if index >= len(gpu.slices):
            raise NVMLError(NOT_FOUND)
        return gpu.slices[index]

    def _nvmlDeviceGetGpuInstanceId(self, gpu: FakeGpu) -> int:
        return gpu.instance

    def _nvmlDeviceGetFieldValues(self, gpu: FakeGpu, wanted: list[tuple[int, int]]) -> list[Any]:
        return [self._field(gpu, question) for question in wanted]

    def _field(self, gpu: FakeGpu, question: tuple[int, int]) -> SimpleNamespace:
        code = 0 if question in gpu.fields else NOT_SUPPORTED
        value = SimpleNamespace(ullVal=gpu.fields.get(question))
        return SimpleNamespace(nvmlReturn=code, valueType=ULL, value=value)

    def _nvmlDeviceGetSamples(self, gpu: FakeGpu, kind: int, since: int) -> tuple[int, list[Any]]:
        if kind not in gpu.buffers:
            raise NVMLError(NOT_SUPPORTED)
        rows = [row for row in gpu.buffers[kind] if row[0] > since]
        if not rows:
            raise NVMLError(NOT_FOUND)
        return 1, [
            SimpleNamespace(timeStamp=stamp, sampleValue=SimpleNamespace(uiVal=value))
            for stamp, value in rows
        ]

    def _nvmlGpmQueryDeviceSupport(self, gpu: FakeGpu) -> SimpleNamespace:
        return SimpleNamespace(isSupportedDevice=int(bool(gpu.gpm)))

    def _nvmlGpmSampleAlloc(self) -> dict[int, float]:
        self.open_samples += 1
        return {}

    def _nvmlGpmSampleFree(self, sample: dict[int, float]) -> None:
        self.open_samples -= 1

    def _nvmlGpmSampleGet(self, gpu: FakeGpu, sample: dict[int, float]) -> None:
        sample.update(gpu.gpm)

    def _nvmlGpmMigSampleGet(self, gpu: FakeGpu, instance: int, sample: dict[int, float]) -> None:
        sample.update(next(one.gpm for one in gpu.slices if one.instance == instance))

    def _nvmlGpmMetricsGet(self, request: GpmRequest) -> None:
        for one in request.metrics[: request.numMetrics]:
            if one.metricId in request.sample2:
                one.value = request.sample2[one.metricId]
            else:
                one.nvmlReturn = NOT_SUPPORTED

    def _nvmlEventSetCreate(self) -> object:
        return object()

    def _nvmlEventSetFree(self, queue: object) -> None:
        pass

    def _nvmlDeviceRegisterEvents(self, gpu: FakeGpu, kinds: int, queue: object) -> None:
        pass

    def _nvmlEventSetWait(self, queue: object, timeout: int) -> SimpleNamespace:
        if not self.xids:
            raise NVMLError(TIMEOUT)
        gpu, code = self.xids.pop(0)
        return SimpleNamespace(device=gpu, eventType=8, eventData=code)
