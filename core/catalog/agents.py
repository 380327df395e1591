"""The agents we know: their slots, variables, defaults, dialects and base URLs per gateway generation.

Sources: the agents' own configs as measured (agents.md §1 and §3), the template app's variables (databricks.md §2.9).
"""

from __future__ import annotations

from collections.abc import Mapping

from core.model.agent import AgentHome, AgentId, AgentSpec, Dialect, SlotSpec
from core.model.gateway import Generation

_MESSAGES = Dialect.ANTHROPIC_MESSAGES
_RESPONSES = Dialect.OPENAI_RESPONSES
_CHAT = Dialect.OPENAI_CHAT
_GEMINI = Dialect.GEMINI_GENERATE


def _bases(dialect: Dialect, gateway_path: str, legacy_path: str) -> dict[tuple[Generation, Dialect], str]:
    return {
        (Generation.WORKSPACE, dialect): gateway_path,
        (Generation.DEDICATED, dialect): gateway_path,
        (Generation.SERVING_ENDPOINTS, dialect): legacy_path,
    }


_CHAT_BASES = _bases(_CHAT, "/mlflow/v1", "")
_MESSAGES_BASES = _bases(_MESSAGES, "/anthropic", "/anthropic")
_RESPONSES_BASES = _bases(_RESPONSES, "/codex/v1", "")
_GEMINI_BASES = _bases(_GEMINI, "/gemini", "/gemini")

# Pi and OpenCode give their clients a base URL that already holds the version segment (agents.md §1).
_VERSIONED_GEMINI = _bases(_GEMINI, "/gemini/v1beta", "/gemini/v1beta")
_VERSIONED_MESSAGES = _bases(_MESSAGES, "/anthropic/v1", "/anthropic/v1")

# Every dialect's path below a gateway, as its usual client has it.
BASE_PATHS: Mapping[tuple[Generation, Dialect], str] = _CHAT_BASES | _MESSAGES_BASES | _RESPONSES_BASES | _GEMINI_BASES

_ALL_DIALECTS = (_MESSAGES, _RESPONSES, _GEMINI, _CHAT)

AGENTS: Mapping[AgentId, AgentSpec] = {
    spec.agent: spec
    for spec in (
        AgentSpec(
            agent=AgentId.HERMES,
            label="Hermes",
            # Two different models, both answering on the chat route of every generation: a fallback that equals the
            # primary is skipped by Hermes, so it is none (databricks.md §8.6).
            slots=(
                SlotSpec(name="primary", variables=("HERMES_MODEL",), default="databricks-claude-opus-4-6"),
                SlotSpec(name="fallback", variables=("HERMES_FALLBACK_MODEL",), default="databricks-claude-sonnet-4-6"),
            ),
            dialects=(_CHAT,),
            bases=_CHAT_BASES,
            enable_variable="ENABLE_HERMES",
            home=AgentHome(
                variable="HERMES_HOME", folder=".hermes", meaning="Folder of Hermes' own config.yaml on this machine"
            ),
        ),
        AgentSpec(
            agent=AgentId.CLAUDE,
            label="Claude Code",
            slots=(
                SlotSpec(name="default", variables=("ANTHROPIC_MODEL",), default="databricks-claude-opus-4-6"),
                SlotSpec(
                    name="opus", variables=("ANTHROPIC_DEFAULT_OPUS_MODEL",), default="databricks-claude-opus-4-6"
                ),
                SlotSpec(
                    name="sonnet", variables=("ANTHROPIC_DEFAULT_SONNET_MODEL",), default="databricks-claude-sonnet-4-6"
                ),
                SlotSpec(
                    name="haiku",
                    variables=("ANTHROPIC_DEFAULT_HAIKU_MODEL", "ANTHROPIC_SMALL_FAST_MODEL"),
                    default="databricks-claude-haiku-4-5",
                ),
            ),
            dialects=(_MESSAGES,),
            bases=_MESSAGES_BASES,
            enable_variable="ENABLE_CLAUDE",
            home=AgentHome(
                variable="CLAUDE_CONFIG_DIR", folder=".claude", meaning="Folder of Claude Code's settings.json"
            ),
        ),
        AgentSpec(
            agent=AgentId.CODEX,
            label="Codex",
            slots=(SlotSpec(name="default", variables=("CODEX_MODEL",), default="databricks-gpt-5-5"),),
            dialects=(_RESPONSES,),
            bases=_RESPONSES_BASES,
            enable_variable="ENABLE_CODEX",
            home=AgentHome(variable="CODEX_HOME", folder=".codex", meaning="Folder of Codex's config.toml"),
        ),
        AgentSpec(
            agent=AgentId.GEMINI,
            label="Gemini CLI",
            slots=(SlotSpec(name="default", variables=("GEMINI_MODEL",), default="databricks-gemini-2-5-pro"),),
            dialects=(_GEMINI,),
            bases=_GEMINI_BASES,
            enable_variable="ENABLE_GEMINI",
            home=AgentHome(
                variable="GEMINI_CLI_HOME", folder="", below=".gemini", meaning="Folder that holds Gemini CLI's .gemini"
            ),
        ),
        AgentSpec(
            agent=AgentId.OPENCODE,
            label="OpenCode",
            slots=(
                SlotSpec(
                    name="default",
                    variables=("OPENCODE_MODEL", "ANTHROPIC_MODEL"),
                    default="databricks-claude-sonnet-4-6",
                ),
                SlotSpec(name="title", follows="default"),
            ),
            dialects=_ALL_DIALECTS,
            bases=_VERSIONED_MESSAGES | _RESPONSES_BASES | _VERSIONED_GEMINI | _CHAT_BASES,
            enable_variable="ENABLE_OPENCODE",
            home=AgentHome(
                variable="XDG_CONFIG_HOME",
                folder=".config",
                below="opencode",
                meaning="Folder that holds OpenCode's opencode/opencode.json",
            ),
        ),
        AgentSpec(
            agent=AgentId.PI,
            label="Pi",
            slots=(SlotSpec(name="default", variables=("PI_MODEL",), default="databricks-claude-sonnet-4-6"),),
            dialects=_ALL_DIALECTS,
            bases=_MESSAGES_BASES | _RESPONSES_BASES | _VERSIONED_GEMINI | _CHAT_BASES,
            enable_variable="ENABLE_PI",
            home=AgentHome(
                variable="PI_CODING_AGENT_DIR",
                folder=".pi/agent",
                meaning="Folder of Pi's models.json and settings.json",
            ),
        ),
        AgentSpec(
            agent=AgentId.COPILOT,
            label="Copilot CLI",
            slots=(SlotSpec(name="default", variables=("COPILOT_MODEL",), default="databricks-claude-sonnet-4-6"),),
            dialects=(_CHAT,),
            bases=_CHAT_BASES,
            enable_variable="ENABLE_COPILOT",
        ),
        AgentSpec(
            agent=AgentId.CURSOR,
            label="Cursor",
            slots=(SlotSpec(name="default"),),
            dialects=(),
            bases={},
            enable_variable=None,
            probeable=False,
            note="Cursor keeps its model and key in its account settings, so nothing can be read or probed from here.",
        ),
    )
}

# Listings name what a model can do by API type; `gemini/v1beta/…` is an older spelling (databricks.md §3.2).
API_TYPES: Mapping[Dialect, tuple[str, ...]] = {
    _MESSAGES: ("anthropic/v1/messages",),
    _RESPONSES: ("openai/v1/responses",),
    _CHAT: ("mlflow/v1/chat/completions", "openai/v1/chat/completions"),
    _GEMINI: ("gemini/v1/generateContent", "gemini/v1beta/generateContent"),
}

_DIALECT_OF_FAMILY: Mapping[str, Dialect] = {"claude": _MESSAGES, "gpt": _RESPONSES, "gemini": _GEMINI}


def dialect_for(spec: AgentSpec, family: str) -> Dialect | None:
    """Return the dialect this agent speaks to a model of this family; None when the agent cannot be probed."""
    if not spec.dialects:
        return None
    if len(spec.dialects) == 1:
        return spec.dialects[0]
    wanted = _DIALECT_OF_FAMILY.get(family, _CHAT)
    return wanted if wanted in spec.dialects else spec.dialects[0]
