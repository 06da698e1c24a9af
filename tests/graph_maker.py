"""Write runs with graphs of every kind: what the page, its routes and its tests are tried on."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from gpuboard.eventlog.proto.event_pb2 import (
    Event,
    Summary,
    SummaryMetadata,
    TensorProto,
    TensorShapeProto,
)
from gpuboard.eventlog.proto.graph_pb2 import (
    AllocatorMemoryUsed,
    AttrValue,
    DeviceStepStats,
    GraphDef,
    NodeExecStats,
    RunMetadata,
    StepStats,
)
from gpuboard.eventlog.proto.onnx_pb2 import ModelProto
from gpuboard.store.store import Store
from tests import make

FLOAT = 1
GPU = "/device:GPU:0"
CPU = "/device:CPU:0"


def shape(sizes: Sequence[int]) -> TensorShapeProto:
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=size) for size in sizes])


class Maker:
    """Adds nodes to a GraphDef, as a program that builds a model does."""

    def __init__(self) -> None:
        self.graph = GraphDef()

    def op(
        self,
        name: str,
        op: str,
        *inputs: str,
        sizes: Sequence[int] | None = None,
        device: str = "",
        **attributes: AttrValue,
    ) -> str:
        node = self.graph.node.add(name=name, op=op, device=device)
        node.input.extend(inputs)
        if sizes is not None:
            shapes = AttrValue.ListValue(shape=[shape(sizes)])
            node.attr["_output_shapes"].CopyFrom(AttrValue(list=shapes))
            node.attr["T"].CopyFrom(AttrValue(type=FLOAT))
        for key, value in attributes.items():
            node.attr[key].CopyFrom(value)
        return name

    def variable(self, name: str, sizes: Sequence[int], device: str = "") -> str:
        about = {"dtype": AttrValue(type=FLOAT), "shape": AttrValue(shape=shape(sizes))}
        return self.op(name, "VarHandleOp", device=device, **about)

    def constant(self, name: str, sizes: Sequence[int] = ()) -> str:
        tensor = TensorProto(dtype=FLOAT, tensor_shape=shape(sizes), float_val=[0.5])
        about = {"dtype": AttrValue(type=FLOAT), "value": AttrValue(tensor=tensor)}
        return self.op(name, "Const", **about)

    def dense(self, scope: str, source: str, inner: int, outer: int, rows: Sequence[int]) -> str:
        kernel = self.variable(f"{scope}/kernel", (inner, outer), GPU)
        bias = self.variable(f"{scope}/bias", (outer,), GPU)
        product = self.op(
            f"{scope}/MatMul", "MatMul", source, kernel, sizes=(*rows, outer), device=GPU
        )
        return self.op(
            f"{scope}/BiasAdd", "BiasAdd", product, bias, sizes=(*rows, outer), device=GPU
        )


def gpt(layers: int = 12, heads: int = 4, width: int = 768) -> GraphDef:
    """Return a transformer: 48 layers of 12 heads are about 5,000 nodes."""
    m = Maker()
    rows = (8, 128)
    part = width // heads
    x = m.op("input/tokens", "Placeholder", sizes=rows, device=CPU)
    table = m.variable("embed/table", (50257, width), CPU)
    x = m.op("embed/Gather", "GatherV2", table, x, sizes=(*rows, width), device=CPU)
    mask = m.op("mask/causal", "MatrixBandPart", sizes=(128, 128), device=CPU)

    def norm(scope: str, source: str) -> str:
        gamma, beta = (m.variable(f"{scope}/{one}", (width,), GPU) for one in ("gamma", "beta"))
        epsilon = m.constant(f"{scope}/epsilon")
        mean = m.op(f"{scope}/Mean", "Mean", source, sizes=(*rows, 1), device=GPU)
        away = m.op(f"{scope}/Sub", "Sub", source, mean, sizes=(*rows, width), device=GPU)
        square = m.op(f"{scope}/Square", "Square", away, sizes=(*rows, width), device=GPU)
        spread = m.op(f"{scope}/Var", "Mean", square, sizes=(*rows, 1), device=GPU)
        scale = m.op(f"{scope}/Rsqrt", "Rsqrt", spread, epsilon, sizes=(*rows, 1), device=GPU)
        out = m.op(f"{scope}/Mul", "Mul", away, scale, gamma, sizes=(*rows, width), device=GPU)
        return m.op(f"{scope}/Add", "AddV2", out, beta, sizes=(*rows, width), device=GPU)

    for layer in range(layers):
        p = f"decoder/layer_{layer}"
        h = norm(f"{p}/ln_1", x)
        q, k, v = (m.dense(f"{p}/attention/{one}", h, width, width, rows) for one in "qkv")
        found = []
        for head in range(heads):
            s = f"{p}/attention/head_{head}"
            grid = (8, 128, 128)
            score = m.op(f"{s}/QK", "BatchMatMulV2", q, k, sizes=grid, device=GPU)
            score = m.op(
                f"{s}/Scale", "Mul", score, m.constant(f"{s}/factor"), sizes=grid, device=GPU
            )
            score = m.op(f"{s}/Mask", "AddV2", score, mask, sizes=grid, device=GPU)
            score = m.op(f"{s}/Softmax", "Softmax", score, sizes=grid, device=GPU)
            found.append(
                m.op(f"{s}/AV", "BatchMatMulV2", score, v, sizes=(*rows, part), device=GPU)
            )
        y = m.op(f"{p}/attention/Concat", "ConcatV2", *found, sizes=(*rows, width), device=GPU)
        y = m.dense(f"{p}/attention/out", y, width, width, rows)
        x = m.op(f"{p}/residual_1", "AddV2", x, y, sizes=(*rows, width), device=GPU)
        h = norm(f"{p}/ln_2", x)
        y = m.dense(f"{p}/mlp/up", h, width, 4 * width, rows)
        y = m.op(f"{p}/mlp/Gelu", "Gelu", y, sizes=(*rows, 4 * width), device=GPU)
        y = m.dense(f"{p}/mlp/down", y, 4 * width, width, rows)
        x = m.op(f"{p}/residual_2", "AddV2", x, y, sizes=(*rows, width), device=GPU)
    x = norm("final_norm", x)
    x = m.op("head/logits", "MatMul", x, table, sizes=(*rows, 50257), device=GPU)
    loss = m.op(
        "loss/cross_entropy", "SparseSoftmaxCrossEntropyWithLogits", x, sizes=(), device=GPU
    )
    m.op("loss/summary", "ScalarSummary", loss)
    return m.graph


def run_metadata(graph: GraphDef) -> RunMetadata:
    """Return made-up costs of every operation that is no variable."""
    rows: dict[str, list[NodeExecStats]] = {GPU: [], CPU: []}
    for number, node in enumerate(graph.node):
        if node.op in ("VarHandleOp", "Const"):
            continue
        weight = {"MatMul": 40, "BatchMatMulV2": 25, "Softmax": 9}.get(node.op, 3)
        rows[node.device or CPU].append(
            NodeExecStats(
                node_name=node.name,
                all_start_micros=1_700_000_000_000_000 + 50 * number,
                all_end_rel_micros=weight + number % 3,
                memory=[AllocatorMemoryUsed(total_bytes=4096 * weight)],
            )
        )
    stats = [DeviceStepStats(device=name, node_stats=found) for name, found in rows.items()]
    return RunMetadata(step_stats=StepStats(dev_stats=stats))


def keras_json() -> str:
    """Return what `to_json()` of Keras 2 gives for a functional model with one nested in it."""

    def layer(name: str, kind: str, sources: Iterable[str], **config: object) -> dict[str, object]:
        inbound = [[[source, 0, 0, {}] for source in sources]] if sources else []
        return {
            "class_name": kind,
            "name": name,
            "config": {"name": name, "dtype": "float32", **config},
            "inbound_nodes": inbound,
        }

    encoder = {
        "class_name": "Functional",
        "name": "encoder",
        "config": {
            "name": "encoder",
            "layers": [
                layer("pixels", "InputLayer", [], batch_input_shape=[None, 28, 28, 1]),
                layer("conv", "Conv2D", ["pixels"], filters=16, kernel_size=[3, 3], strides=[1, 1],
                      padding="same"),
                layer("pool", "MaxPooling2D", ["conv"], pool_size=[2, 2], strides=[2, 2]),
                layer("flatten", "Flatten", ["pool"]),
            ],
            "input_layers": [["pixels", 0, 0]],
            "output_layers": [["flatten", 0, 0]],
        },
        "inbound_nodes": [[["image", 0, 0, {}]]],
    }  # fmt: skip
    config = {
        "name": "classifier",
        "layers": [
            layer("image", "InputLayer", [], batch_input_shape=[None, 28, 28, 1]),
            layer("age", "InputLayer", [], batch_input_shape=[None, 8]),
            encoder,
            layer("both", "Concatenate", ["encoder", "age"]),
            layer("hidden", "Dense", ["encoder"], units=64, activation="relu"),
            layer("drop", "Dropout", ["hidden"], rate=0.2),
            layer("logits", "Dense", ["drop"], units=10),
        ],
        "input_layers": [["image", 0, 0], ["age", 0, 0]],
        "output_layers": [["logits", 0, 0], ["both", 0, 0]],
    }
    return json.dumps({"class_name": "Functional", "config": config, "keras_version": "2.15.0"})


def onnx_bytes() -> bytes:
    """Return a small ONNX model: two convolutions, a pool, a classifier."""
    model = ModelProto(ir_version=9, producer_name="by hand")
    graph = model.graph
    graph.name = "tiny"

    def value(holder: object, name: str, sizes: Sequence[int | str]) -> None:
        info = holder.add(name=name)  # type: ignore[attr-defined]
        info.type.tensor_type.elem_type = 1
        for size in sizes:
            dim = info.type.tensor_type.shape.dim.add()
            if isinstance(size, str):
                dim.dim_param = size
            else:
                dim.dim_value = size

    def weight(name: str, *sizes: int) -> None:
        graph.initializer.add(name=name, dims=sizes, data_type=1)

    value(graph.input, "x", ("batch", 3, 32, 32))
    for name, sizes in (
        ("w1", (16, 3, 3, 3)),
        ("b1", (16,)),
        ("w2", (32, 16, 3, 3)),
        ("wc", (10, 32)),
    ):
        weight(name, *sizes)
    rows = (
        ("/features/conv_1/Conv", "Conv", ("x", "w1", "b1"), "c1", ("batch", 16, 32, 32)),
        ("/features/relu_1/Relu", "Relu", ("c1",), "r1", ("batch", 16, 32, 32)),
        ("/features/conv_2/Conv", "Conv", ("r1", "w2"), "c2", ("batch", 32, 32, 32)),
        ("/features/relu_2/Relu", "Relu", ("c2",), "r2", ("batch", 32, 32, 32)),
        ("/pool/GlobalAveragePool", "GlobalAveragePool", ("r2",), "p", ("batch", 32, 1, 1)),
        ("/head/Flatten", "Flatten", ("p",), "f", ("batch", 32)),
        ("/head/Gemm", "Gemm", ("f", "wc"), "y", ("batch", 10)),
    )
    for name, op, inputs, out, sizes in rows:
        node = graph.node.add(name=name, op_type=op, output=[out])
        node.input.extend(inputs)
        if op == "Conv":
            node.attribute.add(name="kernel_shape", ints=[3, 3], type=7)
        value(graph.output if out == "y" else graph.value_info, out, sizes)
    return model.SerializeToString()


def string_value(tag: str, content: bytes, plugin: str) -> bytes:
    """Return an event with a tensor of one string, as TensorFlow 2 logs models and traces."""
    about = SummaryMetadata(
        plugin_data=SummaryMetadata.PluginData(plugin_name=plugin, content=b"1")
    )
    tensor = TensorProto(dtype=7, string_val=[content])
    value = Summary.Value(tag=tag, tensor=tensor, metadata=about)
    return Event(wall_time=1.7e9, summary=Summary(value=[value])).SerializeToString()


def debugger_value(node: str, nans: int, infinities: int) -> bytes:
    """Return an event as TensorFlow's debugger logs it for output 0 of a node."""
    numbers = [1.0, 100.0, nans, 0.0, 0.0, 0.0, 100.0, infinities, 0.0, 0.0, 0.0, 0.0]
    tensor = make.tensor("float64", numbers, shape=(len(numbers),))
    about = make.metadata("debugger")
    return make.tensor_value(f"{node}:0:DebugNumericSummary", tensor, about=about)


def graph_runs(root: Path, layers: int = 12, heads: int = 4) -> Path:
    """Write runs "gpt" (with a profile), "keras" and an ONNX file beside them."""
    graph = gpt(layers, heads)
    body = graph.SerializeToString()
    costs = run_metadata(graph).SerializeToString()
    sick = [debugger_value("decoder/layer_2/ln_1/Rsqrt", 3, 1)]
    make.log_directory(
        root,
        {
            "gpt": [make.header(), make.graph(body), make.run_metadata("step 100", costs), *sick],
            "keras": [
                make.header(""),
                string_value("keras", keras_json().encode(), "graph_keras_model"),
            ],
        },
    )
    (root / "export").mkdir(exist_ok=True)
    (root / "export" / "tiny.onnx").write_bytes(onnx_bytes())
    return root


def graph_store(root: Path, layers: int = 12, heads: int = 4) -> Store:
    """Return a store that has read `graph_runs`."""
    store = Store(graph_runs(root, layers, heads))
    store.refresh()
    return store
