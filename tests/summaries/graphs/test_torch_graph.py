import pytest

from gpuboard.summaries.graphs import graph as model
from gpuboard.summaries.graphs import graph_def
from tests.graph_maker import AttrValue, Maker, shape


def traced():
    """Return a linear layer and a batch norm as PyTorch traces them."""
    m = Maker()

    def op(name, kind, *inputs, sizes=None, value=None):
        m.op(name, kind, *inputs)
        node = m.graph.node[-1]
        node.attr["attr"].s = b"{}" if value is None else b"{ value : %d}" % value
        if sizes is not None:
            shapes = AttrValue.ListValue(shape=[shape(sizes)])
            node.attr["_output_shapes"].CopyFrom(AttrValue(list=shapes))

    op("input/x", "IO Node", sizes=(8, 3))
    op("Net/Linear[a]/1", "prim::Constant", value=4)
    op("Net/Linear[a]/2", "prim::ListConstruct", "Net/Linear[a]/1")
    op("Net/Linear[a]/weight/w", "prim::GetAttr", "Net/gone")
    op("Net/Linear[a]/bias/b", "prim::GetAttr", "Net/gone")
    linear = ("input/x", "Net/Linear[a]/weight/w", "Net/Linear[a]/bias/b")
    op("Net/Linear[a]/y", "aten::linear", *linear, sizes=(8, 4))
    op("Net/Norm[n]/weight/g", "prim::GetAttr", "Net/gone")
    norm = ("Net/Linear[a]/y", "Net/Linear[a]/2", "Net/Norm[n]/weight/g", "Net/Norm[n]/weight/g")
    op("Net/Norm[n]/z", "aten::layer_norm", *norm, sizes=(8, 4))
    op("output/o", "IO Node", "Net/Norm[n]/z", sizes=(8, 4))
    return graph_def.from_message(m.graph)


def column(graph, values):
    return dict(zip(graph.names, values.tolist(), strict=True))


def test_parameters_constants_and_ends_are_told_apart():
    graph = traced()

    kinds = {name: model.KIND_NAMES[kind] for name, kind in column(graph, graph.kind).items()}

    assert graph.source == "torch"
    assert kinds["input/x"] == "input"
    assert kinds["output/o"] == "output"
    assert kinds["Net/Linear[a]/1"] == kinds["Net/Linear[a]/2"] == "constant"
    assert kinds["Net/Linear[a]/weight/w"] == "parameter"
    assert kinds["Net/Linear[a]/y"] == "operation"


def test_shapes_of_parameters_follow_from_what_is_around_them():
    found = column(traced(), traced().parameters)

    assert found["Net/Linear[a]/weight/w"] == 3 * 4
    assert found["Net/Linear[a]/bias/b"] == 4
    assert found["Net/Norm[n]/weight/g"] == 4


def test_modules_that_are_no_nodes_are_not_reported_as_missing():
    assert traced().notes == ()


@pytest.mark.torch
@pytest.mark.filterwarnings("ignore:.*torch.jit.trace.*:DeprecationWarning")
def test_the_graph_of_a_real_model_is_read(tmp_path):
    torch = pytest.importorskip("torch")
    tensorboard = pytest.importorskip("torch.utils.tensorboard")
    net = torch.nn.Sequential(torch.nn.Linear(5, 7), torch.nn.ReLU(), torch.nn.Linear(7, 2))
    with tensorboard.SummaryWriter(tmp_path) as writer:
        writer.add_graph(net, torch.zeros(3, 5))
    (path,) = tmp_path.iterdir()
    from gpuboard.store.store import Store
    from gpuboard.store.values import read

    store = Store(path.parent)
    store.refresh()
    graph = graph_def.decode(read(store.values(0, "__run_graph__"), 0))

    assert graph.source == "torch"
    assert graph.parameters.sum() == 5 * 7 + 7 + 7 * 2 + 2
