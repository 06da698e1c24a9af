"""Answer what the frame of the Profile page asks: which traces there are, and how reading goes."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any

from gpuboard.errors import InputError
from gpuboard.serve.profiles import LoadedTrace, TraceEntry, profiles_of
from gpuboard.serve.routes import DataRoute

if TYPE_CHECKING:
    from gpuboard.serve.jobs import Job
    from gpuboard.store.store import Store

MAX_LISTED = 1_000
PATIENCE_S = 0.15  # small traces are read in less: one request then does
WATCHED_S = 5.0


class TraceRoute(DataRoute):
    """Base of the routes that are about one trace, `trace=ID` in the query."""

    async def loaded(self) -> LoadedTrace:
        """Return the trace; reads it first where it is not in memory."""
        return await self.loaded_as("trace")

    async def loaded_as(self, field: str) -> LoadedTrace:
        """Return the trace that another field of the query names."""
        return await self.loaded_id(self.get_query_argument(field, ""))

    async def loaded_id(self, trace_id: str) -> LoadedTrace:
        """Return the trace of an id."""
        profiles = profiles_of(self.context.store)
        return await profiles.loaded(self.context.jobs, trace_id)

    def whole(self, name: str, default: int | None = None) -> int:
        """Return a whole number of the query; a `default` of None makes it required.

        Raises:
            InputError: It is missing, or no whole number of at most 18 digits.
        """
        text = self.get_query_argument(name, "" if default is None else str(default))
        digits = text.removeprefix("-")
        if not digits.isascii() or not digits.isdigit() or len(digits) > 18:
            raise InputError(f"{name}: got {text[:80]!r}, expected a whole number")
        return int(text)


class JobsRoute(DataRoute):
    """`GET api/v1/profile/jobs`: all traces below the log directory."""

    async def get(self) -> None:
        """Answer with one column for each fact, by job, span and rank."""
        self.reply_json(await self.run(_jobs, self.context.store))


class OpenRoute(DataRoute):
    """`GET api/v1/profile/open?trace=`: begin to read a trace, or say how far reading has come."""

    async def get(self) -> None:
        """Answer soon; who goes on asking keeps the reading alive."""
        profiles = profiles_of(self.context.store)
        trace_id = self.get_query_argument("trace", "")
        loaded = profiles.kept(trace_id)
        if loaded is not None:
            self.reply_json(await self.run(_summary, loaded))
            return
        entry = await profiles.find(self.context.jobs, trace_id)
        failure = profiles.failure(entry)
        if failure is not None:
            raise failure
        job = profiles.open(self.context.jobs, entry)
        # Whoever asks will ask again soon; until then nobody else may watch.
        watch = job.watch()
        asyncio.get_running_loop().call_later(WATCHED_S, watch.close)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(job.ended.wait(), PATIENCE_S)
        if job.status == "done":
            self.reply_json(await self.run(_summary, job.result))
        elif job.status == "failed" and job.error is not None:
            raise job.error
        else:
            self.reply_json(_progress(entry, job))


class CancelRoute(DataRoute):
    """`POST api/v1/profile/cancel?trace=`: stop reading a trace."""

    async def post(self) -> None:
        """Answer when nobody reads it any more."""
        profiles = profiles_of(self.context.store)
        trace_id = self.get_query_argument("trace", "")
        entry = await profiles.find(self.context.jobs, trace_id)
        if profiles.kept(trace_id) is None:
            profiles.open(self.context.jobs, entry).cancel()
        self.reply_json({"trace": trace_id})


class ProblemsRoute(TraceRoute):
    """`GET api/v1/profile/problems?trace=`: what was wrong with the file."""

    async def get(self) -> None:
        """Answer with the problems that are listed, and counts of all."""
        loaded = await self.loaded()
        trace = loaded.trace
        self.reply_json(
            {
                "offset": [problem.offset for problem in trace.problems],
                "kind": [problem.kind for problem in trace.problems],
                "message": [problem.message for problem in trace.problems],
                "counts": dict(trace.problem_counts),
            }
        )


def _jobs(store: Store) -> dict[str, Any]:
    found = profiles_of(store).entries()
    shown = found[:MAX_LISTED]
    return {
        "total": len(found),
        "trace": [entry.id for entry in shown],
        "job": [entry.job for entry in shown],
        "name": [entry.job_name for entry in shown],
        "worker": [entry.worker for entry in shown],
        "span": [entry.span for entry in shown],
        "span_name": [entry.span_name for entry in shown],
        "rank": [entry.rank for entry in shown],
        "place": [entry.place for entry in shown],
        "bytes": [entry.bytes for entry in shown],
    }


def _progress(entry: TraceEntry, job: Job) -> dict[str, Any]:
    return {
        "trace": entry.id,
        "status": job.status,
        "fraction": job.progress.fraction,
        "sentence": job.progress.sentence,
    }


def _summary(loaded: LoadedTrace) -> dict[str, Any]:
    trace, timeline = loaded.trace, loaded.timeline
    origin = trace.origin
    return {
        "trace": loaded.entry.id,
        "status": "done",
        "fraction": 1.0,
        "sentence": "done",
        "place": loaded.entry.place,
        "format": origin.format,
        "file_bytes": origin.bytes,
        "memory_bytes": loaded.bytes,
        "slices": len(trace.slices),
        "start": str(timeline.start),
        "span": timeline.end - timeline.start,
        "rank": origin.rank,
        "world_size": origin.world_size,
        "backend": origin.backend,
        "host": origin.host,
        "devices": list(dict.fromkeys(device.name for device in trace.devices if device.name)),
        "problems": sum(trace.problem_counts.values()) or len(trace.problems),
    }


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/profile/jobs", JobsRoute),
    (r"api/v1/profile/open", OpenRoute),
    (r"api/v1/profile/cancel", CancelRoute),
    (r"api/v1/profile/problems", ProblemsRoute),
)
