"""Run a benchmark: `python -m benchmarks NAME [--json]`; `--help` lists the names."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks import ingest, live, pages, sessions, start, timeline, traces, writer, zoom
from benchmarks.logs import SHAPES

_BENCHMARKS = {
    "ingest": ingest,
    "live": live,
    "pages": pages,
    "sessions": sessions,
    "start": start,
    "timeline": timeline,
    "traces": traces,
    "writer": writer,
    "zoom": zoom,
}


def main() -> None:
    """Parse the command line and print figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("benchmark", choices=list(_BENCHMARKS))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--shapes", nargs="*", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument(
        "--sizes", nargs="*", type=int, default=list(traces.SIZES), help="events of a trace"
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(tempfile.gettempdir()) / "gpuboard-benchmarks",
        help="where logs are built, and found again by later runs",
    )
    arguments = parser.parse_args()
    benchmark = _BENCHMARKS[arguments.benchmark]
    given = {"sizes": tuple(arguments.sizes)} if benchmark is traces else {}
    figures = benchmark.run(arguments.shapes, arguments.data, arguments.rounds, **given)
    print(json.dumps(figures) if arguments.json else benchmark.describe(figures))


if __name__ == "__main__":
    main()
