"""What each agent really sends: path, headers, tools, fields and output cap, per agent and dialect.

Measured on the agents' own command lines (agents.md §1, §3 and §4; versions there). Left out are the ids that belong to
one session, and all tools but one: a tool's kind can be rejected, their number was not seen to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from core.catalog.dialects import stream_path
from core.catalog.faithful_bodies import Manner, body_of
from core.model.agent import AgentId, Dialect

_MESSAGES = Dialect.ANTHROPIC_MESSAGES
_RESPONSES = Dialect.OPENAI_RESPONSES
_CHAT = Dialect.OPENAI_CHAT
_GEMINI = Dialect.GEMINI_GENERATE

# Claude Code asks for the long context window by this ending; the name that is sent does not have it (agents.md §3.2).
_LONG_CONTEXT = "[1m]"
_LONG_CONTEXT_BETA = "context-1m-2025-08-07"
_TOOLLESS_SLOTS = frozenset({(AgentId.OPENCODE, "title")})
_JSON_SCHEMA = "https://json-schema.org/draft/2020-12/schema"
_EPHEMERAL = {"type": "ephemeral"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FaithfulRequest:
    """One request as an agent sends it.

    `token_headers` name the headers in which the agent sends its token besides Authorization; `offered` are the names
    of the tools that the model may call.
    """

    path: str
    headers: Mapping[str, str]
    token_headers: tuple[str, ...]
    body: Mapping[str, Any]
    offered: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Client:
    """How one agent speaks one dialect."""

    headers: Mapping[str, str]
    manner: Manner
    query: str = ""
    token_headers: tuple[str, ...] = ()


def faithful_request(agent: AgentId, slot: str, dialect: Dialect, base_url: str, model: str) -> FaithfulRequest:
    """Return what this agent sends for this slot; `model` is the name it is configured with."""
    client = _client(agent, dialect)
    name = sent_name(model)
    offers = (agent, slot) not in _TOOLLESS_SLOTS
    quoted = quote(name, safe="._-")
    headers = {key: value.replace("{model}", quoted) for key, value in client.headers.items()}
    if agent is AgentId.CLAUDE and slot == "sonnet" and name != model:
        headers["anthropic-beta"] += f",{_LONG_CONTEXT_BETA}"
    return FaithfulRequest(
        path=stream_path(dialect, base_url, quoted) + client.query,
        headers=headers,
        token_headers=client.token_headers,
        body=body_of(dialect, client.manner, name, offers=offers),
        offered=client.manner.offered if offers else (),
    )


def offered_tools(agent: AgentId, slot: str, dialect: Dialect) -> tuple[str, ...]:
    """Return the names of the tools that this agent's request offers; none where it offers none."""
    return () if (agent, slot) in _TOOLLESS_SLOTS else _client(agent, dialect).manner.offered


def sends_field(agent: AgentId, slot: str, dialect: Dialect, name: str) -> bool:
    """Say whether this agent's requests have a field of this name at their top."""
    return name in faithful_request(agent, slot, dialect, "", "any").body


def output_cap(agent: AgentId, dialect: Dialect) -> int | None:
    """Return how many output tokens this agent asks for at most, None when it leaves that to the model."""
    return _client(agent, dialect).manner.cap


def sent_name(model: str) -> str:
    """Return the model's name as it goes on the wire."""
    return model.removesuffix(_LONG_CONTEXT)


def _client(agent: AgentId, dialect: Dialect) -> _Client:
    # Pi speaks every dialect, and sends the least of all: the one to stand in for a pair that no agent has.
    return _CLIENTS.get((agent, dialect)) or _CLIENTS[AgentId.PI, dialect]


_JSON = {"Content-Type": "application/json"}
_ANTHROPIC = {**_JSON, "anthropic-version": "2023-06-01"}
_OPENCODE_CHAT = {**_JSON, "User-Agent": "opencode/1.18.33"}
_OPENCODE = {
    "User-Agent": "opencode/1.18.33 ai-sdk/provider-utils/4.0.46 runtime/bun/1.3.14",
    "x-session-id": "ses_probe",
    "x-session-affinity": "ses_probe",
}
_PI = {"User-Agent": "pi/0.87.1"}

_HERMES = _Client(
    headers={**_JSON, "User-Agent": "OpenAI/Python 2.24.0"},
    manner=Manner(
        system="You are Hermes Agent.", tool="terminal", cap=65536, fields={"stream_options": {"include_usage": True}}
    ),
)

# The form without an apiKeyHelper, which is what ANTHROPIC_AUTH_TOKEN leads to (agents.md §3.2).
_CLAUDE = _Client(
    headers={
        **_ANTHROPIC,
        "anthropic-beta": "claude-code-20250219,interleaved-thinking-2025-05-14,effort-2025-11-24",
        "anthropic-dangerous-direct-browser-access": "true",
        "x-app": "cli",
        "x-databricks-use-coding-agent-mode": "true",
        "User-Agent": "claude-cli/2.1.330 (external, sdk-cli)",
    },
    query="?beta=true",
    manner=Manner(
        system="You are a Claude agent.",
        tool="Bash",
        cap=64000,
        schema_fields={"$schema": _JSON_SCHEMA, "additionalProperties": False},
        block_fields={"cache_control": _EPHEMERAL},
        fields={
            "thinking": {"type": "adaptive"},
            "output_config": {"effort": "xhigh"},
            "metadata": {"user_id": '{"device_id":"probe"}'},
        },
    ),
)

_CODEX = _Client(
    headers={
        **_JSON,
        "Accept": "text/event-stream",
        "originator": "codex_exec",
        "User-Agent": "codex_exec/0.169.0 (Debian 12.0.0; x86_64) dumb (codex_exec; 0.169.0)",
    },
    manner=Manner(
        system="You are a coding agent.",
        tool="exec_command",
        tool_fields={"strict": False},
        schema_fields={"additionalProperties": False},
        namespace="multi_agent_v1",
        namespaced_tool="close_agent",
        server_tools=({"type": "web_search", "external_web_access": False},),
        system_role="developer",
        item_fields={"type": "message"},
        fields={
            "store": False,
            "reasoning": {"summary": "auto"},
            "include": ["reasoning.encrypted_content"],
            "prompt_cache_key": "probe",
            "client_metadata": {"x-codex-installation-id": "probe"},
        },
        fields_with_tools={"tool_choice": "auto", "parallel_tool_calls": True},
    ),
)

_GEMINI_CLI = _Client(
    headers={
        **_JSON,
        "x-goog-api-client": "google-genai-sdk/1.30.0 gl-node/v24",
        "User-Agent": "GeminiCLI-tui/0.61.0/{model} (linux; x64; terminal)",
    },
    query="?alt=sse",
    token_headers=("x-goog-api-key",),
    manner=Manner(
        system="You are Gemini CLI.",
        tool="run_shell_command",
        generation={"temperature": 1, "topP": 0.95, "topK": 64, "thinkingConfig": {"includeThoughts": True}},
    ),
)

_COPILOT = _Client(
    headers={
        **_JSON,
        "User-Agent": "OpenAI/JS 5.20.1",
        "x-initiator": "user",
        "x-interaction-type": "conversation-user",
    },
    manner=Manner(
        system="You are the GitHub Copilot CLI.",
        tool="bash",
        fields={
            "stream_options": {"include_usage": True},
            "temperature": 0,
            "top_p": 0.95,
            "frequency_penalty": 0,
            "presence_penalty": 0,
        },
    ),
)

_CLIENTS: Mapping[tuple[AgentId, Dialect], _Client] = {
    (AgentId.HERMES, _CHAT): _HERMES,
    (AgentId.CLAUDE, _MESSAGES): _CLAUDE,
    (AgentId.CODEX, _RESPONSES): _CODEX,
    (AgentId.GEMINI, _GEMINI): _GEMINI_CLI,
    (AgentId.COPILOT, _CHAT): _COPILOT,
    (AgentId.OPENCODE, _MESSAGES): _Client(
        headers={**_ANTHROPIC, **_OPENCODE, "anthropic-beta": "structured-outputs-2025-11-13"},
        token_headers=("x-api-key",),
        manner=Manner(
            system="You are OpenCode.",
            tool="bash",
            cap=32000,
            schema_fields={"$schema": _JSON_SCHEMA},
            block_fields={"cache_control": _EPHEMERAL},
            fields_with_tools={"tool_choice": {"type": "auto"}},
        ),
    ),
    (AgentId.OPENCODE, _CHAT): _Client(
        headers=_OPENCODE_CHAT,
        manner=Manner(
            system="You are OpenCode.",
            tool="bash",
            cap=16384,
            schema_fields={"$schema": _JSON_SCHEMA},
            claude_message_fields={"cache_control": _EPHEMERAL},
            fields={"stream_options": {"include_usage": True}},
            fields_with_tools={"tool_choice": "auto"},
        ),
    ),
    (AgentId.OPENCODE, _RESPONSES): _Client(
        headers=_OPENCODE_CHAT,
        manner=Manner(
            system="You are OpenCode.",
            tool="bash",
            cap=25000,
            tool_fields={"strict": False},
            fields={"store": False, "prompt_cache_key": "probe"},
            fields_with_tools={"tool_choice": "auto"},
        ),
    ),
    (AgentId.OPENCODE, _GEMINI): _Client(
        headers={**_JSON, **_OPENCODE},
        query="?alt=sse",
        token_headers=("x-goog-api-key",),
        manner=Manner(system="You are OpenCode.", tool="bash", cap=32000),
    ),
    (AgentId.PI, _MESSAGES): _Client(
        headers={
            **_ANTHROPIC,
            **_PI,
            "anthropic-beta": "fine-grained-tool-streaming-2025-05-14",
            "anthropic-dangerous-direct-browser-access": "true",
        },
        query="?beta=true",
        token_headers=("x-api-key",),
        manner=Manner(
            system="You are pi.",
            tool="bash",
            cap=16384,
            tool_fields={"cache_control": _EPHEMERAL},
            block_fields={"cache_control": _EPHEMERAL},
        ),
    ),
    (AgentId.PI, _RESPONSES): _Client(
        headers={**_JSON, **_PI, "session_id": "probe"},
        manner=Manner(
            system="You are pi.", tool="bash", cap=16384, fields={"store": False, "prompt_cache_key": "probe"}
        ),
    ),
    (AgentId.PI, _GEMINI): _Client(
        headers={**_JSON, **_PI},
        query="?alt=sse",
        token_headers=("x-goog-api-key",),
        manner=Manner(system="You are pi.", tool="bash", cap=16384),
    ),
    # With the compatibility flags of its Databricks configuration: no `store`, and `max_tokens` (agents.md §3.6).
    (AgentId.PI, _CHAT): _Client(
        headers={**_JSON, **_PI},
        manner=Manner(system="You are pi.", tool="bash", cap=16384, fields={"stream_options": {"include_usage": True}}),
    ),
}
