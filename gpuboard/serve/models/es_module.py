"""Host a plain ES module in a Bokeh document: the one custom model of the project."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any as AnyValue

import numpy as np
import numpy.typing as npt
from bokeh.core.properties import Any, Dict, String
from bokeh.document.events import MessageSentEvent
from bokeh.events import ModelEvent
from bokeh.models.ui import UIElement

Arrays = Mapping[str, npt.NDArray[np.generic]]
Listener = Callable[[AnyValue], None]


class ModuleEvent(ModelEvent):  # type: ignore[no-untyped-call]
    """Carry what JavaScript said by `model.send(name, detail)`."""

    event_name = "gpuboard_module"

    def __init__(
        self, model: EsModule | None, name: str | None = None, detail: object = None
    ) -> None:
        self.name = name
        self.detail = detail
        super().__init__(model=model)


class EsModule(UIElement):
    """A place on the page that `export default { render({ el, model }) }` of a module fills.

    The JavaScript side is `gpuboard/serve/static/host.js`. Changes of `state` and `arrays` reach
    the module as `model.on("state", fn)` and `model.on("arrays", fn)`.
    """

    __view_module__ = "gpuboard"

    module: str = String(default="", help="URL of the module, relative to the page.")  # type: ignore[assignment]
    state: dict[str, AnyValue] = Dict(String, Any, default={}, help="Small values, as JSON.")  # type: ignore[assignment]
    arrays: dict[str, AnyValue] = Dict(String, Any, default={}, help="Binary columns by name.")  # type: ignore[assignment]

    def __init__(self, *args: object, **properties: object) -> None:
        super().__init__(*args, **properties)
        self._listeners: dict[str, list[Listener]] = {}
        # Bokeh hears only what was subscribed to before a model joins its document.
        self.on_event(ModuleEvent, self._hear)  # type: ignore[arg-type]

    def on(self, name: str, listener: Listener) -> None:
        """Call `listener(detail)` whenever the module says `model.send(name, detail)`.

        `detail` comes from a browser: treat it as untrusted.
        """
        self._listeners.setdefault(name, []).append(listener)

    def send(self, name: str, detail: object = None) -> None:
        """Tell the module something once; it hears it by `model.on(name, fn)`.

        Nothing is kept in the document. Needs the document's lock, as any change does.
        """
        document = self.document
        if document is None:
            return
        event = MessageSentEvent(document, f"gpuboard:{self.id}", [name, detail])
        document.callbacks.trigger_on_change(event)

    def update_state(self, **changes: object) -> None:
        """Change some keys of `state` and keep the others."""
        self.state = {**self.state, **changes}

    def _hear(self, event: ModuleEvent) -> None:
        for listener in list(self._listeners.get(str(event.name), ())):
            listener(event.detail)
