"""Hold what all pages and routes of one server share."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

from gpuboard.serve.jobs import Jobs
from gpuboard.serve.profiles import profiles_of
from gpuboard.serve.sessions import Sessions

if TYPE_CHECKING:
    from pathlib import Path

    from gpuboard.serve.spec import PageSpec
    from gpuboard.store.columns import RunInfo
    from gpuboard.store.store import Store

DEFAULT_PORT = 6006


@dataclasses.dataclass(frozen=True, slots=True)
class ServeConfig:
    """How to serve.

    Attributes:
        port: TCP port; 0 takes any free one, None the first free one from 6006 on.
        host: Name or address to bind; others than loopback need a token.
        token: What a browser must know; None makes a random one, "" asks for none (loopback only).
        path_prefix: Path below which everything lies, such as "/board".
        allow_hosts: Further names that lead here: "name", "name:port" or "https://name:port".
        frame_origins: Origins of notebooks that may show pages in a frame.
    """

    port: int | None = None
    host: str = "127.0.0.1"
    token: str | None = None
    path_prefix: str = ""
    allow_hosts: tuple[str, ...] = ()
    frame_origins: tuple[str, ...] = ()


class Kinds:
    """Remember what each run has for pages to show; only runs that changed are looked at again."""

    def __init__(self) -> None:
        self._of_run: dict[int, tuple[int, frozenset[str]]] = {}

    def of(self, runs: Sequence[RunInfo], logdir: Path) -> frozenset[str]:
        """Return all kinds of tags that any of `runs` has, "hparams" also for files beside them."""
        return frozenset().union(*(self._kinds(run, logdir) for run in runs))

    def _kinds(self, run: RunInfo, logdir: Path) -> frozenset[str]:
        version, kinds = self._of_run.get(run.id, (None, frozenset()))
        if version != run.version:
            kinds = frozenset(tag.kind for tag in run.tags.values())
            if "hparams" not in kinds and _has_hparam_file(logdir / run.name):
                kinds |= {"hparams"}
            self._of_run[run.id] = run.version, kinds
        return kinds


def _has_hparam_file(folder: Path) -> bool:
    from gpuboard.store.side_files import HPARAM_FILES, mark_of

    return any(mark_of(f"{folder}/{name}") for name in HPARAM_FILES)


@dataclasses.dataclass(frozen=True, slots=True)
class Context:
    """What all pages and routes of one server share."""

    store: Store
    config: ServeConfig = dataclasses.field(default_factory=ServeConfig)
    pages: Sequence[PageSpec] = ()
    jobs: Jobs = dataclasses.field(default_factory=Jobs)
    sessions: Sessions = dataclasses.field(default_factory=Sessions)
    kinds: Kinds = dataclasses.field(default_factory=Kinds)


@dataclasses.dataclass(frozen=True, slots=True)
class RailEntry:
    """One line of the rail: `lit` when the log has what the page needs, else `why` not."""

    name: str
    title: str
    icon: str
    lit: bool
    why: str


def rail(context: Context) -> list[RailEntry]:
    """Return the lines of the rail, in their order."""
    kinds = context.kinds.of(context.store.catalogue().runs, context.store.logdir)
    if any("trace" in spec.needs for spec in context.pages):
        kinds |= {"trace"} if profiles_of(context.store).has_any() else set()
    return [_entry(spec, kinds) for spec in sorted(context.pages, key=lambda spec: spec.order)]


def first_page(context: Context) -> str:
    """Return the name of the first page that has something to show."""
    entries = rail(context)
    lit = [entry.name for entry in entries if entry.lit]
    return (lit or [entry.name for entry in entries])[0]


def _entry(spec: PageSpec, kinds: frozenset[str]) -> RailEntry:
    is_lit = not spec.needs or not kinds.isdisjoint(spec.needs)
    why = "" if is_lit else spec.why or f"no run has logged any {' or '.join(spec.needs)} yet"
    return RailEntry(spec.name, spec.title, spec.icon, is_lit, why)
