"""Hold the floors of the house: imports point down only, and heavy packages stay in their rooms."""

from __future__ import annotations

import ast
import dataclasses
import graphlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# The house from the ground up. Rooms on one floor do not import each other.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("gpuboard",),  # the version alone
    ("errors", "limits"),
    ("clock", "device", "folders"),
    ("eventlog",),
    ("store",),
    ("summaries", "profiler", "projector", "sources"),
    ("analysis", "writer"),
    ("serve",),
    ("apps", "reports"),
    ("demo_records",),
    ("demo",),
    ("cli",),
    ("__main__", "notebook"),
)
FLOOR_OF = {room: floor for floor, rooms in enumerate(FLOORS) for room in rooms}

# Who may import what from outside, by the start of the importing module's name.
ROOMS_OF_PACKAGE = {
    "bokeh": ("gpuboard.apps", "gpuboard.serve"),
    "tornado": ("gpuboard.apps", "gpuboard.serve"),
    "jinja2": ("gpuboard.apps", "gpuboard.serve"),
    "pynvml": ("gpuboard.profiler.nvml",),
    "cuml": ("gpuboard.device", "gpuboard.projector.backends.cuml"),
    "cupy": ("gpuboard.device", "gpuboard.projector.backends.cuml"),
    "torch": ("gpuboard.writer", "gpuboard.profiler.recording"),
    "numba": (
        "gpuboard.eventlog",
        "gpuboard.analysis",
        "gpuboard.profiler",
        "gpuboard.projector",
    ),
    "llvmlite": ("gpuboard.eventlog.native", "gpuboard.profiler.traces.scan_vectors"),
    # Summaries decode what their plugins keep as messages.
    "google": (
        "gpuboard.eventlog",
        "gpuboard.summaries",
        "gpuboard.profiler.traces",
    ),
    "typer": ("gpuboard.cli",),
    "rich": ("gpuboard.cli", "gpuboard.reports"),
    "tensorflow": (),
    "tensorboard": (),
    "pandas": (),
}


@dataclasses.dataclass(frozen=True, slots=True)
class Import:
    """One import: who, of what, and whether it happens as soon as the importing module loads."""

    importer: str
    imported: str
    line: int
    at_once: bool

    def __str__(self) -> str:
        return f"{self.importer} line {self.line} imports {self.imported}"


def source_files() -> dict[str, Path]:
    """Return every module by its name; `apps/` is installed as `gpuboard.apps`."""
    modules = {}
    for folder, package in (("gpuboard", "gpuboard"), ("apps", "gpuboard.apps")):
        for path in sorted((ROOT / folder).rglob("*.py")):
            parts = path.relative_to(ROOT / folder).with_suffix("").parts
            name = ".".join((package, *parts))
            modules[name.removesuffix(".__init__")] = path
    return modules


MODULES = source_files()


def imports_of(name: str, tree: ast.Module, *, is_package: bool = False) -> Iterator[Import]:
    """Yield what a module imports, wherever it stands in the file."""
    for node, at_once in _walk(tree, at_once=True):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(name, alias.name, node.lineno, at_once)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(name, node, is_package)
            for alias in node.names:
                full = f"{base}.{alias.name}"
                yield Import(name, full if full in MODULES else base, node.lineno, at_once)


def _walk(node: ast.AST, *, at_once: bool) -> Iterator[tuple[ast.AST, bool]]:
    for child in ast.iter_child_nodes(node):
        deferred = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        is_for_types = isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test)
        loads = at_once and not deferred and not is_for_types
        yield child, loads
        yield from _walk(child, at_once=loads)


def _absolute(name: str, node: ast.ImportFrom, is_package: bool) -> str:
    if node.level == 0:
        return node.module or ""
    package = name.split(".")[: None if is_package and node.level == 1 else -node.level]
    return ".".join((*package, node.module or "")).rstrip(".")


def all_imports() -> list[Import]:
    found: list[Import] = []
    for name, path in MODULES.items():
        tree = ast.parse(path.read_text(), str(path))
        found += imports_of(name, tree, is_package=path.name == "__init__.py")
    return found


IMPORTS = all_imports()
INNER = [i for i in IMPORTS if i.imported.split(".")[0] in ("gpuboard", "apps")]


def room(module: str) -> str:
    """Return the room that a module of ours stands in."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "gpuboard"


def is_allowed(importer: str, imported: str) -> bool:
    """Say whether a module may know another: in its own room, or on a lower floor."""
    above, below = room(importer), room(imported)
    return above == below or FLOOR_OF[below] < FLOOR_OF[above]


def test_every_module_has_a_floor():
    homeless = {name for name in MODULES if room(name) not in FLOOR_OF}

    assert not homeless, "give these rooms a floor in FLOORS"


def test_the_walk_sees_all_modules_and_finds_their_imports():
    assert {"gpuboard", "gpuboard.apps.scalars", "gpuboard.eventlog.scan"} <= set(MODULES)
    found = {(i.importer, i.imported, i.at_once) for i in IMPORTS}
    assert ("gpuboard.eventlog.native", "numba", True) in found
    assert ("gpuboard.apps.scalars", "gpuboard.serve.page", True) in found
    assert ("gpuboard.store.store", "gpuboard.store.ingest", False) in found


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import bokeh.io", [("bokeh.io", True)]),
        ("from gpuboard import limits", [("gpuboard.limits", True)]),
        ("from gpuboard.errors import InputError", [("gpuboard.errors", True)]),
        ("from . import limits", [("gpuboard.limits", True)]),
        ("from .eventlog import scan", [("gpuboard.eventlog.scan", True)]),
        ("def f():\n    import torch", [("torch", False)]),
        ("class A:\n    import torch", [("torch", True)]),
        ("if TYPE_CHECKING:\n    import torch", [("torch", False)]),
        ("try:\n    import torch\nexcept ImportError:\n    pass", [("torch", True)]),
    ],
)
def test_an_import_is_seen_in_every_form(source, expected):
    found = imports_of("gpuboard.cli", ast.parse(source))

    assert [(i.imported, i.at_once) for i in found] == expected


@pytest.mark.parametrize(
    ("importer", "imported", "allowed"),
    [
        ("gpuboard.apps.scalars", "gpuboard.serve.page", True),
        ("gpuboard.serve.page", "gpuboard.apps.scalars", False),
        ("gpuboard.store.run", "gpuboard.store.columns", True),
        ("gpuboard.summaries.image", "gpuboard.writer.writer", False),
        ("gpuboard.eventlog.scan", "gpuboard.limits", True),
        ("gpuboard.device", "gpuboard.errors", True),
        ("gpuboard.errors", "gpuboard.limits", False),
        ("gpuboard.clock", "gpuboard.device", False),
        ("gpuboard", "gpuboard.errors", False),
        ("gpuboard.serve.api", "gpuboard", True),
    ],
)
def test_the_floors_say_who_may_know_whom(importer, imported, allowed):
    assert is_allowed(importer, imported) is allowed


def is_offered(i: Import) -> bool:
    """Say whether the package itself offers what is imported, looked up only when asked for."""
    return i.importer == "gpuboard" and not i.at_once


def test_imports_point_down_only():
    wrong = [str(i) for i in INNER if not is_allowed(i.importer, i.imported) and not is_offered(i)]

    assert not wrong


def test_apps_are_imported_by_the_name_under_which_they_are_installed():
    wrong = [str(i) for i in INNER if i.imported.split(".")[0] == "apps"]

    assert not wrong, "the top-level name exists in the source tree only: use gpuboard.apps"


def test_no_modules_import_each_other_in_a_circle():
    graph = {name: set() for name in MODULES}
    for i in INNER:
        if i.at_once and i.imported in MODULES and i.imported != i.importer:
            graph[i.importer].add(i.imported)

    list(graphlib.TopologicalSorter(graph).static_order())  # raises CycleError, naming the circle


@pytest.mark.parametrize("package", ROOMS_OF_PACKAGE)
def test_a_package_is_imported_in_its_rooms_alone(package):
    rooms = ROOMS_OF_PACKAGE[package]
    importers = [i for i in IMPORTS if i.imported.split(".")[0] == package]

    wrong = [
        str(i)
        for i in importers
        if not any(i.importer == r or i.importer.startswith(f"{r}.") for r in rooms)
    ]

    assert not wrong, f"{package} is for {', '.join(rooms) or 'nobody'}"


def modules_loaded_by(statement: str) -> set[str]:
    """Return the top-level packages that a fresh interpreter holds after a statement."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy():
    loaded = modules_loaded_by("import gpuboard")

    assert "gpuboard" in loaded
    assert not loaded & {*ROOMS_OF_PACKAGE, "numpy", "pyarrow", "tsdownsample"}


@pytest.mark.parametrize(
    "module", ["gpuboard.cli", "gpuboard.serve.server", "gpuboard.serve.api", "gpuboard.apps"]
)
def test_what_answers_the_first_page_does_not_wait_for_the_compiler(module):
    loaded = modules_loaded_by(f"import {module}")

    assert not loaded & {"numba", "llvmlite", "torch", "cupy", "pyarrow", "tsdownsample"}


def test_the_command_line_parses_without_a_web_server():
    loaded = modules_loaded_by("import gpuboard.cli")

    assert not loaded & {"bokeh", "tornado"}
