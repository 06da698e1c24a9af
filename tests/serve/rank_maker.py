"""Write traces that the tabs of the Profile page have something to say of."""

from __future__ import annotations

from tests.profiler.timeline.maker import event, kernel
from tests.serve.trace_maker import write_trace

A100 = {"id": 0, "name": "NVIDIA A100-SXM4-80GB", "totalGlobalMem": 85_000_000_000}
NCCL = "ncclDevKernel_AllReduce_Sum_f32_RING_LL(ncclDevKernelArgsStorage)"


def write_late_ranks(folder, late=(0.0, 30.0, 10.0), count=2):
    """Write ranks whose kernels take 40 µs + `late`, and then an all-reduce that waits for all.

    The all-reduce moves 4,000 bytes and takes 5 µs once the last rank has come; microseconds.
    """
    return [
        write_trace(
            folder / f"rank{rank}.1700000000000.pt.trace.json",
            [one for step in range(count) for one in _step(step, own, max(late))],
            deviceProperties=[A100],
            distributedInfo={"rank": rank, "world_size": len(late), "backend": "nccl"},
        )
        for rank, own in enumerate(late)
    ]


def _step(step, own, last):
    t, k = 200.0 * step, 10 * step
    comm = {"Collective name": "allreduce", "In msg nelems": 1000, "Out msg nelems": 1000,
            "dtype": "Float", "Group size": 3, "Process Group Name": "0", "Seq": step}  # fmt: skip
    start = t + 20 + 40 + own
    return [
        event(f"ProfilerStep#{step}", t, 180, cat="user_annotation"),
        event("aten::mm", t + 2, 10, **matrix()),
        event("cudaLaunchKernel", t + 4, 4, cat="cuda_runtime", correlation=k + 1),
        kernel("ampere_sgemm_128x64_nn", t + 20, 40 + own, correlation=k + 1),
        event("cudaLaunchKernel", t + 14, 4, cat="cuda_runtime", correlation=k + 2),
        kernel(NCCL, start, 5 + last - own, stream=20, correlation=k + 2, **comm),
    ]


def matrix():
    """Arguments of a product of matrices: 64 x 128 by 128 x 32."""
    return {
        "Input Dims": [[64, 128], [128, 32]],
        "Input type": ["float", "float"],
        "Concrete Inputs": ["", ""],
    }


def write_memory(path):
    """Write allocations and frees within operators, in bytes; the peak of 3,000 is at 60 µs."""
    return write_trace(
        path,
        [
            event("aten::empty", 0, 20, **{"Input Dims": [[1]]}),
            memory(10, 1000, 0x1000, 1000),
            event("aten::conv2d", 50, 20),
            memory(60, 2000, 0x2000, 3000),
            event("aten::relu", 80, 20),
            memory(90, -2000, 0x2000, 1000),
            event("aten::empty", 120, 20),
            memory(130, 500, 0x3000, 1500),
            kernel("gemm", 20, 100, correlation=1),
            event("cudaMalloc", 12, 4, cat="cuda_runtime", correlation=9),
        ],
        deviceProperties=[A100],
    )


def memory(time, size, address, total):
    """One allocation, or with a negative size one free, of device 0; µs and bytes."""
    args = {"Total Reserved": 4000, "Total Allocated": total, "Bytes": size, "Addr": address,
            "Device Id": 0, "Device Type": 1}  # fmt: skip
    return {"ph": "i", "s": "t", "name": "[memory]", "cat": "cpu_instant_event", "pid": 7,
            "tid": 1, "ts": time, "args": args}  # fmt: skip


def write_modules(path):
    """Write a model of three modules, one of them twice, as Python functions."""

    def function(name, start, dur, number, parent):
        args = {"Python id": number, "Python parent id": parent}
        return event(f"nn.Module: {name}", start, dur, cat="python_function", **args)

    launches = []
    for k, (start, dur) in enumerate(((20, 30), (60, 50))):
        launches += [
            event("aten::linear", start + 2, 20),
            event("cudaLaunchKernel", start + 4, 2, cat="cuda_runtime", correlation=k + 1),
            kernel("gemm", start + 10, dur, correlation=k + 1),
        ]
    return write_trace(
        path,
        [
            function("Net_0", 0, 100, 1, 0),
            function("Linear_0", 18, 30, 2, 1),
            function("Linear_1", 58, 30, 3, 1),
            *launches,
        ],
    )
