"""Where each agent keeps its own config: the variable that the agent itself reads, else its usual folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.catalog.agents import AGENTS
from core.model.agent import AgentHome, AgentId

_HOMES: Mapping[AgentId, AgentHome] = {agent: spec.home for agent, spec in AGENTS.items() if spec.home is not None}


def agent_homes(env: Mapping[str, str]) -> dict[AgentId, Path]:
    """Return the folder of every agent that keeps a config of its own, as this environment says."""
    usual = homes_below(Path("~").expanduser())
    return {
        agent: Path(env[home.variable]).expanduser() / home.below if env.get(home.variable) else usual[agent]
        for agent, home in _HOMES.items()
    }


def homes_below(home: Path) -> dict[AgentId, Path]:
    """Return the usual folders below a home folder, whatever the environment says."""
    return {agent: home / own.folder / own.below for agent, own in _HOMES.items()}
