import json

import pytest

from gpuboard.analysis.mesh_look import Look, colour_of, look_of


def test_what_three_js_names_is_read():
    config = {
        "camera": {"cls": "PerspectiveCamera", "fov": 60},
        "lights": [{"cls": "AmbientLight", "color": "#ffffff"}],
        "material": {
            "cls": "MeshStandardMaterial",
            "size": 0.25,
            "color": 0xFF8000,
            "wireframe": True,
            "flatShading": True,
        },
        "scene": {"background": "#123"},
    }

    assert look_of(config) == Look(0.25, "#ff8000", "#112233", 60.0, wireframe=True, flat=True)


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"material": None, "camera": 3, "scene": [], "background": {}},
        {"material": {"size": "large", "color": "url(x)", "wireframe": 1, "flatShading": "yes"}},
        {"material": {"size": -1}},
        {"material": {"size": 0}},
        {"material": {"size": True}},
        json.loads('{"material": {"size": NaN}, "camera": {"fov": Infinity}}'),
        {"material": {"size": 10**400}, "camera": {"fov": 10**400}},
    ],
)
def test_what_cannot_be_read_counts_as_not_said(config):
    assert look_of(config) == Look()


@pytest.mark.parametrize(("angle", "expected"), [(0, 5), (-90, 5), (75, 75), (180, 120)])
def test_the_view_angle_stays_where_one_can_see(angle, expected):
    assert look_of({"camera": {"fov": angle}}).view_angle == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("#ABCDEF", "#abcdef"),
        (" #f0a ", "#ff00aa"),
        ("White", "#ffffff"),
        (0, "#000000"),
        (255, "#0000ff"),
        (0x1000000, None),
        (-1, None),
        (True, None),
        (1.5, None),
        ("#12345", None),
        ("#1234567", None),
        ("rgb(1,2,3)", None),
        ("#fff;x:y", None),
        (None, None),
    ],
)
def test_colours_are_read_from_hex_numbers_and_names_alone(value, expected):
    assert colour_of(value) == expected
