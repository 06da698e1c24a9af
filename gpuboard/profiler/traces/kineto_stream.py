"""Read a trace file, plain or gzip, piece by piece in a thread of its own."""

from __future__ import annotations

import queue
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from gpuboard.errors import DataError

PIECE = 2 << 20
_COMPRESSED_PIECE = 256 << 10
_GZIP = b"\x1f\x8b"
_GZIP_BITS = 31  # of zlib's window, with a gzip header
_AHEAD = 2


def _inflater() -> Any:  # noqa: ANN401 - one of three libraries' objects
    try:
        from zlib_ng import zlib_ng
    except ImportError:
        return zlib.decompressobj(_GZIP_BITS)
    return zlib_ng.decompressobj(_GZIP_BITS)


def _until_damage(inflater: Any, compressed: bytes, most: int) -> bytes:  # noqa: ANN401
    """Return what can be had of bytes that are damaged somewhere, byte by byte."""
    found = bytearray()
    try:
        for k in range(len(compressed)):
            if len(found) >= most:
                break
            found += inflater.decompress(compressed[k : k + 1], most - len(found))
    except Exception:  # noqa: BLE001 - that is where the damage lies
        return bytes(found)
    return bytes(found)


class Piece:
    """Some bytes of the (uncompressed) file, in the middle of an array.

    Attributes:
        bytes: Room before and behind is the reader's own to use.
        start: First byte of the piece.
        end: Behind its last byte.
        fraction: How much of the file has been read with it.
    """

    __slots__ = ("bytes", "end", "fraction", "start")

    def __init__(self, before: int, behind: int) -> None:
        self.bytes: npt.NDArray[np.uint8] = np.zeros(before + PIECE + behind, np.uint8)
        self.start = before
        self.end = before
        self.fraction = 0.0


class Stream:
    """The pieces of one file in order; a thread reads ahead while one of them is worked on.

    Attributes:
        problem: Why the bytes end early: "", or a sentence.
        is_compressed: Whether the file is gzip.
    """

    def __init__(self, file: Path, *, before: int, behind: int, most: int) -> None:
        """Open a file.

        Args:
            file: Plain or gzip, told by its first bytes.
            before: Free bytes in front of each piece.
            behind: Free bytes behind it.
            most: Bytes of the uncompressed file; what lies beyond is not read.

        Raises:
            DataError: The file cannot be read.
        """
        self.problem = ""
        self._file = file
        self._most = most
        try:
            self._size = max(file.stat().st_size, 1)
            self._handle: BinaryIO = file.open("rb", buffering=0)
            self.is_compressed = self._handle.read(2) == _GZIP
            self._handle.seek(0)
        except OSError as error:
            raise DataError(f"{file} cannot be read: {error.strerror}") from error
        self._ready: queue.SimpleQueue[Piece | None] = queue.SimpleQueue()
        self._free: queue.SimpleQueue[Piece | None] = queue.SimpleQueue()
        self._is_closed = False
        for _ in range(_AHEAD):
            self._free.put(Piece(before, behind))
        self._thread = threading.Thread(target=self._read_ahead, name="trace-reader", daemon=True)

    def __enter__(self) -> Stream:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._is_closed = True
        self._free.put(None)
        self._thread.join()
        self._handle.close()

    def __iter__(self) -> Iterator[Piece]:
        while (piece := self._ready.get()) is not None:
            yield piece
            self._free.put(piece)

    def bytes_at(self, offset: int, n: int) -> bytes:
        """Return bytes of a file that is not compressed, fewer where it ends."""
        with self._file.open("rb") as handle:
            handle.seek(offset)
            return handle.read(n)

    def _read_ahead(self) -> None:
        source = self._inflated() if self.is_compressed else self._plain()
        try:
            for _ in source:
                if self._is_closed:
                    break
        except OSError as error:
            self.problem = f"reading failed: {error.strerror or error}"
        finally:
            self._ready.put(None)

    def _plain(self) -> Iterator[None]:
        done = 0
        while (piece := self._free.get()) is not None:
            view = piece.bytes[piece.start : piece.start + PIECE].data
            n = self._handle.readinto(view) or 0  # type: ignore[attr-defined]
            if not n:
                return
            done += n
            if self._passes(done):
                return
            self._hand_over(piece, n, done / self._size)
            yield

    def _inflated(self) -> Iterator[None]:
        inflater = _inflater()
        waiting = b""
        total = 0
        while (piece := self._free.get()) is not None:
            filled = 0
            while filled < PIECE:
                if not waiting:
                    waiting = self._handle.read(_COMPRESSED_PIECE)
                    if not waiting:
                        self.problem = "" if inflater.eof else "the gzip stream ends early"
                        break
                if inflater.eof:
                    if not waiting.startswith(_GZIP[:1]):
                        break  # zeros behind the end, as tape drives leave them
                    inflater = _inflater()
                spare = inflater.copy()
                try:
                    found = inflater.decompress(waiting, PIECE - filled)
                except Exception as error:  # noqa: BLE001 - each library raises its own
                    self.problem = f"the gzip stream is damaged: {error}"
                    found = _until_damage(spare, waiting, PIECE - filled)
                waiting = inflater.unconsumed_tail or inflater.unused_data
                at = piece.start + filled
                piece.bytes[at : at + len(found)] = np.frombuffer(found, np.uint8)
                filled += len(found)
                if self.problem:
                    break
            total += filled
            if not filled or self._passes(total):
                return
            self._hand_over(piece, filled, min(self._handle.tell() / self._size, 1.0))
            if self.problem:
                return
            yield

    def _passes(self, total: int) -> bool:
        if total <= self._most:
            return False
        self.problem = f"only the first {self._most:,} bytes are read"
        return True

    def _hand_over(self, piece: Piece, n: int, fraction: float) -> None:
        piece.end = piece.start + n
        piece.fraction = fraction
        self._ready.put(piece)
