"""Keep, list and hand out views: what people composed of cards, for all who have the token."""

from __future__ import annotations

import dataclasses
import json
import re
import weakref
from typing import TYPE_CHECKING, Any

from gpuboard.errors import InputError
from gpuboard.serve import fields
from gpuboard.serve.kept import Kept, ViewInfo, place_of
from gpuboard.serve.routes import DataRoute
from gpuboard.serve.view_layout import checked_id, checked_layout, checked_title
from gpuboard.store.columns import Problem

if TYPE_CHECKING:
    from pathlib import Path

    from gpuboard.store.store import Store

DAMAGED = "damaged_file"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_kept: weakref.WeakKeyDictionary[Any, Kept] = weakref.WeakKeyDictionary()


def kept_of(store: Store) -> Kept:
    """Return what is kept beside a store: one object for all requests."""
    known = _kept.get(store)
    if known is None:
        known = _kept[store] = Kept(
            place_of(store.logdir), store.logdir, on_damage=lambda aside: _note(store, aside)
        )
    return known


def _note(store: Store, aside: Path) -> None:
    store.note(
        Problem(str(aside), 0, DAMAGED, "the views kept in it cannot be read; a new file was begun")
    )


class ViewsRoute(DataRoute):
    """`GET api/v1/views`: all views of this log directory, the one saved last first."""

    async def get(self) -> None:
        """Answer with what a list of views shows, and with where they are kept."""
        kept = kept_of(self.context.store)
        views = await self.run(kept.views)
        rows = [dataclasses.asdict(view) for view in views]
        self.reply_json({"views": rows, "kept_in": str(kept.path)})


class ViewRoute(DataRoute):
    """`GET`, `PUT` and `DELETE api/v1/views/ID`: one view.

    The guard lets no request but GET through that does not say where it comes from, so that no
    foreign page can save or delete.
    """

    async def get(self, view_id: str) -> None:
        """Answer with the view and its layout."""
        info, layout = await self.run(kept_of(self.context.store).view, checked_id(view_id))
        self.reply_json(_as_json(info, layout))

    async def put(self, view_id: str) -> None:
        """Save the view; 409 where somebody else has saved it since it was read."""
        body = self.json_body()
        title, layout = checked_title(body.get("title")), checked_layout(body.get("layout"))
        revision, text = fields.integer(body, "revision", 0), layout.as_json()

        def save() -> ViewInfo:
            return kept_of(self.context.store).put(
                checked_id(view_id),
                title=title,
                cards=len(layout.cards),
                layout=text,
                revision=revision,
            )

        self.reply_json(_as_json(await self.run(save), text))

    async def delete(self, view_id: str) -> None:
        """Forget the view."""
        await self.run(kept_of(self.context.store).delete, checked_id(view_id))
        self.set_status(204)
        self.finish()


class ExportRoute(DataRoute):
    """`GET api/v1/views/ID/export?runs=`: a view as one HTML file that needs no server."""

    async def get(self, view_id: str) -> None:
        """Answer with the file; `runs` takes the place of the runs kept with the view."""
        runs = self.get_query_argument("runs", None)
        ids = None if runs is None else fields.run_ids(runs)
        store = self.context.store
        info, text = await self.run(kept_of(store).view, checked_id(view_id))
        page = await self.run(_exported, store, info, text, ids)
        name = _UNSAFE.sub("_", info.title)[:80].strip("_") or "view"
        self.set_header("Content-Disposition", f'attachment; filename="{name}.html"')
        self.reply_bytes(page, "text/html; charset=UTF-8")


def _exported(store: Store, info: ViewInfo, text: str, ids: list[int] | None) -> bytes:
    from gpuboard.serve.view_export import exported

    return exported(store, info, checked_layout(_parsed(text)), ids)


def _as_json(info: ViewInfo, layout: str) -> dict[str, Any]:
    return {**dataclasses.asdict(info), "layout": _parsed(layout)}


def _parsed(layout: str) -> object:
    try:
        return json.loads(layout)
    except ValueError as error:
        raise InputError("the layout of the view is damaged; delete the view") from error


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/views", ViewsRoute),
    (r"api/v1/views/([^/]+)", ViewRoute),
    (r"api/v1/views/([^/]+)/export", ExportRoute),
)
