"""Which agents' own configs are read on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.adapters.agent_configs import AgentConfigFiles
from core.adapters.agents import FORMS
from core.catalog.agents import AGENTS
from core.model.agent import AgentId
from core.model.secret import Secret
from tests.fakes.hermes_machine import CONFIG, TOKEN


def test_hermes_own_config_is_read_anew_each_time(tmp_path: Path) -> None:
    files = AgentConfigFiles(homes={AgentId.HERMES: tmp_path}, environment={})
    before = files.read(AgentId.HERMES)
    assert before is not None and not before.exists
    (tmp_path / "config.yaml").write_text(CONFIG)
    after = files.read(AgentId.HERMES)
    assert after is not None
    assert [(slot.slot, slot.model, slot.token) for slot in after.slots] == [
        ("primary", "old-a", Secret(TOKEN)),
        ("fallback", "old-b", Secret(TOKEN)),
    ]


def test_a_token_that_the_config_only_names_comes_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG.replace(TOKEN, "${DATABRICKS_TOKEN}"))
    files = AgentConfigFiles(homes={AgentId.HERMES: tmp_path}, environment={"DATABRICKS_TOKEN": Secret("from-env")})
    config = files.read(AgentId.HERMES)
    assert config is not None
    assert config.slots[0].token == Secret("from-env")


def test_an_agent_whose_config_is_read_has_a_folder_and_no_other_has() -> None:
    assert set(FORMS) == {agent for agent, spec in AGENTS.items() if spec.home is not None}


@pytest.mark.parametrize("agent", sorted(set(AgentId) - set(FORMS)))
def test_agents_without_a_config_that_is_known_are_not_read(agent: AgentId, tmp_path: Path) -> None:
    assert AgentConfigFiles(homes=dict.fromkeys(AgentId, tmp_path), environment={}).read(agent) is None


def test_an_agent_whose_home_is_not_given_is_left_alone(tmp_path: Path) -> None:
    assert AgentConfigFiles(homes={}, environment={}).read(AgentId.HERMES) is None
