"""Where each agent keeps its own config: the variable that the agent itself reads, else its usual folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.model.agent import AgentId

# Per agent: the variable, what the agent appends to it, and the folder without it (agents.md section 3).
_HOMES: Mapping[AgentId, tuple[str, str, str]] = {
    AgentId.HERMES: ("HERMES_HOME", "", ".hermes"),
    AgentId.CLAUDE: ("CLAUDE_CONFIG_DIR", "", ".claude"),
    AgentId.CODEX: ("CODEX_HOME", "", ".codex"),
    AgentId.GEMINI: ("GEMINI_CLI_HOME", ".gemini", ".gemini"),
    AgentId.OPENCODE: ("XDG_CONFIG_HOME", "opencode", ".config/opencode"),
    AgentId.PI: ("PI_CODING_AGENT_DIR", "", ".pi/agent"),
}


def agent_homes(env: Mapping[str, str]) -> dict[AgentId, Path]:
    """Return the folder of every agent that keeps a config of its own, as this environment says."""
    return {
        agent: Path(env[variable]).expanduser() / below if env.get(variable) else Path("~").expanduser() / usual
        for agent, (variable, below, usual) in _HOMES.items()
    }


def homes_below(home: Path) -> dict[AgentId, Path]:
    """Return the usual folders below a home folder, whatever the environment says."""
    return {agent: home / usual for agent, (_, _, usual) in _HOMES.items()}
