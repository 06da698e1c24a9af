"""The base of data routes: strict JSON and one shape of errors."""

from __future__ import annotations

import json

import numpy as np
import pytest

from gpuboard.serve.routes import encode_json


def test_numbers_that_json_lacks_become_their_names():
    columns = {"x": np.array([1.0, np.nan, np.inf, -np.inf]), "y": (np.float32(0.5), None)}

    decoded = json.loads(encode_json(columns), parse_constant=pytest.fail)

    assert decoded == {"x": [1.0, "NaN", "Infinity", "-Infinity"], "y": [0.5, None]}


def test_steps_beyond_two_to_the_53_stay_exact():
    assert encode_json(np.array([2**62 + 1])) == b"[4611686018427387905]"


def test_lone_surrogates_do_not_stop_an_answer():
    assert json.loads(encode_json({"run": "a\udcff"})) == {"run": "a?"}


def test_a_missing_series_is_answered_in_the_one_shape(client):
    answer = client.authorised("/api/v1/absent")

    assert answer.headers["Content-Type"].startswith("application/json")
    assert json.loads(answer.body) == {
        "error": {"status": 404, "message": "run 7 has no tag 'nothing'"}
    }


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/api/v1/broken", 500), ("DELETE", "/api/v1/echo", 405)],
)
def test_every_error_of_a_data_route_has_the_one_shape(client, method, path, status):
    error = json.loads(client.authorised(path, method).body)["error"]

    assert error["status"] == status
    assert error["message"]


def test_a_refused_data_request_has_the_one_shape(client):
    assert json.loads(client.get("/api/v1/echo").body)["error"]["status"] == 401


@pytest.mark.parametrize(
    "body", [b"", b"[1]", b"{", b"\xff", b'{"a":NaN}', b'{"a":Infinity}', b"[" * 200_000]
)
def test_a_body_that_is_not_one_json_object_is_a_bad_request(client, body):
    answer = client.authorised("/api/v1/echo", "POST", body=body)

    assert answer.status == 400
    assert json.loads(answer.body)["error"]["status"] == 400


def test_a_json_body_arrives(client):
    answer = client.authorised("/api/v1/echo", "POST", body=b'{"tag":"loss"}')

    assert json.loads(answer.body) == {"got": {"tag": "loss"}}
