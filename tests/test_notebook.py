"""Check what a notebook shows, and that its servers come and go with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import types
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

import gpuboard
from gpuboard import notebook
from gpuboard.errors import InputError, MissingExtraError
from gpuboard.notebook import Place, Running

ROOT = Path(__file__).resolve().parent.parent
JUPYTER = Place("jupyter")


class Process:
    """Stands for a server that runs until it is stopped."""

    stdin = None

    def __init__(self, command=(), **options):
        self.command = list(command)
        self.options = options
        self.code = None

    def poll(self):
        return self.code

    def terminate(self):
        self.code = -15

    def wait(self, timeout=None):
        return self.code


class Shell:
    """Stands for IPython's shell."""

    def __init__(self):
        self.magics = {}

    def register_magic_function(self, function, magic_kind, magic_name):
        assert magic_kind == "line"
        self.magics[magic_name] = function


@pytest.fixture(autouse=True)
def _a_bare_notebook(monkeypatch):
    for name in ("JUPYTERHUB_SERVICE_PREFIX", "JUPYTERHUB_PUBLIC_URL", "JUPYTERHUB_HOST"):
        monkeypatch.delenv(name, raising=False)
    for name in ("VSCODE_PID", "VSCODE_CWD"):
        monkeypatch.delenv(name, raising=False)
    yield
    notebook.stop_all()


@pytest.fixture
def started(monkeypatch):
    """Have no process started; return those that would have been."""
    processes = []

    def popen(command, **options):
        processes.append(Process(command, **options))
        return processes[-1]

    monkeypatch.setattr(subprocess, "Popen", popen)
    monkeypatch.setattr(notebook, "_wait_until_up", lambda server, output: None)
    return processes


@pytest.fixture
def shown(monkeypatch):
    """Stand in for IPython's display; return the HTML that was shown."""
    outputs = []
    display = types.SimpleNamespace(HTML=lambda text: text, display=outputs.append)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setitem(sys.modules, "IPython", types.SimpleNamespace(display=display))
    return outputs


def option(process: Process, name: str) -> list[str]:
    command = process.command
    return [command[k + 1] for k, word in enumerate(command) if word == name]


def test_the_extension_adds_a_magic_that_shows_a_frame(tmp_path, started, shown):
    shell = Shell()
    gpuboard.load_ipython_extension(shell)

    shell.magics["gpuboard"](f"--logdir '{tmp_path}' --height 500 --port 6123")

    (process,), (html,) = started, shown
    assert process.command[1:5] == ["-m", "gpuboard.notebook", "serve", str(tmp_path)]
    assert option(process, "--port") == ["6123"]
    assert "height: 500px" in html
    assert ":6123" in html
    gpuboard.unload_ipython_extension(shell)
    assert process.poll() is not None


def test_the_token_is_in_the_address_and_in_the_environment_alone(tmp_path, started):
    server = notebook.serve(tmp_path, JUPYTER)

    (process,) = started
    assert process.options["env"]["GPUBOARD_TOKEN"] == server.token
    assert len(server.token) > 16
    assert not any(server.token in word for word in process.command)
    assert server.path == f"/?token={server.token}"
    assert server.token in notebook.markup(server, JUPYTER, 100)


def test_a_directory_is_served_once_while_its_server_runs(tmp_path, started, monkeypatch):
    first = notebook.serve(tmp_path, JUPYTER)
    monkeypatch.chdir(tmp_path)
    assert notebook.serve(Path(), JUPYTER) is first
    assert notebook.serve(tmp_path, JUPYTER, port=first.port) is first
    assert notebook.serve(tmp_path / "other", JUPYTER) is not first

    started[0].code = 1
    second = notebook.serve(tmp_path, JUPYTER)
    assert second is not first
    third = notebook.serve(tmp_path, JUPYTER, port=second.port + 1)
    assert third is not second
    assert second.process.poll() is not None
    assert len(started) == 4


def test_a_notebook_on_this_machine_may_frame_it_from_any_port(tmp_path, started):
    notebook.serve(tmp_path, JUPYTER)

    assert option(started[0], "--frame-origin") == [
        "http://localhost:*",
        "http://127.0.0.1:*",
        "https://localhost:*",
    ]
    assert option(started[0], "--allow-host") == []
    assert option(started[0], "--path-prefix") == []


@pytest.mark.parametrize(
    ("variable", "value", "host"),
    [
        ("JUPYTERHUB_PUBLIC_URL", "https://hub.example.org/user/x/", "https://hub.example.org"),
        ("JUPYTERHUB_HOST", "http://hub.example.org:8000", "http://hub.example.org:8000"),
    ],
)
def test_behind_a_hub_it_is_reached_through_its_proxy(
    tmp_path, started, monkeypatch, variable, value, host
):
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/x/")
    monkeypatch.setenv(variable, value)

    place = notebook.where()
    server = notebook.serve(tmp_path, place)

    prefix = f"/user/x/proxy/absolute/{server.port}"
    assert option(started[0], "--path-prefix") == [prefix]
    assert option(started[0], "--allow-host") == [host]
    assert option(started[0], "--frame-origin") == ["self"]
    html = notebook.markup(server, place, 300)
    assert f'src="{prefix}/?token={server.token}"' in html
    assert "<script>" not in html


def test_behind_a_proxy_of_unknown_name_the_name_is_asked_for(monkeypatch, started, shown):
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/x/")

    with pytest.raises(InputError, match=r"--allow-host https://hub\.example\.org"):
        notebook.magic("--logdir runs")
    notebook.magic("--logdir runs --allow-host https://mine.example.org")

    assert option(started[0], "--allow-host") == ["https://mine.example.org"]


@pytest.mark.parametrize("proxy", ["/", "/base", "base/"])
def test_a_proxy_can_be_named(proxy):
    place = notebook.where(proxy, ["host"])

    assert place == Place("proxy", "/" if proxy == "/" else "/base/", ("host",))


def test_in_vs_code_it_opens_in_a_tab(tmp_path, started, monkeypatch):
    monkeypatch.setenv("VSCODE_PID", "1")

    place = notebook.where()
    html = notebook.markup(notebook.serve(tmp_path, place), place, 300)

    assert html.startswith('<a href="http://localhost:')
    assert "<iframe" not in html


def test_in_colab_it_opens_through_its_proxy(tmp_path, started, monkeypatch):
    opened = []
    output = types.SimpleNamespace(
        eval_js=lambda code: f"https://{code[-5:-1]}-colab.example.com/",
        serve_kernel_port_as_window=lambda port, path: opened.append((port, path)),
    )
    monkeypatch.setitem(sys.modules, "google.colab", types.SimpleNamespace(output=output))
    monkeypatch.setitem(sys.modules, "google.colab.output", output)

    notebook.magic(f"--logdir {tmp_path} --port 6123")

    assert option(started[0], "--allow-host") == ["https://6123-colab.example.com"]
    assert opened == [(6123, f"/?token={started[0].options['env']['GPUBOARD_TOKEN']}")]


def test_a_frame_holds_no_markup_from_elsewhere():
    server = Running(Process(), 1, '"><script>', '/"&')
    for place in (Place("proxy", "/", ()), Place("vscode")):
        assert "<script>" not in notebook.markup(server, place, 1)


@pytest.mark.parametrize("line", ["--port many", "--what", "--height"])
def test_an_argument_that_is_not_understood_is_told(line):
    with pytest.raises(InputError, match="%gpuboard"):
        notebook.magic(line)


def test_without_ipython_it_says_what_is_missing(tmp_path, started, monkeypatch):
    monkeypatch.setitem(sys.modules, "IPython.display", None)

    with pytest.raises(MissingExtraError, match="pip install ipython"):
        notebook.magic(f"--logdir {tmp_path}")


# With real processes.


def answers(server: Running, address: str = "api/v1/status") -> int:
    request = urllib.request.Request(
        f"http://127.0.0.1:{server.port}{server.prefix}/{address}",
        headers={"Authorization": f"Bearer {server.token}"},
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status
    except urllib.error.HTTPError as error:
        return error.code


def test_a_real_server_answers_with_its_token_and_stops(tmp_path):
    server = notebook.serve(tmp_path, Place("proxy", "/user/x/", ("https://hub.example.org",)))

    assert answers(server) == 200
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}{server.prefix}/", timeout=20)
    notebook.stop_all()
    assert server.process.poll() == 0, "it ended by itself when it was told to"


def test_a_server_that_cannot_start_says_why(tmp_path):
    with pytest.raises(InputError, match=r"did not start: gpuboard: .*missing"):
        notebook.serve(tmp_path / "missing", JUPYTER)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="this system has no SIGKILL")
def test_the_server_ends_with_the_kernel_even_when_that_is_killed(tmp_path):
    code = (
        "import os, sys, signal\n"
        "from pathlib import Path\n"
        "from gpuboard import notebook\n"
        "server = notebook.serve(Path(sys.argv[1]), notebook.Place('jupyter'))\n"
        "print(server.process.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    kernel = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=100,
    )

    pid = int(kernel.stdout)
    deadline = time.monotonic() + 60
    while psutil.pid_exists(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(pid)
