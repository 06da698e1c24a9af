"""Ask NVIDIA's management library (NVML), and say in words why it does not answer.

The one module that loads `pynvml`. Whatever can go wrong arrives as one of five errors:

NvmlError         anything else: tried again later
 +- Unsupported   this GPU or driver has no such number, or this user may not read it
 +- NothingNew    no value since the last time
 +- DeviceLost    this GPU fell off the bus or wants a reset; the others go on
 +- LibraryDown   nothing answers; `state` says why
"""

from __future__ import annotations

import enum
import importlib
import math
from collections.abc import Sequence
from types import ModuleType
from typing import Any, TypeAlias

# What the binding calls a device, and what it answers: objects of ctypes, or of a fake.
Handle: TypeAlias = Any
Answer: TypeAlias = Any


class NvmlState(enum.StrEnum):
    """Whether NVML answers, and if not, why."""

    STARTING = "starting"
    READY = "ready"
    OFF = "off"
    NO_BINDING = "no binding"
    NO_LIBRARY = "no library"
    NO_DRIVER = "no driver"
    MISMATCH = "mismatch"
    NO_PERMISSION = "no permission"
    NO_GPU = "no gpu"
    HUNG = "hung"
    CRASHED = "crashed"
    FAILED = "failed"


SENTENCES: dict[NvmlState, str] = {
    NvmlState.STARTING: "NVIDIA's management library is being loaded.",
    NvmlState.READY: "The GPUs are being read.",
    NvmlState.OFF: "Reading GPUs was switched off; start without that option to see them.",
    NvmlState.NO_BINDING: "The package nvidia-ml-py is missing: pip install nvidia-ml-py.",
    NvmlState.NO_LIBRARY: (
        "There is no libnvidia-ml.so.1 here: install NVIDIA's driver, or start the container with "
        "its GPUs (docker run --gpus all)."
    ),
    NvmlState.NO_DRIVER: (
        "NVIDIA's library is here but its kernel module is not loaded: try modprobe nvidia, "
        "or start the machine anew after installing the driver."
    ),
    NvmlState.MISMATCH: (
        "The driver was updated while the old kernel module stayed loaded: load the module anew "
        "or start the machine anew."
    ),
    NvmlState.NO_PERMISSION: (
        "This user may not open /dev/nvidiactl: have the administrator grant read and write "
        "access, often by adding the user to the group video or render."
    ),
    NvmlState.NO_GPU: (
        "NVIDIA's driver answers but lists no GPU: check nvidia-smi, and the GPUs that this "
        "container was given."
    ),
    NvmlState.HUNG: (
        "The driver stopped answering, so its reader was ended; it is tried again. If it stays "
        "so, look for Xid lines in dmesg."
    ),
    NvmlState.CRASHED: (
        "The reader of the GPUs crashed inside NVIDIA's library; it is started again."
    ),
    NvmlState.FAILED: "NVIDIA's library could not be started; it is tried again.",
}

# Return codes of nvml.h that mean more than "failed".
NOT_SUPPORTED, NO_PERMISSION, DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND = 3, 4, 9, 12
FUNCTION_NOT_FOUND, GPU_IS_LOST, MISMATCH, UNKNOWN = 13, 15, 18, 999
_UNSUPPORTED = {2, NOT_SUPPORTED, NO_PERMISSION, FUNCTION_NOT_FOUND, 22, 24, 25, 26, 30}
_NOTHING_NEW = {0, 6, 10, 21, 27}
_LOST = {GPU_IS_LOST, 16, 28}
_DOWN = {1, DRIVER_NOT_LOADED, LIBRARY_NOT_FOUND, MISMATCH}
_STATE_OF_CODE = {
    NO_PERMISSION: NvmlState.NO_PERMISSION,
    DRIVER_NOT_LOADED: NvmlState.NO_DRIVER,
    LIBRARY_NOT_FOUND: NvmlState.NO_LIBRARY,
    MISMATCH: NvmlState.MISMATCH,
}
_WORDS: dict[int, str] = {
    2: "the driver does not know this question",
    NOT_SUPPORTED: "this GPU or its driver has no such number",
    NO_PERMISSION: "this user may not read it; root, or an administrator, can allow it",
    FUNCTION_NOT_FOUND: "this driver is older than the number",
    14: "the GPU's InfoROM is damaged",
    GPU_IS_LOST: "the GPU fell off the bus; start the machine anew, and see dmesg for the Xid",
    16: "the GPU wants a reset: nvidia-smi --gpu-reset, or start the machine anew",
    17: "the operating system refused",
    19: "another profiler holds the counters",
    20: "the driver ran out of memory",
    23: "the driver ran out of resources",
    25: "this driver speaks another version of the question",
    26: "this driver no longer offers it",
    28: "the driver no longer lists this GPU",
}

# "No such value" of each width, as NVML's structures spell it.
SENTINELS: dict[int, frozenset[int]] = {
    16: frozenset({(1 << 16) - 1}),
    32: frozenset({(1 << 32) - 1, -1}),
    64: frozenset({(1 << 64) - 1, -1}),
}
_MEMBER_AND_BITS = (
    ("dVal", 64),
    ("uiVal", 32),
    ("ulVal", 64),
    ("ullVal", 64),
    ("sllVal", 64),
    ("siVal", 32),
    ("usVal", 16),
)
ARCHITECTURES: dict[int, str] = {
    2: "Kepler",
    3: "Maxwell",
    4: "Pascal",
    5: "Volta",
    6: "Turing",
    7: "Ampere",
    8: "Ada",
    9: "Hopper",
    10: "Blackwell",
    13: "Rubin",
}
_GPM_METRICS_VERSION = 1


class NvmlError(Exception):
    """A question went unanswered; it may be answered later."""

    def __init__(self, function: str, code: int, words: str = "") -> None:
        """Take in the function of nvml.h and the code it returned."""
        self.function = function
        self.code = code
        self.words = words or _WORDS.get(code, f"NVML answered with error {code}")
        super().__init__(f"{function}: {self.words}")


class Unsupported(NvmlError):  # noqa: N818
    """This device, driver or user will not get this number."""


class NothingNew(NvmlError):  # noqa: N818
    """There is no value since the last time."""


class DeviceLost(NvmlError):  # noqa: N818
    """This GPU no longer answers."""


class LibraryDown(NvmlError):  # noqa: N818
    """Nothing answers."""

    @property
    def state(self) -> NvmlState:
        """Return why."""
        return _STATE_OF_CODE.get(self.code, NvmlState.FAILED)


def error_of(function: str, code: int) -> NvmlError:
    """Return the error that a return code of nvml.h means."""
    for codes, kind in (
        (_UNSUPPORTED, Unsupported),
        (_NOTHING_NEW, NothingNew),
        (_LOST, DeviceLost),
        (_DOWN, LibraryDown),
    ):
        if code in codes:
            return kind(function, code)
    return NvmlError(function, code)


def number(value: Answer, bits: int = 32) -> float | None:
    """Return a value as a float, or None where NVML's own sign says that there is none.

    Args:
        value: What the binding returned.
        bits: Width of the number in nvml.h, which decides what "not available" looks like.
    """
    if value is None or isinstance(value, str | bytes):
        return None
    if isinstance(value, int) and value in SENTINELS[bits]:
        return None
    as_float = float(value)
    return as_float if math.isfinite(as_float) else None


def text(value: Answer) -> str:
    """Return a name as text, whichever form the binding gave it."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


class Nvml:
    """The loaded library.

    Args:
        module_name: The binding; another module with the same names serves as well.
    """

    def __init__(self, module_name: str = "pynvml") -> None:
        self._module_name = module_name
        self._module: ModuleType | None = None
        self._error: type[Exception] = Exception
        self._too_new: tuple[type[Exception], ...] = ()
        self.is_started = False

    def start(self) -> None:
        """Load and initialise the library.

        Raises:
            LibraryDown: It is missing or does not start.
        """
        try:
            self._module = importlib.import_module(self._module_name)
            self._error = self._module.NVMLError
            # What some functions raise instead where the driver lacks them.
            too_new = getattr(self._module, "NVMLLibraryMismatchError", None)
            self._too_new = () if too_new is None else (too_new,)
        except (ImportError, AttributeError) as error:
            raise _NoBinding("nvmlInit", LIBRARY_NOT_FOUND, str(error)) from None
        try:
            self.ask("nvmlInit")
        except LibraryDown:
            raise
        except NvmlError as error:
            raise LibraryDown("nvmlInit", error.code, error.words) from None
        self.is_started = True

    def stop(self) -> None:
        """Let the library go; errors are of no interest then."""
        if self.is_started:
            self.is_started = False
            try:
                self.ask("nvmlShutdown")
            except NvmlError:
                return

    def ask(self, function: str, *arguments: Answer) -> Answer:
        """Return what a function of nvml.h answers, in the binding's form.

        Raises:
            NvmlError: It did not answer; see the module's tree.
        """
        call = getattr(self._module, function, None)
        if call is None:
            words = "the installed nvidia-ml-py is older than the number"
            raise Unsupported(function, FUNCTION_NOT_FOUND, words)
        try:
            return call(*arguments)
        except self._error as error:
            raise error_of(function, getattr(error, "value", UNKNOWN)) from None
        except self._too_new:
            raise Unsupported(function, FUNCTION_NOT_FOUND) from None
        except (TypeError, ValueError, AttributeError, OSError) as error:
            raise NvmlError(function, UNKNOWN, f"the binding failed: {error}") from None

    def fields(self, handle: Handle, wanted: Sequence[tuple[int, int]]) -> list[float | NvmlError]:
        """Return the values of (field id, scope) pairs, each with its own error, in one call."""
        answers = self.ask("nvmlDeviceGetFieldValues", handle, list(wanted))
        return [_field(one, i) for one, (i, _) in zip(answers, wanted, strict=False)]

    def buffered(self, handle: Handle, kind: int, since_us: int) -> list[tuple[int, float]]:
        """Return the driver's own samples after a stamp: (stamp in µs, value), oldest first."""
        value_type, samples = self.ask("nvmlDeviceGetSamples", handle, kind, since_us)
        member, bits = _member(value_type)
        found = []
        for sample in samples:
            value = number(getattr(sample.sampleValue, member), bits)
            if sample.timeStamp > since_us and value is not None:
                found.append((int(sample.timeStamp), value))
        return found

    def gpm_sample(self, handle: Handle, instance: int | None = None) -> Answer:
        """Take a sample of the performance counters; `gpm_free` gives it back.

        Args:
            handle: The GPU; that of the whole GPU for a MIG slice.
            instance: GPU instance of a MIG slice.
        """
        sample = self.ask("nvmlGpmSampleAlloc")
        try:
            if instance is None:
                self.ask("nvmlGpmSampleGet", handle, sample)
            else:
                self.ask("nvmlGpmMigSampleGet", handle, instance, sample)
        except NvmlError:
            self.gpm_free(sample)
            raise
        return sample

    def gpm_free(self, sample: Answer) -> None:
        """Give back a sample."""
        try:
            self.ask("nvmlGpmSampleFree", sample)
        except NvmlError:
            return

    def gpm_metrics(
        self, old: Answer, new: Answer, wanted: Sequence[int]
    ) -> list[float | NvmlError]:
        """Return metrics between two samples taken at least 100 ms apart."""
        make = getattr(self._module, "c_nvmlGpmMetricsGet_t", None)
        if make is None:
            raise Unsupported("nvmlGpmMetricsGet", FUNCTION_NOT_FOUND)
        request = make()
        request.version = _GPM_METRICS_VERSION
        request.numMetrics = len(wanted)
        request.sample1, request.sample2 = old, new
        for place, metric in enumerate(wanted):
            request.metrics[place].metricId = metric
        self.ask("nvmlGpmMetricsGet", request)
        return [_gpm(request.metrics[place]) for place in range(len(wanted))]

    def has_gpm(self, handle: Handle) -> bool:
        """Say whether the GPU has these counters (Hopper and later)."""
        return bool(self.ask("nvmlGpmQueryDeviceSupport", handle).isSupportedDevice)


class _NoBinding(LibraryDown):
    @property
    def state(self) -> NvmlState:
        return NvmlState.NO_BINDING


def _member(value_type: int) -> tuple[str, int]:
    return _MEMBER_AND_BITS[value_type if 0 <= value_type < len(_MEMBER_AND_BITS) else 1]


def _field(answer: Answer, field_id: int) -> float | NvmlError:
    function = f"nvmlDeviceGetFieldValues({field_id})"
    if answer.nvmlReturn:
        return error_of(function, answer.nvmlReturn)
    member, bits = _member(answer.valueType)
    value = number(getattr(answer.value, member), bits)
    return Unsupported(function, NOT_SUPPORTED) if value is None else value


def _gpm(answer: Answer) -> float | NvmlError:
    function = f"nvmlGpmMetricsGet({answer.metricId})"
    if answer.nvmlReturn:
        return error_of(function, answer.nvmlReturn)
    value = number(answer.value, 64)
    return NothingNew(function, 21) if value is None else value
