"""Show point clouds and meshes in 3D, with linked cameras."""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; the module asks the data routes for what is on screen."""
    page.add_module("meshes.js")


PAGE = PageSpec(
    name="meshes",
    title="Meshes",
    icon="meshes",
    order=70,
    build=build,
    needs=("mesh",),
    why="no run has logged a mesh yet: call `writer.add_mesh(tag, vertices, faces=faces)`",
    styles=("scalars", "values", "meshes"),
    first=("meshes?kind=mesh&limit=5000",),
)
