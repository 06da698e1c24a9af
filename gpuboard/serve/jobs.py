"""Run work off the event loop, share it among all who ask for it, end it with its last watcher.

NumPy work goes to a few threads. Heavy work goes to one process of its own, made when first needed:
to cancel it is to kill the process, so nothing is left behind.
"""

from __future__ import annotations

import asyncio
import dataclasses
import logging
import os
import threading
import time
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, ThreadPoolExecutor
from typing import Any, Literal, TypeVar

from gpuboard.errors import GpuboardError
from gpuboard.serve.worker import Report, Worker, WorkerLostError

log = logging.getLogger(__name__)

T = TypeVar("T")
Where = Literal["thread", "long", "process"]
Status = Literal["waiting", "running", "done", "failed", "cancelled"]

GRACE_S = 5.0
REPORT_EVERY_S = 0.05


class JobCancelledError(GpuboardError):
    """The job was ended before it was done."""

    http_status = 409


@dataclasses.dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job has come: a fraction from 0 to 1 and a sentence for people."""

    fraction: float
    sentence: str


class Job:
    """One piece of work; to be touched on the event loop alone.

    Attributes:
        key: Says what is computed; two jobs of one key are one.
        status: "waiting", "running", "done", "failed" or "cancelled".
        progress: What the work last reported.
        result: What it returned, None before "done".
        error: What it raised, None unless "failed" or "cancelled".
    """

    def __init__(self, key: Hashable, loop: asyncio.AbstractEventLoop, grace_s: float) -> None:
        self.key = key
        self.status: Status = "waiting"
        self.progress = JobProgress(0.0, "waiting for its turn")
        self.result: Any = None
        self.error: BaseException | None = None
        self.ended = asyncio.Event()
        self._loop = loop
        self._grace_s = grace_s
        self._watchers: set[Watch] = set()
        self._cancelling = threading.Event()
        self._last_report = 0.0
        self._kill: Callable[[], None] = _do_nothing
        self._deadline: asyncio.TimerHandle | None = None

    @property
    def is_running(self) -> bool:
        """Whether it is still to be waited for."""
        return self.status in ("waiting", "running")

    @property
    def is_cancelling(self) -> bool:
        """Whether somebody has asked it to end; may be asked from any thread."""
        return self._cancelling.is_set()

    def watch(self, fn: Callable[[Job], object] | None = None) -> Watch:
        """Keep the job alive until the watch is closed, and call `fn(job)` at every change."""
        watch = Watch(self, fn)
        self._watchers.add(watch)
        return watch

    async def wait(self) -> Any:  # noqa: ANN401 - a job returns what its function returns
        """Return the result; waiting counts as watching.

        Raises:
            JobCancelledError: It was cancelled.
            Exception: What the work raised.
        """
        watch = self.watch()
        try:
            await self.ended.wait()
        finally:
            watch.close()
        if self.error is not None:
            raise self.error
        return self.result

    def cancel(self) -> None:
        """End the job: a process is killed, a thread ends at its next report."""
        if not self.is_running:
            return
        self._cancelling.set()
        self._kill()
        self.finish("cancelled", error=JobCancelledError("the job was cancelled"))

    def report(self, fraction: float, sentence: str) -> None:
        """Take progress from the thread that works.

        Raises:
            JobCancelledError: The job was cancelled, and the work should end.
        """
        if self.is_cancelling:
            raise JobCancelledError("the job was cancelled")
        now = time.monotonic()
        if now - self._last_report < REPORT_EVERY_S and fraction < 1:
            return
        self._last_report = now
        progress = JobProgress(min(max(fraction, 0.0), 1.0), sentence)
        self._loop.call_soon_threadsafe(self.change, "running", progress)

    def change(self, status: Status, progress: JobProgress) -> None:
        """Take a new state unless the job has ended already, and tell the watchers."""
        if not self.is_running:
            return
        self.status = status
        self.progress = progress
        for watch in list(self._watchers):
            watch.tell()

    def finish(
        self, status: Status, *, result: object = None, error: BaseException | None = None
    ) -> None:
        """Take the end of the work unless the job has ended already."""
        if not self.is_running:
            return
        self.result, self.error = result, error
        self.ended.set()
        sentence = "done" if status == "done" else str(error)
        fraction = 1.0 if status == "done" else self.progress.fraction
        self.change(status, JobProgress(fraction, sentence))

    def leave(self, watch: Watch) -> None:
        """Let a watcher go; the job dies if no other comes within the grace period."""
        self._watchers.discard(watch)
        if self._watchers or not self.is_running:
            return
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = self._loop.call_later(self._grace_s, self._die_unwatched)

    def killed_by(self, kill: Callable[[], None]) -> None:
        """Say how the work is ended by force once it runs."""
        self._kill = kill

    def _die_unwatched(self) -> None:
        if not self._watchers:
            self.cancel()


class Watch:
    """Somebody's interest in a job."""

    def __init__(self, job: Job, fn: Callable[[Job], object] | None) -> None:
        self._job = job
        self._fn = fn

    def tell(self) -> None:
        """Call the watcher; its failure is its own."""
        if self._fn is None:
            return
        try:
            self._fn(self._job)
        except Exception:
            log.exception("a watcher of job %r failed", self._job.key)

    def close(self) -> None:
        """End the interest; a second time does nothing."""
        self._fn = None
        self._job.leave(self)


class Jobs:
    """The threads and the process of one server, and the jobs in them."""

    def __init__(self, threads: int | None = None, grace_s: float = GRACE_S) -> None:
        """Prepare the pools; threads and process start when first needed.

        Args:
            threads: How many work at a time; None for one a core, between 2 and 4.
            grace_s: Seconds that a job without watchers goes on.
        """
        count = threads or max(2, min(4, os.cpu_count() or 2))
        self._threads = ThreadPoolExecutor(count, "gpuboard-job")
        self._long = ThreadPoolExecutor(max(1, count // 2), "gpuboard-long")
        self._turns = ThreadPoolExecutor(1, "gpuboard-heavy")
        self._worker = Worker()
        self._grace_s = grace_s
        self._jobs: dict[Hashable, Job] = {}

    @property
    def worker_pid(self) -> int | None:
        """Process id of the heavy worker, None while there is none."""
        return self._worker.pid

    async def run(self, fn: Callable[..., T], *args: object) -> T:
        """Return `fn(*args)`, computed in the thread pool."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, fn, *args)

    def submit(
        self, key: Hashable, fn: Callable[..., object], *args: object, where: Where = "thread"
    ) -> Job:
        """Return the job that computes `fn(report, *args)`, a running one if `key` is known.

        Watch it at once: without watchers it ends after the grace period. To be called on the
        event loop.

        Args:
            key: Says what is computed; everything that the result depends on belongs in it.
            fn: Takes `report(fraction, sentence)` first and should call it often. For a process it
                must be importable by name, and arguments and result must be picklable.
            args: What `fn` takes after `report`.
            where: "thread" for NumPy work, "long" for what takes seconds without holding the
                interpreter, so that short work need not wait for it, "process" for what does, or
                may crash.
        """
        known = self._jobs.get(key)
        if known is not None and known.is_running:
            return known
        job = Job(key, asyncio.get_running_loop(), self._grace_s)
        self._jobs[key] = job
        task = asyncio.ensure_future(self._work(job, fn, args, where))
        task.add_done_callback(lambda _: self._forget(job))
        job.watch().close()
        return job

    def close(self) -> None:
        """End all work."""
        for job in list(self._jobs.values()):
            job.cancel()
        self._worker.kill()
        for pool in (self._threads, self._long, self._turns):
            pool.shutdown(wait=False, cancel_futures=True)

    async def _work(
        self, job: Job, fn: Callable[..., object], args: tuple[object, ...], where: Where
    ) -> None:
        pools: dict[Where, Executor] = {
            "thread": self._threads,
            "long": self._long,
            "process": self._turns,
        }
        pool = pools[where]
        body = self._call_in_process if where == "process" else _call
        loop = asyncio.get_running_loop()
        try:
            result = await loop.run_in_executor(pool, body, job, fn, args)
        except JobCancelledError as error:
            job.finish("cancelled", error=error)
        except asyncio.CancelledError:
            job.cancel()
            raise
        except Exception as error:
            if not isinstance(error, GpuboardError):
                log.exception("job %r failed", job.key)
            job.finish("failed", error=error)
        else:
            job.finish("done", result=result)

    def _call_in_process(
        self, job: Job, fn: Callable[..., object], args: tuple[object, ...]
    ) -> object:
        if job.is_cancelling:
            raise JobCancelledError("the job was cancelled")
        with self._worker.turn() as kill:
            job.killed_by(kill)
            try:
                return _call(job, self._worker.call, (fn, *args))
            except (WorkerLostError, JobCancelledError):
                self._worker.kill()  # it may still be at work on what nobody wants
                if job.is_cancelling:
                    raise JobCancelledError("the job was cancelled") from None
                raise

    def _forget(self, job: Job) -> None:
        if self._jobs.get(job.key) is job:
            del self._jobs[job.key]


def _call(job: Job, fn: Callable[..., object], args: tuple[object, ...]) -> object:
    report: Report = job.report
    report(0.0, "started")
    return fn(report, *args)


def _do_nothing() -> None:
    pass
