"""Check which files are found below a log directory and which places are refused."""

from __future__ import annotations

import os
import socket

import pytest

from gpuboard import limits
from gpuboard.eventlog.discovery import Blocked, FoundFile, discover
from tests import make
from tests.fakes import Disk


def touch(path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    return path


def look(root):
    items = list(discover(root))
    found = [(f.run, f.path.name) for f in items if isinstance(f, FoundFile)]
    return found, [b for b in items if isinstance(b, Blocked)]


def runs_of(root):
    found, blocked = look(root)
    assert blocked == []
    return sorted({run for run, _ in found})


def test_a_run_is_a_directory_that_holds_an_event_file(tmp_path):
    for place in ("a", "a/b", "c/d/e"):
        touch(tmp_path / place / make.FILE_NAME)
    touch(tmp_path / "empty" / "notes.txt")

    assert runs_of(tmp_path) == ["a", "a/b", "c/d/e"]


def test_the_log_directory_itself_may_be_a_run(tmp_path):
    touch(tmp_path / make.FILE_NAME)

    assert runs_of(tmp_path) == ["."]


@pytest.mark.parametrize(
    ("name", "is_found"),
    [
        ("events.out.tfevents.1700000000.host", True),
        ("events.out.tfevents.1700000000.host.1.0.v2", True),
        ("my.tfevents.suffix", True),
        ("events.out.tfevents.1700000000.host.profile-empty", False),
        ("events.out.tfevent", False),
        ("EVENTS.OUT.TFEVENTS.1", False),
        ("model.pt", False),
    ],
)
def test_event_files_are_known_by_their_names(tmp_path, name, is_found):
    touch(tmp_path / "run" / name)

    assert look(tmp_path)[0] == ([("run", name)] if is_found else [])


def test_files_come_in_the_order_of_their_names(tmp_path):
    for name in ("b.tfevents.2", "a.tfevents.9", "a.tfevents.1"):
        touch(tmp_path / "run" / name)

    assert [name for _, name in look(tmp_path)[0]] == [
        "a.tfevents.1",
        "a.tfevents.9",
        "b.tfevents.2",
    ]


def test_size_time_and_identity_are_those_of_the_file(tmp_path):
    path = touch(tmp_path / "run" / make.FILE_NAME)
    path.write_bytes(b"12345")
    os.utime(path, (5, 1234.5))

    (found,) = discover(tmp_path)

    status = path.stat()
    assert (found.size, found.modified) == (5, 1234.5)
    assert found.identity == (status.st_dev, status.st_ino)
    assert found.path == path


def test_links_inside_the_log_directory_are_followed(tmp_path):
    touch(tmp_path / "real" / make.FILE_NAME)
    (tmp_path / "latest").symlink_to(tmp_path / "real")
    (tmp_path / "by_file").mkdir()
    (tmp_path / "by_file" / "x.tfevents").symlink_to(tmp_path / "real" / make.FILE_NAME)

    assert runs_of(tmp_path) == ["by_file", "latest", "real"]


def test_the_log_directory_may_itself_be_reached_through_a_link(tmp_path):
    touch(tmp_path / "real" / "run" / make.FILE_NAME)
    (tmp_path / "link").symlink_to(tmp_path / "real")

    assert runs_of(tmp_path / "link") == ["run"]


@pytest.mark.parametrize("target", ["..", ".", "../..", "../../logs"])
def test_link_loops_end_and_hide_nothing(tmp_path, target):
    root = tmp_path / "logs"
    touch(root / "run" / "inner" / make.FILE_NAME)
    (root / "run" / "loop").symlink_to(target)

    found, blocked = look(root)

    assert ("run/inner", make.FILE_NAME) in found
    assert len(found) <= 2
    assert [b.path for b in blocked] in ([], ["run/loop"])


def test_two_links_into_each_other_end(tmp_path):
    touch(tmp_path / "a" / make.FILE_NAME)
    touch(tmp_path / "b" / make.FILE_NAME)
    (tmp_path / "a" / "to_b").symlink_to(tmp_path / "b")
    (tmp_path / "b" / "to_a").symlink_to(tmp_path / "a")

    assert runs_of(tmp_path) == ["a", "a/to_b", "b", "b/to_a"]


def test_a_link_to_itself_is_named(tmp_path):
    touch(tmp_path / "run" / make.FILE_NAME)
    (tmp_path / "run" / "self.tfevents").symlink_to("self.tfevents")

    found, blocked = look(tmp_path)

    assert found == [("run", make.FILE_NAME)]
    assert [b.path for b in blocked] in ([], ["run/self.tfevents"])


@pytest.mark.parametrize("sibling", ["outside", "logs-more", "logs2"])
def test_links_that_lead_out_are_not_followed_but_named(tmp_path, sibling):
    root = tmp_path / "logs"
    touch(root / "run" / make.FILE_NAME)
    secret = touch(tmp_path / sibling / make.FILE_NAME)
    (root / "folder").symlink_to(secret.parent)
    (root / "run" / "file.tfevents").symlink_to(secret)
    (root / "chain").symlink_to(root / "folder")

    found, blocked = look(root)

    assert found == [("run", make.FILE_NAME)]
    assert sorted(b.path for b in blocked) == ["chain", "folder", "run/file.tfevents"]
    assert all("leads out" in b.reason for b in blocked)


def test_folders_too_deep_are_named_and_the_rest_is_found(tmp_path):
    depth = limits.MAX_DIRECTORY_DEPTH.value
    touch(tmp_path.joinpath(*["d"] * depth) / make.FILE_NAME)
    touch(tmp_path.joinpath(*["d"] * (depth + 1)) / make.FILE_NAME)

    found, blocked = look(tmp_path)

    assert [run.count("d") for run, _ in found] == [depth]
    assert [b.path.count("d") for b in blocked] == [depth + 1]


def test_more_entries_than_the_cap_are_named_once(tmp_path, monkeypatch):
    monkeypatch.setattr("gpuboard.limits.MAX_DIRECTORY_ENTRIES", limits.Limit("n", 10, ""))
    for k in range(8):
        touch(tmp_path / f"run{k}" / make.FILE_NAME)

    found, blocked = look(tmp_path)

    assert 0 < len(found) <= 8
    assert [b.path for b in blocked] == ["."]
    assert blocked[0].reason.startswith("more than 10 entries")


def test_an_unreadable_folder_is_named_and_the_others_are_found(tmp_path):
    touch(tmp_path / "open" / make.FILE_NAME)
    locked = touch(tmp_path / "locked" / make.FILE_NAME).parent
    locked.chmod(0)
    try:
        if os.access(locked, os.R_OK):
            pytest.skip("this user may read every directory (root), so none is unreadable")
        found, blocked = look(tmp_path)
    finally:
        locked.chmod(0o700)

    assert found == [("open", make.FILE_NAME)]
    assert [b.path for b in blocked] == ["locked"]


def test_a_folder_that_the_system_refuses_is_named_and_the_others_are_found(tmp_path):
    touch(tmp_path / "open" / make.FILE_NAME)
    touch(tmp_path / "locked" / make.FILE_NAME)

    with Disk(tmp_path / "locked", nth=2, code=13).mounted() as disk:
        found, blocked = look(tmp_path)

    assert disk.has_failed
    assert found == [("open", make.FILE_NAME)]
    assert [(b.path, b.reason.split(";")[0]) for b in blocked] == [("locked", "Permission denied")]


def test_pipes_and_sockets_with_the_name_of_an_event_file_are_left_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe.tfevents")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.path.relpath(tmp_path / "s.tfevents"))

        assert look(tmp_path) == ([], [])


@pytest.mark.parametrize("name", ["größe 損失", "a\nb", "\u202eevil", "' \" <b>", "..."])
def test_run_names_may_hold_anything(tmp_path, name):
    touch(tmp_path / name / make.FILE_NAME)

    assert runs_of(tmp_path) == [name]


def test_a_missing_directory_is_named(tmp_path):
    found, blocked = look(tmp_path / "nowhere")

    assert found == []
    assert [b.path for b in blocked] == ["."]
