"""Serve the pages: bind, guard, run and stop."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import errno
import gc
import os
import re
import signal
import socket
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from gpuboard import limits
from gpuboard.errors import InputError
from gpuboard.serve.context import DEFAULT_PORT, Context, ServeConfig
from gpuboard.serve.guard import WILDCARD_HOSTS, Guard, bracketed, check_token, new_token
from gpuboard.serve.sessions import PUSH_MS

if TYPE_CHECKING:
    from gpuboard.serve.application import GuardedTornado
    from gpuboard.serve.routes import DataRoute
    from gpuboard.serve.spec import PageSpec

DataRoutes = Sequence[tuple[str, "type[DataRoute]"]]

PORTS_TRIED = 11
BODY_TIMEOUT_S = 30
MAX_PORT = 65_535
BACKLOG = 128
RESERVED_NAMES = ("api", "static")

__all__ = ["Context", "ServeConfig", "Server", "make_server"]


def make_server(
    config: ServeConfig,
    context: Context,
    pages: Sequence[PageSpec],
    data_routes: DataRoutes | None = None,
) -> Server:
    """Return a server that is bound to its port and waits to be started.

    Args:
        config: How to serve.
        context: What to serve; its configuration and pages are set from the other arguments.
        pages: Dashboards, at least one.
        data_routes: Pattern and handler of each data route; None for `gpuboard.serve.api`.

    Raises:
        InputError: The port is taken, the host unknown, a name not understood, or the token too
            weak for the host.
    """
    prefix = _checked_prefix(config.path_prefix)
    config = dataclasses.replace(config, path_prefix=prefix)
    context = dataclasses.replace(context, config=config, pages=_checked_pages(pages))
    token = new_token() if config.token is None else config.token
    check_token(token, config.host)
    sockets = _bind(config)
    try:
        guard = Guard(
            host=config.host,
            port=sockets[0].getsockname()[1],
            token=token,
            allow_hosts=config.allow_hosts,
            page_paths=[f"{prefix}/", prefix, *(f"{prefix}/{spec.name}" for spec in pages)],
        )
    except InputError:
        for bound in sockets:
            bound.close()
        raise
    return Server(context, guard, sockets, token, data_routes)


class Server:
    """A bound server: `start` it in a thread, or `run_forever` in this one.

    Attributes:
        context: What its pages and routes share.
        token: What a browser must know, "" for nothing.
        port: Port that it is bound to.
    """

    def __init__(
        self,
        context: Context,
        guard: Guard,
        sockets: list[socket.socket],
        token: str,
        data_routes: DataRoutes | None,
    ) -> None:
        self.context = context
        self.token = token
        self.port: int = sockets[0].getsockname()[1]
        self.application: GuardedTornado | None = None
        self._guard = guard
        self._sockets = sockets
        self._data_routes = data_routes
        self.loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread: threading.Thread | None = None
        self._is_up = threading.Event()

    @property
    def root_url(self) -> str:
        """The address without the token, with a slash at its end."""
        host = self.context.config.host
        name = "127.0.0.1" if host in WILDCARD_HOSTS else host
        return f"http://{bracketed(name)}:{self.port}{self.context.config.path_prefix}/"

    @property
    def url(self) -> str:
        """The address to open, with the token in it."""
        return self.root_url + (f"?{urlencode({'token': self.token})}" if self.token else "")

    def start(self) -> None:
        """Serve from a thread of its own; return when requests are answered."""
        self._thread = threading.Thread(target=self.run_forever, name="gpuboard-serve", daemon=True)
        self._thread.start()
        self.wait_until_up()

    def wait_until_up(self) -> None:
        """Return when requests are answered, or when serving has ended."""
        self._is_up.wait()

    def run_forever(self) -> None:
        """Serve until `stop`, or until SIGINT or SIGTERM when this is the main thread."""
        try:
            asyncio.run(self._serve())
        finally:
            self._is_up.set()

    def stop(self) -> None:
        """End serving, from any thread; return when all is closed if `start` was used."""
        loop, stop = self.loop, self._stop
        if loop is not None and stop is not None:
            with contextlib.suppress(RuntimeError):  # it has ended by itself
                loop.call_soon_threadsafe(stop.set)
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        if loop is None:  # it was never started
            for bound in self._sockets:
                bound.close()

    async def _serve(self) -> None:
        from tornado.httpserver import HTTPServer
        from tornado.ioloop import IOLoop, PeriodicCallback

        from gpuboard.serve.application import GuardedTornado

        self.loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        self._listen_to_signals(self._stop)
        application = GuardedTornado(self.context, self._guard, self._routes())
        http = HTTPServer(
            application, max_body_size=limits.MAX_REQUEST_BYTES.value, body_timeout=BODY_TIMEOUT_S
        )
        application.initialize(IOLoop.current())
        application.start()
        http.add_sockets(self._sockets)
        watcher = PeriodicCallback(self._push_version, PUSH_MS)
        watcher.start()
        self.application = application
        if threading.current_thread() is threading.main_thread():
            # Bokeh collects garbage whenever a page is closed: 50 ms over what was imported.
            gc.freeze()
        self._is_up.set()
        try:
            await self._stop.wait()
        finally:
            watcher.stop()
            http.stop()
            application.stop()
            await http.close_all_connections()
            self.context.jobs.close()

    def _routes(self) -> DataRoutes:
        if self._data_routes is not None:
            return self._data_routes
        from gpuboard.serve import api, data

        return (*api.ROUTES, *data.ROUTES)

    async def _push_version(self) -> None:
        await self.context.sessions.push(self.context.store.version)

    def _listen_to_signals(self, stop: asyncio.Event) -> None:
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGINT, signal.SIGTERM):
            with contextlib.suppress(NotImplementedError):  # Windows
                asyncio.get_running_loop().add_signal_handler(number, stop.set)


def _bind(config: ServeConfig) -> list[socket.socket]:
    first = DEFAULT_PORT if config.port is None else config.port
    if not 0 <= first <= MAX_PORT:
        raise InputError(f"port {first} does not exist, expected 0 to {MAX_PORT}")
    candidates = range(first, first + PORTS_TRIED) if config.port is None else [first]
    for port in candidates:
        try:
            return _listen(config.host, port)
        except socket.gaierror as error:
            raise InputError(f"host {config.host!r} is not known: {error.strerror}") from error
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise InputError(
                    f"{config.host!r} port {port} cannot be served: {error.strerror}"
                ) from error
    raise InputError(
        f"port {first} is taken; stop what uses it, or pick another with --port (0: any free one)"
        if len(candidates) == 1
        else f"ports {candidates[0]} to {candidates[-1]} are all taken; pick one with --port"
    )


def _listen(host: str, port: int) -> list[socket.socket]:
    """Listen on every address of `host`, all on one port; on none of them if one fails."""
    found = socket.getaddrinfo(
        host.strip("[]") or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )
    sockets: list[socket.socket] = []
    try:
        for family, address in dict.fromkeys((entry[0], entry[4]) for entry in found):
            own = sockets[0].getsockname()[1] if sockets else port
            sockets.append(_listen_on(family, (address[0], own, *address[2:])))
    except OSError:
        for bound in sockets:
            bound.close()
        raise
    return sockets


def _listen_on(family: socket.AddressFamily, address: tuple[object, ...]) -> socket.socket:
    bound = socket.socket(family, socket.SOCK_STREAM)
    try:
        if os.name != "nt":  # there it would let two servers share a port
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.setblocking(False)
        bound.bind(address)
        bound.listen(BACKLOG)
    except OSError:
        bound.close()
        raise
    return bound


def _checked_prefix(prefix: str) -> str:
    parts = [part for part in prefix.split("/") if part]
    if not all(re.fullmatch(r"[A-Za-z0-9._~-]+", part) and part.strip(".") for part in parts):
        raise InputError(
            f"path prefix {prefix!r} is not understood, expected letters, digits, '-', '_', '.', "
            "'~' between slashes, such as /board"
        )
    return "".join(f"/{part}" for part in parts)


def _checked_pages(pages: Sequence[PageSpec]) -> tuple[PageSpec, ...]:
    names = [spec.name for spec in pages]
    for name in names:
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in RESERVED_NAMES:
            raise ValueError(f"page name {name!r}, expected lower-case letters, digits and '_'")
    if len(set(names)) < len(names) or not names:
        raise ValueError(f"page names {names}, expected at least one and none twice")
    return tuple(sorted(pages, key=lambda spec: spec.order))
