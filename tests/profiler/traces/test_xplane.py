"""XPlane files: real ones with known sums, made ones of each sort, damaged ones."""

from __future__ import annotations

import gzip
import json
import random
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpuboard import limits
from gpuboard.errors import DataError, GpuboardError, LimitError
from gpuboard.profiler.traces.trace import Kind, Place
from gpuboard.profiler.traces.watch import ReadingCancelledError
from gpuboard.profiler.traces.xplane import read_xplane
from gpuboard.profiler.traces.xplane_details import copied_bytes, launch_of, split_name
from tests.profiler.real import real
from tests.profiler.traces.xplane_maker import Plane, Ref, Unsigned, block, number, space, write

GPU_MULTI_WORKER = "xprof/GPU-multi-worker_34.83.195.179_6003.xplane.pb"
TW003 = "tracelens/mi300/jax_conv_minimal_08/tw003.xplane.pb"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "host.xplane.pb"


def names(trace, kind):
    return [trace.strings[trace.slices.name[row]] for row in trace.rows(kind)]


def attempt(path):
    """Return what reading gives: a trace or an error that names the file."""
    try:
        return read_xplane(path)
    except GpuboardError as error:
        return error


def by_kind(trace):
    return Counter(Kind(kind).name for kind in trace.slices.kind.tolist())


def kernel_stats(path):
    table = json.loads(path.read_text())
    return [[cell["v"] for cell in row["c"]] for row in table["rows"]]


# Real files.


def test_kernels_of_the_gpu_sample_sum_up_to_what_xprof_says():
    trace = read_xplane(real(GPU_MULTI_WORKER))
    rows = kernel_stats(real("xprof/expected/GPU-multi-worker.xprof2.24.2.kernel_stats.json"))

    dur = trace.slices.dur[trace.rows(Kind.KERNEL)]

    assert len(dur) == sum(row[10] for row in rows) == 1_330
    assert dur.sum() == round(sum(row[11] for row in rows) * 1_000) == 29_690_748


def test_each_kernel_of_the_gpu_sample_is_what_xprof_lists():
    trace = read_xplane(real(GPU_MULTI_WORKER))
    rows = kernel_stats(real("xprof/expected/GPU-multi-worker.xprof2.24.2.kernel_stats.json"))
    expected = {(row[1], row[2], row[3], row[4], row[5]): (row[10], row[11]) for row in rows}

    found: dict[tuple[object, ...], list[int]] = {}
    work = trace.work
    for k in np.flatnonzero(np.isin(work.row, trace.rows(Kind.KERNEL))):
        name = trace.strings[trace.slices.name[work.row[k]]]
        block_, grid = (",".join(map(str, sides[k])) for sides in (work.block, work.grid))
        key = (name, float(work.registers[k]), float(work.shared_memory[k]), block_, grid)
        found.setdefault(key, []).append(int(trace.slices.dur[work.row[k]]))

    assert set(found) == set(expected)
    for key, durations in found.items():
        assert (len(durations), sum(durations)) == (
            expected[key][0],
            round(expected[key][1] * 1_000),
        )


def test_the_step_of_the_gpu_sample_lasts_as_long_as_xprof_says():
    trace = read_xplane(real(GPU_MULTI_WORKER))

    steps = trace.rows(Kind.MODEL_STEP)

    assert {trace.tracks[track].device for track in trace.slices.track[steps]} == {4, 6}
    assert 21_310_352 in trace.slices.dur[steps]


def test_every_launch_of_the_gpu_sample_is_joined_with_its_work():
    trace = read_xplane(real(GPU_MULTI_WORKER))

    assert len(np.unique(trace.work.correlation)) == len(trace.work.row) == 1_556
    assert set(trace.calls.correlation) == set(trace.work.correlation)
    start = dict(zip(trace.calls.correlation.tolist(), trace.calls.row.tolist(), strict=True))
    calls = np.array([start[c] for c in trace.work.correlation.tolist()])
    assert (trace.slices.start[calls] <= trace.slices.start[trace.work.row]).all()


def test_no_event_of_the_gpu_sample_is_lost():
    trace = read_xplane(real(GPU_MULTI_WORKER))

    assert trace.origin.events == 23_128 == len(trace.slices) + len(trace.memory.time)
    assert not trace.problems
    assert by_kind(trace)["MODEL_OP"] == 665 + 2_450 + 665 + 2_436
    assert [d.id for d in trace.devices] == list(range(8))
    assert (trace.devices[4].clock, trace.devices[4].sms) == (1.53e9, 80)
    assert trace.origin.host == "34.83.195.179:6003"


def test_kernels_of_the_rocm_sample_sum_up_to_what_xprof_says():
    trace = read_xplane(real(TW003))
    rows = kernel_stats(real("xprof/expected/tw003_kernel_stats.xprof2.24.2.json"))

    work = trace.rows(Kind.KERNEL)

    assert len(work) == sum(row[10] for row in rows) == 235
    assert trace.slices.dur[work].sum() == round(sum(row[11] for row in rows) * 1_000)
    assert trace.origin.base == 1_771_595_639_214_724_894
    launchers = Counter(trace.text(number) for number in trace.work.launcher)
    assert launchers["cudnn-conv.1"] == 40 + 39  # its GEMM, and Im3d2Col for it
    assert all(name.startswith("$") for name in names(trace, Kind.PYTHON))


def test_a_file_that_is_damaged_everywhere_is_refused_or_shown_in_part():
    path = real("xprof/tpu_inference_2.xplane.pb")

    found = attempt(path)

    if isinstance(found, DataError):
        assert "damaged" in str(found)
    else:
        assert found.problems


# Made files.


def stream(**stats):
    return Plane("/device:GPU:3", **stats).line("Stream #7(Compute,MemcpyH2D)", number_of=7)


def test_picoseconds_become_nanoseconds_without_gaps_or_overlaps(path):
    # Three that touch at 1.5, 3.0 and 4.5 ns, and one within the second.
    plane = Plane("/host:CPU").line("main", timestamp=1_000)
    for offset, dur in ((0, 1_500), (1_500, 1_500), (3_000, 1_500), (1_600, 1_300)):
        plane.event("work", offset, dur)

    trace = read_xplane(write(path, plane))

    spans = sorted(zip(trace.slices.start, trace.slices.dur, strict=True))
    assert spans == [(1_000, 1), (1_001, 1), (1_001, 2), (1_003, 1)]


@given(st.lists(st.integers(0, 10**7), min_size=1, max_size=30))
def test_durations_of_touching_events_sum_up_to_their_whole_span(tmp_path_factory, durations):
    plane = Plane("/host:CPU").line("main")
    offset = 0
    for dur in durations:
        plane.event("work", offset, dur)
        offset += dur
    path = write(tmp_path_factory.mktemp("xplane") / "a.pb", plane)

    trace = read_xplane(path)

    assert trace.slices.dur.sum() == sum(durations) // 1_000
    as_written = np.argsort(trace.slices.offset)
    start, dur = trace.slices.start[as_written], trace.slices.dur[as_written]
    assert (start[:-1] + dur[:-1] == start[1:]).all()


def test_times_since_1970_become_times_since_the_first_line(path):
    first, second = 1_700_000_000_000_000_000, 1_700_000_000_000_000_500
    plane = Plane("/host:CPU").line("a", number_of=1, timestamp=second).event("x", 7_000, 1_000)
    plane.line("b", number_of=2, timestamp=first).event("y", 0, 1_000)

    trace = read_xplane(write(path, plane))

    assert trace.origin.base == first
    assert sorted(trace.slices.start.tolist()) == [0, 507]


def test_work_of_a_stream_is_sorted_by_what_its_events_say(path):
    plane = stream()
    plane.event("gemm", 0, 10_000, kernel_details="regs:32 shm:0 grid:4,1,1 block:128,1,1")
    plane.event("Memcpy of some sort", 20_000, 10_000, memcpy_details="size:64 dest:1 async:1")
    plane.event("Memset", 40_000, 10_000, memset_details="num_bytes:32")
    plane.event("nobody knows", 60_000, 10_000)
    plane.event("MemcpyD2H", 80_000, 10_000)

    trace = read_xplane(write(path, plane))

    assert names(trace, Kind.KERNEL) == ["gemm", "nobody knows"]
    assert names(trace, Kind.MEMCPY) == ["Memcpy of some sort", "MemcpyD2H"]
    assert names(trace, Kind.MEMSET) == ["Memset"]
    assert trace.work.bytes.tolist() == [-1, 64, 32, -1, -1]
    assert set(trace.work.device.tolist()) == {3}
    assert set(trace.work.stream.tolist()) == {7}
    (track,) = trace.tracks
    assert (track.place, track.device, track.stream) == (Place.STREAM, 3, 7)


def test_stats_are_read_in_each_form_that_they_come_in(path):
    plane = stream()
    plane.event("a", 0, 1_000, correlation_id=Unsigned(5), context_id="$$9", tf_op="MatMul")
    plane.event("b", 2_000, 1_000, correlation_id=6, context_id=Ref("$$10"), tf_op=Ref("Conv"))
    plane.event("c", 4_000, 1_000, correlation_id=7.0, context_id="none", hlo_op="fusion.1")

    trace = read_xplane(write(path, plane))

    assert trace.work.correlation.tolist() == [5, 6, 7]
    assert trace.work.context.tolist() == [9, 10, -1]
    assert [trace.text(k) for k in trace.work.launcher] == ["MatMul", "Conv", "fusion.1"]


def test_what_a_name_says_holds_for_all_its_events_that_do_not_say_otherwise(path):
    plane = Plane("/device:TPU:1").line("XLA Ops")
    plane.about("%fusion.3 = f32[8] fusion(...)", "fusion.3", flops=100, hlo_op="fusion.3")
    plane.event("%fusion.3 = f32[8] fusion(...)", 0, 1_000)
    plane.event("%fusion.3 = f32[8] fusion(...)", 2_000, 1_000, flops=7)

    trace = read_xplane(write(path, plane))

    assert names(trace, Kind.ACCELERATOR) == ["fusion.3", "fusion.3"]
    assert trace.operators.flops.tolist() == [100, 7]


def test_lines_laid_over_a_device_are_no_work(path):
    plane = stream()
    plane.event("kernel", 0, 5_000, group_id=1)
    for number_of, line in enumerate(("XLA Ops", "XLA Modules", "TensorFlow Name Scope", "Steps")):
        plane.line(line, number_of=100 + number_of).event(f"of {line}", 0, 5_000)

    trace = read_xplane(write(path, plane))

    assert names(trace, Kind.MODEL_OP) == ["of XLA Ops", "of TensorFlow Name Scope"]
    assert names(trace, Kind.MODEL_STEP) == ["of XLA Modules", "of Steps"]
    notes = [track for track in trace.tracks if track.place is Place.DEVICE_NOTE]
    assert [track.thread_label for track in notes] == [
        "XLA Ops", "XLA Modules", "TensorFlow Name Scope", "Steps",
    ]  # fmt: skip
    assert {track.device for track in notes} == {3}
    assert len(trace.work.row) == 1


def test_groups_become_steps_where_the_file_has_none(path):
    plane = stream()
    plane.event("a", 0, 5_000, group_id=4)
    plane.event("b", 9_000, 1_000, group_id=4)
    plane.event("c", 20_000, 5_000, group_id=5)

    trace = read_xplane(write(path, plane))

    steps = trace.rows(Kind.MODEL_STEP)
    assert names(trace, Kind.MODEL_STEP) == ["4", "5"]
    assert trace.slices.start[steps].tolist() == [0, 20]
    assert trace.slices.dur[steps].tolist() == [10, 5]


def test_threads_of_the_host_hold_operators_calls_python_and_ranges(path):
    plane = Plane("/host:CPU").line("python", number_of=41)
    plane.event("$trainer.py:10 fit", 0, 90_000)
    plane.event("dense/MatMul:MatMul", 1_000, 9_000)
    plane.event("cudaLaunchKernel", 2_000, 1_000, correlation_id=8)
    plane.event("some launch", 4_000, 1_000, correlation_id=9)
    plane.event("train", 20_000, 60_000, step_num=7)
    plane.event("Iterator#id=4,name=Range#", 30_000, 1_000)

    trace = read_xplane(write(path, plane))

    assert names(trace, Kind.PYTHON) == ["$trainer.py:10 fit"]
    assert names(trace, Kind.OPERATOR) == ["dense/MatMul:MatMul"]
    assert names(trace, Kind.CALL) == ["cudaLaunchKernel", "some launch"]
    assert names(trace, Kind.ANNOTATION) == ["train#7", "Iterator"]
    assert trace.calls.correlation.tolist() == [8, 9]
    (track,) = trace.tracks
    assert (track.thread, track.thread_label, track.place) == ("41", "python", Place.HOST)
    assert track.process_label == "box"


def test_allocations_are_memory_events_and_no_slices(path):
    plane = Plane("/host:CPU").line("main")
    pool = {"bytes_reserved": 10, "bytes_available": 90}
    for name, size, used, allocator in (
        ("MemoryAllocation", 256, 900, "GPU_2_bfc"),
        ("MemoryDeallocation", 256, 644, "GPU_2_bfc"),
        ("MemoryAllocation", 64, 64, "gpu_host_bfc"),
    ):
        plane.event(
            name, used * 1_000, 0, addr=4_096, allocation_bytes=size, bytes_allocated=used,
            allocator_name=allocator, **pool,
        )  # fmt: skip

    trace = read_xplane(write(path, plane))

    memory = trace.memory
    assert len(trace.slices) == 0
    assert memory.time.tolist() == [64, 644, 900]
    assert memory.bytes.tolist() == [64, -256, 256]
    assert memory.allocated.tolist() == [64, 644, 900]
    assert memory.reserved.tolist() == [164, 744, 1_000]
    assert memory.device.tolist() == [-1, 2, 2]
    assert memory.device_type.tolist() == [0, 1, 1]


def test_arrows_lead_from_who_hands_on_to_who_carries_out(path):
    plane = Plane("/host:CPU").line("a", number_of=1).event("put", 0, 1_000, _pt=2, _p=77)
    plane.line("b", number_of=2).event("take", 5_000, 1_000, _ct=2, _c=77)

    flows = read_xplane(write(path, plane)).flows

    assert (flows.source_time.tolist(), flows.target_time.tolist()) == ([0], [5])
    assert flows.source_track[0] != flows.target_track[0]


def test_a_device_is_described_by_its_plane(path):
    plane = stream(
        clock_rate=1_530_000, core_count=80, memory_bandwidth=Unsigned(898_048_000_000),
        memory_size=Unsigned(16 << 30), compute_cap_major=7, compute_cap_minor=5,
        device_vendor="Nvidia",
    )  # fmt: skip

    (device,) = read_xplane(write(path, plane)).devices

    assert (device.id, device.sms, device.clock) == (3, 80, 1.53e9)
    assert (device.memory, device.bandwidth) == (16 << 30, 898_048_000_000.0)
    assert (device.compute_major, device.compute_minor, device.vendor) == (7, 5, "Nvidia")


def test_events_without_a_time_are_left_out_and_counted(path):
    plane = Plane("/host:CPU").line("main").event("timed", 0, 1_000)
    plane.raw_event(number(1, plane.event_number("counted")) + number(5, 12))

    trace = read_xplane(write(path, plane))

    assert names(trace, Kind.ANNOTATION) == ["timed"]
    assert trace.origin.facts["events without time"] == "1"


def test_an_event_without_a_name_is_named_by_its_number(path):
    plane = Plane("/host:CPU").line("main")
    plane.raw_event(number(1, 999) + number(2, 0) + number(3, 1_000))

    assert names(read_xplane(write(path, plane)), Kind.ANNOTATION) == ["event 999"]


def test_what_the_profiler_complains_about_is_noted(path):
    plane = stream().event("a", 0, 1_000)

    trace = read_xplane(write(path, plane, errors=("CUPTI dropped events",)))

    assert [p.kind for p in trace.problems] == ["profiler_error"]
    assert "CUPTI dropped events" in trace.problems[0].message


def test_a_packed_file_is_read(path):
    path.write_bytes(gzip.compress(space(stream().event("a", 0, 1_000))))

    assert names(read_xplane(path), Kind.KERNEL) == ["a"]


# Details.


@pytest.mark.parametrize(
    ("text", "registers", "shared", "grid", "block_", "occupancy"),
    [
        ("regs:38 shm:7 grid:160,1,1 block:1024,1,1", 38, 7, (160, 1, 1), (1_024, 1, 1), None),
        (
            "regs:32 static_shared:4 dynamic_shared:1024 grid:8,2,1 block:256,1,1 occ_pct:62.5",
            32, 1_028, (8, 2, 1), (256, 1, 1), 62.5,
        ),
        (
            " grid:16,1,1 block:512,1,1 private_mem:0 group_mem:64 occ_pct:0",
            -1, 64, (16, 1, 1), (512, 1, 1), None,
        ),
    ],
)  # fmt: skip
def test_launches_are_read_in_all_three_dialects(text, registers, shared, grid, block_, occupancy):
    launch = launch_of(text)

    assert (launch.registers, launch.shared_memory) == (registers, shared)
    assert (launch.grid, launch.block) == (grid, block_)
    assert np.isnan(launch.occupancy) if occupancy is None else launch.occupancy == occupancy
    assert not launch.is_garbage


@pytest.mark.parametrize(
    "text",
    [
        "regs:687194767361 shm:0 grid:1,1,1 block:1,1,1",
        "regs:2191500840 shm:0 grid:1,1,1 block:1,1,1",
        "regs:8 shm:0 grid:1,210453397508,0 block:128,1,1",
        "regs:8 shm:0 grid:1,1,1 block:0,0,0",
        "regs:8 shm:0 grid:1,1,1 block:1024,2,1",
        "regs:8 shm:99999999999 grid:1,1,1 block:1,1,1",
        "regs:8 shm:-5 grid:1,1,1 block:1,1,1",
        "regs:" + "9" * 5_000,
    ],
)
def test_what_no_chip_can_do_is_unknown(text):
    launch = launch_of(text)

    assert launch.is_garbage
    fields = (launch.registers, launch.shared_memory, *launch.grid, *launch.block)
    assert all(-1 <= value <= 1 << 31 for value in fields)


def test_garbage_is_noted_once_with_how_often_it_was_met(path):
    plane = stream()
    for k in range(5):
        plane.event("a", k * 9_000, 1_000, kernel_details="regs:687194767361 shm:0 block:0,0,0")

    trace = read_xplane(write(path, plane))

    assert [p.kind for p in trace.problems] == ["garbage_details"]
    assert trace.problem_counts == {"garbage_details": 5}
    assert trace.work.registers.tolist() == [-1] * 5


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("size:112 dest:4 async:0", 112),
        ("kind:Unknown size:0 dest:512 async:1", 0),
        ("kind_src:host kind_dst:device size:4096 dest:0 async:1", 4_096),
        ("num_bytes:32", 32),
        ("nothing", -1),
    ],
)
def test_bytes_of_copies_are_read(text, size):
    assert copied_bytes(text) == size


def test_arguments_are_split_from_names():
    assert split_name("a#b=1,c=x y#") == ("a", {"b": "1", "c": "x y"})
    assert split_name("C# is no argument") == ("C# is no argument", {})
    assert split_name("plain") == ("plain", {})


# Damage.


def test_a_damaged_event_costs_itself_alone(path):
    plane = stream().event("before", 0, 1_000)
    plane.raw_event(b"\x08\x01\x10")  # ends within a field
    plane.event("after", 5_000, 1_000, correlation_id=3)

    trace = read_xplane(write(path, plane))

    assert names(trace, Kind.KERNEL) == ["before", "after"]
    assert trace.work.correlation.tolist() == [-1, 3]
    assert trace.problem_counts == {"damaged_message": 1}


def test_a_damaged_plane_leaves_the_others_whole(path):
    good = block(1, stream().event("good", 0, 1_000).done())
    bad = block(1, number(1, 0) + block(2, "/device:GPU:1") + b"\x1a\xff\xff\xff\xff\xff\x01")
    path.write_bytes(bad + good)

    trace = read_xplane(path)

    assert names(trace, Kind.KERNEL) == ["good"]
    assert trace.problem_counts["damaged_plane"] == 1
    assert trace.problems[0].offset > 0


def test_a_damaged_name_costs_itself_alone(path):
    plane = stream().event("a", 0, 1_000).event("b", 2_000, 1_000).done()
    damaged = plane.replace(block(2, number(1, 2) + block(2, "b")), b"\x12\x05\x08\x02\x12\xff\x01")
    assert damaged != plane
    path.write_bytes(block(1, damaged))

    trace = read_xplane(path)

    assert names(trace, Kind.KERNEL) == ["a", "event 2"]
    assert trace.problem_counts["damaged_message"] >= 1


def test_a_line_with_an_impossible_start_is_left_out_and_counted(path):
    plane = Plane("/host:CPU").line("a", number_of=1, timestamp=1 << 62).event("x", 0, 1_000)
    plane.line("b", number_of=2).event("y", 0, 1_000).event("z", 10**18, 1_000)

    trace = read_xplane(write(path, plane))

    assert names(trace, Kind.ANNOTATION) == ["y"]
    assert trace.problem_counts == {"impossible_time": 2}


@pytest.mark.parametrize("packed", [False, True])
def test_every_cut_of_a_file_is_shown_in_part_or_refused(path, packed):
    whole = space(
        stream().event("a", 0, 1_000, correlation_id=1),
        Plane("/host:CPU").line("m").event("b", 0, 1_000),
    )
    whole = gzip.compress(whole) if packed else whole
    shown = 0
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        found = attempt(path)
        if isinstance(found, DataError):
            assert str(path) in str(found)
        else:
            shown += len(found.slices) > 0
    assert shown > 20


def test_flipped_bits_never_crash_or_hang(path):
    planes = [
        stream().event("a", 0, 9_000, correlation_id=1, kernel_details=Ref("regs:8 grid:1,1,1")),
        Plane("/host:CPU").line("m").event("b", 0, 1_000, addr=1, allocation_bytes=2, _p=4, _pt=1),
        Plane("/device:TPU:0").line("XLA Ops").event("c", 0, 1_000, flops=3.5),
    ]
    whole = space(*planes)
    rng = random.Random(3)
    outcomes = Counter()
    for _ in range(150):
        damaged = bytearray(whole)
        for _ in range(rng.choice((1, 1, 4, 40))):
            damaged[rng.randrange(len(damaged))] ^= 1 << rng.randrange(8)
        path.write_bytes(damaged)
        found = attempt(path)
        outcomes["refused" if isinstance(found, GpuboardError) else bool(found.problems)] += 1
    assert outcomes[True] > 10


@given(st.binary(max_size=300))
def test_noise_is_refused_or_noted(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("noise") / "a.pb"
    path.write_bytes(data)

    found = attempt(path)

    assert not isinstance(found, GpuboardError) or str(path) in str(found)


def test_no_more_events_are_read_than_the_limit_allows(path, monkeypatch):
    plane = stream()
    for k in range(10):
        plane.event("a", k * 9_000, 1_000, correlation_id=k)
    monkeypatch.setattr(limits, "MAX_TRACE_EVENTS", limits.Limit("max_trace_events", 4, ""))

    trace = read_xplane(write(path, plane))

    assert trace.work.correlation.tolist() == [0, 1, 2, 3]
    assert trace.problem_counts == {"many_events": 6}


def test_a_file_larger_than_any_such_file_is_refused(path, monkeypatch):
    write(path, stream().event("a", 0, 1_000))
    monkeypatch.setattr(limits, "MAX_XPLANE_BYTES", limits.Limit("max_xplane_bytes", 20, ""))

    with pytest.raises(LimitError, match="max_xplane_bytes"):
        read_xplane(path)


def test_reading_tells_how_far_it_is_and_ends_when_cancelled(path):
    planes = [stream().event("a", 0, 1_000) for _ in range(4)]
    write(path, *planes)
    told = []

    read_xplane(path, progress=told.append)

    assert told == sorted(told)
    assert 0.5 < told[-1] <= 1
    with pytest.raises(ReadingCancelledError):
        read_xplane(path, cancelled=lambda: True)
