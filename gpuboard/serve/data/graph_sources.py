"""Find the graphs of all runs, in event files and beside them, and keep the last ones decoded."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import stat
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpuboard import limits
from gpuboard.errors import DataError, InputError, LimitError, NotFoundError
from gpuboard.serve.values import BAD_VALUE, decoded_bytes
from gpuboard.store.columns import Problem

if TYPE_CHECKING:
    from gpuboard.analysis.graphs.tree import Float64s, Tree
    from gpuboard.store.store import Store
    from gpuboard.store.values import Values
    from gpuboard.summaries.graphs.costs import Costs
    from gpuboard.summaries.graphs.graph import Graph
    from gpuboard.summaries.graphs.wire_thin import Data

KINDS = {
    "graph": "operations",
    "meta_graph": "operations",
    "keras_model": "conceptual",
    "run_metadata": "profile",
}
ENDINGS = (".onnx", ".pb", ".pbtxt")
MAX_KEPT = 8  # graphs, decoded
MAX_KEPT_NODES = 400_000
MAX_UPLOADS = 4
MAX_FOLDERS = 2_000
FILE_DEPTH = 4
LOOK_AGAIN_S = 5.0
BARE_BYTES = 64


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """One graph that can be shown.

    Attributes:
        id: What addresses call it: the same after a restart of the server.
        kind: "operations", "conceptual", "profile", "file" or "upload".
        run: Id of its run, -1 for a file or an upload.
        place: Name of its run, or the path of its file.
        tag: Name of its tag, "" for a file or an upload.
    """

    id: str
    kind: str
    run: int
    place: str
    tag: str
    path: Path | None = None
    data: bytes | None = None


@dataclasses.dataclass(slots=True)
class Loaded:
    """A decoded graph, with what is worked out of it when it is asked for."""

    graph: Graph
    costs: Costs | None = None
    trees: dict[bool, Tree] = dataclasses.field(default_factory=dict)
    parameters: dict[bool, Float64s] = dataclasses.field(default_factory=dict)

    def tree(self, *, constants: bool) -> tuple[Tree, Float64s]:
        """Return the tree with or without constants, and the trained numbers below its items."""
        from gpuboard.analysis.graphs.tree import plant

        if constants not in self.trees:
            tree = plant(self.graph, constants=constants)
            self.parameters[constants] = tree.totals(self.graph.parameters)
            self.trees[constants] = tree
        return self.trees[constants], self.parameters[constants]


class Graphs:
    """The graphs of one store; any number of threads may ask."""

    def __init__(self, store: Store) -> None:
        self._store = weakref.ref(store)
        self._kept: OrderedDict[tuple[object, ...], Loaded] = OrderedDict()
        self._uploads: OrderedDict[str, Entry] = OrderedDict()
        self._lock = threading.Lock()
        self._decoding: dict[tuple[object, ...], threading.Lock] = {}
        self._files: tuple[float, list[Entry]] = (-1e9, [])

    def entries(self) -> list[Entry]:
        """Return all graphs that can be shown, those of runs first, in order of their names."""
        store = self._live_store()
        found = [
            Entry(_id("run", run.name, tag.tag), KINDS[tag.kind], run.id, run.name, tag.tag)
            for run in store.catalogue().runs
            for tag in run.tags.values()
            if tag.kind in KINDS
            and not (tag.kind == "run_metadata" and _is_bare(store, run.id, tag.tag))
        ]
        with self._lock:
            uploads = list(self._uploads.values())
        return [*found, *self._graph_files(store), *uploads]

    def entry(self, graph_id: str) -> Entry:
        """Return the graph of an id.

        Raises:
            NotFoundError: There is none, or no longer.
        """
        for entry in self.entries():
            if entry.id == graph_id:
                return entry
        raise NotFoundError(f"there is no graph {graph_id[:40]!r}; api/v1/graphs lists those")

    def load(self, graph_id: str) -> Loaded:
        """Return a graph, decoded.

        Raises:
            NotFoundError: There is none of this id.
            DataError: It cannot be decoded; a row of the health page says so as well.
        """
        entry = self.entry(graph_id)
        key, decode = self._work(entry)
        with self._lock:
            loaded = self._kept.get(key)
            if loaded is not None:
                self._kept.move_to_end(key)
                return loaded
            turn = self._decoding.setdefault(key, threading.Lock())
        with turn:  # who asks at the same time waits for the one who decodes
            loaded = self._kept.get(key)
            if loaded is None:
                loaded = decode()
                self._keep(key, loaded)
        with self._lock:
            self._decoding.pop(key, None)
        return loaded

    def costs(self, graph_id: str) -> Costs | None:
        """Return what the nodes of a graph cost, None when `graph_id` names no profile."""
        return self.load(graph_id).costs

    def add_upload(self, name: str, data: bytes) -> Entry:
        """Keep a graph file that came from a page, and return its entry.

        Raises:
            DataError: It cannot be decoded.
        """
        digest = hashlib.sha256(data).hexdigest()
        entry = Entry(_id("upload", name, digest), "upload", -1, name, "", None, data)
        loaded = Loaded(_decode_file(name, data))
        with self._lock:
            self._uploads[entry.id] = entry
            self._uploads.move_to_end(entry.id)
            while len(self._uploads) > MAX_UPLOADS:
                self._uploads.popitem(last=False)
        self._keep((entry.id,), loaded)
        return entry

    def _keep(self, key: tuple[object, ...], loaded: Loaded) -> None:
        with self._lock:
            self._kept[key] = loaded
            while len(self._kept) > 1 and (
                len(self._kept) > MAX_KEPT
                or sum(len(one.graph) for one in self._kept.values()) > MAX_KEPT_NODES
            ):
                self._kept.popitem(last=False)

    def _live_store(self) -> Store:
        store = self._store()
        if store is None:
            raise NotFoundError("the server is stopping")
        return store

    # Where bytes come from.

    def _work(self, entry: Entry) -> tuple[tuple[object, ...], Callable[[], Loaded]]:
        """Return what names the content of an entry as it is now, and what decodes it."""
        if entry.data is not None:
            data = entry.data
            return (entry.id,), lambda: Loaded(_decode_file(entry.place, data))
        if entry.path is not None:
            path = entry.path
            about = _stat(path)
            key = (entry.id, about.st_mtime_ns, about.st_size)
            return key, lambda: self._from_file(entry, path)
        store = self._live_store()
        values = store.values(entry.run, entry.tag)
        if not len(values):
            raise NotFoundError(f"tag {entry.tag!r} of run {entry.place!r} has no graph any more")
        last = len(values) - 1
        key = (entry.id, int(values.file[last]), int(values.offset[last]))
        return key, lambda: self._from_values(store, entry, values, last)

    def _from_values(self, store: Store, entry: Entry, values: Values, place: int) -> Loaded:
        decode = _DECODERS[values.kind]
        loaded = decoded_bytes(store, values, place, lambda data: decode(data, values, place))
        if loaded.graph is not None:
            return Loaded(loaded.graph, loaded.costs)
        return Loaded(self._graph_of_run(store, entry), loaded.costs)

    def _graph_of_run(self, store: Store, entry: Entry) -> Graph:
        """Return the graph that a profile is about: that of its run."""
        for other in self.entries():
            if other.run == entry.run and other.kind == "operations":
                return self.load(other.id).graph
        del store
        raise NotFoundError(
            f"profile {entry.tag!r} of run {entry.place!r} comes without a graph, and the run has "
            "logged none"
        )

    def _from_file(self, entry: Entry, path: Path) -> Loaded:
        try:
            return Loaded(_decode_path(path))
        except DataError as error:
            note = f"the graph cannot be shown: {error}"
            self._live_store().note(Problem(entry.place, 0, BAD_VALUE, note))
            raise

    def _graph_files(self, store: Store) -> list[Entry]:
        looked_at, found = self._files
        if time.monotonic() - looked_at > LOOK_AGAIN_S:
            found = [
                Entry(_id("file", place, ""), "file", -1, place, "", path)
                for place, path in _walk(store.logdir)
            ]
            self._files = (time.monotonic(), found)
        return found


_all: weakref.WeakKeyDictionary[Any, Graphs] = weakref.WeakKeyDictionary()


def graphs_of(store: Store) -> Graphs:
    """Return the graphs of `store`; they go when the store goes."""
    found = _all.get(store)
    return found if found is not None else _all.setdefault(store, Graphs(store))


@dataclasses.dataclass(frozen=True, slots=True)
class _Decoded:
    graph: Graph | None
    costs: Costs | None = None


def _id(*parts: str) -> str:
    text = "\0".join(parts).encode("utf-8", "surrogatepass")
    return hashlib.sha256(text).hexdigest()[:12]


def _graph(data: bytes, values: Values, place: int) -> _Decoded:
    from gpuboard.summaries.graphs import graph_def

    del values, place
    return _Decoded(graph_def.decode(data))


def _meta_graph(data: bytes, values: Values, place: int) -> _Decoded:
    from gpuboard.summaries.graphs import graph_def

    del values, place
    return _Decoded(graph_def.decode_meta(data))


def _keras(data: bytes, values: Values, place: int) -> _Decoded:
    from gpuboard.summaries.graphs import keras_model
    from gpuboard.summaries.graphs import values as graph_values

    del values, place
    return _Decoded(keras_model.decode(graph_values.string_of(data)))


def _profile(data: bytes, values: Values, place: int) -> _Decoded:
    from gpuboard.summaries.graphs import costs as graph_costs
    from gpuboard.summaries.graphs import values as graph_values

    content = graph_values.run_metadata_of(data, int(values.form[place]))
    return _Decoded(graph_costs.decode_graph(content), graph_costs.decode(content))


_DECODERS: dict[str, Callable[[bytes, Values, int], _Decoded]] = {
    "graph": _graph,
    "meta_graph": _meta_graph,
    "keras_model": _keras,
    "run_metadata": _profile,
}


def _decode_file(name: str, data: Data) -> Graph:
    from gpuboard.summaries.graphs import file as graph_file

    return graph_file.decode(name, data)


def _decode_path(path: Path) -> Graph:
    """Decode a file without loading its weights: what is not needed stays on disk."""
    from gpuboard.summaries.graphs.wire_thin import Stretch

    try:
        # Opened without waiting: a pipe in place of the file must not hold a thread for good.
        file = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
        try:
            about = os.fstat(file)
            if not stat.S_ISREG(about.st_mode) or about.st_size == 0:
                raise DataError("the file is empty, or no regular file")
            stretch = Stretch(about.st_size, lambda start, count: os.pread(file, count, start))
            return _decode_file(path.name, stretch)
        finally:
            os.close(file)
    except OSError as error:
        raise DataError(f"the file cannot be read: {error.strerror or error}") from error


def _is_bare(store: Store, run: int, tag: str) -> bool:
    """Return whether a profile is so short that it measured nothing, as PyTorch writes them."""
    try:
        values = store.values(run, tag)
    except NotFoundError:
        return True
    return len(values) == 0 or int(values.length[-1]) < BARE_BYTES


def _stat(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except OSError as error:
        raise NotFoundError(f"{path.name}: {error.strerror or error}") from error


def _walk(logdir: Path) -> Iterator[tuple[str, Path]]:
    """Yield graph files below the log directory, a few levels deep; links are not followed."""
    left = limits.MAX_GRAPH_FILES.value
    folders = [(logdir, 0)]
    for count, (folder, depth) in enumerate(folders):
        if count >= MAX_FOLDERS:
            return
        try:
            with os.scandir(folder) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError:
            continue  # reading runs tells of what cannot be opened
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if depth < FILE_DEPTH:
                    folders.append((Path(entry.path), depth + 1))
            elif entry.name.endswith(ENDINGS) and entry.is_file(follow_symlinks=False):
                if entry.name == "projector_config.pbtxt":
                    continue
                yield Path(entry.path).relative_to(logdir).as_posix(), Path(entry.path)
                left -= 1
                if left == 0:
                    return


class Parts:
    """Uploads that are on their way, in pieces that fit a request."""

    def __init__(self) -> None:
        self._parts: OrderedDict[str, bytearray] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, name: str, size: int, at: int, body: bytes) -> bytes | None:
        """Take one piece, and return all of them once the last one is there.

        Raises:
            InputError: The piece does not follow those before it.
            LimitError: The file is larger than `limits.MAX_GRAPH_UPLOAD_BYTES`.
        """
        most = limits.MAX_GRAPH_UPLOAD_BYTES.value
        if size > most:
            raise LimitError(
                f"{name}: {size:,} bytes, at most {most:,} are taken "
                f"({limits.MAX_GRAPH_UPLOAD_BYTES.name}); put the file below the log directory"
            )
        with self._lock:
            if at == 0:
                self._parts[name] = bytearray()
                while len(self._parts) > MAX_UPLOADS:
                    self._parts.popitem(last=False)
            known = self._parts.get(name)
            if known is None or len(known) != at or at + len(body) > size:
                raise InputError(
                    f"{name}: a piece at byte {at:,} of {size:,}, expected one at byte "
                    f"{0 if known is None else len(known):,}; send the file anew"
                )
            known += body
            if len(known) < size:
                return None
            return bytes(self._parts.pop(name))
