"""The other real agents read the configs that we write, and ask what we said they would."""

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


def test_claude_code(tmp_path: Path) -> None:
    with SimulatedWorkspace("healthy") as workspace:
        slots: dict[str, str | None] = {"default": "databricks-claude-opus-4-6", "haiku": "databricks-claude-haiku-4-5"}
        way = way_of(workspace, "/anthropic", Dialect.ANTHROPIC_MESSAGES)
        lay(tmp_path, AgentId.CLAUDE, way, slots)
        off = {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1", "DISABLE_AUTOUPDATER": "1"}
        # The simulated model calls a tool whenever it is offered one, so the agent is told when to stop.
        command = (str(PROGRAMS / "claude"), "-p", "say hi", "--max-turns", "1")
        say_hi(tmp_path, workspace, command, CLAUDE_CONFIG_DIR=str(tmp_path), **off)
        assert set(asked(workspace, "/ai-gateway/anthropic/v1/messages")) == {"databricks-claude-opus-4-6"}


def test_gemini_cli(tmp_path: Path) -> None:
    with SimulatedWorkspace("healthy") as workspace:
        model = "databricks-gemini-2-5-pro"
        folder = tmp_path / ".gemini"
        lay(folder, AgentId.GEMINI, way_of(workspace, "/gemini", Dialect.GEMINI_GENERATE), {"default": model})
        # Nothing in its .env is expanded, so the token comes under Gemini CLI's own name.
        key = {"GEMINI_API_KEY": workspace.scene.token.reveal(), "GEMINI_CLI_TRUST_WORKSPACE": "true"}
        command = (str(PROGRAMS / "gemini"), "-p", "say hi")
        say_hi(tmp_path, workspace, command, GEMINI_CLI_HOME=str(tmp_path), **key)
        path = f"/ai-gateway/gemini/v1beta/models/{model}:streamGenerateContent"
        assert asked(workspace, path)


def test_pi(tmp_path: Path) -> None:
    with SimulatedWorkspace("healthy") as workspace:
        model = "databricks-claude-sonnet-4-6"
        lay(tmp_path, AgentId.PI, way_of(workspace, "/anthropic", Dialect.ANTHROPIC_MESSAGES), {"default": model})
        command = (str(PROGRAMS / "node"), str(PROGRAMS / "pi"), "--print", "say hi")
        ended = say_hi(tmp_path, workspace, command, PI_CODING_AGENT_DIR=str(tmp_path))
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert set(asked(workspace, "/ai-gateway/anthropic/v1/messages")) == {model}


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
