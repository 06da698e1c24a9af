"""Know which pages are open, and tell them when the store has changed."""

from __future__ import annotations

import asyncio
import logging
import weakref
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from bokeh.document import Document
    from bokeh.server.session import ServerSession

    from gpuboard.serve.page import Page

log = logging.getLogger(__name__)

PUSH_MS = 250


class Sessions:
    """All open pages, by weak reference: being listed here keeps none of them alive."""

    def __init__(self) -> None:
        self._pages: weakref.WeakSet[Page] = weakref.WeakSet()
        self._busy: weakref.WeakSet[Page] = weakref.WeakSet()
        self._told: weakref.WeakKeyDictionary[Page, int] = weakref.WeakKeyDictionary()
        self.opened = 0
        self.closed = 0

    def add(self, page: Page) -> None:
        """List a page that is being built."""
        self._pages.add(page)
        self.opened += 1

    def discard(self, page: Page) -> None:
        """Forget a page whose session has ended."""
        if page in self._pages:
            self._pages.discard(page)
            self.closed += 1

    @property
    def live_pages(self) -> list[Page]:
        """Pages whose session has not ended."""
        return list(self._pages)

    @property
    def live_sessions(self) -> int:
        """How many sessions have not ended."""
        return len(self._pages)

    def page_of(self, document: Document) -> Page:
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

    async def _tell(self, page: Page, version: int) -> None:
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


def connected_session(page: Page) -> ServerSession | None:
    """Return the session behind a page, None while no browser is connected to it."""
    context = page.doc.session_context
    session: ServerSession | None = getattr(context, "session", None)
    if session is None or session.destroyed or not session.connection_count:
        return None
    return session
