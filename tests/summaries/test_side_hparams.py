import math

import pytest
import yaml

from gpuboard import limits
from gpuboard.errors import DataError
from gpuboard.summaries.side_hparams import MAX_DEPTH, read_json, read_yaml

LIGHTNING = b"""
lr: 0.001
optimizer:
  name: adam
  betas: [0.9, 0.999]
blocks:
- {width: 32}
- {width: 64}
amp: true
scheduler: null
"""


def test_nested_values_are_named_by_their_path():
    assert read_yaml(LIGHTNING) == {
        "lr": 0.001,
        "optimizer.name": "adam",
        "optimizer.betas": "[0.9, 0.999]",
        "blocks.0.width": 32.0,
        "blocks.1.width": 64.0,
        "amp": True,
    }


@pytest.mark.parametrize(
    "text",
    ["1", "010", "0x1F", "1_000", "1.5", "1.0e-05", "1e-3", ".inf", "yes", "Off", "text", "'1'",
     "'yes'", "2020-01-02", "190:20:30", "~x", '"a\\tb"'],
)  # fmt: skip
def test_plain_scalars_mean_what_safe_load_says(text):
    (found,) = read_yaml(f"a: {text}".encode()).values()

    meant = yaml.safe_load(f"a: {text}")["a"]
    expected = (
        meant
        if isinstance(meant, bool | str)
        else (meant.isoformat() if hasattr(meant, "isoformat") else float(meant))
    )
    assert (type(found), found) == (type(expected), expected)


def test_a_tag_of_python_makes_no_object_and_its_text_is_kept(tmp_path):
    mark = tmp_path / "mark"
    text = (
        f"a: !!python/object/apply:os.system ['touch {mark}']\nb: !mine 5\nc: !!python/name:os.x ''"
    )

    found = read_yaml(text.encode())

    assert found == {"a": f"[touch {mark}]", "b": "5", "c": ""}
    assert not mark.exists()


def test_merge_keys_are_followed_and_own_keys_win():
    found = read_yaml(
        b"base: &b {x: 1, y: 2}\nmine: {y: 3, <<: *b}\nlist: {<<: [*b, {y: 9, z: 4}]}"
    )

    meant = yaml.safe_load(
        "base: &b {x: 1, y: 2}\nmine: {y: 3, <<: *b}\nlist: {<<: [*b, {y: 9, z: 4}]}"
    )
    assert found == {
        f"{name}.{key}": float(value)
        for name, inner in meant.items()
        for key, value in inner.items()
    }


def bomb(start, link):
    lines = [f"a0: &a0 {start}"]
    lines += [f"a{i}: &a{i} {link(', '.join([f'*a{i - 1}'] * 9))}" for i in range(1, 40)]
    return "\n".join(lines).encode()


@pytest.mark.parametrize(
    "content",
    [
        bomb("[1, 2]", "[{}]".format),
        bomb("{x: 1}", lambda links: f"[{links}]"),
        b"&a [*a, *a]",
        b"a: &a {b: *a, c: *a}",
        b"[" * 100_000,
        b"a: " + b"{a: " * 50_000,
        b"\n".join(b"k%d: 1" % i for i in range(limits.MAX_SIDE_HPARAMS.value + 1)),
        b"a: [1",
        b"a: !!int x",
        b"- 1",
        b"just text",
        b"a: \xff",
        b"a: \x00",
    ],
)
def test_bombs_and_broken_files_are_refused(content):
    with pytest.raises(DataError):
        read_yaml(content)


def test_a_merge_bomb_ends_quickly():
    content = bomb("{x: 1}", lambda links: "{<<: [" + links + "], k: 1}")

    assert len(read_yaml(content)) == 1 + 2 * 39


def test_only_the_first_document_counts_and_an_empty_one_holds_nothing():
    assert read_yaml(b"a: 1\n---\nb: 2\n") == {"a": 1.0}
    assert read_yaml(b"") == read_yaml(b"# nothing\n") == {}


def test_a_key_of_aliases_is_not_written_out():
    assert read_yaml(b"? [x, y]\n: 3\n1.5: 2\n") == {"?": 3.0, "1.5": 2.0}


def test_long_texts_are_cut_and_large_integers_stay_exact():
    found = read_yaml(b"long: " + b"x" * 5000 + b"\nbig: 18446744073709551615\n")

    assert len(found["long"]) == limits.MAX_HPARAM_CHARACTERS.value
    assert found["big"] == "18446744073709551615"


def test_json_is_read_alike():
    found = read_json(b'{"a": {"b": [1, 2.5, null], "c": [[1], {"d": false}]}, "n": NaN, "e": ""}')

    assert math.isnan(found.pop("n"))
    assert found == {"a.b": "[1, 2.5, null]", "a.c.0": "[1]", "a.c.1.d": False, "e": ""}


def test_a_lone_surrogate_can_be_sent():
    found = read_json(b'{"a\\ud800": "\\udfff"}')

    assert [text.encode() for pair in found.items() for text in pair]


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[1]",
        b'{"a": 1',
        b"[" * 200_000,
        b'{"a": ' + b"9" * 5000 + b"}",
        b'{"a": ' * (MAX_DEPTH + 2) + b"1" + b"}" * (MAX_DEPTH + 2),
        b"\xff\xfe\xfd",
    ],
)
def test_json_that_is_broken_or_too_deep_is_refused(content):
    with pytest.raises(DataError):
        read_json(content)
