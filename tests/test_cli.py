"""The commands as scripts use them: in processes of their own."""

from __future__ import annotations

import csv
import io
import json
import math
import os
import re
import signal
import struct
import subprocess
import sys
import urllib.error
import urllib.request

import numpy as np
import pytest

from gpuboard import cli
from gpuboard.errors import InputError
from tests import make


def gpuboard(*arguments, timeout=60):
    command = [sys.executable, "-m", "gpuboard", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, timeout=timeout)


@pytest.fixture
def logdir(tmp_path):
    training = [make.header(), *(make.scalar("loss", 1 / (k + 3), step=k) for k in range(20))]
    other = [make.header(), make.histogram("weights", [1.0, 2.0, 3.0], step=7)]
    make.event_file(tmp_path, [make.header(), make.tf2_scalar("lr", 0.1, step=4)])
    make.event_file(tmp_path / "a" / "b", training)
    make.event_file(tmp_path / "other", other)
    return tmp_path


def test_inspect_prints_the_object_that_scripts_rely_on(logdir):
    done = gpuboard("inspect", logdir, "--json")

    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert set(found) == {"runs", "problems", "bytes", "events", "seconds"}
    assert set(found["runs"]) == {".", "a/b", "other"}
    assert found["runs"]["a/b"] == {
        "tags": {"loss": {"kind": "scalar", "points": 20, "first_step": 0, "last_step": 19}},
        "files": [make.FILE_NAME],
    }
    assert found["runs"]["."]["tags"]["lr"]["kind"] == "scalar"
    assert found["runs"]["other"]["tags"]["weights"]["kind"] == "histogram"
    assert found["problems"] == []
    assert found["events"] == 2 + 21 + 2
    assert found["bytes"] == sum(path.stat().st_size for path in logdir.rglob("*tfevents*"))
    assert found["seconds"] > 0


def test_inspect_tells_what_is_damaged_and_where(logdir):
    path = logdir / "a" / "b" / make.FILE_NAME
    data = bytearray(path.read_bytes())
    data[-6] ^= 1
    path.write_bytes(data)

    found = json.loads(gpuboard("inspect", logdir, "--json").stdout)

    (problem,) = found["problems"]
    assert set(problem) == {"file", "offset", "kind", "message"}
    assert problem["file"] == f"a/b/{make.FILE_NAME}"
    assert problem["kind"] == "damaged_record"
    assert 0 < problem["offset"] < len(data)
    assert found["runs"]["a/b"]["tags"]["loss"]["points"] == 19


def test_inspect_without_json_is_for_people(logdir):
    done = gpuboard("inspect", logdir)

    text = done.stdout.decode()
    assert "scalar     loss: 20 points, steps 0 to 19" in text
    assert text.splitlines()[-1].startswith("3 runs, 25 events")


@pytest.mark.parametrize("verb", [["inspect"], ["serve"]])
def test_a_missing_directory_ends_in_one_clear_line_and_exit_code_2(tmp_path, verb):
    done = gpuboard(*verb, tmp_path / "nowhere")

    assert done.returncode == 2
    assert done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    assert str(tmp_path / "nowhere") in line


def test_export_prints_every_point_in_file_order_as_floats_that_round_trip(tmp_path):
    values = [0.1, math.nan, math.inf, -math.inf, 1e-42, -0.0, 3.4e38]
    steps = [3, 3, 1, -5, 2**40, 0, 2**62]
    payloads = [make.scalar("x", v, step=s) for v, s in zip(values, steps, strict=True)]
    make.event_file(tmp_path, [make.header(), *payloads])

    done = gpuboard("export", "scalars", tmp_path, "--run", ".", "--tag", "x", "--format", "csv")

    rows = list(csv.reader(io.StringIO(done.stdout.decode())))
    assert rows[0] == ["wall_time", "step", "value"]
    assert [int(row[1]) for row in rows[1:]] == steps
    expected = [struct.unpack("<f", struct.pack("<f", v))[0] for v in values]
    np.testing.assert_array_equal([float(row[2]) for row in rows[1:]], expected)
    assert {float(row[0]) for row in rows[1:]} == {make.START_TIME}


def test_export_writes_json_and_parquet_with_the_same_points(logdir, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    series = ("export", "scalars", logdir, "--run", "a/b", "--tag", "loss")

    as_json = json.loads(gpuboard(*series, "--format", "json").stdout)
    done = gpuboard(*series, "--format", "parquet", "--out", tmp_path / "loss.parquet")

    table = parquet.read_table(tmp_path / "loss.parquet").to_pydict()
    assert done.returncode == 0
    assert as_json["step"] == table["step"] == list(range(20))
    assert as_json["value"] == table["value"]
    assert as_json["wall_time"] == table["wall_time"]


@pytest.mark.parametrize(
    ("run", "tag", "named"), [("nope", "loss", "'nope'"), ("a/b", "nope", "'nope'")]
)
def test_export_of_what_is_not_there_names_it(logdir, run, tag, named):
    done = gpuboard("export", "scalars", logdir, "--run", run, "--tag", tag)

    assert done.returncode == 2
    assert named in done.stderr.decode()
    assert done.stdout == b""


def test_output_into_a_closed_pipe_ends_quietly(logdir):
    command = f"{sys.executable} -m gpuboard inspect {logdir} | true"

    done = subprocess.run(["bash", "-c", command], capture_output=True, timeout=60)

    assert done.stderr == b""


@pytest.fixture
def server(logdir):
    command = [sys.executable, "-m", "gpuboard", "serve", str(logdir), "--port", "0"]
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    )
    yield process
    process.kill()
    process.wait()
    process.stdout.close()
    process.stderr.close()


def printed_address(process):
    for line in process.stdout:
        if match := re.search(r"(http://\S+)\?token=(\S+)", line):
            return match[1], match[2]
    raise AssertionError(f"no address was printed: {process.stderr.read()}")


def test_serve_prints_an_address_that_opens_and_nothing_opens_without_its_token(server):
    address, token = printed_address(server)
    request = urllib.request.Request(
        f"{address}api/v1/status", headers={"Authorization": f"Bearer {token}"}
    )

    with urllib.request.urlopen(request, timeout=20) as reply:
        status = json.loads(reply.read())
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}api/v1/status", timeout=20)

    assert status["phase"] in {"starting", "compiling", "reading", "watching"}
    assert refused.value.code == 401
    refused.value.close()


def test_serve_ends_at_an_interrupt_without_a_traceback(server):
    printed_address(server)

    server.send_signal(signal.SIGINT)

    assert server.wait(timeout=20) == 0
    assert "Traceback" not in server.stderr.read()


def test_a_token_may_not_be_left_out_where_others_can_reach_the_server(logdir):
    done = gpuboard("serve", logdir, "--host", "0.0.0.0", "--token", "")

    assert done.returncode == 2
    assert b"token" in done.stderr


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("http://localhost:*", "http://localhost:*"),
        ("https://hub.example.org", "https://hub.example.org"),
        ("self", "'self'"),
    ],
)
def test_a_frame_origin_is_a_source_of_a_policy(given, kept):
    assert cli._checked_origin(given) == kept


@pytest.mark.parametrize("given", ["*", "localhost", "http://a; script-src *", "http://a/b", ""])
def test_a_frame_origin_that_would_say_more_is_refused(given):
    with pytest.raises(InputError, match="frame origin"):
        cli._checked_origin(given)
