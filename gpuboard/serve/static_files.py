"""Serve the project's own scripts and styles, and BokehJS, for long caching and under the guard.

A page loads one script and one style sheet, joined of the modules and sheets that it names:
`static/gpuboard/<version>/joined/page/start.frame.images.js`. What a page comes to need later is
`joined/part/<module>.js`. The files themselves are served as well, for who debugs a page.
"""

from __future__ import annotations

import asyncio
import functools
import gzip
import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

from tornado.web import StaticFileHandler

from gpuboard.errors import NotFoundError
from gpuboard.serve import bundle
from gpuboard.serve.bundle import Bundles
from gpuboard.serve.headers import QuietErrors

STATIC = Path(__file__).parent / "static"
YEAR_S = 365 * 24 * 3600
KEPT = f"private, max-age={YEAR_S}, immutable"
MAX_JOINED = 64  # the combinations that our own pages ask for are fewer

_IMPORT = re.compile(r"""^(?:import|export)\b[^"';]*["']\./([\w.-]+)["']""", re.MULTILINE)
_PACKED_TYPES = {".css", ".js", ".json", ".svg"}
_TYPES = {
    ".css": "text/css; charset=UTF-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=UTF-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".wasm": "application/wasm",
    ".woff2": "font/woff2",
}


@functools.cache
def static_version() -> str:
    """Return a hash over all files of our own, and how they are joined, taken once per start."""
    digest = hashlib.sha256(Path(bundle.__file__).read_bytes())
    for path in sorted(STATIC.rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(STATIC)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def static_url(name: str) -> str:
    """Return the address of one of our files, relative to any page.

    The version is a folder, not a query, so that what a module imports by `./other.js` has it
    too: every file is cached for good, and a module is loaded once whoever asks for it.
    """
    return f"static/gpuboard/{static_version()}/{name}"


def script_url(modules: Sequence[str]) -> str:
    """Return the address of the script that runs the first of these modules and knows all."""
    return static_url(f"joined/page/{script_name(modules)}")


def styles_url(sheets: Sequence[str]) -> str:
    """Return the address of these files of `static/css` as one."""
    return static_url(f"joined/css/{styles_name(sheets)}")


def script_name(modules: Sequence[str]) -> str:
    """Return the file name of these modules as one: "start.frame.js"."""
    return ".".join(name.removesuffix(".js") for name in modules) + ".js"


def styles_name(sheets: Sequence[str]) -> str:
    """Return the file name of these style sheets as one: "theme.frame.css"."""
    return ".".join(name.removesuffix(".css") for name in sheets) + ".css"


@functools.cache
def modules_of(name: str) -> tuple[str, ...]:
    """Return a module of ours and all that it imports, directly or not.

    A page that loads them as single files names them all in advance: a browser that finds imports
    one level at a time pays a round trip for each.
    """
    found = [name]
    for module in found:
        imports = _IMPORT.findall((STATIC / module).read_text(encoding="utf-8"))
        found += [other for other in dict.fromkeys(imports) if other not in found]
    return tuple(found)


@functools.cache
def bokeh_url(component: str) -> str:
    """Return the address of a minified part of BokehJS ("bokeh", "bokeh-widgets" ...)."""
    name = f"{component}.min.js"
    digest = hashlib.sha256((bokeh_scripts() / name).read_bytes()).hexdigest()[:16]
    return f"static/js/{name}?v={digest}"


def bokeh_scripts() -> Path:
    """Return the folder of BokehJS scripts."""
    from bokeh.settings import settings

    return Path(settings.bokehjs_path()) / "js"


@functools.cache
def packed(path: str) -> bytes:
    """Return a file compressed with gzip; done once for everybody, as it takes long for BokehJS."""
    return gzip.compress(Path(path).read_bytes(), compresslevel=6, mtime=0)


class BokehStatic(QuietErrors, StaticFileHandler):
    """Files that never change while the server runs."""

    async def get(self, path: str, include_body: bool = True) -> None:
        """Send a file, packed to those who take it so."""
        takes_gzip = "gzip" in self.request.headers.get("Accept-Encoding", "")
        if not takes_gzip or not include_body or Path(path).suffix not in _PACKED_TYPES:
            await super().get(path, include_body)
            return
        self.path = self.parse_url_path(path)
        place = self.get_absolute_path(self.root, self.path)
        self.absolute_path = self.validate_absolute_path(self.root, place)
        if self.absolute_path is None:
            return
        self.modified = self.get_modified_time()
        self.set_headers()
        if self.should_return_304():
            self.set_status(304)
            return
        self.set_header("Content-Encoding", "gzip")
        self.set_header("Vary", "Accept-Encoding")
        self.write(packed(self.absolute_path))

    def get_content_type(self) -> str:
        """Return the type by our own table; the machine's may not know modules."""
        return _TYPES.get(Path(self.path).suffix, "application/octet-stream")

    def is_fixed(self) -> bool:
        """Say whether the address changes whenever the content does."""
        return "v" in self.request.arguments

    def set_extra_headers(self, path: str) -> None:
        """Let the browser, and no shared cache, keep the file."""
        del path
        self.set_header("Cache-Control", KEPT if self.is_fixed() else "no-cache")
        self.clear_header("Expires")


class OwnStatic(BokehStatic):
    """Files of our own, under the folder of their version."""

    def parse_url_path(self, url_path: str) -> str:
        """Return the file's place below our folder."""
        return super().parse_url_path(url_path.partition("/")[2])

    def is_fixed(self) -> bool:
        """Say whether the folder is the version that is being served."""
        return f"/{static_version()}/" in self.request.path


class Joined:
    """Scripts and style sheets joined of our own files, each made once for everybody."""

    def __init__(self, folder: Path) -> None:
        """Join files of `folder`."""
        self._bundles = Bundles(folder)
        self.text = functools.lru_cache(MAX_JOINED)(self._text)
        self.packed = functools.lru_cache(MAX_JOINED)(self._packed)

    def _text(self, kind: str, name: str) -> bytes:
        """Return what one address sends: kind "page", "part" or "css", file name as there.

        Raises:
            NotFoundError: It names a file that we do not have.
        """
        *names, ending = name.split(".")
        files = [f"{one}.{ending}" for one in names]
        if (kind == "css") != (ending == "css") or not names:
            raise NotFoundError(f"{name} is none of gpuboard's own files")
        if kind == "page":
            return self._bundles.page(files).encode()
        if kind == "part":
            return self._bundles.part(files[0]).encode()
        return self._bundles.sheet(files).encode()

    def _packed(self, kind: str, name: str) -> bytes:
        return gzip.compress(self._text(kind, name), compresslevel=6, mtime=0)


class JoinedStatic(QuietErrors):
    """What is joined of files of our own, under the folder of their version."""

    def initialize(self, joined: Joined) -> None:
        """Take what joins them."""
        self.joined = joined

    async def get(self, version: str, kind: str, name: str) -> None:
        """Send a joined file, packed to those who take it so."""
        takes_gzip = "gzip" in self.request.headers.get("Accept-Encoding", "")
        make = self.joined.packed if takes_gzip else self.joined.text
        loop = asyncio.get_running_loop()
        body = await loop.run_in_executor(None, make, kind, name)
        self.set_header("Content-Type", _TYPES[Path(name).suffix])
        self.set_header("Cache-Control", KEPT if version == static_version() else "no-cache")
        self.set_header("Vary", "Accept-Encoding")
        if takes_gzip:
            self.set_header("Content-Encoding", "gzip")
        self.write(body)
