"""Put modules of ours into one plain script, for a page that has no server to load them from.

Only what these modules use is understood: `import { a, b as c } from "./x.js"` and declarations
with `export` before them. There is no renaming and no shrinking: each module becomes a function
whose result holds what it exports.
"""

from __future__ import annotations

import functools
import re

from gpuboard.serve.static_files import STATIC

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./([\w.-]+)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async function|function|class|const|let) (\w+))", re.MULTILINE)
_OTHER = re.compile(r"^(?:import|export)\b.*$|\bimport\(", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*/\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)


@functools.cache
def bundled(entry: str) -> str:
    """Return a script that runs module `entry` of `gpuboard/serve/static` and all it imports.

    Raises:
        ValueError: A module has an import or export of another form.
    """
    order: list[str] = []
    _visit(entry, order, ())
    parts = [_wrapped(name) for name in order]
    return '"use strict";\nconst modules = {};\n' + "".join(parts)


def _visit(name: str, order: list[str], above: tuple[str, ...]) -> None:
    if name in above:
        raise ValueError(f"{' > '.join([*above, name])}: modules import each other in a circle")
    if name in order:
        return
    for _, other in _IMPORT.findall(_source(name)):
        _visit(other, order, (*above, name))
    order.append(name)


@functools.cache
def _source(name: str) -> str:
    return (STATIC / name).read_text(encoding="utf-8")


def _wrapped(name: str) -> str:
    source = _COMMENT.sub("", _source(name))
    exported = [match[1] for match in _EXPORT.finditer(source)]
    body = _EXPORT.sub("", _IMPORT.sub(_taken, source))
    other = _OTHER.search(body)
    if other is not None:
        raise ValueError(f"{name}: cannot bundle {other[0]!r}")
    # The text ends a script element wherever it stands, also within a string.
    body = body.replace("</script", "<\\/script")
    given = ", ".join(exported)
    return f'modules["{name}"] = (() => {{\n{body}return {{ {given} }};\n}})();\n'


def _taken(match: re.Match[str]) -> str:
    names = [part.strip().replace(" as ", ": ") for part in match[1].split(",") if part.strip()]
    return f'const {{ {", ".join(names)} }} = modules["{match[2]}"];\n'
