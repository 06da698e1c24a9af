"""Put numbers into words: times with three digits and a fitting unit, shares in percent."""

from __future__ import annotations

_UNITS = ((1_000_000_000, "s"), (1_000_000, "ms"), (1_000, "µs"), (1, "ns"))
_BYTES = ((1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB"), (1, "B"))


def duration(ns: float) -> str:
    """Return a time such as "59.3 ms"."""
    return _scaled(ns, _UNITS)


def size(count: float) -> str:
    """Return an amount of memory such as "1.50 GiB"."""
    return _scaled(count, _BYTES)


def percent(share: float) -> str:
    """Return a share such as "33 %", with a digit behind the point below 10."""
    value = 100 * share
    return f"{value:.0f} %" if abs(value) >= 9.95 else f"{value:.1f} %"


def counted(count: int, noun: str) -> str:
    """Return a number with its noun, such as "1 step" or "12,000 kernels"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def shortened(name: str, width: int = 60) -> str:
    """Return a name cut in its middle to at most `width` characters."""
    if len(name) <= width:
        return name
    head = (width - 1) * 2 // 3
    return f"{name[:head]}…{name[head + 1 - width :]}"


def _scaled(value: float, units: tuple[tuple[int, str], ...]) -> str:
    for factor, unit in units:
        if abs(value) >= 0.9995 * factor or factor == 1:
            scaled = value / factor
            digits = 0 if abs(scaled) >= 99.95 or factor == 1 else 1 if abs(scaled) >= 9.995 else 2
            return f"{scaled:,.{digits}f} {unit}"
    return f"{value:g}"
