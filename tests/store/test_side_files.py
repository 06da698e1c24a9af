import os

import pytest

from gpuboard.errors import DataError
from gpuboard.store.side_files import mark_of, read_side_file


def test_a_file_within_the_directory_is_read(tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "hparams.yaml").write_bytes(b"lr: 1")

    assert read_side_file(tmp_path, tmp_path / "run" / "hparams.yaml", 100) == b"lr: 1"


def test_a_link_within_the_directory_is_followed_and_one_out_of_it_is_not(tmp_path):
    logdir = tmp_path / "logs"
    logdir.mkdir()
    (logdir / "shared.yaml").write_bytes(b"lr: 1")
    (tmp_path / "secret.yaml").write_bytes(b"password: 1")
    (tmp_path / "logs-x").mkdir()
    (tmp_path / "logs-x" / "a.yaml").write_bytes(b"sibling: 1")
    (logdir / "in.yaml").symlink_to("shared.yaml")
    (logdir / "out.yaml").symlink_to(tmp_path / "secret.yaml")
    (logdir / "sibling.yaml").symlink_to(tmp_path / "logs-x" / "a.yaml")

    assert read_side_file(logdir, logdir / "in.yaml", 100) == b"lr: 1"
    for name in ("out.yaml", "sibling.yaml"):
        with pytest.raises(DataError, match="leads out of the log directory"):
            read_side_file(logdir, logdir / name, 100)


def test_a_log_directory_that_is_a_link_itself_is_no_way_out(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "config.json").write_bytes(b"{}")
    (tmp_path / "logs").symlink_to("real")

    assert read_side_file(tmp_path / "logs", tmp_path / "logs" / "config.json", 100) == b"{}"


def test_pipes_folders_and_missing_files_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()

    for name in ("pipe", "folder", "missing"):
        with pytest.raises(DataError):
            read_side_file(tmp_path, tmp_path / name, 100)


def test_a_file_beyond_the_cap_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"x" * 101)

    with pytest.raises(DataError, match="101 bytes, at most 100"):
        read_side_file(tmp_path, tmp_path / "a", 100)


def test_a_mark_changes_with_the_file(tmp_path):
    path = tmp_path / "a"
    assert mark_of(str(path)) is None
    path.write_bytes(b"1")
    before = mark_of(str(path))
    path.write_bytes(b"12")

    assert mark_of(str(path)) != before
    assert mark_of("no\x00name") is None
