"""Serve the project's own scripts and styles, and BokehJS, for long caching and under the guard."""

from __future__ import annotations

import functools
import gzip
import hashlib
import re
from pathlib import Path

from tornado.web import StaticFileHandler

from gpuboard.serve.headers import QuietErrors

STATIC = Path(__file__).parent / "static"
YEAR_S = 365 * 24 * 3600

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
    """Return a hash over all files of our own, taken once per start."""
    digest = hashlib.sha256()
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


@functools.cache
def modules_of(name: str) -> tuple[str, ...]:
    """Return a module of ours and all that it imports, directly or not.

    A page names them all in advance: a browser that finds imports one level at a time pays a
    round trip for each.
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
        keep = f"private, max-age={YEAR_S}, immutable" if self.is_fixed() else "no-cache"
        self.set_header("Cache-Control", keep)
        self.clear_header("Expires")


class OwnStatic(BokehStatic):
    """Files of our own, under the folder of their version."""

    def parse_url_path(self, url_path: str) -> str:
        """Return the file's place below our folder."""
        return super().parse_url_path(url_path.partition("/")[2])

    def is_fixed(self) -> bool:
        """Say whether the folder is the version that is being served."""
        return f"/{static_version()}/" in self.request.path
