"""Check how tags are numbered, shown and described."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.eventlog import scan
from gpuboard.eventlog.tags import Description, TagNames
from tests import make


@given(st.lists(st.binary(max_size=4), max_size=30))
def test_numbers_count_up_in_order_of_appearance_and_never_change(names):
    tags = TagNames()

    numbers = [tags.intern(name) for name in names]

    order = list(dict.fromkeys(names))
    assert numbers == [order.index(name) for name in names]
    assert len(tags) == len(order)


@given(st.one_of(st.text(), st.text(alphabet=st.characters(categories=["Cs", "L"]))))
def test_a_tag_is_found_by_the_name_that_is_shown(name):
    tags = TagNames()
    tags.intern(b"another")

    number = tags.intern(name.encode("utf-8", "surrogatepass"))

    assert tags.find(tags.name(number)) == number


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        (b"\xff\xfeloss", "\\xff\\xfeloss"),
        (b"\xed\xa0\x80", "\\xed\\xa0\\x80"),
        (b"nul\0nul", "nul\0nul"),
        (b"", ""),
        ("größe/損失".encode(), "größe/損失"),
    ],
)
def test_bytes_that_are_no_text_stay_visible_as_escapes(raw, shown):
    tags = TagNames()

    number = tags.intern(raw)

    assert tags.name(number) == shown
    assert tags.find(shown) == number


def test_a_name_that_looks_like_an_escape_is_not_confused_with_the_bytes_it_stands_for():
    tags = TagNames()

    numbers = [tags.intern(b"\xff"), tags.intern(b"\\xff")]

    shown = [tags.name(number) for number in numbers]
    assert len(set(shown)) == 2
    assert [tags.find(name) for name in shown] == numbers


def test_an_unknown_name_has_no_number():
    tags = TagNames()
    tags.intern(b"loss")

    assert tags.find("los") is None
    assert tags.find("\udc80") is None


def test_threads_agree_on_the_numbers():
    tags = TagNames()
    names = [b"tag%d" % k for k in range(500)]

    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: [tags.intern(name) for name in names], range(8)))

    assert all(answer == answers[0] for answer in answers)
    assert sorted(answers[0]) == list(range(500))


def test_the_first_metadata_of_a_tag_counts():
    tags = TagNames()
    number = tags.intern(b"loss")
    first = make.metadata("scalars", content=b"1", display_name="Loss", summary_description="a")

    assert tags.describe(number, first)
    assert tags.describe(number, make.metadata("images", display_name="Other"))

    assert tags.description(number) == Description("scalars", "Loss", "a", b"1")


def test_bytes_that_are_no_metadata_are_refused():
    tags = TagNames()
    number = tags.intern(b"loss")

    assert not tags.describe(number, b"\xff\xff")

    assert tags.description(number) == Description()


@pytest.mark.parametrize(
    ("plugin", "value_kind", "kind"),
    [
        ("", scan.HISTOGRAM, "histogram"),
        ("", scan.IMAGE, "image"),
        ("", scan.AUDIO, "audio"),
        ("", scan.TENSOR, "tensor"),
        ("", scan.GRAPH, "graph"),
        ("", scan.NOTHING, "unknown"),
        ("images", scan.TENSOR, "image"),
        ("text", scan.TENSOR, "text"),
        ("hparams", scan.NOTHING, "hparams"),
        ("mesh", scan.TENSOR, "mesh"),
        ("someones_own", scan.TENSOR, "someones_own"),
        ("scalars", scan.TENSOR, "tensor"),
        ("scalars", scan.NOTHING, "unknown"),
    ],
)
def test_heavy_values_are_named_by_their_plugin_or_else_by_what_they_are(plugin, value_kind, kind):
    tags = TagNames()
    number = tags.intern(b"t")
    if plugin:
        tags.describe(number, make.metadata(plugin))

    assert tags.kind(number, value_kind) == kind
