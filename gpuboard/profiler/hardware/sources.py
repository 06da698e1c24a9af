"""Say where the number of a metric comes from."""

from __future__ import annotations

import dataclasses
from typing import TypeAlias

GAUGE = "gauge"  # shown as it is
COUNTER = "counter"  # only grows; shown as its growth per second
CUMULATIVE = "cumulative"  # only grows; shown as it stands

ALL_LINKS = (1 << 32) - 1  # scope of a field that sums over all NVLinks


@dataclasses.dataclass(frozen=True, slots=True)
class Call:
    """An answer of one function of nvml.h.

    Attributes:
        function: Its name; called with the device and `arguments`.
        pick: Attribute or place in the answer; the answer itself if None.
        bits: Width in nvml.h.
        mask: Bits of the answer that make the value 100 when any is set, else 0.
    """

    function: str
    arguments: tuple[int, ...] = ()
    pick: str | int | None = None
    bits: int = 32
    kind: str = GAUGE
    scale: float = 1.0
    mask: int | None = None

    @property
    def words(self) -> str:
        """Return it as the documentation names it."""
        return self.function


@dataclasses.dataclass(frozen=True, slots=True)
class Field:
    """A field id of nvmlDeviceGetFieldValues: all of a device come in one call.

    Attributes:
        scope: What the id is asked of; None is the number of the link.
    """

    field_id: int
    scope: int | None = 0
    kind: str = GAUGE
    scale: float = 1.0

    @property
    def words(self) -> str:
        """Return it as the documentation names it."""
        return f"field {self.field_id}"


@dataclasses.dataclass(frozen=True, slots=True)
class Buffered:
    """Samples that the driver itself takes and keeps (nvmlDeviceGetSamples).

    Attributes:
        sampling_type: NVML_..._SAMPLES.
        reduce: "each" passes on every sample at its own time, "max" the largest since last time.
    """

    sampling_type: int
    reduce: str = "each"
    kind: str = GAUGE
    scale: float = 1.0

    @property
    def words(self) -> str:
        """Return it as the documentation names it."""
        return f"nvmlDeviceGetSamples type {self.sampling_type}"


@dataclasses.dataclass(frozen=True, slots=True)
class Gpm:
    """A metric of the GPU's performance monitor between two samples (Hopper and later)."""

    metric_id: int
    kind: str = GAUGE
    scale: float = 1.0

    @property
    def words(self) -> str:
        """Return it as the documentation names it."""
        return f"GPM metric {self.metric_id}"


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """A number of the machine or of a process tree, by psutil."""

    key: str
    kind: str = GAUGE
    scale: float = 1.0

    @property
    def words(self) -> str:
        """Return it as the documentation names it."""
        return f"psutil: {self.key}"


@dataclasses.dataclass(frozen=True, slots=True)
class Told:
    """A number that arrives by itself, or is counted while listing."""

    words: str
    kind: str = GAUGE
    scale: float = 1.0


Source: TypeAlias = Call | Field | Buffered | Gpm | Host | Told
