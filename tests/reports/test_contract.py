"""The JSON that scripts rely on, against figures computed by slow and plain means."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from gpuboard.reports.contract import Contract, unreadable
from tests.profiler.real import TRACES, expected, real
from tests.reports.traces import KERNEL_US, STEP_US, profile, write

_NOT_OURS = {"file", "ph", "cat", "neg_dur"}
KEYS = {
    "file", "format", "events", "rank", "world_size", "devices", "gpu", "window_ns", "busy_ns",
    "idle_ns", "compute_comm_overlap_ns", "exposed_comm_ns", "exposed_mem_ns", "streams",
    "same_stream_overlaps", "steps", "problems",
}  # fmt: skip


@pytest.fixture(scope="module")
def all_real():
    """Return the entry of each real trace by its path, from one run of the command."""
    files = [TRACES / name for name in expected()]
    if not files:
        pytest.skip("needs the real traces")
    found = profile(*files, as_json=True).json
    return {str(entry["file"]): entry for entry in found["traces"]}


@pytest.mark.parametrize("name", sorted(expected()))
def test_a_real_trace_has_the_figures_of_the_exact_reference(all_real, name):
    wanted = {key: value for key, value in expected()[name].items() if key not in _NOT_OURS}

    entry = all_real[str(TRACES / name)]

    assert entry.keys() >= KEYS
    assert {key: entry[key] for key in wanted} == wanted


def test_the_command_prints_json_alone_in_a_process_of_its_own():
    file = real("kineto_tb_plugin/resnet50_num_workers_0/worker0.1623143089861.pt.trace.json.gz")

    done = subprocess.run(
        [sys.executable, "-m", "gpuboard", "profile", str(file), "--json"],
        capture_output=True, timeout=120,
    )  # fmt: skip

    found = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert found["verdict"][0]["kind"] == "input_bound"
    assert round(found["verdict"][0]["share"], 2) == 0.33
    assert [step["name"] for step in found["traces"][0]["steps"]] == [
        f"ProfilerStep#{k}" for k in range(5, 11)
    ]


def test_ranks_of_a_folder_are_judged_together_and_the_late_ones_named():
    found = profile(real("param/dlrm_8ranks"), as_json=True).json

    assert sorted(entry["rank"] for entry in found["traces"]) == list(range(8))
    worst = found["verdict"][0]
    assert worst["kind"] == "straggler"
    late = {proof["rank"] for proof in worst["evidence"] if proof["label"].startswith("starts the")}
    assert late == {2, 7}
    assert len(found["jobs"]) == 1
    assert found["jobs"][0]["traces"] == list(range(8))


def test_the_same_ranks_named_one_by_one_give_the_same_verdict():
    folder = real("param/dlrm_8ranks")

    one_by_one = profile(*sorted(folder.iterdir()), as_json=True).json

    together = profile(folder, as_json=True).json
    assert one_by_one["jobs"][0]["verdict"] == together["jobs"][0]["verdict"]


def test_unrelated_files_are_judged_one_by_one(tmp_path):
    files = [write(tmp_path / f"{name}.json") for name in "ab"]

    found = profile(*files, as_json=True).json

    assert [job["name"] for job in found["jobs"]] == [str(file) for file in files]
    assert [job["traces"] for job in found["jobs"]] == [[0], [1]]
    assert {one["job"] for one in found["verdict"]} <= {str(file) for file in files}


def test_times_are_integer_nanoseconds_and_the_parts_of_a_step_sum_up(tmp_path):
    entry = profile(write(tmp_path / "a.json"), as_json=True).json["traces"][0]

    assert entry["gpu"]["compute"] == {
        "n": 3, "sum_ns": 3_000 * KERNEL_US, "union_ns": 3_000 * KERNEL_US,
    }  # fmt: skip
    assert entry["window_ns"] == 1_000 * (2 * STEP_US + KERNEL_US)
    assert isinstance(entry["busy_ns"], int)
    for step in entry["steps"]:
        assert sum(step["breakdown"].values()) == step["dur_ns"] == 1_000 * STEP_US


def test_an_unreadable_file_becomes_an_entry_and_the_rest_goes_on(tmp_path):
    good = write(tmp_path / "good.json")
    bad = tmp_path / "bad.json"
    bad.write_text("no trace at all")

    found = profile(bad, good, as_json=True).json

    by_file = {entry["file"]: entry for entry in found["traces"]}
    assert by_file[str(bad)]["problems"][0]["kind"] == "unreadable"
    assert "bad.json" in by_file[str(bad)]["problems"][0]["message"]
    assert by_file[str(good)]["events"] == 12


def test_numbers_that_json_does_not_know_become_null():
    contract = Contract()
    contract.diff = {"a": float("nan"), "b": [float("inf"), 1.5]}

    assert json.loads(contract.text())["diff"] == {"a": None, "b": [None, 1.5]}


def test_odd_characters_leave_as_plain_ascii():
    contract = Contract()
    contract.diff = unreadable("\x1b[31m\ud800.json", "no")

    assert contract.text().isascii()
    assert "\x1b" not in contract.text()
