import pytest
from google.protobuf import text_format

from gpuboard.errors import DataError, InputError
from gpuboard.eventlog.proto.graph_pb2 import MetaGraphDef, SavedModel
from gpuboard.summaries.graphs import file as graph_file
from tests.graph_maker import gpt, onnx_bytes

GRAPH = gpt(1, 1)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.pb", GRAPH.SerializeToString()),
        ("a.pbtxt", text_format.MessageToString(GRAPH).encode()),
        (
            "saved_model.pb",
            SavedModel(
                saved_model_schema_version=1, meta_graphs=[MetaGraphDef(graph_def=GRAPH)]
            ).SerializeToString(),
        ),
    ],
)
def test_a_graph_is_the_same_in_every_kind_of_file(name, data):
    assert len(graph_file.decode(name, data)) == len(GRAPH.node)


def test_an_onnx_file_is_read_by_its_ending():
    assert graph_file.decode("model.ONNX", onnx_bytes()).source == "onnx"


def test_another_ending_is_refused_with_those_that_are_known():
    with pytest.raises(InputError, match=r"\.onnx, \.pb or \.pbtxt"):
        graph_file.decode("model.zip", b"")


@pytest.mark.parametrize(
    ("name", "data"),
    [("a.pbtxt", b"\xff\xfe"), ("a.pb", b""), ("a.pb", b"\x08\x01"), ("a.onnx", b"")],
)
def test_a_file_that_is_not_what_its_ending_says_is_an_error(name, data):
    with pytest.raises(DataError):
        graph_file.decode(name, data)
