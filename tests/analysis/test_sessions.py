from gpuboard.analysis.sessions import LOOK_S, Sessions
from gpuboard.summaries.hparams import encode_start
from tests.trial_maker import lightning, log, read


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def by_name(store, sessions):
    runs = store.catalogue().runs
    found = sessions.of(store, runs)
    return {run.name: found[run.id] for run in runs}


def test_events_count_before_yaml_and_yaml_before_json(tmp_path):
    lightning(tmp_path / "a", "lr: 2\nwidth: 2\n", {"lr": 3, "width": 3, "vocab": 3})
    log(tmp_path / "a", {"lr": 1.0})
    store = read(tmp_path)

    session = by_name(store, Sessions())["a"]

    assert session.hparams == {"lr": 1.0, "vocab": 3.0, "width": 2.0}
    assert session.files == ("hparams.yaml", "config.json")


def test_a_file_is_read_again_only_when_it_has_changed_and_pages_hear_of_it(tmp_path, monkeypatch):
    lightning(tmp_path / "a", "lr: 1\n")
    lightning(tmp_path / "b", "lr: 1\n")
    store, clock = read(tmp_path), Clock()
    sessions = Sessions(clock)
    by_name(store, sessions)
    version = store.version

    (tmp_path / "a" / "hparams.yaml").write_text("lr: 25\n")
    assert by_name(store, sessions)["a"].hparams == {"lr": 1.0}
    assert store.version == version
    clock.now = LOOK_S
    assert by_name(store, sessions)["a"].hparams == {"lr": 25.0}
    assert store.version == version + 1

    monkeypatch.setattr("gpuboard.analysis.sessions.read_side_file", None)
    clock.now = 2 * LOOK_S
    assert by_name(store, sessions)["b"].hparams == {"lr": 1.0}


def test_a_file_that_appears_later_is_seen_and_one_that_goes_is_forgotten(tmp_path):
    log(tmp_path / "a", loss=[1.0])
    store, clock = read(tmp_path), Clock()
    sessions = Sessions(clock)
    assert not by_name(store, sessions)["a"].is_trial

    (tmp_path / "a" / "config.json").write_text('{"lr": 1}')
    clock.now = LOOK_S
    assert by_name(store, sessions)["a"].hparams == {"lr": 1.0}
    (tmp_path / "a" / "config.json").unlink()
    clock.now = 2 * LOOK_S
    assert not by_name(store, sessions)["a"].is_trial


def test_trouble_with_a_file_is_a_row_of_the_health_page_and_costs_no_other_run(tmp_path):
    lightning(tmp_path / "bad", "a: [1")
    lightning(tmp_path / "good", "lr: 1")
    log(tmp_path / "out", loss=[1.0])
    (tmp_path / "out" / "config.json").symlink_to("/etc/hostname")
    store = read(tmp_path)

    found = by_name(store, Sessions())

    assert found["good"].hparams == {"lr": 1.0}
    assert not found["bad"].hparams
    problems = {p.file: (p.kind, p.message) for p in store.problems()}
    assert problems["bad/hparams.yaml"][0] == "bad_value"
    assert "no YAML" in problems["bad/hparams.yaml"][1]
    assert "leads out of the log directory" in problems["out/config.json"][1]


def test_broken_plugin_data_is_a_row_of_the_health_page(tmp_path):
    value = encode_start({"lr": 1.0})
    value.metadata.plugin_data.content = b"\x1a\xff\xff"
    log(tmp_path / "a", extra=[value])
    store = read(tmp_path)

    session = by_name(store, Sessions())["a"]

    assert not session.is_trial
    assert "no hyperparameters" in store.problems()[0].message


def test_the_run_of_the_directory_itself_has_its_files_too(tmp_path):
    lightning(tmp_path, "lr: 1\n")

    assert by_name(read(tmp_path), Sessions())["."].hparams == {"lr": 1.0}
