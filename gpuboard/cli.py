"""The commands that a person types: serve, demo, inspect, profile, export."""

from __future__ import annotations

import contextlib
import enum
import gc
import json
import logging
import os
import re
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

import gpuboard
from gpuboard.errors import GpuboardError, InputError
from gpuboard.store.store import Store

if TYPE_CHECKING:
    from gpuboard.serve.server import ServeConfig, Server
    from gpuboard.store.columns import Series

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Watch, compare and explain training runs.",
)
export_app = typer.Typer(no_args_is_help=True, help="Write what was logged in another format.")
app.add_typer(export_app, name="export")

Logdir = Annotated[Path, typer.Argument(help="Directory that holds the runs.", show_default=False)]
Port = Annotated[
    int | None,
    typer.Option(help="TCP port; 0 takes any free one. Default: the first free one from 6006 on."),
]
Host = Annotated[str, typer.Option(help="Name or address to listen on.")]
Token = Annotated[
    str | None,
    typer.Option(
        envvar="GPUBOARD_TOKEN",
        help="What a browser must know. Default: a random one, printed in the address. "
        'An empty one ("") asks for none, on loopback only.',
    ),
]
Prefix = Annotated[str, typer.Option(help="Path below which everything lies, behind a proxy.")]
AllowHost = Annotated[
    list[str] | None,
    typer.Option(help="Further host names by which browsers reach this server."),
]
FrameOrigin = Annotated[
    list[str] | None,
    typer.Option(help="Origins of notebooks that may show pages in a frame."),
]
Reload = Annotated[
    float, typer.Option(min=0, help="Seconds between looks at the directory; 0 reads once.")
]
Open = Annotated[bool, typer.Option("--open", help="Open the page in a browser.")]

_PATIENCE_S = 10.0


class Format(enum.StrEnum):
    """Formats in which columns leave."""

    csv = "csv"
    json = "json"
    parquet = "parquet"


def main() -> None:
    """Run the command line; errors of the user's making end in one line, not in a traceback."""
    try:
        app()
    except GpuboardError as error:
        _fail(error)
    except BrokenPipeError:
        # The reader of our output, such as `head`, has seen enough.
        sys.stderr.close()
        sys.exit(0)


def _fail(error: GpuboardError) -> NoReturn:
    print(f"gpuboard: {error}", file=sys.stderr)
    sys.exit(error.exit_code)


def _print_version(is_asked: bool) -> None:
    if is_asked:
        print(f"gpuboard {gpuboard.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Say which.")
    ] = False,
) -> None:
    del version


@app.command()
def serve(
    logdir: Logdir = Path("runs"),
    port: Port = None,
    host: Host = "127.0.0.1",
    token: Token = None,
    path_prefix: Prefix = "",
    allow_host: AllowHost = None,
    frame_origin: FrameOrigin = None,
    reload_interval: Reload = 1.0,
    open_browser: Open = False,
) -> None:
    """Serve the dashboards over a directory of runs, and follow it while it grows."""
    from gpuboard.serve.server import ServeConfig

    config = ServeConfig(
        port=port,
        host=host,
        token=token,
        path_prefix=path_prefix,
        allow_hosts=tuple(allow_host or ()),
        frame_origins=tuple(map(_checked_origin, frame_origin or ())),
    )
    _serve(Store(logdir), config, reload_interval, open_browser=open_browser)


def _checked_origin(text: str) -> str:
    """Return a source of a content security policy; it must not hold a second directive."""
    if text == "self":
        return "'self'"
    if not re.fullmatch(r"https?://[A-Za-z0-9.-]+(:(\d+|\*))?", text):
        raise InputError(
            f"frame origin {text!r} is not understood, expected 'http://name:port', "
            "'http://name:*' or 'self'"
        )
    return text


@app.command()
def demo(
    logdir: Annotated[
        Path | None,
        typer.Argument(help="Where to put the runs. Default: a new temporary directory."),
    ] = None,
    port: Port = None,
    host: Host = "127.0.0.1",
    token: Token = None,
    open_browser: Open = False,
    live: Annotated[bool, typer.Option(help="Keep one more run training meanwhile.")] = True,
) -> None:
    """Train something small on the spot, some twenty runs, and serve what it logged."""
    from gpuboard.demo import make_demo_runs, train_live
    from gpuboard.serve.server import ServeConfig

    place = logdir or Path(tempfile.mkdtemp(prefix="gpuboard-demo-"))
    print(f"Training sample runs in {place} ...", flush=True)
    make_demo_runs(place, progress=lambda done, sentence: print(f"  {done:4.0%} {sentence}"))
    if live:
        threading.Thread(target=train_live, args=(place,), name="demo", daemon=True).start()
    config = ServeConfig(port=port, host=host, token=token)
    _serve(Store(place), config, 1.0, open_browser=open_browser)


@app.command()
def inspect(
    logdir: Logdir,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say which runs and tags a directory holds, and what is wrong with its files."""
    from gpuboard.store.report import report

    store, seconds = _read(logdir)
    found = report(store, seconds)
    if as_json:
        print(json.dumps(found, allow_nan=False))
        return
    for name, run in found["runs"].items():
        print(name)
        for tag, facts in run["tags"].items():
            steps = f"steps {facts['first_step']} to {facts['last_step']}"
            print(f"  {facts['kind']:<10} {tag}: {facts['points']:,} points, {steps}")
    for problem in found["problems"]:
        print(f"! {problem['file']} at byte {problem['offset']:,}: {problem['message']}")
    print(
        f"{len(found['runs']):,} runs, {found['events']:,} events, {found['bytes'] / 1e6:,.1f} MB "
        f"read in {seconds:.2f} s, {len(found['problems']):,} problems"
    )


@app.command()
def profile(
    traces: Annotated[
        list[Path],
        typer.Argument(
            metavar="TRACE_OR_DIR...",
            help="Traces of PyTorch, XLA or Nsight Systems, or directories that hold some.",
            show_default=False,
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    html: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write a page that stands for itself.")
    ] = None,
    diff: Annotated[
        Path | None,
        typer.Option(metavar="OTHER", help="Compare with this trace or directory of before."),
    ] = None,
    top: Annotated[int, typer.Option(min=1, max=1000, help="Rows of each table.")] = 10,
) -> None:
    """Say where the time of profiled runs goes, what holds them back, and what would help."""
    try:
        from gpuboard.reports import command

        wish = command.Wish(tuple(traces), as_json=as_json, html=html, other=diff, top=top)
        command.profile(wish, sys.stdout, sys.stderr)
    except KeyboardInterrupt:
        print("gpuboard: interrupted", file=sys.stderr, flush=True)
        # A compiled loop may still run in a thread, which the interpreter would wait for.
        os._exit(130)


@export_app.command("scalars")
def export_scalars(
    logdir: Logdir,
    run: Annotated[str, typer.Option(help="Run as `inspect` names it.")],
    tag: Annotated[str, typer.Option(help="Tag of a scalar series.")],
    format_: Annotated[Format, typer.Option("--format", help="How to write it.")] = Format.csv,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write. Default: standard output.")
    ] = None,
) -> None:
    """Write every point of one scalar series, in file order."""
    store, _ = _read(logdir)
    chunks = _encoded(store.find_run(run).series(tag), format_, run=run, tag=tag)
    if out is None:
        for chunk in chunks:
            sys.stdout.buffer.write(chunk)
        sys.stdout.buffer.flush()
        return
    try:
        with out.open("wb") as file:
            file.writelines(chunks)
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error.strerror}") from error


def _encoded(series: Series, format_: Format, *, run: str, tag: str) -> Iterator[bytes]:
    from gpuboard.analysis import tables

    named = [(run, series)]
    if format_ is Format.parquet:
        return iter([tables.parquet_bytes(named)])
    chunks = tables.csv_chunks(named) if format_ is Format.csv else tables.json_chunks(named, tag)
    return (chunk.encode() for chunk in chunks)


@app.command(hidden=True)
def warm() -> None:
    """Compile everything that is compiled, so that the next start need not."""
    from gpuboard.analysis.warm import warm as warm_analysis
    from gpuboard.eventlog.warm import warm as warm_eventlog
    from gpuboard.profiler.warm import warm as warm_profiler

    started = time.perf_counter()
    warm_eventlog()
    warm_analysis()
    warm_profiler()
    print(f"compiled kernels are ready ({time.perf_counter() - started:.1f} s)")


def _read(logdir: Path) -> tuple[Store, float]:
    store = Store(logdir)
    started = time.perf_counter()
    store.refresh()
    return store, time.perf_counter() - started


def _serve(
    store: Store, config: ServeConfig, reload_interval: float, *, open_browser: bool
) -> None:
    from gpuboard.apps import PAGES
    from gpuboard.serve.server import Context, make_server

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    server = make_server(config, Context(store), PAGES)
    follower = threading.Thread(
        target=_follow,
        args=(server, store, reload_interval),
        kwargs={"open_browser": open_browser},
        name="gpuboard-start",
        daemon=True,
    )
    # Once it runs, the loop takes Ctrl+C itself.
    with contextlib.suppress(KeyboardInterrupt):
        print(f"gpuboard {gpuboard.__version__} serves {store.logdir} at\n\n    {server.url}\n")
        print("Stop it with Ctrl+C.", flush=True)
        follower.start()
        server.run_forever()
    store.stop()


def _follow(server: Server, store: Store, reload_interval: float, *, open_browser: bool) -> None:
    """Start reading once pages are answered, then load what charts need."""
    server.wait_until_up()
    store.start(reload_interval)
    if open_browser:
        import webbrowser

        webbrowser.open(server.url)
    from gpuboard.serve.warm import warm_frame, warm_pages

    warm_frame()
    # Two threads that load compiled code hold each other up; the logs come first.
    store.wait_until_read(timeout=_PATIENCE_S)
    if server.application is not None:
        warm_pages(server.context.pages, server.application.joined)
    from gpuboard.analysis.warm import warm as warm_analysis

    warm_analysis()
    # Bokeh collects garbage for every page that closes; what was loaded by now is none for good.
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    main()
