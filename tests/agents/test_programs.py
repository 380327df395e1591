"""The real Codex and OpenCode read the configs that we write, and ask what we said they would."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.model.agent import AgentId, Dialect
from core.simulator.server import SimulatedWorkspace
from scripts.agents_environment import PROGRAMS
from tests.agents.conftest import asked, lay, say_hi, way_of

pytestmark = [
    pytest.mark.agents,
    pytest.mark.timeout(240),
    pytest.mark.skipif(not PROGRAMS.exists(), reason="npm is not on PATH, so these agents cannot be installed"),
]


def test_codex(tmp_path: Path) -> None:
    with SimulatedWorkspace("healthy") as workspace:
        slots: dict[str, str | None] = {"default": "databricks-gpt-5-5"}
        lay(tmp_path, AgentId.CODEX, way_of(workspace, "/codex/v1", Dialect.OPENAI_RESPONSES), slots)
        command = (str(PROGRAMS / "codex"), "exec", "--skip-git-repo-check", "say hi")
        ended = say_hi(tmp_path, workspace, command, CODEX_HOME=str(tmp_path))
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert set(asked(workspace, "/ai-gateway/codex/v1/responses")) == {"databricks-gpt-5-5"}


def test_opencode(tmp_path: Path) -> None:
    with SimulatedWorkspace("healthy") as workspace:
        model = "databricks-claude-sonnet-4-6"
        folder = tmp_path / "opencode"
        slots: dict[str, str | None] = {"default": model, "title": model}
        lay(folder, AgentId.OPENCODE, way_of(workspace, "/anthropic/v1", Dialect.ANTHROPIC_MESSAGES), slots)
        off = {"OPENCODE_DISABLE_AUTOUPDATE": "1", "OPENCODE_DISABLE_MODELS_FETCH": "1"}
        command = (str(PROGRAMS / "opencode"), "run", "say hi")
        ended = say_hi(tmp_path, workspace, command, XDG_CONFIG_HOME=str(tmp_path), **off)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert set(asked(workspace, "/ai-gateway/anthropic/v1/messages")) == {model}
