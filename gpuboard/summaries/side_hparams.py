"""Read hyperparameters from files beside the events: Lightning's hparams.yaml, and config.json.

Nested values are named by their path: `optimizer: {lr: 0.1}` is "optimizer.lr". YAML is read event
by event into plain values, with the meaning that `yaml.safe_load` gives to untagged scalars; no
object is ever made from a tag, and an alias counts as often as it is used.
"""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.summaries.hparams import HParam

if TYPE_CHECKING:
    import yaml

MAX_DEPTH = 32
MAX_EXACT_INTEGER = 1 << 53
_MERGE = "tag:yaml.org,2002:merge"
_PLAIN_TAGS = tuple(
    f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "timestamp", "str")
)


def read_yaml(content: bytes) -> dict[str, HParam]:
    """Return the hyperparameters of a `hparams.yaml` by dotted name.

    Lists of plain values become one text, lists of others are named by their places, nulls are left
    out, whatever carries a tag of its own (`!!python/object...`) counts by what it is written as.

    Raises:
        DataError: It is no YAML, no mapping, nested too deeply, or holds too many values.
    """
    import yaml

    try:
        document = _Document(yaml.CSafeLoader(content)).read()
    except yaml.YAMLError as error:
        raise DataError(f"no YAML: {_first_line(error)}") from error
    except (ValueError, OverflowError) as error:
        raise DataError(f"a value that cannot be read: {_first_line(error)}") from error
    return _flat(document)


def read_json(content: bytes) -> dict[str, HParam]:
    """Return the hyperparameters of a `config.json` by dotted name, as `read_yaml` does.

    Raises:
        DataError: It is no JSON, no object, nested too deeply, or holds too many values.
    """
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise DataError(f"no JSON: {_first_line(error)}") from error
    return _flat(document)


# By name; of two that give one hyperparameter, the earlier one counts.
READERS: dict[str, Callable[[bytes], dict[str, HParam]]] = {
    "hparams.yaml": read_yaml,
    "config.json": read_json,
}


class _Document:
    """The first document of a YAML stream, built without recursion and without constructors."""

    def __init__(self, loader: Any) -> None:  # noqa: ANN401  a yaml.CSafeLoader, partly untyped
        self._loader = loader
        self._anchors: dict[str | None, Any] = {}
        self._values = 0

    def read(self) -> object:
        """Return dicts, lists and plain values; an alias is the very same object."""
        import yaml

        root: list[Any] = []
        open_: list[_Open] = [_Open(root)]
        while self._loader.check_event():
            event = self._loader.get_event()
            if isinstance(event, yaml.DocumentEndEvent):
                break
            if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
                self._count()
                if len(open_) > MAX_DEPTH:
                    raise DataError(f"nested deeper than {MAX_DEPTH} levels")
                inner: Any = {} if isinstance(event, yaml.MappingStartEvent) else []
                self._remember(event.anchor, inner)
                open_.append(_Open(inner))
            elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
                done = open_.pop()
                open_[-1].add(done.value)
            elif isinstance(event, yaml.AliasEvent):
                self._count(_size(self._anchors.get(event.anchor)))
                open_[-1].add(self._anchors.get(event.anchor))
            elif isinstance(event, yaml.ScalarEvent):
                self._count()
                tag, value = self._scalar(event)
                self._remember(event.anchor, value)
                open_[-1].add(value, is_merge=tag == _MERGE)
        return root[0] if root else {}

    def _scalar(self, event: yaml.ScalarEvent) -> tuple[str, object]:
        import yaml

        tag = event.tag
        if tag is None or tag == "!":
            tag = str(self._loader.resolve(yaml.ScalarNode, event.value, event.implicit))
        if tag not in _PLAIN_TAGS:
            return tag, event.value
        node = yaml.ScalarNode(tag, event.value)
        return tag, self._loader.construct_object(node)

    def _remember(self, anchor: str | None, value: object) -> None:
        if anchor is not None:
            self._anchors[anchor] = value

    def _count(self, values: int = 1) -> None:
        self._values += values
        if self._values > 16 * limits.MAX_SIDE_HPARAMS.value:
            raise _too_many()


class _Open:
    """A mapping or list that is being read; a mapping waits for a key, then for its value."""

    def __init__(self, value: Any) -> None:  # noqa: ANN401  a dict or a list
        self.value = value
        self._key: object = _NO_KEY
        self._merges = False

    def add(self, item: object, *, is_merge: bool = False) -> None:
        """Take the next key, value or item."""
        if isinstance(self.value, list):
            self.value.append(item)
        elif self._key is _NO_KEY:
            self._key, self._merges = item, is_merge
        else:
            self._put(self._key, item)
            self._key = _NO_KEY

    def _put(self, key: object, item: object) -> None:
        if self._merges:
            for part in item if isinstance(item, list) else [item]:
                if isinstance(part, dict):
                    self.value.update({k: v for k, v in part.items() if k not in self.value})
        else:
            self.value[_name(key)] = item


_NO_KEY = object()


def _size(value: object) -> int:
    return 1 + len(value) if isinstance(value, dict | list) else 1


def _flat(document: object) -> dict[str, HParam]:
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise DataError(f"it holds a {type(document).__name__}, expected names with values")
    found: dict[str, HParam] = {}
    for visited, (name, value) in enumerate(_leaves("", document, 0)):
        if visited >= limits.MAX_SIDE_HPARAMS.value:
            raise _too_many()
        plain = _plain(value)
        if plain is not None:
            found[_cut(name)] = plain
    return found


def _leaves(name: str, value: object, depth: int) -> Iterator[tuple[str, object]]:
    """Yield every value with its path; empty containers count too, so that none is free."""
    is_listed = isinstance(value, list) and any(isinstance(item, dict | list) for item in value)
    if depth > MAX_DEPTH:
        raise DataError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        yield from () if value else ((name, None),)
        items: Iterator[tuple[object, object]] = iter(value.items())
    elif is_listed and isinstance(value, list):
        items = iter(enumerate(value))
    else:
        yield name, value
        return
    for key, item in items:
        yield from _leaves(f"{name}.{_name(key)}" if name else _name(key), item, depth + 1)


def _plain(value: object) -> HParam | None:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return float(value) if abs(value) <= MAX_EXACT_INTEGER else _cut(_digits(value))
    if isinstance(value, float):
        return value
    if isinstance(value, list):
        return _cut(f"[{', '.join(_item(item) for item in value[:200])}]")
    return _cut(_name(value))


def _item(value: object) -> str:
    if isinstance(value, bool) or value is None:
        return json.dumps(value)
    if isinstance(value, int):
        return _digits(value)
    if isinstance(value, float):
        return f"{value:g}" if math.isfinite(value) else str(value)
    return _name(value)


def _name(value: object) -> str:
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, int) and not isinstance(value, bool):
        return _digits(value)
    if isinstance(value, dict | list):
        return "?"  # as a key; written out, one with aliases could be endless
    return value if isinstance(value, str) else f"{value}"[: limits.MAX_HPARAM_CHARACTERS.value]


def _digits(value: int) -> str:
    # Python itself refuses to write integers of more than 4,300 digits.
    return str(value) if value.bit_length() < 1024 else "a number of very many digits"


def _cut(text: str) -> str:
    most = limits.MAX_HPARAM_CHARACTERS.value
    # A lone surrogate of a JSON escape could not be sent to any page.
    text = text.encode("utf-8", "replace").decode("utf-8")
    return text if len(text) <= most else f"{text[: most - 1]}…"


def _too_many() -> DataError:
    return DataError(
        f"more than {limits.MAX_SIDE_HPARAMS.value:,} values ({limits.MAX_SIDE_HPARAMS.name}), "
        "counting every use of an alias"
    )


def _first_line(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    place = f" in line {mark.line + 1}" if mark is not None else ""
    text = getattr(error, "problem", None) or str(error).partition("\n")[0]
    return f"{text}"[:200] + place
