"""Show where the time of training went: traces of profilers, one tab for each question."""

from __future__ import annotations

from gpuboard.serve.page import Page, PageSpec


def build(page: Page) -> None:
    """Fill the page; the module asks the data routes for what is on screen."""
    page.add_module("profile.js")


PAGE = PageSpec(
    name="profile",
    title="Profile",
    icon="profile",
    order=95,
    build=build,
    needs=("trace",),
    why="no trace lies in the log directory yet: record one with `torch.profiler` and "
    "`tensorboard_trace_handler(logdir)`",
    styles=(
        "values",
        "profile",
        "profile_overview",
        "profile_rows",
        "profile_flame",
        "timeline",
        "profile_kit",
        "profile_distributed",
        "profile_modules",
        "profile_roofline",
        "profile_compare",
        "profile_memory",
    ),
    first=("profile/jobs",),
)
