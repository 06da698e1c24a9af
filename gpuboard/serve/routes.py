"""Give data routes their base: thread pool, safe JSON, one shape of errors."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from gpuboard import limits
from gpuboard.errors import GpuboardError, InputError, LimitError
from gpuboard.serve.headers import QuietErrors, describe_error, raised

if TYPE_CHECKING:
    from gpuboard.serve.context import Context

T = TypeVar("T")


class DataRoute(QuietErrors):
    """Base of all handlers under `api/`; the guard has let the request in already.

    Attributes:
        context: Store, jobs and configuration, shared by all requests.
    """

    context: Context

    def initialize(self, context: Context) -> None:
        """Take the shared context from the route table."""
        self.context = context

    def set_default_headers(self) -> None:
        """Forbid caches to keep what changes while a run is going on."""
        self.set_header("Cache-Control", "no-store")

    def prepare(self) -> None:
        """Refuse a body beyond the cap before anything reads it."""
        if len(self.request.body) > limits.MAX_REQUEST_BYTES.value:
            raise LimitError(
                f"the request carries {len(self.request.body)} bytes, at most "
                f"{limits.MAX_REQUEST_BYTES.value} are taken ({limits.MAX_REQUEST_BYTES.name})"
            )

    async def run(self, fn: Callable[..., T], *args: object) -> T:
        """Return `fn(*args)`, computed in the thread pool."""
        return await self.context.jobs.run(fn, *args)

    def json_body(self) -> dict[str, Any]:
        """Return the request's JSON object.

        Raises:
            InputError: The body is not one JSON object.
        """
        try:
            body = json.loads(self.request.body, parse_constant=_refuse_constant)
        except (ValueError, RecursionError) as error:
            raise InputError("the body is not JSON; send one JSON object") from error
        if not isinstance(body, dict):
            raise InputError(f"the body is a {type(body).__name__}, expected one JSON object")
        return body

    def reply_json(self, columns: object) -> None:
        """Answer with JSON; NaN and infinities become the strings "NaN", "Infinity", "-Infinity".

        Args:
            columns: Dicts, lists, tuples, numbers, strings, None and numpy arrays, nested.
        """
        self.set_header("Content-Type", "application/json; charset=UTF-8")
        self.finish(encode_json(columns))

    def reply_bytes(self, body: bytes, content_type: str = "application/octet-stream") -> None:
        """Answer with binary columns or a file."""
        self.set_header("Content-Type", content_type)
        self.finish(body)

    def write_error(self, status_code: int, **kwargs: object) -> None:
        """Answer `{"error": {"status", "message"}}`, and the id where it is our own fault."""
        del status_code
        error = raised(kwargs)
        if isinstance(error, GpuboardError):
            self.set_status(error.http_status)
        status = self.get_status()
        title, message = describe_error(status, error, self.error_id)
        answer: dict[str, Any] = {"status": status, "message": message or title}
        if self.error_id:
            answer["id"] = self.error_id
        self.clear_body_headers()
        self.reply_json({"error": answer})


def encode_json(value: object) -> bytes:
    """Return `value` as strict JSON in UTF-8; see `DataRoute.reply_json` for what it takes."""
    plain = _plain(value)
    try:
        text = json.dumps(plain, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    except ValueError:
        plain = _speakable(plain)
        text = json.dumps(plain, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")


def _plain(value: object) -> object:
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _speakable(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else ("Infinity" if value > 0 else "-Infinity")
    if isinstance(value, dict):
        return {key: _speakable(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_speakable(item) for item in value]
    return value


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")
