"""Run a benchmark by name: `python -m benchmarks ingest [--json] [--shapes a b] [--rounds 5]`."""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

from benchmarks import ingest
from benchmarks.logs import SHAPES


def main() -> None:
    """Parse the command line and print figures."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("benchmark", choices=["ingest"])
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--shapes", nargs="*", choices=list(SHAPES), default=list(SHAPES))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(tempfile.gettempdir()) / "gpuboard-benchmarks",
        help="where logs are built, and found again by later runs",
    )
    arguments = parser.parse_args()
    figures = ingest.run(arguments.shapes, arguments.data, arguments.rounds)
    print(json.dumps(figures) if arguments.json else ingest.describe(figures))


if __name__ == "__main__":
    main()
