"""Run commands as a person would, against a scene over real loopback HTTP, and read the one document they print."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from core.cli import main


class CommandLine:
    """Run one command after the other in one environment."""

    def __init__(self, capsys: pytest.CaptureFixture[str], state_dir: Path) -> None:
        self._capsys = capsys
        self.state_dir = state_dir

    def json(self, *argv: str) -> tuple[int, dict[str, Any]]:
        """Return exit code and document; stdout must hold exactly one document."""
        self._capsys.readouterr()
        code = main([*argv, "--json"])
        document = json.loads(self._capsys.readouterr().out)
        assert document["schema"] == 1
        return code, document

    def text(self, *argv: str) -> tuple[int, str, str]:
        """Return exit code, stdout and stderr."""
        self._capsys.readouterr()
        code = main(list(argv))
        printed = self._capsys.readouterr()
        return code, printed.out, printed.err

    def hermes_config(self, scene: str) -> Path:
        """Return Hermes' config in the scene's own home."""
        return self.state_dir / "simulated" / scene / "home" / ".hermes" / "config.yaml"


@pytest.fixture
def command_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., CommandLine]:
    """Return a command line in an environment of the given variables."""

    def made(**environment: str) -> CommandLine:
        monkeypatch.setenv("SWITCHYARD_STATE_DIR", str(tmp_path / "state"))
        monkeypatch.setenv("SWITCHYARD_CONFIRM_DELAY_S", "0")
        monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "no-databrickscfg"))
        monkeypatch.setenv("HERMES_HOME", str(tmp_path / "no-hermes"))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return CommandLine(capsys, tmp_path / "state")

    return made
