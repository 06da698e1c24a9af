import math

import numpy as np
import pytest

from gpuboard.errors import DataError
from gpuboard.eventlog.proto.graph_pb2 import (
    AllocationDescription,
    AllocatorMemoryUsed,
    DeviceStepStats,
    GraphDef,
    NodeExecStats,
    NodeOutput,
    RunMetadata,
    StepStats,
    TensorDescription,
)
from gpuboard.summaries.graphs import costs as graph_costs
from tests.graph_maker import gpt, run_metadata, shape


def metadata(**by_device):
    stats = [DeviceStepStats(device=name, node_stats=rows) for name, rows in by_device.items()]
    return RunMetadata(step_stats=StepStats(dev_stats=stats)).SerializeToString()


def row(name, time, **more):
    return NodeExecStats(node_name=name, all_start_micros=1, all_end_rel_micros=time, **more)


def one(costs, name):
    time, memory, devices = graph_costs.aligned(costs, [name])
    return time[0], memory[0], devices[0]


def test_times_and_bytes_of_one_node_are_added_up_on_a_device():
    used = [AllocatorMemoryUsed(total_bytes=100), AllocatorMemoryUsed(total_bytes=20)]

    costs = graph_costs.decode(metadata(cpu=[row("a", 5, memory=used), row("a", 7)]))

    assert one(costs, "a") == (12.0, 120.0, "cpu")


def test_the_device_where_a_node_took_longest_counts():
    costs = graph_costs.decode(metadata(cpu=[row("a", 5)], gpu=[row("a:MatMul", 50)]))

    assert one(costs, "a")[0] == 50.0
    assert one(costs, "a")[2] == "gpu"


def test_nanoseconds_are_finer_than_microseconds():
    stats = NodeExecStats(node_name="a", all_start_micros=1, all_end_rel_nanos=1500)

    assert one(graph_costs.decode(metadata(cpu=[stats])), "a")[0] == 1.5


def test_what_outputs_took_stands_in_for_what_was_asked_for():
    about = TensorDescription(
        dtype=1,
        shape=shape((2, 3)),
        allocation_description=AllocationDescription(requested_bytes=24),
    )
    stats = row("a", 1, output=[NodeOutput(slot=0, tensor_description=about)])

    costs = graph_costs.decode(metadata(cpu=[stats]))

    assert one(costs, "a")[1] == 24.0
    assert [tensor.text for tensor in costs.outputs[0]] == ["float32 2×3"]


def test_a_node_that_was_not_measured_has_no_number():
    time, memory, device = one(graph_costs.decode(metadata(cpu=[])), "b")

    assert math.isnan(time)
    assert math.isnan(memory)
    assert device == ""


def test_every_measured_node_of_a_model_has_its_time():
    graph = gpt(2, 2)

    costs = graph_costs.decode(run_metadata(graph).SerializeToString())

    assert np.isfinite(costs.time_us).all()
    assert set(costs.names) == {
        node.name for node in graph.node if node.op not in ("VarHandleOp", "Const")
    }


def test_a_trace_of_tensorflow_2_brings_its_graph():
    message = RunMetadata()
    message.function_graphs.add().pre_optimization_graph.CopyFrom(gpt(1, 1))
    message.function_graphs.add().partition_graphs.append(
        GraphDef(node=[{"name": "extra", "op": "Add"}])
    )

    graph = graph_costs.decode_graph(message.SerializeToString())

    assert graph is not None
    assert len(graph) == len(gpt(1, 1).node) + 1


def test_costs_alone_bring_no_graph():
    assert graph_costs.decode_graph(metadata(cpu=[row("a", 1)])) is None


def test_bytes_that_are_no_run_metadata_are_an_error():
    with pytest.raises(DataError, match="RunMetadata"):
        graph_costs.decode(b"\xff\xff\xff")
