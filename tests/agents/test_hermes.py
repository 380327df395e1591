"""The real Hermes reads the config that we write, and asks what we said it would."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from core.model.agent import AgentId, Dialect
from core.simulator.faults import FaultRule
from core.simulator.server import SimulatedWorkspace
from scripts.agents_environment import HERMES
from tests.agents.conftest import asked, lay, say_hi, way_of

pytestmark = [pytest.mark.agents, pytest.mark.timeout(180)]

PRIMARY, FALLBACK = "databricks-claude-opus-4-6", "databricks-claude-sonnet-4-6"
PATH = "/ai-gateway/mlflow/v1/chat/completions"
COMMAND = (str(HERMES), "chat", "-q", "say hi", "-Q", "-t", "todo")


def ask(home: Path, workspace: SimulatedWorkspace) -> subprocess.CompletedProcess[str]:
    slots: dict[str, str | None] = {"primary": PRIMARY, "fallback": FALLBACK}
    lay(home, AgentId.HERMES, way_of(workspace, "/mlflow/v1", Dialect.OPENAI_CHAT), slots)
    return say_hi(home, workspace, COMMAND, HERMES_HOME=str(home), HERMES_DISABLE_LAZY_INSTALLS="1")


def test_it_asks_our_model_on_our_route_with_the_token_of_its_environment(tmp_path: Path) -> None:
    with SimulatedWorkspace("healthy") as workspace:
        ended = ask(tmp_path, workspace)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        assert set(asked(workspace, PATH)) == {PRIMARY}


def test_it_falls_back_to_ours_when_its_model_is_not_there(tmp_path: Path) -> None:
    with SimulatedWorkspace("healthy") as workspace:
        workspace.faults.add(FaultRule(fault="token_dead", model="claude-opus-4-6"))
        ended = ask(tmp_path, workspace)
        assert ended.returncode == 0, ended.stdout + ended.stderr
        models = asked(workspace, PATH)
        assert (models[0], models[-1]) == (PRIMARY, FALLBACK)
