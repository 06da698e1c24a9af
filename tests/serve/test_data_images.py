"""Ask for pictures as a browser does, of files that hold honest and hostile ones."""

import http.client
import json
from urllib.parse import urlencode

import numpy as np
import pytest

from gpuboard import limits
from gpuboard.eventlog.append import EventFileWriter
from gpuboard.serve.context import Context, ServeConfig
from gpuboard.serve.page import PageSpec
from gpuboard.serve.server import make_server
from gpuboard.store.store import Store
from gpuboard.summaries.image import encode, gif_of, png_of
from tests import pictures

START = 1_700_000_000.25
COLOUR = pictures.noise(20, 30, 3)
DEEP = pictures.noise(6, 9, 1, dtype=np.uint16)
LARGE = pictures.noise(700, 1000, 3)
FRAMES = np.full((9, 12, 16, 3), 1, np.uint8) * np.arange(9, dtype=np.uint8)[:, None, None, None]
SAMPLES = [np.full((8, 10), 20 * k, np.uint8) for k in range(5)]


def raw(tag, encoded):
    return encode(tag, encoded, height=3, width=4, channels=3)


VALUES = (
    raw("colour", png_of(COLOUR)),
    raw("deep", pictures.saved(DEEP)),
    raw("large", png_of(LARGE)),
    raw("film", gif_of(FRAMES, fps=10)),
    pictures.batch("batch", [png_of(sample) for sample in SAMPLES], b"10", b"8"),
    pictures.batch("empty", []),
    raw("svg", pictures.SVG),
    raw("html", pictures.HTML),
    raw("bomb", pictures.bomb(20_000, 20_000)),
    raw("text bomb", pictures.text_bomb(8)),
    raw("cut", png_of(COLOUR)[:900]),
    raw("polyglot", png_of(COLOUR) + pictures.HTML),
    raw("mixed/../a b", png_of(COLOUR)),
)


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    logdir = tmp_path_factory.mktemp("logs")
    with EventFileWriter(logdir / "run") as writer:
        for k, value in enumerate(VALUES):
            writer.add_value(value, 7, wall_time=START + k)
        writer.add_value(raw("colour", png_of(255 - COLOUR)), 9, wall_time=START + 99)
        writer.add_scalar("loss", 1.0, 0, wall_time=START)
    store = Store(logdir)
    store.refresh()
    page = PageSpec("images", "Images", "images", 0, lambda page: None)
    server = make_server(ServeConfig(port=0, token=""), Context(store), (page,))
    server.start()
    yield Board(store, server.port)
    server.stop()


class Board:
    def __init__(self, store, port):
        self.store = store
        self.port = port

    def get(self, path, **query):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        connection.request("GET", f"/api/v1/{path}?{urlencode(query)}")
        answer = connection.getresponse()
        body = answer.read()
        connection.close()
        return answer.status, answer.headers, body

    def json(self, path, **query):
        status, _, body = self.get(path, **query)
        return status, json.loads(body)

    def post(self, path, body):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {
            "Content-Type": "application/json",
            "Origin": f"http://127.0.0.1:{self.port}",
        }
        connection.request("POST", f"/api/v1/{path}", json.dumps(body), headers)
        answer = connection.getresponse()
        found = answer.status, json.loads(answer.read())
        connection.close()
        return found

    def address(self, tag, at=0):
        _, steps = self.json("steps", run=0, tag=tag)
        return {"run": 0, "tag": tag, "ref": steps["ref"][at], "at": steps["wall_time"][at]}

    def pixels(self, tag, **query):
        status, headers, body = self.get("image", **self.address(tag), **query)
        assert status == 200, body
        return headers, pictures.opened(body)


@pytest.mark.parametrize("size", ["thumb", "full", "png"])
def test_a_picture_comes_with_the_pixels_that_were_logged(board, size):
    headers, pixels = board.pixels("colour", size=size)

    assert np.array_equal(pixels, COLOUR)
    assert headers["Content-Type"] == ("image/png" if size == "png" else "image/webp")
    assert headers["X-Content-Type-Options"] == "nosniff"
    facts = {name: headers[f"Image-{name}"] for name in ("Width", "Height", "Channels", "Bits")}
    assert facts == {"Width": "30", "Height": "20", "Channels": "3", "Bits": "8"}


def test_each_step_has_its_own_picture(board):
    _, _, body = board.get("image", **board.address("colour", 1))

    assert np.array_equal(pictures.opened(body), 255 - COLOUR)


def test_a_large_picture_is_scaled_for_cards_and_whole_for_the_viewer(board):
    headers, thumb = board.pixels("large", size="thumb")
    _, whole = board.pixels("large")

    assert thumb.shape == (358, 512, 3)
    assert headers["Image-Width"] == "1000"
    assert np.array_equal(whole, LARGE)


def test_bytes_that_were_logged_are_never_sent(board):
    for size in ("thumb", "full", "png"):
        _, _, body = board.get("image", **board.address("polyglot"), size=size)

        assert np.array_equal(pictures.opened(body), COLOUR)
        assert b"script" not in body


@pytest.mark.parametrize("tag", ["svg", "html", "bomb", "text bomb", "cut"])
@pytest.mark.parametrize("path", ["image", "image/sheet", "image/pixels"])
def test_what_is_no_sound_picture_is_refused_and_becomes_a_row(board, tag, path):
    status, answer = board.json(path, **board.address(tag))

    assert status == 422
    rows = [p for p in board.store.problems() if f"image {tag!r} at step 7" in p.message]
    assert len(rows) == 1
    assert rows[0].kind == "bad_value"
    assert answer["error"]["message"] in rows[0].message


def test_errors_are_json_whatever_the_file_says(board):
    _, headers, _ = board.get("image", **board.address("svg"))

    assert headers["Content-Type"].startswith("application/json")
    assert headers["Cache-Control"] == "no-store"


def test_a_browser_may_keep_what_its_address_names_for_good(board):
    address = board.address("colour")

    _, headers, _ = board.get("image", **address)
    _, plain, _ = board.get("image", **{**address, "at": address["at"]} | {"size": "thumb"})
    del address["at"]
    _, loose, _ = board.get("image", **address)

    assert "immutable" in headers["Cache-Control"]
    assert "private" in plain["Cache-Control"]
    assert loose["Cache-Control"] == "no-store"


def test_a_value_that_took_the_place_of_another_is_not_sent_for_it(board):
    status, answer = board.json("image", **board.address("colour") | {"at": START + 1})

    assert status == 404
    assert "api/v1/steps" in answer["error"]["message"]


def test_sixteen_bits_are_shown_with_eight_and_read_with_all(board):
    _, shown = board.pixels("deep")
    _, download = board.pixels("deep", size="png")
    status, block = board.json("image/pixels", **board.address("deep"), w=9, h=6)

    assert np.array_equal(shown[..., 0], DEEP[..., 0] >> 8)
    assert np.array_equal(download, DEEP[..., 0])
    assert status == 200
    assert block["bits"] == 16
    assert np.array_equal(np.reshape(block["values"], DEEP.shape), DEEP)


def test_a_block_of_pixels_ends_where_the_picture_ends(board):
    _, block = board.json("image/pixels", **board.address("colour"), x=25, y=10, w=64, h=64)

    assert (block["x"], block["y"], block["width"], block["height"]) == (25, 10, 5, 10)
    assert np.array_equal(np.reshape(block["values"], (10, 5, 3)), COLOUR[10:, 25:])


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"x": 30}, 400),
        ({"y": 20}, 400),
        ({"w": -1}, 400),
        ({"w": "x"}, 400),
        ({"w": limits.MAX_PIXEL_BLOCK.value + 1}, 413),
        ({"w": 10**6, "h": 10**6}, 413),
    ],
)
def test_a_block_that_cannot_be_is_refused(board, query, status):
    found, answer = board.json("image/pixels", **board.address("colour"), **query)

    assert found == status
    assert answer["error"]["status"] == status


def test_frames_come_on_a_sheet_and_one_by_one(board):
    status, headers, body = board.get("image/sheet", **board.address("film"), first=2)
    sheet = pictures.opened(body)
    columns = int(headers["Sheet-Columns"])

    assert status == 200
    assert headers["Image-Frames"] == "9"
    assert headers["Sheet-Tiles"] == "7"
    assert headers["Sheet-Durations"] == ",".join(["100"] * 7)
    for k in range(2, 9):
        top, left = (k - 2) // columns * 12, (k - 2) % columns * 16
        assert np.array_equal(sheet[top : top + 12, left : left + 16, :3], FRAMES[k])
        assert np.array_equal(board.pixels("film", frame=k)[1], FRAMES[k])


def test_samples_come_on_a_sheet_and_one_by_one(board):
    _, headers, body = board.get("image/sheet", **board.address("batch"), of="samples")
    sheet = pictures.opened(body)
    columns = int(headers["Sheet-Columns"])

    assert headers["Image-Samples"] == headers["Sheet-Tiles"] == "5"
    for k, sample in enumerate(SAMPLES):
        top, left = k // columns * 8, k % columns * 10
        assert (sheet[top : top + 8, left : left + 10, 0] == sample).all()
        assert (board.pixels("batch", sample=k)[1][..., 0] == sample).all()


@pytest.mark.parametrize("path", ["image", "image/sheet"])
def test_an_empty_batch_is_no_error(board, path):
    status, headers, body = board.get(path, **board.address("empty"))

    assert (status, body) == (204, b"")
    assert headers["Image-Samples"] == "0"


def test_facts_tell_the_true_size_from_the_one_that_was_logged(board):
    _, facts = board.json("image/info", **board.address("colour"))
    _, empty = board.json("image/info", **board.address("empty"))

    assert (facts["width"], facts["height"], facts["channels"]) == (30, 20, 3)
    assert (facts["declared_width"], facts["declared_height"]) == (4, 3)
    assert (facts["format"], facts["frames"], facts["samples"]) == ("PNG", 1, 1)
    assert facts["bytes"] == len(png_of(COLOUR))
    assert (facts["step"], facts["wall_time"]) == (7, START)
    assert empty["samples"] == 0


def test_sizes_are_known_before_any_picture_is_asked_for(board):
    tags = ["large", "batch", "svg", "empty", "loss", "nothing", "colour", "large"]

    status, sizes = board.post("image/sizes", {"tags": tags})

    assert status == 200
    rows = list(zip(*sizes.values(), strict=True))
    assert rows == [("large", 1000, 700, 1), ("batch", 10, 8, 5), ("colour", 30, 20, 1)]


def test_the_sizes_of_the_first_tags_need_no_list(board):
    tags = [row["tag"] for row in board.json("values", kind="image")[1]["tags"]]

    status, first = board.json("image/sizes")

    assert status == 200
    assert first == board.post("image/sizes", {"tags": tags})[1]
    assert "batch" in first["tag"]


@pytest.mark.parametrize("body", [{}, {"tags": "a"}, {"tags": [1]}])
def test_a_wish_for_sizes_that_is_none_is_told(board, body):
    status, _ = board.post("image/sizes", body)

    assert status == 400


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"ref": "0-1"}, 404),
        ({"ref": "x"}, 400),
        ({"run": 5}, 404),
        ({"tag": "loss"}, 404),
        ({"tag": "nothing"}, 404),
        ({"size": "huge"}, 400),
        ({"sample": 1}, 404),
        ({"sample": "-1"}, 400),
        ({"frame": 1}, 404),
        ({"at": "soon"}, 400),
    ],
)
def test_addresses_of_nothing_are_told(board, query, status):
    found, answer = board.json("image", **board.address("colour") | query)

    assert found == status
    assert answer["error"]["message"]


def test_a_download_is_named_after_its_tag_and_nothing_else(board):
    _, headers, _ = board.get("image", **board.address("mixed/../a b"), size="png")

    assert headers["Content-Disposition"] == 'attachment; filename="mixed_.._a_b.png"'


def test_replies_are_kept_while_they_fit(board):
    from gpuboard.serve.data.images_paint import PAINTED_BYTES, memory_of

    board.pixels("colour")
    kept = memory_of(board.store).painted.kept_bytes
    board.pixels("colour")

    assert 0 < memory_of(board.store).painted.kept_bytes == kept <= PAINTED_BYTES
