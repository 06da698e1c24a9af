"""Compose one dashboard: a Bokeh document filled with modules, tied to the shared context."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from gpuboard.errors import GpuboardError
from gpuboard.serve.headers import new_error_id
from gpuboard.serve.models.es_module import Arrays, EsModule
from gpuboard.serve.spec import PageSpec
from gpuboard.serve.static_files import static_url

if TYPE_CHECKING:
    from bokeh.document import Document

    from gpuboard.serve.context import Context

__all__ = ["FRAME_MODULE", "Page", "PageSpec", "state_of"]

log = logging.getLogger(__name__)

MAX_STATE_KEYS = 64
MAX_STATE_VALUE_CHARACTERS = 2_000
MAX_STATE_CHARACTERS = 8_000
FRAME_MODULE = "frame.js"


class Page:
    """One open page of one browser.

    Attributes:
        doc: The Bokeh document behind it.
        context: Store, jobs and configuration, shared by all pages.
        spec: Which dashboard it is.
        state: The query of its address, texts by key; sent by a browser, so untrusted.
    """

    def __init__(
        self, doc: Document, context: Context, spec: PageSpec, state: Mapping[str, str] = {}
    ) -> None:
        """Tie `doc` to the shared context; the document keeps the page alive, nothing else does."""
        self.doc = doc
        self.context = context
        self.spec = spec
        self.state = dict(state)
        self.frame: EsModule | None = None
        self._on_close: list[Callable[[], object]] = []
        doc.title = f"{spec.title} - gpuboard"
        doc.config.notify_connection_status = False  # the frame says it in our own words
        doc.on_session_destroyed(self._close)
        context.sessions.add(self)

    def add_module(
        self,
        module: str,
        name: str = "main",
        state: Mapping[str, Any] | None = None,
        arrays: Arrays | None = None,
    ) -> EsModule:
        """Put an ES module into a slot of the template.

        Args:
            module: File below `gpuboard/serve/static`, such as "scalars.js".
            name: Slot: "runs" (side panel) or "main"; modules of one slot follow one another.
            state: Small values, as JSON.
            arrays: Binary columns by name.
        """
        model = EsModule(
            module=static_url(module), name=name, state=dict(state or {}), arrays=dict(arrays or {})
        )
        self.doc.add_root(model)
        return model

    def on_close(self, fn: Callable[[], object]) -> None:
        """Call `fn` once when the browser has left."""
        self._on_close.append(fn)

    def every(self, seconds: float, fn: Callable[[], object]) -> None:
        """Call `fn` again and again while the page is open.

        A bound method is held weakly: the timer ends with its object.
        """
        call = _weakly(fn)

        def tick() -> None:
            if call() is _GONE:
                self.doc.remove_periodic_callback(handle)

        handle = self.doc.add_periodic_callback(tick, max(int(seconds * 1000), 1))

    def tell_version(self, version: int) -> None:
        """Tell the frame that the store is at `version`; needs the document's lock."""
        if self.frame is not None:
            self.frame.send("version", version)

    def show_message(self, title: str, *lines: str) -> None:
        """Replace what the page holds by a message, shown as text."""
        self.doc.clear()
        self.doc.title = f"{self.spec.title} - gpuboard"
        self.frame = self.add_module(FRAME_MODULE, "frame")
        self.add_module("message.js", "main", {"title": title, "lines": list(lines)})

    def build(self) -> None:
        """Fill the page; a failure becomes a message with an id, never an empty page."""
        self.frame = self.add_module(FRAME_MODULE, "frame")
        try:
            self.spec.build(self)
        except GpuboardError as error:
            self.show_message(f"{self.spec.title} cannot be shown", str(error))
        except Exception:
            error_id = new_error_id()
            log.exception("error %s in page %s", error_id, self.spec.name)
            self.show_message(
                f"{self.spec.title} cannot be shown",
                "This is a fault of gpuboard; the other pages go on working.",
                f"The log of the server has the details: error {error_id}.",
            )

    def _close(self, session_context: object) -> None:
        del session_context
        self.context.sessions.discard(self)
        listeners, self._on_close = self._on_close, []
        for fn in listeners:
            try:
                fn()
            except Exception:
                log.exception("a listener of page %s failed at its end", self.spec.name)


def state_of(arguments: Mapping[str, list[bytes]]) -> dict[str, str]:
    """Return the last value of each query argument as text, within the caps.

    What passes a cap is left out whole: half a value would be another value.
    """
    state: dict[str, str] = {}
    room = MAX_STATE_CHARACTERS
    for key, values in arguments.items():
        value = values[-1].decode("utf-8", "replace") if values else ""
        is_own = key == "token" or key.startswith("bokeh-")
        size = len(key) + len(value)
        if is_own or len(value) > MAX_STATE_VALUE_CHARACTERS or size > room:
            continue
        if len(state) == MAX_STATE_KEYS:
            break
        state[key] = value
        room -= size
    return state


_GONE = object()


def _weakly(fn: Callable[[], object]) -> Callable[[], object]:
    if not hasattr(fn, "__self__"):
        return fn
    reference = weakref.WeakMethod(fn)

    def call() -> object:
        alive = reference()
        return _GONE if alive is None else alive()

    return call
