"""Number what is measured: a device keeps its number and its place for as long as we run."""

from __future__ import annotations

import itertools

from gpuboard.limits import MAX_HARDWARE_DEVICES
from gpuboard.profiler.hardware.samples import DeviceInfo


class Devices:
    """All devices ever seen, by their key; a number is never given twice.

    Attributes:
        version: Grows with every new or changed device.
    """

    def __init__(self) -> None:
        self._rows: list[DeviceInfo] = []
        self._number: dict[str, int] = {}
        self._places: set[str] = set()
        self.version = 0

    def rows(self) -> tuple[DeviceInfo, ...]:
        """Return the devices, each at the place that is its number."""
        return tuple(self._rows)

    def known(self, key: str) -> int | None:
        """Return the number of a device, or None."""
        return self._number.get(key)

    def place_of(self, key: str, wanted: str, counted_from: str) -> str:
        """Return where the tags of a device begin.

        Args:
            key: What the device is known by; it keeps the place it once had.
            wanted: Its place if nobody else has it.
            counted_from: Otherwise this with the first free number behind it.
        """
        number = self._number.get(key)
        if number is not None:
            return self._rows[number].place
        if wanted not in self._places:
            return wanted
        tries = (f"{counted_from}{i}" for i in itertools.count())
        return next(place for place in tries if place not in self._places)

    def put(self, device: DeviceInfo) -> int | None:
        """Take in a device and return its number; None when there are too many."""
        number = self._number.get(device.key)
        if number is None:
            if len(self._rows) >= MAX_HARDWARE_DEVICES.value:
                return None
            number = self._number[device.key] = len(self._rows)
            self._rows.append(device)
            self._places.add(device.place)
            self.version += 1
        elif self._rows[number] != device:
            self._rows[number] = device
            self.version += 1
        return number
