"""Strings from logs: nothing hidden in them, and one door to Bokeh's text widgets."""

from __future__ import annotations

import ast
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import gpuboard
from gpuboard.serve.text import plain, text_block

PACKAGE = Path(gpuboard.__file__).parent
FOLDERS = (PACKAGE / "serve", PACKAGE.parent / "apps")
SOURCES = sorted(path for folder in FOLDERS for path in folder.rglob("*.py"))
FORBIDDEN_NAMES = {"Div", "Paragraph", "MultiChoice", "HTMLTemplateFormatter", "CustomJS", "HTML"}


@given(st.text(), st.integers(1, 300))
def test_no_mark_is_hidden_and_no_text_too_long(text, limit):
    shown = plain(text, limit)

    assert len(shown) <= limit
    hidden = [c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp")]
    assert set(hidden) <= {"\n", "\t"}


@given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"]), max_size=200))
def test_plain_text_is_left_alone(text):
    assert plain(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("loss\u202egnp.exe", "loss<U+202E>gnp.exe"),
        ("a\x00b\x1b[31m", "a<U+0000>b<U+001B>[31m"),
        ("zero\u200bwidth", "zero<U+200B>width"),
        ("\udcff", "<U+DCFF>"),
        ("loss/träin·∂", "loss/träin·∂"),
    ],
)
def test_marks_that_mislead_are_written_out(text, shown):
    assert plain(text) == shown


def test_a_cut_is_shown():
    assert plain("x" * 201) == "x" * 199 + "…"
    assert plain("x" * 200) == "x" * 200
    assert plain("\u202e" * 100, 20) == "<U+202E><U+202E><U+…"


def test_a_limit_of_nothing_is_an_error():
    with pytest.raises(ValueError, match="limit is 0"):
        plain("a", 0)


def test_a_text_block_is_told_to_show_text():
    block = text_block("<b>x</b> $$y$$")

    assert (block.render_as_text, block.disable_math) == (True, True)
    assert block.text == "<b>x</b> $$y$$"


def calls_of(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield (
                node,
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", ""),
            )


def faults_of(source):
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom | ast.Import):
            for alias in node.names:
                if alias.name in FORBIDDEN_NAMES:
                    yield f"line {node.lineno}: import of {alias.name}"
        text = node.value if isinstance(node, ast.Constant) else None
        if isinstance(text, str) and "{safe}" in text and text != "{safe}":  # a check is allowed
            yield f"line {node.lineno}: {{safe}}"
    for node, name in calls_of(tree):
        if name in FORBIDDEN_NAMES or name.startswith("CustomJS"):
            yield f"line {node.lineno}: {name}("
        is_computed = name in ("getattr", "setattr") and not isinstance(node.args[1], ast.Constant)
        if is_computed and not is_data_room(tree):
            yield f"line {node.lineno}: {name} with a name that is computed"
        if name in ("eval", "exec", "js_on_change", "js_on_event", "js_link"):
            yield f"line {node.lineno}: {name}("


def is_data_room(tree):
    """Tell whether a file imports nothing that could hold or make a Bokeh model."""
    imported = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            imported.add(node.module or "")
        elif isinstance(node, ast.Import):
            imported.update(alias.name for alias in node.names)
    makers = ("bokeh", "gpuboard.serve.figures", "gpuboard.serve.models", "gpuboard.serve.page")
    return bool(imported) and not any(name.startswith(makers) for name in imported)


def is_the_door(path):
    return path.name == "text.py" and path.parent.name == "serve"


@pytest.mark.parametrize("path", [p for p in SOURCES if not is_the_door(p)], ids=lambda p: p.stem)
def test_no_other_file_uses_what_can_run_markup(path):
    assert list(faults_of(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "Div(text='x')",
        "bokeh.models.Paragraph(text='x')",
        "from bokeh.models import MultiChoice",
        "HoverTool(tooltips='@tag{safe}')",
        "f(HTMLTemplateFormatter())",
        "CustomJS(code='')",
        "getattr(resource, name)()",
    ],
)
def test_the_lint_sees_what_it_forbids(source):
    assert list(faults_of(source))
