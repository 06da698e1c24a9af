"""Do long work in a thread of its own, so that Ctrl+C is heard and progress is drawn meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TextIO, TypeVar

T = TypeVar("T")
Tell = Callable[[float, str], None]
IsCancelled = Callable[[], bool]

_GRACE_S = 0.4  # for a reader to remove what it has half written
_SHOWN_AFTER_S = 0.3


def run_apart(work: Callable[[Tell, IsCancelled], T], err: TextIO) -> T:
    """Return what `work` returns, or raise what it raises; its progress is drawn on `err`.

    Args:
        work: Called with what to tell progress (0 to 1, and what is done) and what says that nobody
            waits any more.
        err: Where to draw, if it is a terminal.

    Raises:
        KeyboardInterrupt: Ctrl+C was pressed; the work may still run for a moment.
    """
    job = _Job(work)
    try:
        job.start()
        if not job.wait(_SHOWN_AFTER_S):
            _draw(job, err)
    except KeyboardInterrupt:
        job.cancel()
        raise
    return job.result()


class _Job(Generic[T]):
    def __init__(self, work: Callable[[Tell, IsCancelled], T]) -> None:
        self.share, self.text = 0.0, ""
        self._done, self._cancelled = threading.Event(), threading.Event()
        self._found: list[T] = []
        self._error: BaseException | None = None
        self._work = work

    def start(self) -> None:
        threading.Thread(target=self._run, name="gpuboard-work", daemon=True).start()

    def _run(self) -> None:
        try:
            self._found.append(self._work(self._tell, self._cancelled.is_set))
        except BaseException as error:  # noqa: BLE001 - raised again where it is waited for
            self._error = error
        finally:
            self._done.set()

    def _tell(self, share: float, text: str) -> None:
        self.share, self.text = share, text

    def wait(self, seconds: float) -> bool:
        return self._done.wait(seconds)

    def cancel(self) -> None:
        self._cancelled.set()
        self._done.wait(_GRACE_S)

    def result(self) -> T:
        if self._error is not None:
            raise self._error
        return self._found[0]


def _draw(job: _Job[T], err: TextIO) -> None:
    if not err.isatty():
        while not job.wait(1.0):
            pass
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from gpuboard.reports.text import safe

    bar = BarColumn(30, complete_style="blue", finished_style="blue")
    columns = (bar, TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn())
    text = TextColumn("{task.description}")
    with Progress(*columns, text, console=Console(file=err), transient=True) as progress:
        task = progress.add_task("", total=1.0)
        while not job.wait(0.1):
            progress.update(task, completed=job.share, description=escape(safe(job.text)))
