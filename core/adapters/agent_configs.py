"""Read the agents' own config files on this machine, where there are any."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.adapters.hermes_config import read_hermes_config
from core.model.agent import AgentId
from core.model.choice import AgentConfig
from core.model.secret import Secret


class AgentConfigFiles:
    """Fulfil the AgentConfigSource port; tokens that a config names by variable come from `environment`."""

    def __init__(self, *, hermes_home: Path, environment: Mapping[str, Secret]) -> None:
        self._hermes_home = hermes_home
        self._environment = environment

    def read(self, agent: AgentId) -> AgentConfig | None:
        """Return the agent's own config as it stands now, None for agents whose config is not read."""
        if agent is AgentId.HERMES:
            return read_hermes_config(self._hermes_home, self._environment)
        return None
