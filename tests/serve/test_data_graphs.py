import json
from urllib.parse import urlencode

import pytest

from gpuboard import limits
from gpuboard.serve.data import graph_sources, graphs
from gpuboard.store.store import Store
from tests import make
from tests.graph_maker import gpt, graph_store, keras_json, onnx_bytes, string_value


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return graph_store(tmp_path_factory.mktemp("graphs"), layers=3, heads=2)


@pytest.fixture
def client(serve, store):
    return serve(store=store, routes=[(f"/{path}", route) for path, route in graphs.ROUTES])


def listed(client):
    found = json.loads(client.authorised("/api/v1/graphs").body)
    return {
        (kind, place): one
        for kind, place, one in zip(found["kind"], found["place"], found["id"], strict=True)
    }


def ask(client, path, status=200, **query):
    answer = client.authorised(f"/api/v1/{path}?{urlencode(query)}")
    assert answer.status == status, answer.text
    return json.loads(answer.body)


def post(client, path, body, status=200):
    answer = client.authorised(f"/api/v1/{path}", "POST", body=json.dumps(body).encode())
    assert answer.status == status, answer.text
    return json.loads(answer.body)


def test_all_graphs_of_runs_and_files_are_listed(client):
    assert set(listed(client)) == {
        ("operations", "gpt"),
        ("profile", "gpt"),
        ("conceptual", "keras"),
        ("file", "export/tiny.onnx"),
    }


@pytest.mark.parametrize(
    ("which", "source", "nodes"),
    [
        (("operations", "gpt"), "tensorflow", len(gpt(3, 2).node)),
        (("profile", "gpt"), "tensorflow", len(gpt(3, 2).node)),
        (("conceptual", "keras"), "keras", 9),
        (("file", "export/tiny.onnx"), "onnx", 13),
    ],
)
def test_every_kind_of_graph_has_a_picture(client, which, source, nodes):
    found = post(client, "graph/layout", {"graph": listed(client)[which]})

    assert found["source"] == source
    assert found["totals"]["nodes"] == nodes
    assert len(found["boxes"]["key"]) > 3


def test_what_is_open_is_what_was_asked_for(client):
    body = {"graph": listed(client)["operations", "gpt"], "open": ["decoder", "gone"]}

    found = post(client, "graph/layout", body)

    assert found["open"] == ["decoder"]
    assert "decoder/layer[0–2]" in found["boxes"]["key"]


def test_a_profile_lends_its_costs_to_the_graph_of_its_run(client):
    ids = listed(client)
    body = {"graph": ids["operations", "gpt"], "profile": ids["profile", "gpt"], "open": []}

    found = post(client, "graph/layout", body)
    without = post(client, "graph/layout", {**body, "profile": ""})

    assert found["has"]["time"] is True
    assert any(time for time in found["boxes"]["time_us"])
    assert without["has"]["time"] is False


def test_numbers_that_are_none_reach_the_boxes(client):
    found = post(client, "graph/layout", {"graph": listed(client)["operations", "gpt"], "open": []})
    nans = dict(zip(found["boxes"]["key"], found["boxes"]["nan"], strict=True))

    assert nans["decoder"] == 3
    assert nans["loss"] is None


def test_a_trace_marks_boxes(client):
    body = {
        "graph": listed(client)["operations", "gpt"],
        "open": [],
        "trace": {"key": "decoder", "direction": "inputs"},
    }

    found = post(client, "graph/layout", body)
    traced = dict(zip(found["boxes"]["key"], found["traced"], strict=True))

    assert traced["embed"] == 1
    assert traced["loss"] == 0


def test_a_card_search_and_table_answer(client):
    graph = listed(client)["operations", "gpt"]

    card = ask(client, "graph/node", graph=graph, key="head/logits")
    found = ask(client, "graph/search", graph=graph, q="^decoder/layer_1$", regex="1")
    table = ask(client, "graph/table", graph=graph)

    assert card["op"] == "MatMul"
    assert card["time_us"] == "NaN"
    assert found["key"] == ["decoder/layer_1"]
    assert table["totals"]["parameters"] == sum(table["parameters"])


def upload(client, name, data, piece=1_000, status=200):
    for at in range(0, max(len(data), 1), piece):
        query = urlencode({"name": name, "size": len(data), "at": at})
        answer = client.authorised(
            f"/api/v1/graph/upload?{query}", "POST", body=data[at : at + piece]
        )
        assert answer.status == (status if at + piece >= len(data) else 200), answer.text
    return json.loads(answer.body)


def test_a_file_arrives_in_pieces_and_is_a_graph(client):
    answer = upload(client, "mine.onnx", onnx_bytes(), piece=300)

    found = post(client, "graph/layout", {"graph": answer["graph"]})

    assert answer["received"] == len(onnx_bytes())
    assert found["source"] == "onnx"
    assert ("upload", "mine.onnx") in listed(client)


def test_an_upload_that_is_no_graph_is_refused_with_its_reason(client):
    answer = upload(client, "bad.pbtxt", b"node {", status=422)

    assert "inside 1 open messages" in answer["error"]["message"]


def test_a_piece_out_of_order_is_refused(client):
    query = urlencode({"name": "x.onnx", "size": 100, "at": 50})

    answer = client.authorised(f"/api/v1/graph/upload?{query}", "POST", body=b"abc")

    assert answer.status == 400
    assert "expected one at byte 0" in answer.text


def test_an_upload_beyond_the_limit_is_refused_at_its_first_piece(client):
    size = limits.MAX_GRAPH_UPLOAD_BYTES.value + 1
    query = urlencode({"name": "x.onnx", "size": size, "at": 0})

    answer = client.authorised(f"/api/v1/graph/upload?{query}", "POST", body=b"abc")

    assert answer.status == 413
    assert "max_graph_upload_bytes" in answer.text


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ({}, 400, "graph"),
        ({"graph": "no"}, 404, "there is no graph"),
        ({"open": "decoder"}, 400, "list of"),
        ({"open": [1]}, 400, "list of"),
        ({"trace": 3}, 400, "trace"),
        ({"trace": {"key": "gone"}}, 400, "trace"),
        ({"trace": {"key": "loss", "direction": "up"}}, 400, "direction"),
        ({"constants": 1}, 400, "constants"),
        ({"profile": "no"}, 404, "there is no graph"),
    ],
)
def test_what_is_wrong_with_a_request_is_named(client, body, status, words):
    if body and "graph" not in body:
        body = {"graph": listed(client)["operations", "gpt"], **body}

    answer = post(client, "graph/layout", body, status)

    assert words in answer["error"]["message"]


def test_a_node_that_is_not_there_is_not_found(client):
    ask(client, "graph/node", 404, graph=listed(client)["operations", "gpt"], key="no")


def broken_store(root):
    make.log_directory(
        root,
        {
            "a": [make.header(), make.graph(b"\n\x03abc")],
            "b": [make.header(), string_value("keras", b"{", "graph_keras_model")],
            "c": [make.header(), make.run_metadata("step", b"\xff" * 100)],
            "d": [make.header(), make.run_metadata("step", b"\n\x02\n\x00" * 40)],
        },
    )
    (root / "bad.onnx").write_bytes(b"\xff\xff")
    (root / "empty.pb").write_bytes(b"")
    (root / "link.onnx").symlink_to("/etc/passwd")
    store = Store(root)
    store.refresh()
    return store


@pytest.mark.parametrize("place", ["a", "b", "c", "bad.onnx", "empty.pb"])
def test_a_graph_that_cannot_be_decoded_is_an_answer_and_a_health_row(serve, tmp_path, place):
    store = broken_store(tmp_path)
    client = serve(store=store, routes=[(f"/{path}", route) for path, route in graphs.ROUTES])
    ids = {where: one for (_, where), one in listed(client).items()}

    post(client, "graph/layout", {"graph": ids[place]}, 422)
    rows = [problem for problem in store.problems() if problem.kind == "bad_value"]

    assert [row.file.split("/")[0] for row in rows] == [place]


def test_a_profile_without_a_graph_in_its_run_says_so(serve, tmp_path):
    store = broken_store(tmp_path)
    client = serve(store=store, routes=[(f"/{path}", route) for path, route in graphs.ROUTES])
    ids = {where: one for (_, where), one in listed(client).items()}

    answer = post(client, "graph/layout", {"graph": ids["d"]}, 404)

    assert "comes without a graph" in answer["error"]["message"]


def test_links_are_not_followed(serve, tmp_path):
    client = serve(
        store=broken_store(tmp_path), routes=[(f"/{p}", route) for p, route in graphs.ROUTES]
    )

    assert "link.onnx" not in {where for _, where in listed(client)}


def test_a_graph_is_decoded_once_and_again_when_it_was_logged_anew(tmp_path, monkeypatch):
    from gpuboard.summaries.graphs import graph_def

    decodings = []
    decode = graph_def.decode
    monkeypatch.setattr(graph_def, "decode", lambda data: decodings.append(1) or decode(data))
    path = make.event_file(
        tmp_path / "r", [make.header(), make.graph(gpt(1, 1).SerializeToString())]
    )
    store = Store(tmp_path)
    store.refresh()
    found = graph_sources.graphs_of(store)
    (entry,) = found.entries()

    first = found.load(entry.id)
    assert found.load(entry.id) is first
    make.append(path, make.records([make.graph(gpt(2, 1).SerializeToString())]))
    store.refresh()

    assert len(found.load(entry.id).graph) > len(first.graph)
    assert len(decodings) == 2


def test_only_so_many_graphs_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(graph_sources, "MAX_KEPT", 2)
    make.log_directory(
        tmp_path,
        {
            f"r{k}": [
                make.header(),
                string_value("keras", keras_json().encode(), "graph_keras_model"),
            ]
            for k in range(4)
        },
    )
    store = Store(tmp_path)
    store.refresh()
    found = graph_sources.graphs_of(store)

    for entry in found.entries():
        found.load(entry.id)

    assert len(found._kept) == 2


def test_an_id_is_the_same_after_a_restart(store):
    again = Store(store.logdir)
    again.refresh()

    assert {entry.id for entry in graph_sources.graphs_of(again).entries()} <= {
        entry.id for entry in graph_sources.graphs_of(store).entries()
    }
