"""The Scalars page as a document: no browser needed."""

from __future__ import annotations

from types import SimpleNamespace

from bokeh.document import Document
from gpuboard.apps import scalars

from gpuboard.serve.models.es_module import EsModule
from gpuboard.serve.page import Page
from gpuboard.serve.sessions import Sessions
from gpuboard.serve.static_files import STATIC


def a_page(state=None) -> Page:
    context = SimpleNamespace(sessions=Sessions())
    return Page(Document(), context, scalars.PAGE, state or {})


def test_the_page_is_one_module_that_asks_the_data_routes_itself():
    page = a_page()

    scalars.build(page)

    page.doc.validate()
    (module,) = page.doc.roots
    assert isinstance(module, EsModule)
    assert module.module.endswith("/scalars.js")
    assert module.state == {}


def test_every_file_that_the_module_imports_is_there():
    seen, waiting = set(), ["scalars.js"]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen.add(name)
        text = (STATIC / name).read_text()
        waiting += [
            line.split('"./')[1].split('"')[0]
            for line in text.splitlines()
            if line.startswith(("import", "}")) and 'from "./' in line
        ]

    assert {"chart.js", "card_grid.js", "curves.js", "state.js", "runs.js"} <= seen


def test_the_page_is_lit_by_scalars_and_says_what_would_light_it():
    assert scalars.PAGE.needs == ("scalar",)
    assert "add_scalar" in scalars.PAGE.why


def test_a_document_with_a_hostile_address_is_the_same_document():
    page = a_page({"open": "<img src=x onerror=alert(1)>", "x": "no such axis"})

    scalars.build(page)

    assert "onerror" not in str(page.doc.to_json())
