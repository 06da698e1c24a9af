"""Hold the documents to the program: what exists is described, what is described exists."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from gpuboard import cli, errors, limits

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
MARKDOWN = sorted([*ROOT.glob("*.md"), *DOCS.rglob("*.md")])

_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:src|srcset|href)=\"([^\"\s]+)\"")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_OPTION = re.compile(r"`(--[a-z][a-z-]*|-[a-z](?=[ `]))")


def read(name: str) -> str:
    return (ROOT / name).read_text()


def commands(group: Any = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every command that is not hidden, with its full name such as "export scalars"."""
    group = group or typer.main.get_command(cli.app)
    for name, command in group.commands.items():
        if command.hidden:
            continue
        if hasattr(command, "commands"):
            yield from commands(command, f"{prefix}{name} ")
        else:
            yield f"{prefix}{name}", command


COMMANDS = dict(commands())


def options_of(command: Any) -> set[str]:
    opts = (opt for param in command.params for opt in (*param.opts, *param.secondary_opts))
    return {opt for opt in opts if opt.startswith("-")}


def sections_of_cli() -> dict[str, str]:
    """Return the text of docs/cli.md below each heading that names a command."""
    parts = re.split(r"^## `gpuboard ([a-z ]+?)(?: [\[A-Z-].*)?`$", read("docs/cli.md"), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_limit_is_documented_with_its_value():
    rows = re.findall(r"^\| `(\w+)` \| ([\d,]+)\b.*\| (.+) \|$", read("docs/limits.md"), re.M)

    documented = {name: (int(value.replace(",", "")), text) for name, value, text in rows}

    assert documented == {limit.name: (limit.value, limit.help) for limit in limits.ALL}


def test_every_command_has_a_section_and_every_section_a_command():
    assert len(COMMANDS) >= 4
    assert set(sections_of_cli()) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_documented_and_no_other(name):
    section = sections_of_cli()[name]
    options = options_of(COMMANDS[name]) - {"--help"}
    # `demo` refers to `serve` for what both take.
    named = set(_OPTION.findall(section))

    assert options <= named
    assert named <= options


@pytest.mark.parametrize("name", ["README.md", "CONTRIBUTING.md", "docs/security.md"])
def test_commands_in_examples_exist_with_their_options(name):
    lines = re.findall(r"^(?:\w*\$ )(.+)$", read(name), re.MULTILINE)
    assert lines

    for line in lines:
        words = line.partition(" #")[0].split()
        if words[0] == "gpuboard":
            verb = next(v for v in COMMANDS if words[1:][: len(v.split())] == v.split())
            given = {w.partition("=")[0] for w in words if w.startswith("-")}
            assert given <= options_of(COMMANDS[verb]), line
        elif words[0].startswith("ci/"):
            assert os.access(ROOT / words[0], os.X_OK), line
        else:
            assert words[0] in {"pip", "ssh"}, line


def test_the_newcomers_two_commands_stand_in_the_readme():
    first_screen = "\n".join(read("README.md").splitlines()[:45])

    for words in ("ci/serve", "ci/test", "gpuboard serve runs/", "127.0.0.1", "docs/limits.md"):
        assert words in first_screen


def test_every_error_is_documented_with_its_status_and_exit_code():
    rows = re.findall(r"^\| `(\w+)` \| .+ \| (\d+) \| (\d+) \|$", read("docs/errors.md"), re.M)
    classes = [c for c in vars(errors).values() if isinstance(c, type) and issubclass(c, Exception)]

    documented = {(name, int(status), int(code)) for name, status, code in rows}

    assert documented == {(c.__name__, c.http_status, c.exit_code) for c in classes}


def test_every_kind_of_problem_is_documented():
    from gpuboard.eventlog.reader import MEANING

    table = read("docs/reading.md").partition("## Problems")[2]

    # "blocked" and "more" concern no single place of a file.
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.M)) == {
        *MEANING,
        "bad_value",
        "damaged_file",
        "blocked",
        "more",
    }


def test_every_kind_of_problem_of_a_trace_is_documented():
    from gpuboard.profiler.traces.kineto_problems import MEANING

    table = read("docs/guide/profile.md").partition("## Problems of traces")[2]
    elsewhere = re.compile(r'\bnote\(\s*(?:[a-z]+, )?"(\w+)"|_note\(parts, .*, "(\w+)"')
    sources = "\n".join(
        path.read_text() for path in (ROOT / "gpuboard" / "profiler" / "traces").glob("*.py")
    )
    noted = {a or b for a, b in re.findall(elsewhere, sources)}

    assert set(re.findall(r"^\| `(\w+)` \|", table, re.M)) == {
        *MEANING, *noted, "negative_duration", "impossible_duration", "profiler_error",
    }  # fmt: skip


@pytest.mark.parametrize("script", sorted(ROOT.glob("ci/*")), ids=lambda path: path.name)
def test_every_script_is_executable_and_is_sound_bash(script: Path):
    assert os.access(script, os.X_OK)
    assert script.read_text().startswith("#!/usr/bin/env bash\n#")
    assert "\nset -euo pipefail\n" in script.read_text()
    done = subprocess.run(["bash", "-n", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def anchor(heading: str) -> str:
    """Return the fragment by which a heading is linked, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def links() -> Iterator[tuple[str, str]]:
    for path in MARKDOWN:
        for match in _LINK.finditer(_FENCE.sub("", path.read_text())):
            target = match[1] or match[2]
            if "://" not in target:
                yield str(path.relative_to(ROOT)), target


def test_documents_link_to_each_other():
    assert len(list(links())) > 20


@pytest.mark.parametrize(("source", "target"), list(links()))
def test_a_relative_link_leads_somewhere(source, target):
    name, _, fragment = target.partition("#")
    path = (ROOT / source).parent / name if name else ROOT / source

    assert path.exists(), f"{source} links to {target}"
    if fragment:
        anchors = {anchor(heading) for heading in _HEADING.findall(path.read_text())}
        assert fragment in anchors, f"{source} links to {target}"


def test_every_document_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        path = waiting.pop()
        if path in reached:
            continue
        reached.add(path)
        name = str(path.relative_to(ROOT))
        found = (path.parent / t.partition("#")[0] for s, t in links() if s == name)
        waiting += [p.resolve() for p in found if p.suffix == ".md" and p.exists()]

    assert set(MARKDOWN) <= reached


def test_the_version_is_said_by_the_command_line(capsys):
    import gpuboard

    with pytest.raises(SystemExit) as ended:
        cli.app(["--version"])

    assert ended.value.code == 0
    assert gpuboard.__version__ in capsys.readouterr().out
