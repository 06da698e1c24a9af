"""Read how a training script wants its mesh to look: what we can draw of a three.js description.

`add_mesh(config_dict=...)` takes classes of three.js with their arguments. Size, colour and edges
of the material, the view angle of the camera and the background are read; all else is left out,
lights too: a light that was placed for one camera leaves others in the dark.
"""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any

_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})", re.ASCII)
_MAX_COLOUR = 0xFFFFFF
_VIEW_ANGLES = (5.0, 120.0)
_NAMED = {
    "black": "#000000",
    "white": "#ffffff",
    "red": "#ff0000",
    "green": "#008000",
    "blue": "#0000ff",
    "yellow": "#ffff00",
    "gray": "#808080",
    "grey": "#808080",
    "orange": "#ffa500",
}


@dataclasses.dataclass(frozen=True, slots=True)
class Look:
    """What a script said of the look of its mesh; None where it said nothing that can be read.

    Attributes:
        point_size: Diameter of a point, in the units of the vertices.
        colour: Of a mesh without colours of its own, as #rrggbb.
        background: As #rrggbb.
        view_angle: Of the camera from bottom to top, in degrees.
        wireframe: Whether edges are drawn in place of surfaces.
        flat: Whether each triangle has one shade.
    """

    point_size: float | None = None
    colour: str | None = None
    background: str | None = None
    view_angle: float | None = None
    wireframe: bool = False
    flat: bool = False


def look_of(config: Mapping[str, Any]) -> Look:
    """Return what can be read of an untrusted description; never raises."""
    material, camera = _part(config, "material"), _part(config, "camera")
    background = config.get("background", _part(config, "scene").get("background"))
    angle = _number(camera.get("fov"))
    size = _number(material.get("size"))
    return Look(
        point_size=size if size is not None and 0 < size < math.inf else None,
        colour=colour_of(material.get("color")),
        background=colour_of(background),
        view_angle=None if angle is None else min(max(angle, _VIEW_ANGLES[0]), _VIEW_ANGLES[1]),
        wireframe=material.get("wireframe") is True,
        flat=material.get("flatShading") is True,
    )


def colour_of(value: object) -> str | None:
    """Return a colour as #rrggbb: from "#abc", "#aabbcc", 0xaabbcc or a common name, else None."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MAX_COLOUR:
        return f"#{value:06x}"
    if not isinstance(value, str):
        return None
    text = value.strip().lower()
    if text in _NAMED:
        return _NAMED[text]
    if not _HEX.fullmatch(text):
        return None
    return text if len(text) > len("#abc") else "#" + "".join(2 * digit for digit in text[1:])


def _part(config: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = config.get(name)
    return part if isinstance(part, dict) else {}


def _number(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:  # JSON has integers of any length
        return None
    return number if math.isfinite(number) else None
