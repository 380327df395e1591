"""Which agents' own configs are read on this machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.adapters.agent_configs import AgentConfigFiles
from core.model.agent import AgentId
from core.model.secret import Secret
from tests.fakes.hermes_machine import CONFIG, TOKEN


def test_hermes_own_config_is_read_anew_each_time(tmp_path: Path) -> None:
    files = AgentConfigFiles(hermes_home=tmp_path, environment={})
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
    files = AgentConfigFiles(hermes_home=tmp_path, environment={"DATABRICKS_TOKEN": Secret("from-env")})
    config = files.read(AgentId.HERMES)
    assert config is not None
    assert config.slots[0].token == Secret("from-env")


@pytest.mark.parametrize("agent", sorted(set(AgentId) - {AgentId.HERMES}))
def test_other_agents_configs_are_not_read(agent: AgentId, tmp_path: Path) -> None:
    assert AgentConfigFiles(hermes_home=tmp_path, environment={}).read(agent) is None
