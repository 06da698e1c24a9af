"""Run the one thread that writes what all writers of a process have been given.

A writer's queue is emptied by this thread a moment after something was put in, by `flush` and
`close` in the thread that calls them, and once more when the process ends: at its exit, on SIGTERM,
and at the end of a process of `multiprocessing`.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
import threading
from types import FrameType
from typing import Protocol

# So long does the thread wait after the first value, so that a burst is encoded as one batch.
LINGER_S = 0.05
# So long may the last values take on SIGTERM: a process that is told to end has to end.
TERMINATION_S = 5.0


class Queue(Protocol):
    """What waits to be written to one file."""

    linger_s: float

    def has_waiting(self) -> bool:
        """Say whether there is anything to write."""

    def drain(self, patience_s: float = -1) -> None:
        """Write what waits now, unless another thread keeps doing so for longer than this."""

    def is_drained_here(self) -> bool:
        """Say whether the calling thread is in the middle of writing."""

    def forget(self) -> None:
        """Become a fresh queue: what waits, and the file, belong to the parent of this process."""


class Background:
    """The thread, the queues that it empties, and what happens to them when the process ends.

    Attributes:
        is_asleep: Whoever puts something into a queue has to call `wake` while this is set.
    """

    def __init__(self) -> None:
        self._queues: set[Queue] = set()
        self._is_set_up = False
        self._is_over = False
        self._be_fresh()

    def _be_fresh(self) -> None:
        self.is_asleep = True
        self._bell = threading.Event()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self._starting = threading.Lock()
        self._is_terminating = False

    def add(self, queue: Queue) -> None:
        """Take charge of a queue until `remove`."""
        self._queues.add(queue)
        if not self._is_set_up:
            self._is_set_up = True
            self._set_up()

    def remove(self, queue: Queue) -> None:
        """Let go of a queue that has been closed."""
        self._queues.discard(queue)

    def wake(self) -> None:
        """See to it that what was put into a queue gets written."""
        if self._is_over or not self._start():
            self.drain_all(TERMINATION_S)
            return
        self.is_asleep = False
        self._bell.set()

    def drain_all(self, patience_s: float = -1) -> None:
        """Write, in this thread, whatever waits in any queue."""
        for queue in tuple(self._queues):
            queue.drain(patience_s)

    def _start(self) -> bool:
        with self._starting:
            if self._thread is not None and self._thread.is_alive():
                return True
            self._thread = threading.Thread(target=self._run, name="gpuboard-writer", daemon=True)
            try:
                self._thread.start()
            except RuntimeError:  # the interpreter is shutting down, or there is no thread to have
                self._thread = None
                return False
        self._listen_to_multiprocessing()
        return True

    def _run(self) -> None:
        bell = self._bell
        while not self._is_over:
            # Set first, looked second: whoever puts something in does it the other way round.
            self.is_asleep = True
            queues = tuple(self._queues)
            if not any(queue.has_waiting() for queue in queues):
                bell.wait()
            bell.clear()
            self.is_asleep = False
            self._ending.wait(min((queue.linger_s for queue in queues), default=LINGER_S))
            self.drain_all()

    # The end of a process.

    def _set_up(self) -> None:
        atexit.register(self._at_exit)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._after_fork)
        is_main = threading.current_thread() is threading.main_thread()
        if is_main and signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            signal.signal(signal.SIGTERM, self._on_sigterm)

    def _at_exit(self) -> None:
        self._is_over = True
        self._ending.set()
        self._bell.set()
        # It must not be stopped by the interpreter in the middle of something, with a lock in hand.
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        self.is_asleep = True  # from now on every value is written at once
        self.drain_all()

    def _listen_to_multiprocessing(self) -> None:
        """Be told when this process ends, if it is one that ends without `atexit`."""
        multiprocessing = sys.modules.get("multiprocessing.util")
        process = sys.modules.get("multiprocessing.process")
        if multiprocessing is not None and process is not None and process.parent_process():
            multiprocessing.Finalize(None, self._at_exit, exitpriority=0)

    def _after_fork(self) -> None:
        self._be_fresh()
        for queue in tuple(self._queues):
            queue.forget()

    def _on_sigterm(self, number: int, frame: FrameType | None) -> None:
        del frame
        self._is_terminating = True
        if self._is_draining_here():
            return  # the signal came in the middle of writing: `after_drain` goes on from here
        self._terminate(number)

    def after_drain(self) -> None:
        """Be told that a queue was emptied; end the process if it should have ended meanwhile."""
        is_main = threading.current_thread() is threading.main_thread()
        if self._is_terminating and is_main and not self._is_draining_here():
            self._terminate(signal.SIGTERM)

    def _is_draining_here(self) -> bool:
        return any(queue.is_drained_here() for queue in tuple(self._queues))

    def _terminate(self, number: int) -> None:
        self._is_terminating = False
        with contextlib.suppress(Exception):
            self.drain_all(TERMINATION_S)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)


BACKGROUND = Background()
