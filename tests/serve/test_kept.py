import multiprocessing
import os
import sqlite3
import stat
import threading
from pathlib import Path

import pytest

from gpuboard import limits
from gpuboard.errors import LimitError, NotFoundError
from gpuboard.serve.kept import KEEP, ChangedMeanwhileError, KeepingError, Kept, place_of


@pytest.fixture
def kept(tmp_path):
    return Kept(tmp_path / "cache" / "kept.sqlite", tmp_path / "runs")


def put(kept, view_id="view1", *, title="T", revision=0, layout="{}"):
    return kept.put(view_id, title=title, cards=2, layout=layout, revision=revision)


def test_a_view_is_read_back_as_it_was_saved(kept):
    saved = put(kept, title="Über <b>", layout='{"a":1}')

    assert kept.view("view1") == (saved, '{"a":1}')
    assert kept.views() == [saved]
    assert (saved.title, saved.cards, saved.revision) == ("Über <b>", 2, 1)


def test_the_view_saved_last_comes_first(kept):
    first, second = put(kept, "first"), put(kept, "second")
    again = put(kept, "first", revision=1)

    assert [view.id for view in kept.views()] == ["first", "second"]
    assert again.changed >= second.changed >= first.changed


def test_a_save_that_is_based_on_an_older_view_changes_nothing(kept):
    put(kept, title="old")
    put(kept, title="new", revision=1)

    for revision in (0, 1, 7):
        with pytest.raises(ChangedMeanwhileError, match="somebody else"):
            put(kept, title="mine", revision=revision)

    assert kept.view("view1")[0].title == "new"
    assert ChangedMeanwhileError.http_status == 409


def test_a_save_of_a_view_that_was_deleted_says_so(kept):
    put(kept)
    kept.delete("view1")

    with pytest.raises(ChangedMeanwhileError, match="deleted"):
        put(kept, revision=1)


def test_what_is_not_there_cannot_be_read_or_deleted(kept):
    for call in (kept.view, kept.delete):
        with pytest.raises(NotFoundError, match="'gone'"):
            call("gone")


def test_reading_makes_no_file(kept):
    assert kept.views() == []
    assert not kept.path.parent.exists()


def test_each_log_directory_has_views_of_its_own(kept, tmp_path):
    put(kept)
    other = Kept(kept.path, tmp_path / "others")
    put(other, title="theirs")

    assert kept.view("view1")[0].title == "T"
    other.delete("view1")
    assert len(kept.views()) == 1
    assert other.views() == []


def test_one_log_directory_is_the_same_by_every_path_to_it(kept, tmp_path):
    (tmp_path / "runs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "runs")
    put(kept)

    assert len(Kept(kept.path, tmp_path / "link").views()) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has other rights")
def test_others_cannot_read_the_file(kept):
    put(kept)

    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600


def test_more_views_than_the_cap_are_refused(kept, monkeypatch):
    monkeypatch.setattr(limits, "MAX_VIEWS", limits.Limit("max_views", 2, ""))
    put(kept, "one"), put(kept, "two")

    with pytest.raises(LimitError, match="max_views"):
        put(kept, "three")

    assert put(kept, "two", revision=1).revision == 2


@pytest.mark.parametrize(
    "content", [b"no database at all" * 50, b"SQLite format 3\0" + b"\xff" * 4000]
)
def test_a_file_that_is_no_database_is_set_aside(kept, content):
    aside = []
    kept = Kept(kept.path, kept.path.parent, on_damage=aside.append)
    kept.path.parent.mkdir()
    kept.path.write_bytes(content)

    assert kept.views() == []
    put(kept)

    assert len(kept.views()) == 1
    assert [path.read_bytes() for path in aside] == [content]
    assert sorted(kept.path.parent.iterdir()) == sorted([kept.path, *aside])


def test_damage_within_the_file_is_said_and_set_aside(kept):
    put(kept, layout="x" * 50_000)
    content = bytearray(kept.path.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    kept.path.write_bytes(content)

    with pytest.raises(KeepingError, match="set aside"):
        kept.views()

    assert kept.views() == []


def test_a_file_of_a_newer_version_is_left_as_it_is(kept):
    put(kept)
    with sqlite3.connect(kept.path) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = kept.path.read_bytes()

    with pytest.raises(KeepingError, match="newer gpuboard"):
        put(kept, "other")

    assert kept.path.read_bytes() == before


def test_a_folder_that_cannot_be_made_is_named_with_what_helps(tmp_path):
    (tmp_path / "file").write_text("")
    kept = Kept(tmp_path / "file" / "kept.sqlite", tmp_path)

    with pytest.raises(KeepingError, match=KEEP):
        put(kept)


def test_threads_that_save_at_once_lose_nothing(kept):
    def save(k):
        for i in range(10):
            put(kept, f"view-{k}-{i}")

    threads = [threading.Thread(target=save, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(kept.views()) == 40


def _save_in_child(path: Path, k: int) -> None:
    for i in range(10):
        put(Kept(path, path.parent), f"view-{k}-{i}")


def test_processes_that_save_at_once_lose_nothing(kept):
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_save_in_child, args=(kept.path, k)) for k in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join(30)

    assert [child.exitcode for child in children] == [0, 0]
    assert len(Kept(kept.path, kept.path.parent).views()) == 20


@pytest.mark.parametrize(
    ("environment", "place"),
    [
        ({"XDG_CACHE_HOME": "/cache"}, "/cache/gpuboard/kept.sqlite"),
        ({KEEP: "logdir"}, "/logs/.gpuboard/kept.sqlite"),
        ({KEEP: "/shared/place", "XDG_CACHE_HOME": "/cache"}, "/shared/place/kept.sqlite"),
    ],
)
def test_the_environment_says_where_the_file_lies(environment, place):
    assert place_of(Path("/logs"), environment) == Path(place)


def test_without_a_word_it_lies_in_the_users_cache(monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    monkeypatch.setattr("sys.platform", "linux")

    assert place_of(Path("/logs"), {}) == Path("/home/somebody/.cache/gpuboard/kept.sqlite")
