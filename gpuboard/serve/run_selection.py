"""Read the short text by which addresses and views name a selection of runs.

| text | runs |
|---|---|
| "" | the first 100 |
| "all", "none" | all, none |
| "re:PATTERN" | those in whose name the pattern occurs, capitals or not |
| "+CODES", "-CODES" | those with, or without, one of the codes: five characters for each run |

`static/runs.js` writes these texts. A code stands for a name, so a selection outlives a restart.
"""

from __future__ import annotations

from collections.abc import Sequence

from gpuboard.analysis.patterns import compiled, searched
from gpuboard.store.columns import RunInfo

DEFAULT_SELECTED = 100
CODE_LENGTH = 5
_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
_FNV_OFFSET, _FNV_PRIME, _MASK = 0x811C9DC5, 0x01000193, 0xFFFFFFFF


def selected_runs(text: str, runs: Sequence[RunInfo]) -> list[RunInfo]:
    """Return the runs that a selection names, in their order.

    Args:
        text: See the module's own text; what is not understood selects nothing.
        runs: All runs, in natural order of their names.

    Raises:
        InputError: The pattern cannot be used.
    """
    if text == "":
        return list(runs[:DEFAULT_SELECTED])
    if text == "all":
        return list(runs)
    if text.startswith("re:"):
        matches = searched(compiled(f"(?i){text[3:]}"), [run.name for run in runs])
        return [run for run, match in zip(runs, matches, strict=True) if match is not None]
    if text[0] not in "+-":
        return []
    codes = text[1:]
    named = {codes[i : i + CODE_LENGTH] for i in range(0, len(codes), CODE_LENGTH)}
    return [run for run in runs if (code_of(run.name) in named) == (text[0] == "+")]


def code_of(name: str) -> str:
    """Return five characters that stand for a name: 30 bits of its FNV-1a hash, low bits first."""
    found = _FNV_OFFSET
    for byte in name.encode("utf-8", "replace"):
        found = ((found ^ byte) * _FNV_PRIME) & _MASK
    return "".join(_ALPHABET[(found >> (6 * k)) & 63] for k in range(CODE_LENGTH))
