"""Answer what the Meshes page asks for: which meshes there are, and one of them at one step."""

from __future__ import annotations

import dataclasses
import re
from typing import TYPE_CHECKING, Any

from gpuboard.errors import DataError, InputError
from gpuboard.serve import column_reply, fields, wire
from gpuboard.serve.routes import DataRoute
from gpuboard.serve.values import decoded, place_of, run_argument, tag_argument
from gpuboard.store.store import natural_key

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gpuboard.analysis.meshes import Mesh
    from gpuboard.eventlog.proto.event_pb2 import Summary
    from gpuboard.store.store import Store
    from gpuboard.store.values import Values
    from gpuboard.summaries.mesh import MeshPart

_BATCH = re.compile(r"[0-9]{1,6}", re.ASCII)


class MeshesRoute(DataRoute):
    """`GET api/v1/meshes?q=&limit=`: all meshes, each with the tag of its vertices and its runs."""

    async def get(self) -> None:
        """Answer with the first meshes that match and how many there are."""
        pattern = self.get_query_argument("q", None, strip=False) or None
        limit = fields.limit(self.get_query_argument("limit", None))
        self.reply_json(await self.run(_meshes, self.context.store, pattern, limit))


class MeshRoute(DataRoute):
    """`GET api/v1/mesh?run=&tag=&ref=&batch=`: vertices, triangles and colours at one step."""

    async def get(self) -> None:
        """Answer with binary columns."""
        run, tag = run_argument(self), tag_argument(self)
        ref, batch = self.get_query_argument("ref", ""), self.get_query_argument("batch", "0")
        if not _BATCH.fullmatch(batch):
            raise InputError(f"batch: got {batch[:100]!r}, expected a number from 0 on")
        self.reply_bytes(await self.run(_mesh, self.context.store, run, tag, ref, int(batch)))


def _meshes(store: Store, pattern: str | None, limit: int) -> dict[str, Any]:
    from gpuboard.analysis.patterns import compiled, searched

    catalogue = store.catalogue()
    runs: dict[tuple[str, str], list[int]] = {}
    for run in catalogue.runs:
        for info in run.tags.values():
            if info.kind == "mesh":
                part = _part(store, run.id, info.tag)
                if part is not None and part.part == "vertex":
                    runs.setdefault((part.name, info.tag), []).append(run.id)
    found = sorted(runs, key=lambda key: natural_key(key[0]))
    if pattern:
        matches = searched(compiled(pattern), [name for name, _ in found])
        found = [key for key, match in zip(found, matches, strict=True) if match is not None]
    rows = [
        {"tag": tag, "name": name, "runs": wire.id_ranges(runs[name, tag])}
        for name, tag in found[:limit]
    ]
    return {"version": catalogue.version, "total": len(found), "tags": rows}


def _mesh(store: Store, run: int, tag: str, ref: str, batch: int) -> bytes:
    from gpuboard.analysis.mesh_look import look_of
    from gpuboard.analysis.meshes import assemble
    from gpuboard.summaries.mesh import decode, decode_part

    values = store.values(run, tag)
    place = place_of(values, ref)
    about = decode_part(values.content)
    faces = _belonging(store, run, about.name, "face", values, place)
    colours = _belonging(store, run, about.name, "color", values, place)

    def put_together(value: Summary.Value) -> tuple[Mesh, int]:
        vertices = decode(value)
        return assemble(vertices, faces, colours, batch), len(vertices)

    mesh, batches = decoded(store, values, place, put_together)
    absent = {"face": faces is None, "color": colours is None}
    header = {
        "name": about.name,
        "batches": batches,
        "step": str(int(values.step[place])),
        "low": mesh.low,
        "high": mesh.high,
        "missing": sorted(part for part in about.logged if absent.get(part)),
        "look": dataclasses.asdict(look_of(about.config)),
    }
    columns: dict[str, npt.NDArray[Any]] = {
        "vertices": mesh.vertices,
        "faces": mesh.faces,
        "colours": mesh.colours,
    }
    return column_reply.encode(header, columns)


def _belonging(
    store: Store, run: int, name: str, wanted: str, vertices: Values, place: int
) -> npt.NDArray[np.generic] | None:
    """Return the part of a mesh that belongs to some vertices of it, None without one."""
    from gpuboard.analysis.meshes import latest
    from gpuboard.analysis.steps import standing
    from gpuboard.summaries.mesh import decode

    step = int(vertices.step[place])
    twins = standing(vertices)
    twins = twins[vertices.step[twins] == step].tolist()
    twin = twins.index(place) if place in twins else 0
    for tag, info in store.run(run).tags().items():
        part = _part(store, run, tag) if info.kind == "mesh" else None
        if part is None or (part.name, part.part) != (name, wanted):
            continue
        values = store.values(run, tag)
        places = standing(values)
        found = latest(values.step[places], step, twin)
        if found is not None:
            return decoded(store, values, int(places[found]), decode)
    return None


def _part(store: Store, run: int, tag: str) -> MeshPart | None:
    from gpuboard.summaries.mesh import decode_part

    content = store.tag_content(run, tag)
    try:
        return decode_part(content) if content else None
    except DataError:
        return None


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/meshes", MeshesRoute),
    (r"api/v1/mesh", MeshRoute),
)
