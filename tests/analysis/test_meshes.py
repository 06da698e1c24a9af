import numpy as np
import pytest

from gpuboard.analysis.meshes import assemble, latest
from gpuboard.errors import DataError

RNG = np.random.default_rng(0)
VERTICES = RNG.normal(size=(3, 10, 3))
FACES = RNG.integers(0, 10, (3, 6, 3)).astype(np.float32)
COLOURS = RNG.integers(0, 256, (3, 10, 3)).astype(np.float32)


@pytest.mark.parametrize("batch", [0, 1, 2])
def test_one_mesh_of_a_batch_has_its_own_parts(batch):
    mesh = assemble(VERTICES, FACES, COLOURS, batch)

    np.testing.assert_array_equal(mesh.vertices, VERTICES[batch].astype(np.float32))
    np.testing.assert_array_equal(mesh.faces, FACES[batch].astype(np.uint32))
    np.testing.assert_array_equal(mesh.colours, COLOURS[batch].astype(np.uint8))
    np.testing.assert_array_equal(mesh.low, VERTICES[batch].astype(np.float32).min(0))
    np.testing.assert_array_equal(mesh.high, VERTICES[batch].astype(np.float32).max(0))


def test_a_part_that_was_given_once_holds_for_the_whole_batch():
    mesh = assemble(VERTICES, FACES[:1], COLOURS[:1], 2)

    np.testing.assert_array_equal(mesh.faces, FACES[0].astype(np.uint32))
    np.testing.assert_array_equal(mesh.colours, COLOURS[0].astype(np.uint8))


def test_beyond_the_last_of_a_batch_is_the_last():
    np.testing.assert_array_equal(
        assemble(VERTICES, None, None, 99).vertices, VERTICES[2].astype(np.float32)
    )


def test_a_cloud_has_neither_triangles_nor_colours():
    mesh = assemble(VERTICES, None, None, 0)

    assert (mesh.faces.shape, mesh.colours.shape) == ((0, 3), (0, 3))


def test_the_extent_leaves_out_what_is_not_finite():
    points = np.array([[[0, 0, 0], [1, 2, 3], [np.nan, 9, 9], [9, np.inf, 9]]], np.float32)

    mesh = assemble(points, None, None, 0)

    assert mesh.low.tolist() == [0, 0, 0]
    assert mesh.high.tolist() == [1, 2, 3]
    assert np.isnan(mesh.vertices[2, 0])


def test_a_cloud_without_any_finite_point_has_an_extent_of_zero():
    mesh = assemble(np.full((1, 4, 3), np.nan), None, None, 0)

    assert mesh.low.tolist() == mesh.high.tolist() == [0, 0, 0]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (np.float32([0, 127.4, 255]), [0, 127, 255]),
        (np.float32([0, 0.5, 1]), [0, 128, 255]),
        (np.float32([1, 0, 0]), [255, 0, 0]),
        (np.float32([-5, 300, np.nan]), [0, 255, 0]),
        (np.uint8([0, 1, 1]), [0, 1, 1]),
        (np.int32([0, 1, 999]), [0, 1, 255]),
    ],
)
def test_colours_become_bytes(given, expected):
    mesh = assemble(np.zeros((1, 1, 3)), None, given[None, None], 0)

    assert mesh.colours.tolist() == [expected]


@pytest.mark.parametrize("wrong", [-1, 10, np.nan, np.inf])
def test_a_triangle_of_a_vertex_that_is_not_there_is_refused(wrong):
    faces = FACES[:1].copy()
    faces[0, 4, 1] = wrong

    with pytest.raises(DataError, match=r"triangle 4 names vertex .*, expected one of 10"):
        assemble(VERTICES, faces, None, 0)


@pytest.mark.parametrize(
    ("vertices", "faces", "colours", "message"),
    [
        (VERTICES[:0], None, None, "empty batch"),
        (VERTICES, FACES[:0], None, "empty batch"),
        (VERTICES, None, COLOURS[:, :7], "7 colours for 10 vertices"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused(vertices, faces, colours, message):
    with pytest.raises(DataError, match=message):
        assemble(vertices, faces, colours, 0)


@pytest.mark.parametrize(
    ("steps", "step", "twin", "expected"),
    [
        ([0], 0, 0, 0),
        ([0], 900, 0, 0),
        ([5], 4, 0, None),
        ([], 4, 0, None),
        ([0, 10, 20], 10, 0, 1),
        ([0, 10, 20], 19, 0, 1),
        ([0, 0, 0], 0, 1, 1),
        ([0, 0, 0], 0, 9, 2),
        ([0, 0, 0], 5, 0, 2),
    ],
)
def test_vertices_get_the_part_that_was_logged_with_them_or_last(steps, step, twin, expected):
    assert latest(np.array(steps, np.int64), step, twin) == expected
