"""Know which pages are open, and tell them when the store has changed."""

from __future__ import annotations

import asyncio
import logging
import weakref
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from bokeh.document import Document
    from bokeh.server.session import ServerSession

log = logging.getLogger(__name__)

PUSH_MS = 250


class OpenPage(Protocol):
    """A page as far as this file is concerned."""

    @property
    def doc(self) -> Document:
        """Return the document behind it."""

    def tell_version(self, version: int) -> None:
        """Tell the browser that the store is at `version`."""


class Sessions:
    """All open pages, by weak reference: being listed here keeps none of them alive."""

    def __init__(self) -> None:
        self._pages: weakref.WeakSet[OpenPage] = weakref.WeakSet()
        self._busy: weakref.WeakSet[OpenPage] = weakref.WeakSet()
        self._told: weakref.WeakKeyDictionary[OpenPage, int] = weakref.WeakKeyDictionary()
        self.opened = 0
        self.closed = 0

    def add(self, page: OpenPage) -> None:
        """List a page that is being built."""
        self._pages.add(page)
        self.opened += 1

    def discard(self, page: OpenPage) -> None:
        """Forget a page whose session has ended."""
        if page in self._pages:
            self._pages.discard(page)
            self.closed += 1

    @property
    def live_pages(self) -> list[OpenPage]:
        """Pages whose session has not ended."""
        return list(self._pages)

    @property
    def live_sessions(self) -> int:
        """How many sessions have not ended."""
        return len(self._pages)

    def page_of(self, document: Document) -> OpenPage:
        """Return the page of an open document.

        Raises:
            LookupError: Its session has ended.
        """
        for page in self._pages:
            if page.doc is document:
                return page
        raise LookupError("the page of this document is closed")

    async def push(self, version: int) -> None:
        """Tell every connected page that has not heard of it that the store is at `version`.

        A page that is still busy with the last message is left out and hears the newest version
        when it is free: the last one wins, nothing piles up behind a slow reader.
        """
        waiting = [self._tell(page, version) for page in self.live_pages if page not in self._busy]
        await asyncio.gather(*waiting)

    async def _tell(self, page: OpenPage, version: int) -> None:
        session = connected_session(page)
        if session is None or self._told.get(page) == version:
            return
        self._busy.add(page)
        try:
            locked: Any = session.with_document_locked  # Bokeh's types hide that it is awaitable
            await locked(page.tell_version, version)
            self._told[page] = version
        except Exception:
            log.exception("a page could not be told of version %d", version)
        finally:
            self._busy.discard(page)


def connected_session(page: OpenPage) -> ServerSession | None:
    """Return the session behind a page, None while no browser is connected to it."""
    context = page.doc.session_context
    session: ServerSession | None = getattr(context, "session", None)
    if session is None or session.destroyed or not session.connection_count:
        return None
    return session
