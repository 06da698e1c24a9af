"""Paint, measure and read pictures for the routes of the Images page.

The bytes that were logged are never sent. Every picture is decoded and painted anew, so nothing
that hides in a file reaches a browser.
"""

from __future__ import annotations

import dataclasses
import json
import math
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from gpuboard.analysis.cache import ColumnCache
from gpuboard.errors import DataError, InputError, NotFoundError
from gpuboard.serve.replies import Replies
from gpuboard.serve.values import decoded, place_of
from gpuboard.store.store import natural_key

if TYPE_CHECKING:
    from gpuboard.analysis.pictures import PictureInfo
    from gpuboard.analysis.repaint import Sheet
    from gpuboard.eventlog.proto.event_pb2 import Summary
    from gpuboard.store.store import Store
    from gpuboard.store.values import Values
    from gpuboard.summaries.image import LoggedImage

T = TypeVar("T")
Answer = tuple[dict[str, str], bytes]  # headers and body

IMAGE = "image"
PAINTED_BYTES = 96 << 20
RAW_BYTES = 128 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """Which picture is asked for.

    Attributes:
        at: Wall time that the value at `ref` has to have; None where the asker does not mind.
        sample: Place within a batch.
    """

    run: int
    tag: str
    ref: str
    at: float | None
    sample: int


@dataclasses.dataclass(frozen=True, slots=True)
class Memory:
    """What is kept of one store from one request to the next."""

    painted: Replies = dataclasses.field(default_factory=lambda: Replies(PAINTED_BYTES))
    raw: ColumnCache = dataclasses.field(default_factory=lambda: ColumnCache(RAW_BYTES))


_memories: weakref.WeakKeyDictionary[Any, Memory] = weakref.WeakKeyDictionary()


def memory_of(store: Store) -> Memory:
    """Return what is kept of `store`; it goes when the store goes."""
    return _memories.setdefault(store, Memory())


def _found(store: Store, wanted: Wanted) -> tuple[Values, int]:
    values = store.values(wanted.run, wanted.tag)
    if values.kind != IMAGE:
        raise NotFoundError(f"tag {wanted.tag[:200]!r} holds {values.kind} values and no images")
    place = place_of(values, wanted.ref)
    time = float(values.wall_time[place])
    is_same = wanted.at is None or wanted.at == time or (math.isnan(wanted.at) and math.isnan(time))
    if not is_same:
        raise NotFoundError(
            f"the value {wanted.ref} of tag {wanted.tag[:200]!r} is no longer the one of "
            f"{wanted.at}; ask api/v1/steps"
        )
    return values, place


def _decoded(store: Store, values: Values, place: int, fn: Callable[[LoggedImage], T]) -> T:
    """Return what `fn` makes of a value; the DataErrors of both steps are noted."""

    def decode(value: Summary.Value) -> T:
        from gpuboard.summaries.image import decode as decode_image

        return fn(decode_image(value))

    return decoded(store, values, place, decode)


def _sample(image: LoggedImage, sample: int) -> bytes:
    if sample >= len(image.samples):
        raise NotFoundError(f"sample: got {sample} of a batch of {len(image.samples)} pictures")
    return image.samples[sample]


def picture_answer(store: Store, wanted: Wanted, size: str, frame: int) -> Answer:
    """Return one picture, thumb, full or as a PNG file; an empty body for an empty batch."""
    values, place = _found(store, wanted)

    def paint(image: LoggedImage) -> Answer:
        from gpuboard.analysis.pictures import decoded_picture, eight_bits
        from gpuboard.analysis.repaint import painted, png_for_download

        if not image.samples:
            return {"Image-Samples": "0"}, b""
        info, pixels = decoded_picture(_sample(image, wanted.sample), frame)
        if size == "png":
            body, kind = png_for_download(pixels), "image/png"
        else:
            body, kind = painted(eight_bits(pixels), is_thumb=size == "thumb")
        return {"Content-Type": kind, **_headers(info, len(image.samples))}, body

    return _kept(store, values, place, (wanted.sample, size, frame), paint)


def sheet_answer(store: Store, wanted: Wanted, content: str, first: int) -> Answer:
    """Return frames or samples from `first` on, side by side on one picture."""
    values, place = _found(store, wanted)

    def paint(image: LoggedImage) -> Answer:
        if not image.samples:
            return {"Image-Samples": "0"}, b""
        if content == "frames":
            return _sheet_of_frames(image, wanted.sample, first)
        return _sheet_of_samples(image, first)

    return _kept(store, values, place, (wanted.sample, "sheet", content, first), paint)


def _sheet_of_frames(image: LoggedImage, sample: int, first: int) -> Answer:
    from gpuboard.analysis.pictures import decoded_frames, picture_info
    from gpuboard.analysis.repaint import painted_sheet, sheet_of

    encoded = _sample(image, sample)
    info = picture_info(encoded)
    if first >= info.frames:
        raise NotFoundError(f"first: got {first} of a picture with {info.frames} frames")
    sheet = sheet_of(info.width, info.height, info.frames)
    frames = list(decoded_frames(encoded, first, sheet.tiles))
    body, kind = painted_sheet([frame.pixels for frame in frames], sheet)
    headers = _headers(info, len(image.samples)) | _sheet_headers(sheet, first, len(frames))
    headers["Sheet-Durations"] = ",".join(str(frame.duration) for frame in frames)
    return {"Content-Type": kind, **headers}, body


def _sheet_of_samples(image: LoggedImage, first: int) -> Answer:
    from gpuboard.analysis.pictures import decoded_picture, eight_bits, picture_info
    from gpuboard.analysis.repaint import painted_sheet, sheet_of

    if first >= len(image.samples):
        raise NotFoundError(f"first: got {first} of a batch of {len(image.samples)} pictures")
    info = picture_info(image.samples[0])
    sheet = sheet_of(info.width, info.height, len(image.samples))
    samples = image.samples[first : first + sheet.tiles]
    pictures = [eight_bits(decoded_picture(sample)[1]) for sample in samples]
    body, kind = painted_sheet(pictures, sheet)
    headers = _headers(info, len(image.samples)) | _sheet_headers(sheet, first, len(samples))
    return {"Content-Type": kind, **headers}, body


def _kept(
    store: Store,
    values: Values,
    place: int,
    ask: tuple[object, ...],
    paint: Callable[[LoggedImage], Answer],
) -> Answer:
    def compute() -> bytes:
        headers, body = _decoded(store, values, place, paint)
        return json.dumps(headers).encode() + b"\n" + body

    key = (*_name(values, place), *ask)
    head, _, body = memory_of(store).painted.get(key, compute).partition(b"\n")
    return json.loads(head), body


def _name(values: Values, place: int) -> tuple[object, ...]:
    columns = values.file, values.offset, values.length, values.wall_time
    return (values.run, values.tag, *(column[place].item() for column in columns))


def _headers(info: PictureInfo, samples: int) -> dict[str, str]:
    facts = {
        "Width": info.width,
        "Height": info.height,
        "Channels": info.channels,
        "Bits": info.bits,
        "Frames": info.frames,
        "Format": info.format,
        "Samples": samples,
    }
    return {f"Image-{name}": str(fact) for name, fact in facts.items()}


def _sheet_headers(sheet: Sheet, first: int, tiles: int) -> dict[str, str]:
    return {
        "Sheet-Width": str(sheet.width),
        "Sheet-Height": str(sheet.height),
        "Sheet-Columns": str(sheet.columns),
        "Sheet-First": str(first),
        "Sheet-Tiles": str(tiles),
    }


def facts(store: Store, wanted: Wanted) -> dict[str, Any]:
    """Return what there is to be known of a picture, as `GET api/v1/image/info` sends it."""
    from gpuboard.serve import wire

    values, place = _found(store, wanted)

    def describe(image: LoggedImage) -> dict[str, Any]:
        from gpuboard.analysis.pictures import picture_info

        facts = {
            "samples": len(image.samples),
            "declared_width": image.width,
            "declared_height": image.height,
        }
        if not image.samples:
            return facts
        encoded = _sample(image, wanted.sample)
        return facts | {"bytes": len(encoded), **dataclasses.asdict(picture_info(encoded))}

    return {
        "run": values.run,
        "tag": values.tag,
        "ref": wanted.ref,
        "sample": wanted.sample,
        "step": wire.exact(values.step[place : place + 1])[0],
        "wall_time": float(values.wall_time[place]),
        **_decoded(store, values, place, describe),
    }


def sizes(store: Store, tags: list[str]) -> dict[str, Any]:
    """Return the sizes of the last pictures of these tags, where they can be read, as columns."""
    runs = store.catalogue().runs
    found: dict[str, list[Any]] = {"tag": [], "width": [], "height": [], "samples": []}
    for tag in dict.fromkeys(tags):
        run = next((run.id for run in runs if tag in run.tags and run.tags[tag].kind == IMAGE), -1)
        try:
            row = _size_of(store, run, tag)
        except (DataError, NotFoundError):
            continue  # whoever asks for the picture itself is told why
        for column, value in zip(found.values(), (tag, *row), strict=True):
            column.append(value)
    return found


def first_sizes(store: Store, count: int) -> dict[str, Any]:
    """Return the same for the first tags in natural order."""
    infos = [info for run in store.catalogue().runs for info in run.tags.values()]
    tags = {info.tag for info in infos if info.kind == IMAGE}
    return sizes(store, sorted(tags, key=natural_key)[:count])


def _size_of(store: Store, run: int, tag: str) -> tuple[int, int, int]:
    from gpuboard.analysis.pictures import picture_info
    from gpuboard.analysis.steps import standing

    values = store.values(run, tag)
    places = standing(values)
    if not len(places):
        raise NotFoundError(f"tag {tag[:200]!r} has no value")

    def measure(image: LoggedImage) -> tuple[int, int, int]:
        info = picture_info(_sample(image, 0))
        return info.width, info.height, len(image.samples)

    return _decoded(store, values, int(places[-1]), measure)


def block(store: Store, wanted: Wanted, frame: int, area: tuple[int, ...]) -> dict[str, Any]:
    """Return the values of a block (x, y, width, height) of pixels, cut to the picture.

    Raises:
        InputError: It lies outside.
    """
    values, place = _found(store, wanted)

    def decode() -> npt.NDArray[Any]:
        from gpuboard.analysis.pictures import decoded_picture

        return _decoded(
            store,
            values,
            place,
            lambda image: decoded_picture(_sample(image, wanted.sample), frame)[1],
        )

    key = (*_name(values, place), wanted.sample, frame)
    pixels = memory_of(store).raw.get(key, decode)
    left, top, width, height = area
    if left >= pixels.shape[1] or top >= pixels.shape[0]:
        raise InputError(
            f"x, y: got {left}, {top}, outside of a picture of "
            f"{pixels.shape[1]} x {pixels.shape[0]} pixels"
        )
    part = pixels[top : top + height, left : left + width]
    return {
        "x": left,
        "y": top,
        "width": part.shape[1],
        "height": part.shape[0],
        "channels": part.shape[2],
        "bits": 16 if part.dtype == np.uint16 else 8,
        "values": part.reshape(-1),
    }
