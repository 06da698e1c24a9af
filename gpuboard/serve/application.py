"""Assemble the web application: the guard in front, and exactly the routes listed here behind."""

from __future__ import annotations

import functools
import logging
import secrets
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, cast

from bokeh.application import Application
from bokeh.application.handlers.function import FunctionHandler
from bokeh.protocol.exceptions import ProtocolError
from bokeh.server.contexts import BokehSessionContext
from bokeh.server.tornado import BokehTornado
from bokeh.server.views.session_handler import SessionHandler
from bokeh.server.views.ws import WSHandler
from bokeh.util.token import generate_jwt_token, generate_session_id, get_session_id
from tornado.httputil import HTTPServerRequest
from tornado.web import GZipContentEncoding, HTTPError, RequestHandler, stream_request_body

from gpuboard import limits
from gpuboard.serve.context import Context, first_page
from gpuboard.serve.guard import Entry, Guard, Refusal
from gpuboard.serve.headers import (
    QuietErrors,
    content_security_policy,
    error_page,
    new_nonce,
    secure_headers,
)
from gpuboard.serve.markup import page_markup
from gpuboard.serve.page import Page, PageSpec, state_of
from gpuboard.serve.routes import encode_json
from gpuboard.serve.static_files import (
    STATIC,
    BokehStatic,
    Joined,
    JoinedStatic,
    OwnStatic,
    bokeh_scripts,
)

if TYPE_CHECKING:
    from bokeh.document import Document
    from bokeh.server.session import ServerSession
    from tornado.web import _HandlerDelegate

    from gpuboard.serve.routes import DataRoute

log = logging.getLogger(__name__)

UNUSED_SESSION_MS = 10_000
CHECK_SESSIONS_MS = 2_000
SESSION_TOKEN_S = 60
PING_S = 25  # a client that does not answer within as long again is dropped


class GuardedTornado(BokehTornado):
    """The application; every request passes `guard` before a handler is looked for."""

    def __init__(
        self,
        context: Context,
        guard: Guard,
        data_routes: Sequence[tuple[str, type[DataRoute]]],
    ) -> None:
        """Make the routes of all pages of `context`."""
        self.context = context
        self.guard = guard
        self.joined = Joined(STATIC)
        config = context.config
        super().__init__(
            {f"/{spec.name}": _bokeh_application(context, spec) for spec in context.pages},
            prefix=config.path_prefix,
            use_index=False,
            secret_key=secrets.token_bytes(32),
            sign_sessions=True,
            include_headers=[],
            include_cookies=[],
            session_token_expiration=SESSION_TOKEN_S,
            unused_session_lifetime_milliseconds=UNUSED_SESSION_MS,
            check_unused_sessions_milliseconds=CHECK_SESSIONS_MS,
            keep_alive_milliseconds=0,  # Tornado's own ping also notices who does not answer
            websocket_ping_interval=PING_S,
            websocket_ping_timeout=PING_S,
            transforms=[secure_headers(config.frame_origins), GZipContentEncoding],
            default_handler_class=Missing,
            log_function=_log_request,
        )
        # Bokeh's own table has more (autoload.js, metadata): only what is named here is served.
        self.wildcard_router.rules.clear()
        self.wildcard_router.add_rules(self._rules(data_routes))

    def find_handler(self, request: HTTPServerRequest, **kwargs: object) -> _HandlerDelegate:
        """Return the handler of a request that the guard lets in, else the one that refuses."""
        verdict = self.guard.judge(request)
        if verdict is None:
            return super().find_handler(request, **kwargs)
        handler = Refused if isinstance(verdict, Refusal) else Admitted
        return self.get_handler_delegate(request, handler, {"verdict": verdict})

    def _rules(self, data_routes: Sequence[tuple[str, type[DataRoute]]]) -> list[Any]:
        prefix = self.prefix
        rules: list[Any] = [(f"{prefix}/?", Root)]
        for spec in self.context.pages:
            path = f"{prefix}/{spec.name}"
            shared = {
                "application_context": self.applications[f"/{spec.name}"],
                "bokeh_websocket_path": f"{path}/ws",
            }
            rules += [(path, PageHandler, shared), (f"{path}/ws", Socket, shared)]
        for pattern, handler in data_routes:
            rules.append((f"{prefix}/{pattern.lstrip('/')}", handler, {"context": self.context}))
        bokeh_parts = r"/static/js/(bokeh(?:-widgets|-tables|-gl)?\.min\.js)"
        own = r"/static/gpuboard/([0-9a-f]{16}/[\w./-]+)"
        joined = r"/static/gpuboard/([0-9a-f]{16})/joined/(page|part|css)/([\w.-]+\.(?:js|css))"
        rules.append((prefix + bokeh_parts, BokehStatic, {"path": str(bokeh_scripts())}))
        rules.append((prefix + joined, JoinedStatic, {"joined": self.joined}))
        rules.append((prefix + own, OwnStatic, {"path": str(STATIC)}))
        return rules


class Refused(QuietErrors):
    """Answer what the guard refuses, without reading its body."""

    def initialize(self, verdict: Refusal) -> None:
        """Take the guard's verdict."""
        self.verdict = verdict

    def prepare(self) -> None:
        """Answer at once, whatever the method."""
        refusal = self.verdict
        self.set_status(refusal.status)
        if refusal.status == 401:
            self.set_header("WWW-Authenticate", 'Bearer realm="gpuboard"')
        if "/api/" in self.request.path:
            self.set_header("Content-Type", "application/json; charset=UTF-8")
            error = {"status": refusal.status, "message": refusal.message}
            self.finish(encode_json({"error": error}))
        else:
            self.finish(error_page(refusal.status, refusal.title, refusal.message))

    def data_received(self, chunk: bytes) -> None:
        """Drop what is sent all the same."""


stream_request_body(Refused)


class Admitted(QuietErrors):
    """Give the cookie for a token and lead on to the same page without it."""

    def initialize(self, verdict: Entry) -> None:
        """Take the guard's verdict."""
        self.verdict = verdict

    def get(self) -> None:
        """Redirect to our own page."""
        if self.verdict.cookie is not None:
            name, value = self.verdict.cookie
            self.set_cookie(
                name,
                value,
                path="/",
                httponly=True,
                samesite="Lax",
                secure=self.request.protocol == "https",
            )
        self.redirect(self.verdict.location)


class Root(QuietErrors):
    """Lead to the first page that has something to show."""

    def get(self) -> None:
        """Redirect relative to the address in use, so a proxy's prefix is kept."""
        is_folder = self.request.path.endswith("/")
        folder = "./" if is_folder else f"./{self.request.path.rpartition('/')[2]}/"
        query = f"?{self.request.query}" if self.request.query else ""
        self.redirect(folder + first_page(_context_of(self)) + query)


class Missing(QuietErrors):
    """Answer every address that does not exist."""

    def prepare(self) -> None:
        """Say so, whatever the method."""
        raise HTTPError(404)


class PageHandler(QuietErrors, SessionHandler):
    """Make a session and send the page that shows it."""

    async def get(self) -> None:
        """Send the page, or say that too many are open."""
        context = _context_of(self)
        if context.sessions.live_sessions >= limits.MAX_SESSIONS.value:
            self._refuse_more()
            return
        session = await self._new_session()
        page = cast(Page, context.sessions.page_of(session.document))
        nonce = new_nonce()
        markup = page_markup(session, page, nonce)
        policy = content_security_policy(
            nonce=nonce,
            host=self.request.headers["Host"],
            frame_origins=context.config.frame_origins,
        )
        self.set_header("Content-Security-Policy", policy)
        self.set_header("Content-Type", "text/html; charset=UTF-8")
        self.finish(markup)

    async def _new_session(self) -> ServerSession:
        """Make a session of our own naming: ids and tokens that a client brings are not heard."""
        secret = self.application.secret_key
        state = state_of(self.request.query_arguments)
        session_id = generate_session_id(secret_key=secret, signed=True)
        token = generate_jwt_token(
            session_id,
            secret_key=secret,
            signed=True,
            expiration=self.application.session_token_expiration,
            extra_payload={
                "headers": {},
                "cookies": {},
                "arguments": {key: [value.encode()] for key, value in state.items()},
            },
        )
        return await self.application_context.create_session_if_needed(
            session_id, self.request, token
        )

    def _refuse_more(self) -> None:
        self.set_status(429)
        self.set_header("Retry-After", "20")
        self.finish(
            error_page(
                429,
                "Too many pages are open",
                f"At most {limits.MAX_SESSIONS.value} pages are open at a time "
                f"({limits.MAX_SESSIONS.name}).",
            )
        )


class Socket(QuietErrors, WSHandler):
    """The websocket of one page."""

    def check_origin(self, origin: str) -> bool:
        """Agree: the guard has compared the origin, in every version of Tornado alike."""
        del origin
        return True

    def open(self) -> None:
        """Open without Nagle's algorithm, which holds small frames back for 40 ms."""
        self.set_nodelay(True)
        super().open()

    async def _async_open(self, token: str) -> None:
        """Join the session of `token`; one that has ended is made anew if there is room."""
        context = _context_of(self)
        is_known = any(
            session.id == get_session_id(token) for session in self.application_context.sessions
        )
        if not is_known and context.sessions.live_sessions >= limits.MAX_SESSIONS.value:
            self.close(1013, "too many pages are open")
            return
        await super()._async_open(token)

    def log_exception(
        self,
        typ: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        """Note a refused session quietly: any stale tab can cause it."""
        if isinstance(value, ProtocolError):
            log.info("websocket refused: %s", value)
        else:
            super().log_exception(typ, value, tb)


def _bokeh_application(context: Context, spec: PageSpec) -> Application:
    return Application(FunctionHandler(functools.partial(_build, context, spec)))


def _build(context: Context, spec: PageSpec, doc: Document) -> None:
    session_context = doc.session_context
    request = session_context.request if isinstance(session_context, BokehSessionContext) else None
    Page(doc, context, spec, state_of(request.arguments if request else {})).build()


def _context_of(handler: RequestHandler) -> Context:
    return cast(GuardedTornado, handler.application).context


def _log_request(handler: RequestHandler) -> None:
    """Log a request by its path alone: a query may hold what nobody else should read."""
    status = handler.get_status()
    level = logging.DEBUG if status < 400 else logging.INFO if status < 500 else logging.WARNING
    milliseconds = 1000 * handler.request.request_time()
    path = handler.request.path
    log.log(level, "%d %s %s %.1f ms", status, handler.request.method, path, milliseconds)
