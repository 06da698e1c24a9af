import contextlib
import csv
import http.client
import io
import json
import struct
from pathlib import Path
from urllib.parse import quote, urlencode

import numpy as np
import pyarrow.parquet as pq
import pytest

from gpuboard.errors import NotFoundError
from gpuboard.serve.api import ROUTES
from gpuboard.serve.context import Context, ServeConfig
from gpuboard.serve.page import PageSpec
from gpuboard.serve.server import make_server
from gpuboard.store.columns import (
    NO_PURGE,
    Catalogue,
    Problem,
    Progress,
    RunInfo,
    Series,
    TagInfo,
)

TOKEN = "t0ken-of-the-tests-0123456789"
HUGE = 2**60 + 1


def columns(values, steps=None, starts=(0,)):
    n = len(values)
    steps = range(n) if steps is None else steps
    return Series(
        wall_time=1000.5 + np.arange(n),
        step=np.array(steps, np.int64),
        value=np.array(values, np.float64),
        writer_start=np.array(starts, np.int64),
        purge_step=np.full(len(starts), NO_PURGE),
    )


SERIES = {
    (0, "loss"): columns([3.0, 2.0, np.nan, 1.0]),
    (1, "loss"): columns([5.0, 4.0, 9.0], [0, HUGE, 1], starts=(0, 2)),
    (2, "loss"): columns([1.0, 2.0]),
    (1, "grüße/x y"): columns([7.0]),
}
NAMES = {0: "adam/seed0", 1: "adam/seed1", 2: "=cmd|' /C calc'!A0"}


class SmallStore:
    """Three runs that hold what is awkward to write down."""

    def __init__(self):
        self.logdir = Path("runs")
        self.version = 7
        self.run_versions = {0: 3, 1: 7, 2: 5}

    def catalogue(self):
        return Catalogue(self.version, tuple(map(self._run, NAMES)))

    def _run(self, run_id):
        tags = {
            tag: TagInfo(tag, "scalar", len(s), int(s.step[0]), int(s.step[-1]), "", "what it is")
            for (run, tag), s in SERIES.items()
            if run == run_id
        }
        if run_id == 1:
            tags["huge"] = TagInfo("huge", "image", 1, HUGE, HUGE)
        return RunInfo(
            id=run_id, name=NAMES[run_id], version=self.run_versions[run_id], tags=tags,
            files=("f",), start=1000.0, end=float("nan") if run_id == 2 else 1003.0, events=4,
            points=4, bytes=99, problems=0, state="live",
        )  # fmt: skip

    def series(self, run_id, tag):
        if (run_id, tag) not in SERIES:
            raise NotFoundError(f"run {run_id} has no scalars {tag!r}")
        return SERIES[run_id, tag]

    def series_many(self, run_ids, tag):
        return [(run, SERIES[run, tag]) for run in run_ids if (run, tag) in SERIES]

    def problems(self):
        return (Problem("a/f", 812, "damaged_record", "skipped <b>it</b>"),)

    def progress(self):
        return Progress("reading", 10, 20, 3)


class Api:
    """Ask the data routes of one server as a script would."""

    def __init__(self, port):
        self._port = port

    def ask(self, method, path, body=None):
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        with contextlib.closing(connection):
            connection.request(
                method, f"/api/v1/{path}", body, {"Authorization": f"Bearer {TOKEN}"}
            )
            response = connection.getresponse()
            return response.status, response.headers, response.read()

    def get(self, path, **query):
        path += "?" + urlencode(query, doseq=True) if query else ""
        return self.ask("GET", path)

    def json(self, path, **query):
        status, _, body = self.get(path, **query)
        assert status == 200, body
        return json.loads(body)

    def post(self, path, **body):
        return self.ask("POST", path, json.dumps(body))

    def chart(self, **body):
        status, headers, reply = self.post("curves", **{"tag": "loss", "runs": "0-2"} | body)
        assert status == 200, reply
        assert headers["Content-Type"] == "application/octet-stream"
        return decoded(reply)


def decoded(reply):
    """Read a chart as the page does: a length, a JSON header, two columns of float64."""
    (length,) = struct.unpack_from("<I", reply)
    assert (4 + length) % 8 == 0
    header = json.loads(reply[4 : 4 + length].decode(), parse_constant=pytest.fail)
    total = sum(line["n"] for line in header["lines"])
    x = np.frombuffer(reply, "<f8", total, 4 + length)
    y = np.frombuffer(reply, "<f8", total, 4 + length + 8 * total)
    assert len(reply) == 4 + length + 16 * total
    return header, x, y


@pytest.fixture(scope="module")
def store():
    return SmallStore()


@pytest.fixture(scope="module")
def api(store):
    page = PageSpec("scalars", "Scalars", "scalars", 1, lambda page: None, ("scalar",))
    server = make_server(ServeConfig(port=0, token=TOKEN), Context(store), (page,), ROUTES)
    server.start()
    yield Api(server.port)
    server.stop()


def refusal(answer):
    status, headers, body = answer
    assert headers["Content-Type"].startswith("application/json")
    error = json.loads(body)["error"]
    assert error["status"] == status
    return status, error["message"]


def test_the_status_says_how_far_reading_is_and_on_what_device(api):
    status = api.json("status")

    assert status["version"] == 7
    assert (status["phase"], status["bytes_done"], status["bytes_total"]) == ("reading", 10, 20)
    assert (status["files"], status["problems"], status["logdir"]) == (3, 1, "runs")
    assert status["device"].keys() == {"label", "reason"}


def test_runs_come_as_columns_of_equal_length(api):
    runs = api.json("runs")["runs"]

    assert {len(column) for column in runs.values()} == {3}
    assert runs["name"] == list(NAMES.values())
    assert runs["last_step"] == [3, str(HUGE), 1]
    assert runs["end"] == [1003.0, 1003.0, "NaN"]
    assert runs["tags"] == [1, 3, 1]


def test_tags_are_summed_over_runs(api):
    found = api.json("tags", kind="scalar")

    assert found["total"] == 2
    assert found["tags"] == [
        {"tag": "grüße/x y", "kind": "scalar", "runs": 1, "points": 1, "description": "what it is"},
        {"tag": "loss", "kind": "scalar", "runs": 3, "points": 9, "description": "what it is"},
    ]


def test_tags_are_searched_and_limited_by_the_server(api):
    assert [row["tag"] for row in api.json("tags", q="^l.ss$")["tags"]] == ["loss"]
    assert [row["tag"] for row in api.json("tags", kind="image")["tags"]] == ["huge"]
    limited = api.json("tags", limit=1)
    assert (limited["total"], len(limited["tags"])) == (3, 1)


def test_a_chart_comes_as_lines_with_their_columns(api):
    header, x, y = api.chart(runs="0,2")

    assert header["version"] == 7
    assert header["lines"] == [
        {"run": 0, "group": None, "role": "line", "n": 4, "points": 4, "last_step": "3", "last": 1},
        {"run": 2, "group": None, "role": "line", "n": 2, "points": 2, "last_step": "1", "last": 2},
    ]
    assert x.tolist() == [0, 1, 2, 3, 0, 1]
    np.testing.assert_array_equal(y, [3, 2, np.nan, 1, 1, 2])
    assert header["x_extent"] == [0, 3]
    assert header["y_extent"] == [1, 3]
    assert header["markers"] == [{"run": 0, "x": 2, "kind": "nan"}]
    assert header["markers_total"] == 1


def test_steps_beyond_2_to_the_53_are_exact_as_text(api):
    header, _, _ = api.chart(runs="1", overwritten=True)

    assert [(line["role"], line["last_step"]) for line in header["lines"]] == [
        ("overwritten", str(HUGE)),
        ("line", "1"),
    ]


def test_seeds_fold_into_named_groups(api):
    fold = {"by": "regex", "pattern": "(adam)/", "center": "mean", "band": "minmax"}

    header, _, _ = api.chart(fold=fold, smooth={"kind": "mean", "amount": 0.5})

    lines = [(line["role"], line["run"], line["group"]) for line in header["lines"]]
    assert lines == [
        ("raw", 2, None),
        ("low", None, "adam"),
        ("high", None, "adam"),
        ("line", 2, None),
        ("line", None, "adam"),
    ]


def test_nothing_is_sent_while_the_selected_runs_stay_as_they_are(api):
    assert api.post("curves", tag="loss", runs="0,2", since=5)[0::2] == (204, b"")
    assert api.post("curves", tag="loss", runs="0-2", since=5)[0] == 200
    assert api.post("curves", tag="loss", runs="0-2", since=7)[0] == 204


def test_a_version_of_an_earlier_server_does_not_hold_a_chart_back(api):
    assert api.post("curves", tag="loss", runs="0", since=10**6)[0] == 200


def test_a_tag_that_no_run_has_is_an_empty_chart(api):
    header, x, _ = api.chart(tag="nothing", runs="0-999")

    assert (header["lines"], header["x_extent"], len(x)) == ([], None, 0)


def test_values_at_a_step_come_as_columns(api):
    status, _, body = api.post("at", tag="loss", runs="1,0", x="step", at=2)

    rows = json.loads(body)
    assert status == 200
    assert rows["run"] == [1, 0]
    assert rows["value"] == [9.0, "NaN"]
    assert rows["step"] == ["1", "2"]
    assert rows["wall_time"] == [1002.5, 1002.5]
    assert rows["relative"] == [2.5, 2.5]
    assert rows["min"] == [None, None]


def test_a_range_is_summed_up_for_each_run(api):
    _, _, body = api.post("at", tag="loss", runs="0-2", x="step", at=2, to=3)

    rows = json.loads(body)
    assert rows["value"] == [1.0, None, None]
    assert rows["step"] == ["3", None, None]
    names = ("min", "max", "mean", "start", "end", "delta")
    assert [rows[name] for name in names] == [[value, None, None] for value in (1, 1, 1, 1, 1, 0)]


def test_a_script_gets_every_point_as_json(api):
    found = api.json("scalars", run=1, tag="loss")

    assert found == {
        "run": "adam/seed1",
        "tag": "loss",
        "wall_time": [1000.5, 1001.5, 1002.5],
        "step": [0, str(HUGE), 1],
        "value": [5, 4, 9],
    }


def test_a_run_may_be_given_by_name(api):
    assert api.json("scalars", run="adam/seed0", tag="loss")["value"] == [3, 2, "NaN", 1]


def test_the_current_view_leaves_out_what_a_restart_overwrote(api):
    assert api.json("scalars", run=1, tag="loss", view="current")["value"] == [5, 9]


def test_csv_is_offered_as_a_file_of_a_harmless_name(api):
    status, headers, body = api.get("scalars", run=1, tag="grüße/x y", format="csv")

    assert status == 200
    assert headers["Content-Type"] == "text/csv; charset=UTF-8"
    assert headers["Content-Disposition"] == 'attachment; filename="gr_e_x_y.csv"'
    assert body == b"wall_time,step,value\n1000.5,0,7.0\n"


def test_several_runs_come_in_one_file(api):
    _, _, body = api.get("scalars", run=[0, 2], tag="loss", format="csv")

    rows = list(csv.reader(io.StringIO(body.decode())))
    assert rows[0] == ["run", "wall_time", "step", "value"]
    assert [row[0] for row in rows[1:]] == [NAMES[0]] * 4 + [NAMES[2]] * 2
    assert [len(run["step"]) for run in api.json("scalars", run=[0, 2], tag="loss")] == [4, 2]


def test_parquet_reads_back(api):
    _, headers, body = api.get("scalars", run=1, tag="loss", format="parquet")

    assert headers["Content-Type"] == "application/vnd.apache.parquet"
    assert pq.read_table(io.BytesIO(body))["step"].to_pylist() == [0, HUGE, 1]


def test_problems_are_told_as_they_are(api):
    assert api.json("problems")["problems"] == [
        {
            "file": "a/f",
            "offset": 812,
            "kind": "damaged_record",
            "message": "skipped <b>it</b>",
        }
    ]


@pytest.mark.parametrize(
    ("path", "status", "message"),
    [
        ("scalars?run=0", 400, "run and tag are needed"),
        ("scalars?run=0&tag=loss&format=xml", 400, "format: got 'xml', expected one of json, csv"),
        ("scalars?run=0&tag=loss&view=some", 400, "view: got 'some'"),
        ("scalars?run=99&tag=loss", 404, "there is no run '99'"),
        ("scalars?run=" + quote("../../etc/passwd") + "&tag=loss", 404, "there is no run"),
        ("scalars?run=0&tag=nothing", 404, "has no scalars 'nothing'"),
        ("tags?q=(", 400, "not a regular expression"),
        ("tags?q=" + quote("(a+)+$"), 400, "can take forever"),
        ("tags?limit=-1", 400, "limit: got '-1'"),
    ],
)
def test_a_question_that_cannot_be_answered_says_why(api, path, status, message):
    answered, said = refusal(api.ask("GET", path))

    assert answered == status
    assert message in said


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"runs": "0"}, "tag: got None, expected a text"),
        ({"tag": "loss"}, "runs: got None"),
        ({"tag": "loss", "runs": "0", "x": "log"}, "x: got 'log'"),
        ({"tag": "loss", "runs": "0", "since": "now"}, "since: got 'now'"),
        ({"tag": "loss", "runs": "0", "fold": {"pattern": "("}}, "not a regular expression"),
    ],
)
def test_a_chart_that_cannot_be_drawn_says_why(api, body, message):
    status, said = refusal(api.post("curves", **body))

    assert status == 400
    assert message in said


def test_a_body_that_is_no_json_object_is_refused(api):
    assert refusal(api.ask("POST", "at", b"\xff"))[0] == 400
    assert refusal(api.ask("POST", "curves", b"[]"))[0] == 400


def test_runs_are_folded_by_hyperparameters_wherever_these_were_logged(tmp_path):
    from gpuboard.eventlog.proto.event_pb2 import Event, Summary
    from gpuboard.serve import api
    from gpuboard.store.store import Store
    from gpuboard.summaries.hparams import encode_start
    from tests import make

    for name, lr in (("a", 0.1), ("b", 0.1), ("c", 0.5)):
        make.event_file(tmp_path / name, [make.header(), make.scalar("loss", lr, step=1)])
        start = Event(wall_time=1.0, summary=Summary(value=[encode_start({"lr": lr})]))
        make.event_file(tmp_path / name / "1700000000.25", [start.SerializeToString()])
    store = Store(tmp_path)
    store.refresh()
    body = {"fold": {"by": "hparam", "names": ["lr"]}}
    runs = store.catalogue().runs
    ids = [run.id for run in runs]

    reply = api._chart(store, "loss", ids, api.fields.curve_request(body), None)
    columns = api._hparam_columns(store)

    (size,) = struct.unpack_from("<I", reply)
    lines = json.loads(reply[4 : 4 + size])["lines"]
    assert {line["group"] for line in lines} == {"lr=0.1", "lr=0.5"}
    names = [run.name for run in runs]
    lr_of = dict(zip(names, columns["hparams"]["lr"], strict=True))
    assert (lr_of["a"], lr_of["b"], lr_of["c"]) == (0.1, 0.1, 0.5)


@pytest.mark.parametrize("fold", [{"by": "hparam"}, {"by": "hparam", "names": []}, {"by": "x"}])
def test_a_fold_without_what_it_goes_by_is_refused(fold):
    from gpuboard.errors import InputError
    from gpuboard.serve import fields

    with pytest.raises(InputError, match="fold"):
        fields.curve_request({"fold": fold})
