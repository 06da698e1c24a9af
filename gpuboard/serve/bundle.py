"""Put modules of ours into one script, for a page or for a file that has no server.

A page so loads one file in place of dozens. A module becomes a function under its own name. Nothing
is renamed or shortened, and every line stands as far below the name as in the module's own file,
so that a place that an error names can be found. Only what these modules use is understood: imports
of names, of a whole module, and of nothing, each from "./other.js" and at the start of a line;
`await import(...)`, in pages; and `export` before a declaration that stays what it is, a list of
names or a default object.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from gpuboard.errors import NotFoundError

_IMPORT = re.compile(
    r'^import (?:\{(?P<names>[^}]*)\} from |\* as (?P<whole>\w+) from )?"\./(?P<module>[\w.-]+)";$',
    re.MULTILINE,
)
_DECLARED = re.compile(r"^export (?=(?:async function|function|class|const) (\w+))", re.MULTILINE)
_DEFAULT = re.compile(r"^export default (?=\{)", re.MULTILINE)
_LISTED = re.compile(r"^export \{([^}]*)\};$", re.MULTILINE)
_LATER = re.compile(r"\bawait import\(")
_OTHER = re.compile(r"^(?:import|export)\b.*$|\bimport(?:\(|\.meta\b)", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*/\*\*.*?\*/\n", re.MULTILINE | re.DOTALL)


class Bundles:
    """Modules and style sheets of one folder, joined.

    Files are read once: what a server sends does not change while it runs.
    """

    def __init__(self, folder: Path) -> None:
        """Join what lies in `folder`, style sheets in `css` below it."""
        self._folder = folder
        self._sources: dict[str, str] = {}

    def page(self, names: Sequence[str]) -> str:
        """Return the module script that runs the first of these modules and knows the others.

        Raises:
            NotFoundError: There is no such module.
            ValueError: A module has an import or export of another form, or imports itself.
        """
        # Browsers compile a function in brackets at once, any other when it is first called.
        modules = "".join(self._defined(name, "({})") for name in self.needed(names))
        start = f'$use("{names[0]}");\n'
        return self._source("joined.js") + self._source("joined_load.js") + modules + start

    def part(self, name: str) -> str:
        """Return a module script that gives a page a further module, and all that it imports.

        Raises:
            NotFoundError: There is no such module.
            ValueError: A module has an import or export of another form, or imports itself.
        """
        modules = "".join(self._defined(other) for other in self.needed([name]))
        return f"export default function ({{ $define, $use, $load }}) {{\n{modules}}}\n"

    def script(self, name: str) -> str:
        """Return a script without imports that runs a module; it can stand within HTML.

        Raises:
            NotFoundError: There is no such module.
            ValueError: A module has an import or export of another form, imports itself, or
                imports something later, which a page without a server cannot.
        """
        parts = [self._defined(other, can_load=False) for other in self.needed([name])]
        script = "".join([self._source("joined.js"), *parts, f'$use("{name}");\n'])
        # The text ends a script element wherever it stands, also within a string.
        return '"use strict";\n' + _COMMENT.sub("", script).replace("</script", "<\\/script")

    def sheet(self, names: Sequence[str]) -> str:
        """Return style sheets one after another.

        Raises:
            NotFoundError: There is no such sheet.
        """
        return "".join(f"/* {name} */\n{self._source(f'css/{name}')}" for name in names)

    def needed(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return these modules and all that they import, each behind what it needs."""
        order: dict[str, None] = {}
        for name in names:
            self._visit(name, order, ())
        return tuple(order)

    def _visit(self, name: str, order: dict[str, None], above: tuple[str, ...]) -> None:
        if name in above:
            raise ValueError(f"{' > '.join([*above, name])}: modules import each other in a circle")
        if name in order:
            return
        for match in _IMPORT.finditer(self._source(name)):
            self._visit(match["module"], order, (*above, name))
        order[name] = None

    def _source(self, name: str) -> str:
        if name not in self._sources:
            try:
                self._sources[name] = (self._folder / name).read_text(encoding="utf-8")
            except OSError as error:
                raise NotFoundError(f"{name} is none of gpuboard's own files") from error
        return self._sources[name]

    def _defined(self, name: str, form: str = "{}", *, can_load: bool = True) -> str:
        source = self._source(name)
        given = [match[1] for match in _DECLARED.finditer(source)]
        given += [_listed(match[1], r"\2: \1") for match in _LISTED.finditer(source)]
        given += ["default: default_" for _ in _DEFAULT.finditer(source)]
        body = _DECLARED.sub("", _IMPORT.sub(_taken, source))
        body = _DEFAULT.sub("const default_ = ", _LISTED.sub(_gone, body))
        if can_load:
            body = _LATER.sub("await $load(", body)
        other = _OTHER.search(_COMMENT.sub("", body))
        if other is not None:
            raise ValueError(f"{name}: cannot bundle {other[0]!r}")
        made = f"function () {{\n{body}return {{ {', '.join(given)} }};\n}}"
        return f'$define("{name}", {form.format(made)});\n'


def _taken(match: re.Match[str]) -> str:
    """Return what stands for an import, on as many lines."""
    use = f'$use("{match["module"]}");' + "\n" * match[0].count("\n")
    if match["whole"]:
        return f"const {match['whole']} = {use}"
    if match["names"] is None:
        return use
    names = _listed(match["names"], r"\1: \2")
    return f"const {{ {names} }} = {use}"


def _gone(match: re.Match[str]) -> str:
    return "\n" * match[0].count("\n")


def _listed(names: str, renamed: str) -> str:
    parts = [part.strip() for part in names.split(",")]
    return ", ".join(re.sub(r"(\w+) as (\w+)", renamed, part) for part in parts if part)
