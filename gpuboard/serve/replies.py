"""Share replies between all who ask the same: computed once, kept while they fit."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future


class Replies:
    """Hold encoded replies by what was asked, the one used longest ago goes first.

    Any number of threads may share it. Those who ask for what is being computed wait for it, so
    fifty pages that open at once cost one.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._replies: OrderedDict[Hashable, Future[bytes]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    @property
    def kept_bytes(self) -> int:
        """How much the kept replies take."""
        return self._bytes

    def get(self, key: Hashable, compute: Callable[[], bytes]) -> bytes:
        """Return the reply to `key`; `compute` makes it where it is not kept.

        What `compute` raises reaches all who wait, and is not kept.
        """
        with self._lock:
            known = self._replies.get(key)
            if known is not None:
                self._replies.move_to_end(key)
            else:
                mine = self._replies[key] = Future()
        if known is not None:
            return known.result()
        try:
            reply = compute()
        except BaseException as error:
            with self._lock:
                del self._replies[key]
            mine.set_exception(error)
            raise
        mine.set_result(reply)
        self._account(len(reply))
        return reply

    def _account(self, added: int) -> None:
        with self._lock:
            self._bytes += added
            for key in list(self._replies):
                if self._bytes <= self._max_bytes:
                    return
                reply = self._replies[key]
                if reply.done():
                    del self._replies[key]
                    self._bytes -= len(reply.result())
