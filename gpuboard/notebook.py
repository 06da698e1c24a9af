"""Show dashboards inside a notebook: `%load_ext gpuboard`, then `%gpuboard --logdir runs`.

The magic starts `gpuboard serve` as a process of its own, once for each directory, and shows it in
a frame. The address holds the token of that process, which it was given in its environment, and the
name by which the browser reaches the notebook: cookies of another name would not be sent. The
process ends with the kernel: it notices when the pipe from the kernel is closed.
"""

from __future__ import annotations

import argparse
import atexit
import contextlib
import dataclasses
import html
import json
import os
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any, NoReturn
from urllib.parse import urlsplit

from gpuboard.errors import InputError, MissingExtraError

PATIENCE_S = 60.0
READING_S = 10.0
STOP_S = 5.0
HEIGHT = 800
# Any port of this machine may hold the notebook.
_LOCAL_ORIGINS = ("http://localhost:*", "http://127.0.0.1:*", "https://localhost:*")


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where a notebook runs, as far as it decides how a server is reached from its browser.

    Attributes:
        kind: "jupyter", "proxy", "vscode" or "colab".
        proxy: With "proxy": path of the notebook's server, with slashes at both ends.
        hosts: Names by which browsers reach that server, as for `gpuboard serve --allow-host`.
    """

    kind: str
    proxy: str = ""
    hosts: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Running:
    """A server that was started.

    Attributes:
        prefix: Path below which it lies, without a slash at the end.
    """

    process: subprocess.Popen[bytes]
    port: int
    token: str
    prefix: str

    @property
    def path(self) -> str:
        """What stands behind host and port in the address to open."""
        return f"{self.prefix}/?token={self.token}"


_running: dict[tuple[object, ...], Running] = {}


def load_ipython_extension(shell: Any) -> None:  # noqa: ANN401
    """Add the magic to a shell of IPython."""
    shell.register_magic_function(magic, magic_kind="line", magic_name="gpuboard")


def unload_ipython_extension(shell: Any) -> None:  # noqa: ANN401
    """Stop all servers."""
    del shell
    stop_all()


def magic(line: str) -> None:
    """Show the dashboards of a directory.

    Args:
        line: Arguments, such as "--logdir runs --height 600".

    Raises:
        InputError: An argument is not understood, or the server does not start.
    """
    arguments = _parser().parse_args(shlex.split(line))
    place = where(arguments.proxy, arguments.allow_host)
    server = serve(
        Path(arguments.logdir), place, port=arguments.port, hosts=tuple(arguments.allow_host)
    )
    show(server, place, height=arguments.height)


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise InputError(f"%gpuboard: {message}\n{self.format_usage()}")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="%gpuboard", add_help=False)
    parser.add_argument("--logdir", default="runs")
    parser.add_argument("--port", type=int)
    parser.add_argument("--height", type=int, default=HEIGHT)
    parser.add_argument("--allow-host", action="append", default=[])
    parser.add_argument("--proxy")
    return parser


def where(proxy: str | None = None, hosts: Sequence[str] = ()) -> Place:
    """Tell where this notebook runs.

    Args:
        proxy: Path of the notebook's server, if servers of this machine are reached through it.
        hosts: Names by which browsers reach the notebook.

    Raises:
        InputError: The notebook is behind a proxy, and its name is not known.
    """
    if "google.colab" in sys.modules:
        return Place("colab")
    path = proxy or os.environ.get("JUPYTERHUB_SERVICE_PREFIX")
    if path:
        return Place("proxy", f"/{path.strip('/')}/".replace("//", "/"), _proxy_hosts(hosts))
    if "VSCODE_PID" in os.environ or "VSCODE_CWD" in os.environ:
        return Place("vscode", hosts=tuple(hosts))
    return Place("jupyter", hosts=tuple(hosts))


def _proxy_hosts(hosts: Sequence[str]) -> tuple[str, ...]:
    if hosts:
        return tuple(hosts)
    for name in ("JUPYTERHUB_PUBLIC_URL", "JUPYTERHUB_HOST"):
        parts = urlsplit(os.environ.get(name, ""))
        if parts.scheme and parts.netloc:
            return (f"{parts.scheme}://{parts.netloc}",)
    raise InputError(
        "this notebook is reached through a proxy, and only the name in your address bar is let "
        "in; say it: %gpuboard --logdir runs --allow-host https://hub.example.org"
    )


def serve(
    logdir: Path, place: Place, *, port: int | None = None, hosts: tuple[str, ...] = ()
) -> Running:
    """Return a server of `logdir`, the one that runs if there is one.

    Args:
        logdir: Directory that holds the runs.
        place: Where the notebook runs.
        port: TCP port; any free one if not given.
        hosts: Names by which browsers reach this machine.

    Raises:
        InputError: It does not start; the text says why.
    """
    key = (logdir.resolve(), place, hosts)
    found = _running.get(key)
    if found is not None and found.process.poll() is None and port in (None, found.port):
        return found
    if found is not None:
        _stop(found)
    if not _running:
        atexit.register(stop_all)
    _running[key] = _start(logdir, place, _free_port() if port is None else port, hosts)
    return _running[key]


def _start(logdir: Path, place: Place, port: int, hosts: tuple[str, ...]) -> Running:
    token = secrets.token_urlsafe(24)
    # The proxy of Jupyter passes on the whole path below "absolute".
    prefix = f"{place.proxy}proxy/absolute/{port}" if place.kind == "proxy" else ""
    command = [sys.executable, "-m", "gpuboard.notebook", "serve", str(logdir), "--port", str(port)]
    if prefix:
        command += ["--path-prefix", prefix, "--frame-origin", "self"]
    for origin in () if prefix else _LOCAL_ORIGINS:
        command += ["--frame-origin", origin]
    for host in dict.fromkeys((*hosts, *place.hosts, *_colab_hosts(place, port))):
        command += ["--allow-host", host]
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: S603
            command,
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "GPUBOARD_TOKEN": token},
        )
        server = Running(process, port, token, prefix)
        _wait_until_up(server, output)
    return server


def _colab_hosts(place: Place, port: int) -> tuple[str, ...]:
    if place.kind != "colab":
        return ()
    output = import_module("google.colab.output")
    parts = urlsplit(output.eval_js(f"google.colab.kernel.proxyPort({port})"))
    return (f"{parts.scheme}://{parts.netloc}",)


def _wait_until_up(server: Running, output: IO[bytes]) -> None:
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{server.prefix}/api/v1/status",
        headers={"Authorization": f"Bearer {server.token}"},
    )
    started = time.monotonic()
    while server.process.poll() is None and time.monotonic() < started + PATIENCE_S:
        with contextlib.suppress(OSError), _opener().open(request, timeout=5) as reply:
            # Which page comes first depends on what the logs hold; many of them take longer.
            is_read = json.load(reply)["phase"] == "watching"
            if is_read or time.monotonic() > started + READING_S:
                return
        time.sleep(0.05)
    _stop(server)
    output.seek(0)
    said = output.read().decode(errors="replace").strip()
    raise InputError(f"gpuboard serve did not start: {said or 'it did not answer'}")


def _opener() -> urllib.request.OpenerDirector:
    """Return what opens addresses of this machine, whatever proxy is set for others."""
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop_all() -> None:
    """Stop all servers that this notebook has started."""
    while _running:
        _, server = _running.popitem()
        _stop(server)
    atexit.unregister(stop_all)


def _stop(server: Running) -> None:
    server.process.terminate()
    try:
        server.process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        server.process.kill()
        server.process.wait()
    if server.process.stdin is not None:
        server.process.stdin.close()


# What is shown.


def show(server: Running, place: Place, *, height: int = HEIGHT) -> None:
    """Show a server below the cell.

    Args:
        server: What to show.
        place: Where the notebook runs.
        height: Of the frame, in pixels.

    Raises:
        MissingExtraError: There is no IPython.
    """
    if place.kind == "colab":
        output = import_module("google.colab.output")
        output.serve_kernel_port_as_window(server.port, path=server.path)
        return
    try:
        display = import_module("IPython.display")
    except ModuleNotFoundError as error:
        raise MissingExtraError("this is for notebooks: pip install ipython") from error
    display.display(display.HTML(markup(server, place, height)))


def markup(server: Running, place: Place, height: int) -> str:
    """Return the HTML of a cell's output."""
    if place.kind == "proxy":
        return _frame(server.path, height)
    link = f"http://localhost:{server.port}{server.path}"
    if place.kind == "vscode":  # its frames keep no cookies
        return f'<a href="{html.escape(link)}" target="_blank">Open gpuboard in a tab</a>'
    # The frame is of the notebook's own host, which only the browser knows.
    name = f"gpuboard-{secrets.token_hex(4)}"
    script = (
        "(() => {"
        f"const frame = document.getElementById({json.dumps(name)});"
        "const host = location.protocol.startsWith('http') ? location.hostname : 'localhost';"
        f"frame.src = `http://${{host}}:{server.port}` + {json.dumps(server.path)};"
        "})();"
    )
    return f"{_frame('', height, name)}<script>{script}</script>"


def _frame(address: str, height: int, name: str = "") -> str:
    about = f' id="{name}"' if name else ""
    source = f' src="{html.escape(address)}"' if address else ""
    style = f"width: 100%; height: {height}px; border: 0"
    return f'<iframe{about}{source} title="gpuboard" style="{style}"></iframe>'


# The process that serves.


def main() -> None:
    """Run the command line, and end when the pipe from the kernel is closed."""
    threading.Thread(target=_end_with_kernel, daemon=True).start()
    from gpuboard.cli import main as run

    run()


def _end_with_kernel() -> None:
    # Not `sys.stdin`: the interpreter could not end while a thread holds it.
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
