"""Answer what the Images page asks for: pictures as pixels, sheets of many, values of pixels."""

from __future__ import annotations

import re
from collections.abc import Callable

from gpuboard import limits
from gpuboard.analysis.request import one_of
from gpuboard.errors import InputError, LimitError
from gpuboard.serve.data.images_paint import (
    IMAGE,
    Answer,
    Wanted,
    block,
    facts,
    first_sizes,
    picture_answer,
    sheet_answer,
    sizes,
)
from gpuboard.serve.routes import DataRoute
from gpuboard.serve.values import run_argument, tag_argument

SIZES = ("thumb", "full", "png")
CONTENTS = ("frames", "samples")
SIZES_SENT = 60  # what lies on the first screens
# A ref and its time name one value for good.
_FOR_GOOD = "private, max-age=31536000, immutable"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_NATURAL = re.compile(r"[0-9]{1,9}", re.ASCII)


class PictureRoute(DataRoute):
    """Base of the routes that send pictures: facts in the headers, pixels in the body."""

    async def answer(self, fn: Callable[..., Answer], wanted: Wanted, *args: object) -> None:
        """Send what `fn` paints; 204 where a batch is empty."""
        headers, body = await self.run(fn, self.context.store, wanted, *args)
        for name, value in headers.items():
            self.set_header(name, value)
        if wanted.at is not None:
            self.set_header("Cache-Control", _FOR_GOOD)
        if not body:
            self.clear_header("Content-Type")
            self.set_status(204)
        self.finish(body or None)


class ImageRoute(PictureRoute):
    """`GET api/v1/image?run=&tag=&ref=&size=`: one picture, painted anew."""

    async def get(self) -> None:
        """Answer with a WebP, PNG or JPEG."""
        size = self.get_query_argument("size", "full")
        one_of("size", size, SIZES)
        frame, wanted = natural(self, "frame", 0), wanted_of(self)
        if size == "png":
            name = _UNSAFE.sub("_", wanted.tag)[:100] or IMAGE
            self.set_header("Content-Disposition", f'attachment; filename="{name}.png"')
        await self.answer(picture_answer, wanted, size, frame)


class SheetRoute(PictureRoute):
    """`GET api/v1/image/sheet?run=&tag=&ref=&of=`: frames or samples, small, on one picture."""

    async def get(self) -> None:
        """Answer with a WebP, and headers that say how the tiles lie."""
        content = self.get_query_argument("of", "frames")
        one_of("of", content, CONTENTS)
        await self.answer(sheet_answer, wanted_of(self), content, natural(self, "first", 0))


class InfoRoute(DataRoute):
    """`GET api/v1/image/info?run=&tag=&ref=`: size, format, frames and samples of a picture."""

    async def get(self) -> None:
        """Answer with one JSON object."""
        self.reply_json(await self.run(facts, self.context.store, wanted_of(self)))


class PixelsRoute(DataRoute):
    """`GET api/v1/image/pixels?run=&tag=&ref=&x=&y=&w=&h=`: the values of a block of pixels."""

    async def get(self) -> None:
        """Answer with the values as logged, 16 bits not cut to eight."""
        area = tuple(natural(self, name, int(name in "wh")) for name in "xywh")
        count = area[2] * area[3]
        if count > limits.MAX_PIXEL_BLOCK.value:
            raise LimitError(
                f"w x h: got {count} pixels, at most {limits.MAX_PIXEL_BLOCK.value} are sent "
                f"({limits.MAX_PIXEL_BLOCK.name})"
            )
        frame = natural(self, "frame", 0)
        self.reply_json(await self.run(block, self.context.store, wanted_of(self), frame, area))


class SizesRoute(DataRoute):
    """`GET` and `POST api/v1/image/sizes`: how large the last pictures of tags are."""

    async def get(self) -> None:
        """Answer with columns for the first tags that `api/v1/values` lists."""
        self.reply_json(await self.run(first_sizes, self.context.store, SIZES_SENT))

    async def post(self) -> None:
        """Answer with columns; tags whose last picture cannot be read are left out."""
        tags = self.json_body().get("tags")
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise InputError("tags: expected a list of names that api/v1/values lists")
        self.reply_json(await self.run(sizes, self.context.store, tags[:SIZES_SENT]))


def wanted_of(route: DataRoute) -> Wanted:
    """Return which picture a request asks for.

    Raises:
        InputError: An argument is missing or is no number.
    """
    at = route.get_query_argument("at", None)
    try:
        time = None if at is None else float(at)
    except ValueError as error:
        raise InputError(f"at: got {str(at)[:100]!r}, expected seconds since 1970") from error
    ref = route.get_query_argument("ref", "")
    return Wanted(run_argument(route), tag_argument(route), ref, time, natural(route, "sample", 0))


def natural(route: DataRoute, name: str, default: int) -> int:
    """Return a number of a request's query that is 0 or more.

    Raises:
        InputError: It is none.
    """
    text = route.get_query_argument(name, None)
    if text is None:
        return default
    if not _NATURAL.fullmatch(text):
        raise InputError(f"{name}: got {text[:100]!r}, expected a number of at most 9 digits")
    return int(text)


ROUTES: tuple[tuple[str, type[DataRoute]], ...] = (
    (r"api/v1/image", ImageRoute),
    (r"api/v1/image/sheet", SheetRoute),
    (r"api/v1/image/info", InfoRoute),
    (r"api/v1/image/sizes", SizesRoute),
    (r"api/v1/image/pixels", PixelsRoute),
)
