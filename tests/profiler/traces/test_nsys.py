"""Exports of Nsight Systems: every table, older schemas, several processes, hostile files."""

from __future__ import annotations

import random
import sqlite3

import numpy as np
import pytest

from gpuboard import limits
from gpuboard.errors import DataError, GpuboardError
from gpuboard.profiler.traces.nsys import read_nsys
from gpuboard.profiler.traces.nsys_names import call_name, copy_name
from gpuboard.profiler.traces.trace import Kind, Place
from gpuboard.profiler.traces.watch import ReadingCancelledError
from tests.profiler.traces.nsys_maker import GLOBAL_PID, PID, TABLES, TID, Export


@pytest.fixture
def export(tmp_path):
    return Export(tmp_path / "report.sqlite")


def names(trace, kind):
    return [trace.strings[trace.slices.name[row]] for row in trace.rows(kind)]


def outcome(path):
    """Return whether reading notes problems, or the sort of error that names the file."""
    try:
        return bool(read_nsys(path).problems)
    except GpuboardError as error:
        return type(error) if str(path) in str(error) else "an error without the file's name"


def test_a_kernel_comes_with_all_that_the_export_says_of_its_launch(export):
    export.kernel(1_000, 4_500, "void gemm<float>(int)", correlationId=17, graphNodeId=5, graphId=9)

    trace = read_nsys(export.done())

    (row,) = trace.rows(Kind.KERNEL)
    assert trace.strings[trace.slices.name[row]] == "void gemm<float>(int)"
    assert (trace.slices.start[row], trace.slices.dur[row]) == (1_000, 3_500)
    work = trace.work
    assert (work.row[0], work.correlation[0], work.device[0], work.stream[0]) == (row, 17, 0, 7)
    assert work.grid.tolist() == [[8, 2, 1]]
    assert work.block.tolist() == [[256, 1, 1]]
    assert (work.registers[0], work.shared_memory[0]) == (32, 1_536)
    assert (work.graph[0], work.graph_node[0], work.context[0]) == (9, 5, 1)
    track = trace.tracks[trace.slices.track[row]]
    assert (track.place, track.device, track.stream) == (Place.STREAM, 0, 7)


def test_a_call_is_joined_with_the_kernel_that_it_launched(export):
    export.call(100, 180, "cudaLaunchKernel_v7000", correlationId=3)
    export.kernel(500, 900, correlationId=3)

    trace = read_nsys(export.done())

    assert names(trace, Kind.CALL) == ["cudaLaunchKernel"]
    assert trace.calls.correlation.tolist() == trace.work.correlation.tolist() == [3]
    thread = trace.tracks[trace.slices.track[trace.calls.row[0]]]
    assert (thread.process, thread.thread, thread.place) == (str(PID), "77", Place.HOST)


def test_launches_of_two_processes_under_one_number_stay_apart(export):
    other = GLOBAL_PID + (1 << 24)
    export.call(100, 180, "cudaLaunchKernel", correlationId=3)
    export.call(110, 190, "cudaLaunchKernel", correlationId=3, globalTid=other | 5)
    export.kernel(500, 900, "first", correlationId=3)
    export.kernel(500, 800, "second", correlationId=3, globalPid=other)

    trace = read_nsys(export.done())

    joined = {}
    for row, correlation in zip(trace.work.row, trace.work.correlation, strict=True):
        call = trace.calls.row[trace.calls.correlation == correlation]
        assert len(call) == 1
        joined[trace.strings[trace.slices.name[row]]] = int(trace.slices.start[call[0]])
    assert joined == {"first": 100, "second": 110}
    streams = {trace.slices.track[row] for row in trace.work.row}
    assert len(streams) == 2


def test_a_device_is_known_by_its_number_in_the_machine(export):
    export.add("TARGET_INFO_CUDA_DEVICE", gpuId=3, cudaId=0, pid=PID)
    export.add(
        "TARGET_INFO_GPU", id=3, name="NVIDIA H100", totalMemory=80 << 30, smCount=132,
        memoryBandwidth=3_352_000_000_000, clockRate=1_980_000_000, computeMajor=9, computeMinor=0,
        threadsPerWarp=32, maxWarpsPerSm=64, maxShmemPerSm=233_472, maxRegistersPerSm=65_536,
    )  # fmt: skip
    export.kernel(0, 10, deviceId=0)

    trace = read_nsys(export.done())

    assert trace.work.device.tolist() == [3]
    (device,) = trace.devices
    assert (device.id, device.name, device.sms) == (3, "NVIDIA H100", 132)
    assert (device.compute_major, device.threads_per_sm, device.warp_size) == (9, 2_048, 32)
    assert (device.clock, device.bandwidth) == (1.98e9, 3.352e12)


@pytest.mark.parametrize(
    ("kind", "source", "target", "name"),
    [
        (1, 0, 2, "Memcpy HtoD (Pageable -> Device)"),
        (2, 2, 1, "Memcpy DtoH (Device -> Pinned)"),
        (8, -1, -1, "Memcpy DtoD"),
        (11, 4, 4, "Memcpy unified HtoD (Managed -> Managed)"),
        (99, -1, -1, "Memcpy of unknown kind"),
    ],
)
def test_copies_are_named_as_pytorch_names_them(kind, source, target, name):
    assert copy_name(kind, source, target) == name


def test_copies_and_fills_have_their_bytes(export):
    export.on_device("MEMCPY", 0, 10, bytes=4_096, copyKind=1, srcKind=1, dstKind=2)
    export.on_device("MEMSET", 20, 25, bytes=64, value=0, memKind=2)

    trace = read_nsys(export.done())

    assert names(trace, Kind.MEMCPY) == ["Memcpy HtoD (Pinned -> Device)"]
    assert names(trace, Kind.MEMSET) == ["Memset (Device)"]
    assert trace.work.bytes.tolist() == [4_096, 64]


def test_a_graph_traced_as_a_whole_is_work_of_the_device(export):
    export.on_device("GRAPH_TRACE", 5, 105, graphId=12, graphExecId=13, correlationId=8)

    trace = read_nsys(export.done())

    assert names(trace, Kind.KERNEL) == ["CUDA graph 12"]
    assert (trace.work.graph[0], trace.work.correlation[0]) == (12, 8)


def test_waits_lie_beside_the_work_of_their_stream(export):
    export.kernel(0, 50)
    export.on_device("SYNCHRONIZATION", 10, 60, syncType=3, correlationId=4)
    export.on_device("SYNCHRONIZATION", 70, 80, syncType=4, streamId=0xFFFFFFFF)

    trace = read_nsys(export.done())

    assert sorted(names(trace, Kind.SYNC)) == ["Context Sync", "Stream Sync"]
    assert sorted(trace.syncs.stream.tolist()) == [-1, 7]
    (kernel,) = trace.rows(Kind.KERNEL)
    assert trace.slices.track[kernel] not in trace.slices.track[trace.rows(Kind.SYNC)]


def test_ranges_are_named_by_text_or_by_number(export):
    export.range(0, 100, text="épochs")
    export.range(10, 90, textId=export.text("forward"))

    trace = read_nsys(export.done())

    assert names(trace, Kind.ANNOTATION) == ["épochs", "forward"]


def test_ranges_that_need_not_nest_have_a_track_of_their_own(export):
    export.range(0, 50, text="pushed")
    export.range(25, 75, text="started", eventType=60)

    trace = read_nsys(export.done())

    tracks = trace.slices.track[trace.rows(Kind.ANNOTATION)]
    assert len(set(tracks.tolist())) == 2
    labels = {trace.tracks[track].thread for track in tracks}
    assert labels == {"77", "77 start-end ranges"}


def test_a_mark_is_an_instant_and_a_domain_is_nothing(export):
    export.range(40, None, text="here", eventType=34)
    export.range(0, None, text="NCCL", eventType=75)

    trace = read_nsys(export.done())

    assert len(trace.slices) == 0
    assert trace.instants.time.tolist() == [40]
    assert trace.strings[trace.instants.name[0]] == "here"


def test_a_range_that_never_ends_is_counted(export):
    export.range(10, None, text="lost")
    export.range(20, 30, text="whole")

    trace = read_nsys(export.done())

    assert names(trace, Kind.ANNOTATION) == ["whole"]
    assert trace.problem_counts["open_range"] == 1


def test_threads_and_processes_have_their_names(export):
    export.add("ThreadNames", nameId=export.text("dataloader"), priority=0, globalTid=TID)
    export.add("PROCESSES", globalPid=GLOBAL_PID, pid=PID, name="python3")
    export.range(0, 1, text="a")

    (track,) = read_nsys(export.done()).tracks

    assert (track.process_label, track.thread_label) == ("python3", "dataloader")


def test_calls_of_the_system_and_of_the_profiler_are_told_apart(export):
    export.add("OSRT_API", start=0, end=9, globalTid=TID, nameId=export.text("poll"))
    export.add("PROFILER_OVERHEAD", start=3, end=5, globalTid=TID, nameId=export.text("flush"))

    trace = read_nsys(export.done())

    assert names(trace, Kind.OTHER) == ["poll"]
    assert names(trace, Kind.OVERHEAD) == ["flush"]


def test_metrics_of_a_device_are_counters_by_name(export):
    for number, name in ((3, "SMs Active [Throughput %]"), (5, "DRAM Read [Throughput %]")):
        export.add("TARGET_INFO_GPU_METRICS", typeId=0x100, metricId=number, metricName=name)
    for time, number, value in ((20, 3, 55), (10, 3, 40), (10, 5, 7.5)):
        export.add("GPU_METRICS", timestamp=time, typeId=0x100, metricId=number, value=value)

    counters = read_nsys(export.done()).counters

    series = {
        name: (counters.time[at].tolist(), counters.value[at].tolist())
        for k, (name, _) in enumerate(counters.names)
        for at in [counters.series == k]
    }
    assert series == {
        "SMs Active [Throughput %]": ([10, 20], [40.0, 55.0]),
        "DRAM Read [Throughput %]": ([10], [7.5]),
    }


def test_memory_is_taken_and_given_back(export):
    for start, operation in ((5, 0), (9, 1)):
        export.add(
            "CUDA_GPU_MEMORY_USAGE_EVENTS", start=start, globalPid=GLOBAL_PID, deviceId=0,
            contextId=1, address=4_096, bytes=512, memKind=2, memoryOperationType=operation,
        )  # fmt: skip

    memory = read_nsys(export.done()).memory

    assert memory.bytes.tolist() == [512, -512]
    assert memory.time.tolist() == [5, 9]
    assert memory.address.tolist() == [4_096, 4_096]


def test_the_origin_says_when_and_where_and_no_secret(export):
    export.add("TARGET_INFO_SESSION_START_TIME", utcEpochNs=1_700_000_000_000_000_000)
    export.add("TARGET_INFO_SYSTEM_ENV", name="Hostname", value="node7")
    export.add("TARGET_INFO_SYSTEM_ENV", name="SECRET_TOKEN", value="hunter2")
    export.add("META_DATA_EXPORT", name="EXPORT_PRODUCT_VERSION", value="2025.1.1")
    export.kernel(0, 5)

    origin = read_nsys(export.done()).origin

    assert (origin.format, origin.host, origin.events) == ("nsys", "node7", 1)
    assert origin.base == 1_700_000_000_000_000_000
    assert origin.facts == {"EXPORT_PRODUCT_VERSION": "2025.1.1"}
    assert "hunter2" not in repr(origin)


def test_what_the_profiler_complains_about_is_noted(export):
    export.add("DIAGNOSTIC_EVENT", severity=1, text="all is well")
    export.add("DIAGNOSTIC_EVENT", severity=3, text="Not all CUDA events were collected.")
    export.kernel(0, 5)

    problems = read_nsys(export.done()).problems

    assert [p.kind for p in problems] == ["profiler_warning"]
    assert "Not all CUDA events" in problems[0].message


def test_an_export_of_2020_is_read(tmp_path):
    # Neither globalPid nor graphs nor registered texts.
    export = Export(
        tmp_path / "old.sqlite",
        {
            "CUPTI_ACTIVITY_KIND_KERNEL": (
                "start end deviceId contextId streamId correlationId demangledName shortName "
                "gridX gridY gridZ blockX blockY blockZ"
            ),
            "NVTX_EVENTS": "start end text globalTid",
        },
    )
    export.call(5, 8, "cudaLaunchKernel", correlationId=4)
    export.kernel(10, 30, "old_kernel", correlationId=4)
    export.add("NVTX_EVENTS", start=0, end=40, text="range", globalTid=TID)

    trace = read_nsys(export.done())

    assert names(trace, Kind.KERNEL) == ["old_kernel"]
    assert names(trace, Kind.ANNOTATION) == ["range"]
    assert (trace.work.registers[0], trace.work.graph_node[0]) == (-1, -1)
    assert trace.calls.correlation.tolist() == trace.work.correlation.tolist() == [4]


def test_cells_that_are_null_or_text_are_unknown(export):
    export.kernel(0, 10, correlationId=None, registersPerThread="many", graphNodeId=None)

    trace = read_nsys(export.done())

    assert trace.work.correlation.tolist() == [-1]
    assert trace.work.registers.tolist() == [-1]


def test_numbers_beyond_32_bits_are_unknown_where_no_such_can_be(export):
    export.kernel(0, 10, gridX=1 << 40, registersPerThread=1 << 40)

    trace = read_nsys(export.done())

    assert trace.work.grid.tolist() == [[-1, 2, 1]]
    assert trace.work.registers.tolist() == [-1]


def test_columns_agree_with_sqlite_itself(export):
    rng = np.random.default_rng(0)
    for k in range(500):
        start = int(rng.integers(0, 10**9))
        export.kernel(
            start, start + int(rng.integers(1, 10**4)), f"k{k % 7}", correlationId=k, streamId=k % 3
        )
    path = export.done()
    query = """
        SELECT value, COUNT(*), SUM("end" - start) FROM CUPTI_ACTIVITY_KIND_KERNEL
        JOIN StringIds ON id = demangledName GROUP BY value ORDER BY value
    """
    expected = sqlite3.connect(path).execute(query).fetchall()

    trace = read_nsys(path)

    found = {}
    for row in trace.rows(Kind.KERNEL):
        name = trace.strings[trace.slices.name[row]]
        count, total = found.get(name, (0, 0))
        found[name] = count + 1, total + int(trace.slices.dur[row])
    assert [(name, *found[name]) for name in sorted(found)] == expected


def test_no_more_rows_are_read_than_the_limit_allows(export, monkeypatch):
    for k in range(10):
        export.kernel(k, k + 1)
    monkeypatch.setattr(limits, "MAX_TRACE_EVENTS", limits.Limit("max_trace_events", 4, ""))

    trace = read_nsys(export.done())

    assert len(trace.slices) == 4
    assert trace.problem_counts["many_events"] == 6


def test_a_view_or_virtual_table_in_place_of_a_table_is_not_run(export):
    export.kernel(0, 5)
    export.run("CREATE VIEW NVTX_EVENTS AS SELECT randomblob(1000000000) AS start")
    export.run("CREATE VIRTUAL TABLE OSRT_API USING fts5(start)")

    trace = read_nsys(export.done())

    assert len(trace.slices) == 1
    assert not trace.problems


@pytest.mark.parametrize(
    ("table", "words"),
    [("StringTable (id)", "nvprof"), ("users (id)", "nsys export"), (None, "nsys export")],
)
def test_another_database_is_refused_by_what_it_is(tmp_path, table, words):
    path = tmp_path / "other.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute(f"CREATE TABLE {table}" if table else "PRAGMA user_version = 3")

    with pytest.raises(DataError, match=words):
        read_nsys(path)


def test_a_file_that_only_begins_like_sqlite_is_refused(tmp_path):
    path = tmp_path / "broken.sqlite"
    path.write_bytes(b"SQLite format 3\x00" + bytes(5_000))

    with pytest.raises(DataError, match="SQLite cannot read it"):
        read_nsys(path)


def test_damage_never_crashes(export):
    for k in range(400):
        export.kernel(k * 10, k * 10 + 5, f"kernel {k}", correlationId=k)
        export.call(k * 10 - 5, k * 10, "cudaLaunchKernel", correlationId=k)
    path = export.done()
    whole = path.read_bytes()
    rng = random.Random(1)
    outcomes = set()
    for _ in range(60):
        damaged = bytearray(whole)
        for _ in range(rng.choice((1, 20, 200))):
            damaged[rng.randrange(100, len(damaged))] = rng.randrange(256)
        path.write_bytes(damaged[: rng.choice((len(damaged), rng.randrange(100, len(damaged))))])
        outcomes.add(outcome(path))
    assert DataError in outcomes
    assert outcomes <= {True, False, DataError}


def test_reading_tells_how_far_it_is_and_ends_when_cancelled(export):
    for k in range(5):
        export.kernel(k, k + 1)
    path = export.done()
    told = []

    read_nsys(path, progress=told.append)

    assert told == sorted(told)
    assert told[-1] > 0.5
    with pytest.raises(ReadingCancelledError):
        read_nsys(path, cancelled=lambda: True)


def test_calls_lose_the_version_that_cupti_appends():
    assert call_name("cudaMemcpyAsync_v3020") == "cudaMemcpyAsync"
    assert call_name("cuLaunchKernel_v_x") == "cuLaunchKernel_v_x"


def test_the_maker_knows_all_tables_that_are_read():
    assert {"CUPTI_ACTIVITY_KIND_KERNEL", "NVTX_EVENTS", "GPU_METRICS"} <= set(TABLES)
