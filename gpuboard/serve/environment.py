"""Load templates that escape by default and carry a nonce in every script tag of their own."""

from __future__ import annotations

import functools
import re
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, Template
from jinja2.ext import Extension

TEMPLATES = Path(__file__).parent / "templates"

_SCRIPT_TAG = re.compile(r"<script(?=[\s>])")


def with_nonce(markup: str, nonce: str) -> str:
    """Return trusted `markup` with the nonce in each of its script tags."""
    return _SCRIPT_TAG.sub(f'<script nonce="{nonce}"', markup)


def template(name: str) -> Template:
    """Return a template by its file name.

    The nonce goes into the template's source, before any value is filled in: a script tag that
    came in by a value would not have it.
    """
    return _environment().get_template(name)


class _Nonces(Extension):
    """Write the nonce into each script tag of a template."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Return the source with `nonce` in its script tags."""
        del name, filename
        return with_nonce(source, "{{ nonce }}")


@functools.cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        extensions=[_Nonces],
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
