"""Write the files of an embedding as the projector reads them: vectors, labels, sprite, list.

| file | what |
|---|---|
| `STEP/TAG/tensors.tsv` | one point a line, numbers between tabs |
| `STEP/TAG/metadata.tsv` | labels; with several columns, their names in the first line |
| `STEP/TAG/sprite.png` | small pictures of the points, row by row |
| `projector_config.pbtxt` | all embeddings of the run: text of TensorBoard's ProjectorConfig |
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy.typing as npt

CONFIG = "projector_config.pbtxt"
_SEPARATORS = re.compile(r"[\t\r\n\v\f\x1c-\x1e\x85\u2028\u2029]")


@dataclasses.dataclass(frozen=True, slots=True)
class Embedding:
    """One embedding.

    Attributes:
        name: Tag and step.
        folder: Where its files are, relative to the run, with slashes.
        has_metadata: Whether points have labels.
        sprite: Width and height of a point's picture, None without pictures.
    """

    name: str
    folder: str
    has_metadata: bool
    sprite: tuple[int, int] | None


def folder_of(tag: str, step: int) -> str:
    """Return where the files of an embedding go, relative to the run."""
    safe = tag.replace("%", "%25").replace("/", "%2f").replace("\\", "%5c")
    return f"{step:05d}/{safe}"


def write(
    run: Path,
    points: npt.NDArray[Any],
    *,
    tag: str,
    step: int,
    metadata: Sequence[Any] | None,
    images: npt.NDArray[Any] | None,
    header: Sequence[str] | None,
) -> Embedding:
    """Write the files of one embedding.

    Args:
        run: Directory of the run.
        points: Shape (n, d).
        tag: Name of the embedding.
        step: When it was taken.
        metadata: Label of each point, or a row of values for each where `header` is given.
        images: Picture of each point, shape (n, channels, height, width), as for `add_image`.
        header: Names of the columns of `metadata`.

    Raises:
        ValueError: `points` is no matrix, or there are not as many labels or images as points.
        OSError: The files cannot be written.
    """
    _check(points, metadata, images, header)
    folder = run / folder_of(tag, step)
    folder.mkdir(parents=True, exist_ok=True)
    rows = ("\t".join(map(str, row)) for row in points.tolist())
    _write_lines(folder / "tensors.tsv", rows)
    if metadata is not None:
        _write_lines(folder / "metadata.tsv", _labels(metadata, header))
    sprite = None
    if images is not None:
        from gpuboard.summaries.image import png_of
        from gpuboard.writer.pictures import sprite_of

        (folder / "sprite.png").write_bytes(png_of(sprite_of(images)))
        sprite = (images.shape[3], images.shape[2])
    return Embedding(f"{tag}:{step:05d}", folder_of(tag, step), metadata is not None, sprite)


def write_config(run: Path, embeddings: Iterable[Embedding]) -> None:
    """Write the list of a run's embeddings.

    Raises:
        OSError: It cannot be written.
    """
    (run / CONFIG).write_text("".join(map(_entry, embeddings)), encoding="utf-8")


def _check(
    points: npt.NDArray[Any],
    metadata: Sequence[Any] | None,
    images: npt.NDArray[Any] | None,
    header: Sequence[str] | None,
) -> None:
    if points.ndim != 2:
        raise ValueError(f"an embedding of shape {list(points.shape)}, expected [points, values]")
    if metadata is not None and len(metadata) != len(points):
        raise ValueError(f"{len(metadata)} labels for {len(points)} points, expected as many")
    if metadata and header and len(header) != len(metadata[0]):
        raise ValueError(
            f"a header of {len(header)} names for rows of {len(metadata[0])}, expected as many"
        )
    if images is not None and (images.ndim != 4 or len(images) != len(points)):
        raise ValueError(
            f"images of shape {list(images.shape)} for {len(points)} points, expected "
            "[points, channels, height, width]"
        )


def _labels(metadata: Sequence[Any], header: Sequence[str] | None) -> Iterable[str]:
    if not header:
        return (_cell(label) for label in metadata)
    return ("\t".join(map(_cell, row)) for row in [header, *metadata])


def _cell(value: object) -> str:
    """Return a value as text that stays in its own line and column."""
    return _SEPARATORS.sub(" ", str(value))


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    with path.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.writelines(f"{line}\n" for line in lines)


def _entry(embedding: Embedding) -> str:
    lines = [
        f"tensor_name: {_quoted(embedding.name)}",
        f"tensor_path: {_quoted(embedding.folder + '/tensors.tsv')}",
    ]
    if embedding.has_metadata:
        lines.append(f"metadata_path: {_quoted(embedding.folder + '/metadata.tsv')}")
    if embedding.sprite is not None:
        width, height = embedding.sprite
        path = _quoted(embedding.folder + "/sprite.png")
        lines.append(
            f"sprite {{\n    image_path: {path}\n    single_image_dim: {width}\n"
            f"    single_image_dim: {height}\n  }}"
        )
    return "embeddings {\n" + "".join(f"  {line}\n" for line in lines) + "}\n"


def _quoted(text: str) -> str:
    """Return text as a string of protobuf's text format."""
    parts = (
        chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\{byte:03o}"
        for byte in text.encode("utf-8", "backslashreplace")
    )
    return '"' + "".join(parts) + '"'
