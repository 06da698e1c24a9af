"""Choose what a graph opens with: as much as one screen shows in letters that can be read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable

from gpuboard.analysis.graphs.scene import Scene, compose
from gpuboard.analysis.graphs.tree import NODE, SERIES, Float64s, Tree
from gpuboard.analysis.graphs.view import Options
from gpuboard.summaries.graphs import graph as model

MOST_WIDTH = 1_300.0
MOST_HEIGHT = 860.0
MOST_BOXES = 30
MOST_TRIES = 24


def first_open(tree: Tree, parameters: Float64s, options: Options | None = None) -> list[str]:
    """Return the keys of what to open at first, from the top down.

    A scope is opened when the picture still fits one screen with it. Layers that hold nothing but
    their weights and one operation stay closed, and so do series: their boxes say it all.

    Args:
        tree: The items.
        parameters: Trained numbers below each item.
        options: What the user chose besides.
    """
    options = options or Options()
    chosen: list[str] = []
    waiting = _scopes(tree, tree.children[0])
    tries = 0
    while waiting and tries < MOST_TRIES:
        item = waiting.pop(0)
        tries += 1
        with_it = [*chosen, tree.keys[item]]
        if len(tree.children[item]) > MOST_BOXES:
            continue
        scene = compose(tree, dataclasses.replace(options, open=frozenset(with_it)), parameters)
        if _fits(scene) or _is_lone(tree, item):
            chosen = with_it
            waiting += _scopes(tree, tree.children[item])
    return chosen


def _scopes(tree: Tree, items: Iterable[int]) -> list[int]:
    """Return those that are worth opening, the largest first."""
    found = [item for item in items if _is_worth_it(tree, item)]
    return sorted(found, key=lambda item: tree.first[item] - tree.last[item])


def _is_worth_it(tree: Tree, item: int) -> bool:
    if tree.form[item] in (NODE, SERIES) or tree.keys[item] == model.FUNCTIONS:
        return False
    below = tree.children[item]
    if any(tree.form[child] != NODE for child in below):
        return True
    kinds = (tree.graph.kind[tree.node[child]] for child in below)
    return sum(kind != model.PARAMETER for kind in kinds) > 1


def _is_lone(tree: Tree, item: int) -> bool:
    """Return whether a scope holds nearly everything: closed, there would be nothing to see."""
    return bool(tree.last[item] - tree.first[item] > 0.8 * len(tree.order)) and (
        len(tree.children[item]) <= MOST_BOXES
    )


def _fits(scene: Scene) -> bool:
    return bool(
        scene.width[0] <= MOST_WIDTH
        and scene.height[0] <= MOST_HEIGHT
        and len(scene.view) <= MOST_BOXES + 1
    )
