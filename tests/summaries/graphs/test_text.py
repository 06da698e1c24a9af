import contextlib

import pytest
from google.protobuf import text_format
from hypothesis import given
from hypothesis import strategies as st

from gpuboard.errors import DataError
from gpuboard.summaries.graphs.text import decode_text
from tests.graph_maker import gpt


def test_text_is_read_as_protobuf_itself_reads_it():
    graph = gpt(2, 2)
    function = graph.library.function.add()
    function.signature.name = 'quoted "name"\n'
    function.ret["out"] = "a:b:0"

    assert decode_text(text_format.MessageToString(graph)) == graph


def test_names_of_dtypes_stand_for_their_numbers():
    text = 'node { name: "a" attr { key: "T" value { type: DT_BFLOAT16 } } }'

    assert decode_text(text).node[0].attr["T"].type == 14
    assert decode_text(text.replace("DT_BFLOAT16", "DT_FLOAT_REF")).node[0].attr["T"].type == 101


def test_fields_that_are_not_needed_are_passed_over():
    text = """
      # a comment
      node { name: 'a', op: "Add"; experimental_debug_info { original_node_names: "x" } }
      versions: < producer: 0x10 bad_consumers: [1, 2] >
      unknown_list: [3, 4] other { deep { deeper: -1.5e3 } }
    """

    graph = decode_text(text)

    assert [(node.name, node.op) for node in graph.node] == [("a", "Add")]
    assert graph.versions.producer == 16
    assert list(graph.versions.bad_consumers) == [1, 2]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("node { name: ", "in the middle of a field"),
        ("node { ", "inside 1 open messages"),
        ("} ", "expected the name of a field"),
        ("node { name: 3x", "inside|expected"),
        ("node { name: } }", "a value of name"),
        ('node { name: "\\xff" }', "a value of name"),
        ("versions { producer: many }", "a value of producer"),
        ("versions { producer: 99999999999 }", "a value of producer"),
        ("node §", "found '§'"),
        ("a { " * 100_000, "nested deeper than 64"),
    ],
)
def test_text_that_is_none_names_the_place(text, words):
    with pytest.raises(DataError, match=words):
        decode_text(text)


@given(st.text('node{}:,"<>[]attrkeyvalue 01\\\n', max_size=80))
def test_any_text_is_a_graph_or_an_error(text):
    with contextlib.suppress(DataError):
        decode_text(text)
