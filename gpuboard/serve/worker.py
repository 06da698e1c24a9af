"""Keep one child process that computes what may take long, crash or have to be killed."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import pickle
import signal
import threading
import traceback
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from gpuboard.errors import DataError, GpuboardError

Report = Callable[[float, str], None]


class WorkerLostError(DataError):
    """The worker process ended before its work did."""


class WorkerFailedError(RuntimeError):
    """The work raised something unexpected; the text is the traceback of the worker."""


class Worker:
    """One child process, started when first needed and again after it was lost.

    It is spawned, never forked, so that it inherits neither threads nor a CUDA context.
    """

    def __init__(self) -> None:
        self._process: SpawnProcess | None = None
        self._connection: Connection[Any, Any] | None = None
        self._lock = threading.Lock()
        self._turn = 0

    @property
    def pid(self) -> int | None:
        """Process id, None while there is no process."""
        process = self._process
        return process.pid if process is not None and process.is_alive() else None

    @contextlib.contextmanager
    def turn(self) -> Iterator[Callable[[], None]]:
        """Give a function that kills the process as long as this turn lasts, and not after it."""
        with self._lock:
            self._turn += 1
            mine = self._turn

        def kill() -> None:
            with self._lock:
                if self._turn == mine:
                    self._kill()

        try:
            yield kill
        finally:
            with self._lock:
                self._turn += 1

    def call(self, report: Report, fn: Callable[..., object], *args: object) -> object:
        """Return `fn(report, *args)`, computed in the child; for one caller at a time.

        Raises:
            GpuboardError: As raised by `fn`.
            WorkerFailedError: `fn` raised anything else.
            WorkerLostError: The process ended, by `kill` or by itself.
        """
        process, connection = self._connected()
        try:
            connection.send((fn, args))
            while True:
                kind, value = connection.recv()
                if kind == "report":
                    report(*value)
                elif kind == "result":
                    return value
                else:
                    raise value
        except (EOFError, ConnectionError) as error:
            raise WorkerLostError(_obituary(process)) from error

    def kill(self) -> None:
        """Kill the process and all that it has started."""
        with self._lock:
            self._kill()

    def _connected(self) -> tuple[SpawnProcess, Connection[Any, Any]]:
        with self._lock:
            if self._process is None or self._connection is None or not self._process.is_alive():
                context = multiprocessing.get_context("spawn")
                self._connection, theirs = context.Pipe()
                self._process = context.Process(
                    target=_serve, args=(theirs,), name="gpuboard-worker", daemon=True
                )
                self._process.start()
                theirs.close()
            return self._process, self._connection

    def _kill(self) -> None:
        process, self._process, self._connection = self._process, None, None
        if process is None or process.pid is None:
            return
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (OSError, AttributeError):  # it has not made its group yet, or there are no groups
            process.kill()


def _obituary(process: SpawnProcess) -> str:
    process.join(5)
    return (
        f"the worker process ended with code {process.exitcode} before its work did; "
        "code -9 often means that memory ran out"
    )


def _serve(connection: Connection[Any, Any]) -> None:
    """Compute what comes in until the parent closes the connection or dies."""
    with contextlib.suppress(OSError, AttributeError):
        os.setsid()  # out of reach of the terminal's Ctrl-C, and killable with all its children
    threading.Thread(target=_die_with_parent, daemon=True).start()

    def report(fraction: float, sentence: str) -> None:
        connection.send(("report", (fraction, sentence)))

    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            fn, args = connection.recv()
            outcome = _outcome(report, fn, args)
            try:
                connection.send(outcome)
            except (pickle.PicklingError, TypeError, AttributeError):
                connection.send(("error", WorkerFailedError(traceback.format_exc())))


def _outcome(
    report: Report, fn: Callable[..., object], args: tuple[object, ...]
) -> tuple[str, object]:
    try:
        return "result", fn(report, *args)
    except GpuboardError as error:
        return "error", error
    except Exception:  # noqa: BLE001 - whatever it was, the parent hears of it
        return "error", WorkerFailedError(traceback.format_exc())


def _die_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
