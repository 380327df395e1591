"""The commands behind `make`: one clear sentence when something is missing."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts import chromium, python_versions, rehearsal, run
from scripts.python_versions import python_of

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


@pytest.mark.parametrize("given", ["http", "0", "70000", "-1", ""])
def test_a_port_that_is_none_is_refused_with_an_example(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", given)

    with pytest.raises(SystemExit, match="not a port number"):
        run.chosen_port()


def test_a_taken_port_is_named_and_another_proposed(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", str(taken_port))

    with pytest.raises(SystemExit, match=f"Port {taken_port} is taken"):
        run.chosen_port()


def test_without_a_wish_the_next_free_port_is_taken(taken_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PORT", raising=False)
    monkeypatch.setattr(run, "USUAL_PORT", taken_port)

    assert run.chosen_port() > taken_port


def test_a_missing_chromium_stops_an_ordinary_user_with_the_command_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chromium, "find_chromium", lambda: None)
    monkeypatch.setattr("os.geteuid", lambda: 1000)

    with pytest.raises(SystemExit, match="sudo sh -c 'apt-get update"):
        chromium.main()


def test_ci_runs_what_a_reader_of_the_readme_would_type() -> None:
    commands = [line for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines() if "make" in line]

    assert commands == ["exec make test"]


def test_the_setup_script_needs_no_package(tmp_path: Path) -> None:
    script = ROOT / "scripts" / "setup_environment.py"
    result = subprocess.run(
        [sys.executable, "-S", "-c", f"import runpy; runpy.run_path({str(script)!r})"],
        capture_output=True,
        cwd=tmp_path,
        check=False,
    )

    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("says", "found"), [("3.12", True), ("3.11", False), (None, False)], ids=["it is", "another", "a name only"]
)
def test_a_python_counts_as_found_when_it_is_of_that_version(
    says: str | None, found: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "python3.12"
    program.write_text(f"#!/bin/sh\n{f'echo {says}' if says else 'exit 127'}\n", encoding="utf-8")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert (python_of("3.12") is not None) is found
    assert python_of("3.99") is None


def test_no_python_at_all_is_no_success(capsys: pytest.CaptureFixture[str]) -> None:
    assert python_versions.main(["3.99"]) == 1
    assert "Python 3.99 is not on PATH" in capsys.readouterr().err


def test_the_rehearsal_types_what_the_readme_shows_first() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")

    assert rehearsal.readme_commands(readme) == ["make run", "make test"]


def test_what_the_rehearsal_starts_sees_no_setting_and_ends_with_all_that_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABRICKS_HOST", "https://somebodys.example")
    command = "env | sort; sleep 600 & echo child=$!; wait"
    with rehearsal.typed(command, tmp_path, tmp_path, {}, subprocess.PIPE) as process:
        assert process.stdout is not None
        lines = []
        while not lines or not lines[-1].startswith("child="):
            lines.append(process.stdout.readline().strip())
    child = int(lines[-1].partition("=")[2])

    assert f"HOME={tmp_path}" in lines and "PIP_NO_CACHE_DIR=1" in lines
    assert not any(line.startswith("DATABRICKS") for line in lines)
    # Whoever inherits it may not have taken note of its end yet.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(child)], capture_output=True, text=True, check=False).stdout
    assert state.strip()[:1] in ("", "Z")
