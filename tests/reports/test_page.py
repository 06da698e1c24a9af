"""The page that stands for itself: it loads nothing, runs nothing, and escapes every name."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser

import pytest

from gpuboard.reports.document import (
    Bar,
    Column,
    Curve,
    Drawing,
    Judgement,
    Mark,
    Note,
    Part,
    Point,
    Report,
    Role,
    Scatter,
    Section,
    Split,
    Stack,
    Table,
    Verdict,
)
from gpuboard.reports.page import page
from tests.profiler.real import real
from tests.reports.traces import profile, write

EVIL = "</title></style><script>alert(1)</script><img src=x onerror=alert(1)>\"'&\x1b[31m"
VOID = {"meta", "img", "br", "link", "input"}


class Elements(HTMLParser):
    """Collect elements, and whether each that was opened was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.open: list[str] = []
        self.data = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.names.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.data += data


def everything(text: str) -> Report:
    blocks = (
        Verdict((Judgement(text, 0.5, 0.2, text, text, ((text, text),), Role.INPUT),)),
        Split(text, (Part(text, text, 1.0, Role.COMPUTE, text),)),
        Table(
            (Column(text, "name"), Column(text, "bar"), Column(text, "bar"), Column("", "prose")),
            ((text * 20, Bar(0.5, text), Stack(((0.5, Role.COMM),)), text),),
            more=3,
        ),
        Note(text, is_warning=True),
        Curve(text, ((0.0, 1.0), (0.5, 4.0)), "bytes", text, text, ceiling=8.0),
        Drawing(text, ((text, 1),), (Mark(0.1, 0.8, 0, text, text, Role.HOST),), (0.2, 0.4), text),
        Scatter((Point(1.0, 1e12, 0.5, text, text, is_matrix=True),), ((text, 1e14),), 1e12),
    )
    return Report(text, text, (Section(text, blocks),))


@pytest.fixture(scope="module")
def of_everything():
    return page([everything(EVIL)])


def test_every_name_is_text_wherever_it_stands(of_everything):
    found = Elements(of_everything)

    assert not {"script", "img", "iframe", "link", "object"} & set(found.names)
    assert not found.open
    assert "\x1b" not in of_everything
    assert "<script>alert(1)</script>" in found.data


def test_nothing_runs_and_nothing_is_loaded(of_everything):
    found = Elements(of_everything)

    names = {name for name, _ in found.attributes}
    assert not {"src", "srcset", "style", "action", "xlink:href"} & names
    assert not [name for name in names if name.startswith("on")]
    links = [value for name, value in found.attributes if name == "href"]
    assert all(str(link).startswith("#") for link in links)
    assert "url(" not in of_everything
    assert "@import" not in of_everything


def test_the_policy_allows_this_style_sheet_alone(of_everything):
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', of_everything)[1]
    style = re.search(r"<style>(.*?)</style>", of_everything, re.DOTALL)[1]

    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert policy.split("; ")[:2] == ["default-src 'none'", f"style-src 'sha256-{digest}'"]


def test_both_themes_and_paper_are_thought_of(of_everything):
    assert "prefers-color-scheme: dark" in of_everything
    assert "@media print" in of_everything
    used = set(re.findall(r"var\(--([\w-]+)\)", of_everything))
    for sheet in re.findall(r":root \{([^}]*)\}", of_everything):
        assert used <= set(re.findall(r"--([\w-]+):", sheet))


def test_every_colour_of_a_role_has_a_rule(of_everything):
    for role in Role:
        assert f".r-{role} " in of_everything


def test_links_lead_to_places_of_the_page():
    text = page([everything("a"), everything("b")])

    targets = re.findall(r'href="#([^"]+)"', text)
    assert len(targets) == 4
    assert all(f'id="{target}"' in text for target in targets)


def test_a_share_is_drawn_as_long_as_it_is():
    table = Table((Column("", "bar"),), ((Bar(0.25),), (Stack(((0.5, Role.COMM),), 0.5),)))

    text = page([Report("t", "", (Section("s", (table,)),))])

    assert '<rect class="r-plain" width="25.00" height="8"/>' in text
    assert '<rect class="r-comm" x="0.00" width="250.00" height="10">' in text


def test_a_real_trace_gives_a_page_with_all_drawings(tmp_path):
    out = tmp_path / "page.html"
    file = real("tracelens/h100/Falconsai_nsfw_image_detection__1016002.json.gz")

    profile(file, html=out)

    text = out.read_text()
    found = Elements(text)
    assert not found.open
    for caption in (
        "longest such pause",
        "Allocated on device 0",
        "Operators by what they compute",
    ):
        assert caption in text
    assert len(text) < 400_000


def test_a_page_of_a_hostile_trace_is_as_safe_as_any(tmp_path):
    from tests.reports.traces import events

    file = write(tmp_path / "a.json", events(kernel=f"gemm{EVIL}", operator=f"aten{EVIL}"))
    out = tmp_path / "page.html"

    profile(file, html=out)

    assert "script" not in Elements(out.read_text()).names
