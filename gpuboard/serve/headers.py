"""Send the same strict headers with every response, whoever wrote it."""

from __future__ import annotations

import logging
import secrets
import traceback
from collections.abc import Mapping
from http.client import responses
from types import TracebackType

from tornado.httputil import HTTPHeaders, HTTPServerRequest
from tornado.web import HTTPError, OutputTransform, RequestHandler

from gpuboard.errors import GpuboardError
from gpuboard.serve.environment import template

log = logging.getLogger(__name__)

_FIXED = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


def content_security_policy(
    *, nonce: str = "", host: str = "", frame_origins: tuple[str, ...] = ()
) -> str:
    """Return the policy of one page: nothing from elsewhere, no inline script, no eval.

    Args:
        nonce: Lets the page's own script tags run; without it no script runs at all.
        host: Checked `Host` of the request; some browsers need it spelled out for websockets.
        frame_origins: Origins (of notebooks) that may show the page in a frame.
    """
    sources = {
        "default-src": "'none'",
        "script-src": f"'self' 'nonce-{nonce}'" if nonce else "'none'",
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "media-src": "'self' blob:",
        "font-src": "'self'",
        "connect-src": f"'self' ws://{host} wss://{host}" if host else "'self'",
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": " ".join(frame_origins) or "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in sources.items())


def new_nonce() -> str:
    """Return a nonce for one response."""
    return secrets.token_urlsafe(16)


class SecureHeaders(OutputTransform):
    """Add the fixed headers to pages, data, static files and errors alike."""

    frame_origins: tuple[str, ...] = ()

    def __init__(self, request: HTTPServerRequest) -> None:
        super().__init__(request)

    def transform_first_chunk(
        self, status_code: int, headers: HTTPHeaders, chunk: bytes, finishing: bool
    ) -> tuple[int, HTTPHeaders, bytes]:
        """Complete the headers just before they leave."""
        del finishing
        for name, value in _FIXED.items():
            headers[name] = value
        if not self.frame_origins:
            headers["X-Frame-Options"] = "DENY"
        if "Content-Security-Policy" not in headers:
            headers["Content-Security-Policy"] = content_security_policy(
                frame_origins=self.frame_origins
            )
        if "Server" in headers:
            del headers["Server"]
        if "Cache-Control" not in headers:
            headers["Cache-Control"] = "no-store"
        return status_code, headers, chunk


def secure_headers(frame_origins: tuple[str, ...]) -> type[SecureHeaders]:
    """Return the transform for a server that these origins may frame."""
    return type("SecureHeaders", (SecureHeaders,), {"frame_origins": frame_origins})


class QuietErrors(RequestHandler):
    """Answer errors with an id alone; what happened stands in the log under the same id."""

    error_id = ""

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Write an unexpected error to the log with its id; expected ones at debug level."""
        path = self.request.path
        if isinstance(value, HTTPError | GpuboardError):
            log.debug("%s %s: %s", self.request.method, path, value)
            return
        self.error_id = new_error_id()
        detail = "".join(traceback.format_exception(typ, value, tb))
        log.error("error %s at %s %s\n%s", self.error_id, self.request.method, path, detail)

    def write_error(self, status_code: int, **kwargs: object) -> None:
        """Write a page that names the status and the id, and nothing of the inside."""
        del status_code
        error = raised(kwargs)
        if isinstance(error, GpuboardError):
            self.set_status(error.http_status)
        title, message = describe_error(self.get_status(), error, self.error_id)
        self.clear_body_headers()
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.finish(error_page(self.get_status(), title, message))

    def clear_body_headers(self) -> None:
        """Forget what an unfinished answer had set for its body."""
        for name in ("Content-Encoding", "Content-Length", "Content-Disposition", "Etag"):
            self.clear_header(name)
        self.set_header("Cache-Control", "no-store")


def raised(kwargs: Mapping[str, object]) -> BaseException | None:
    """Return the exception among the arguments of Tornado's `write_error`, if there is one."""
    exc_info = kwargs.get("exc_info")
    error = exc_info[1] if isinstance(exc_info, tuple) else None
    return error if isinstance(error, BaseException) else None


def new_error_id() -> str:
    """Return a short id by which a page and a log line are matched."""
    return secrets.token_hex(4)


def describe_error(status: int, error: object, error_id: str) -> tuple[str, str]:
    """Return the title and message that a client may see."""
    if isinstance(error, GpuboardError):
        return responses.get(status, "Error"), str(error)
    if error_id:
        return (
            "Something went wrong",
            f"This is a fault of gpuboard. The server's log has the details: error {error_id}.",
        )
    return responses.get(status, "Error"), _ADVICE.get(status, "")


_ADVICE = {
    404: "There is nothing at this address.",
    405: "This address does not take such requests.",
}


def error_page(status: int, title: str, message: str) -> str:
    """Return a whole HTML page with a title and a message, both taken as text."""
    return template("error.html").render(status=status, title=title, message=message)
