"""Each faithful request has the path, the headers and the top-level fields that were recorded of the real client."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.catalog.agents import AGENTS
from core.catalog.faithful import faithful_request, offered_tools, output_cap, sends_field
from core.model.agent import AgentId, Dialect

MESSAGES, RESPONSES = Dialect.ANTHROPIC_MESSAGES, Dialect.OPENAI_RESPONSES
CHAT, GEMINI = Dialect.OPENAI_CHAT, Dialect.GEMINI_GENERATE
GATEWAY = "https://dbc-a1b2c3d4-e5f6.cloud.databricks.com/ai-gateway"
MODEL = "databricks-claude-sonnet-4-6"

_STREAM_GEMINI = f"/models/{MODEL}:streamGenerateContent?alt=sse"

# agent, slot, dialect, base, what follows it, the body's top-level fields (agents.md §4)
RECORDED = [
    (
        AgentId.HERMES,
        "primary",
        CHAT,
        "/mlflow/v1",
        "/chat/completions",
        "model stream stream_options messages max_tokens tools",
    ),
    (
        AgentId.CLAUDE,
        "default",
        MESSAGES,
        "/anthropic",
        "/v1/messages?beta=true",
        "model stream messages system max_tokens thinking output_config metadata tools",
    ),
    (
        AgentId.CODEX,
        "default",
        RESPONSES,
        "/codex/v1",
        "/responses",
        "model stream store input tool_choice parallel_tool_calls reasoning include prompt_cache_key client_metadata "
        "tools",
    ),
    (
        AgentId.GEMINI,
        "default",
        GEMINI,
        "/gemini",
        "/v1beta" + _STREAM_GEMINI,
        "contents systemInstruction generationConfig tools",
    ),
    (
        AgentId.OPENCODE,
        "default",
        MESSAGES,
        "/anthropic/v1",
        "/messages",
        "model stream messages system max_tokens tool_choice tools",
    ),
    (
        AgentId.OPENCODE,
        "default",
        CHAT,
        "/mlflow/v1",
        "/chat/completions",
        "model stream stream_options messages max_tokens tool_choice tools",
    ),
    (
        AgentId.OPENCODE,
        "default",
        RESPONSES,
        "/mlflow/v1",
        "/responses",
        "model stream store max_output_tokens input prompt_cache_key tool_choice tools",
    ),
    (
        AgentId.OPENCODE,
        "default",
        GEMINI,
        "/gemini/v1beta",
        _STREAM_GEMINI,
        "contents systemInstruction generationConfig tools",
    ),
    (
        AgentId.OPENCODE,
        "title",
        MESSAGES,
        "/anthropic/v1",
        "/messages",
        "model stream messages system max_tokens",
    ),
    (
        AgentId.PI,
        "default",
        MESSAGES,
        "/anthropic",
        "/v1/messages?beta=true",
        "model stream messages system max_tokens tools",
    ),
    (
        AgentId.PI,
        "default",
        RESPONSES,
        "/codex/v1",
        "/responses",
        "model stream store prompt_cache_key max_output_tokens input tools",
    ),
    (
        AgentId.PI,
        "default",
        GEMINI,
        "/gemini/v1beta",
        _STREAM_GEMINI,
        "contents systemInstruction generationConfig tools",
    ),
    (
        AgentId.PI,
        "default",
        CHAT,
        "/mlflow/v1",
        "/chat/completions",
        "model stream stream_options messages max_tokens tools",
    ),
    (
        AgentId.COPILOT,
        "default",
        CHAT,
        "/mlflow/v1",
        "/chat/completions",
        "model stream stream_options messages temperature top_p frequency_penalty presence_penalty tools",
    ),
]
_IDS = [f"{row[0]} {row[1]} on {row[2].label}" for row in RECORDED]


@pytest.mark.parametrize(("agent", "slot", "dialect", "base", "path", "fields"), RECORDED, ids=_IDS)
def test_request_is_the_recorded_one(
    *, agent: AgentId, slot: str, dialect: Dialect, base: str, path: str, fields: str
) -> None:
    sent = faithful_request(agent, slot, dialect, GATEWAY + base, MODEL)
    assert sent.path == path
    assert set(sent.body) == set(fields.split())
    assert sent.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize(("agent", "slot", "dialect", "base", "path", "fields"), RECORDED, ids=_IDS)
def test_every_request_asks_for_a_stream(
    *, agent: AgentId, slot: str, dialect: Dialect, base: str, path: str, fields: str
) -> None:
    sent = faithful_request(agent, slot, dialect, GATEWAY + base, MODEL)
    assert "streamGenerateContent" in sent.path if dialect is GEMINI else sent.body["stream"] is True


def test_every_pair_that_an_agent_has_is_recorded() -> None:
    pairs = {(spec.agent, dialect) for spec in AGENTS.values() for dialect in spec.dialects}
    assert {(row[0], row[2]) for row in RECORDED} == pairs


@pytest.mark.parametrize(
    ("agent", "dialect", "cap"),
    [
        (AgentId.HERMES, CHAT, 65536),
        (AgentId.CLAUDE, MESSAGES, 64000),
        (AgentId.CODEX, RESPONSES, None),
        (AgentId.GEMINI, GEMINI, None),
        (AgentId.COPILOT, CHAT, None),
        (AgentId.OPENCODE, MESSAGES, 32000),
        (AgentId.OPENCODE, CHAT, 16384),
        (AgentId.OPENCODE, RESPONSES, 25000),
        (AgentId.OPENCODE, GEMINI, 32000),
        (AgentId.PI, MESSAGES, 16384),
        (AgentId.PI, RESPONSES, 16384),
        (AgentId.PI, GEMINI, 16384),
        (AgentId.PI, CHAT, 16384),
    ],
)
def test_the_output_cap_is_the_real_one(agent: AgentId, dialect: Dialect, cap: int | None) -> None:
    body = faithful_request(agent, "default", dialect, GATEWAY, MODEL).body
    places = (body, body.get("generationConfig", {}))
    names = ("max_tokens", "max_output_tokens", "maxOutputTokens")
    sent = [place[name] for place in places for name in names if name in place]
    assert sent == ([] if cap is None else [cap])
    assert output_cap(agent, dialect) == cap


@pytest.mark.parametrize(
    ("agent", "dialect", "header", "value"),
    [
        (AgentId.HERMES, CHAT, "User-Agent", "OpenAI/Python 2.24.0"),
        (AgentId.CLAUDE, MESSAGES, "User-Agent", "claude-cli/2.1.330 (external, sdk-cli)"),
        (AgentId.CLAUDE, MESSAGES, "x-app", "cli"),
        (AgentId.CLAUDE, MESSAGES, "anthropic-version", "2023-06-01"),
        (AgentId.CODEX, RESPONSES, "originator", "codex_exec"),
        (AgentId.GEMINI, GEMINI, "x-goog-api-client", "google-genai-sdk/1.30.0 gl-node/v24"),
        (AgentId.GEMINI, GEMINI, "User-Agent", f"GeminiCLI-tui/0.61.0/{MODEL} (linux; x64; terminal)"),
        (AgentId.OPENCODE, MESSAGES, "anthropic-beta", "structured-outputs-2025-11-13"),
        (AgentId.PI, MESSAGES, "anthropic-beta", "fine-grained-tool-streaming-2025-05-14"),
        (AgentId.PI, RESPONSES, "User-Agent", "pi/0.87.1"),
        (AgentId.COPILOT, CHAT, "x-initiator", "user"),
    ],
)
def test_headers_are_the_agents_own(agent: AgentId, dialect: Dialect, header: str, value: str) -> None:
    assert faithful_request(agent, "default", dialect, GATEWAY, MODEL).headers[header] == value


@pytest.mark.parametrize(
    ("agent", "dialect", "names"),
    [
        (AgentId.HERMES, CHAT, ()),
        (AgentId.CLAUDE, MESSAGES, ()),
        (AgentId.CODEX, RESPONSES, ()),
        (AgentId.COPILOT, CHAT, ()),
        (AgentId.GEMINI, GEMINI, ("x-goog-api-key",)),
        (AgentId.OPENCODE, MESSAGES, ("x-api-key",)),
        (AgentId.OPENCODE, GEMINI, ("x-goog-api-key",)),
        (AgentId.PI, MESSAGES, ("x-api-key",)),
        (AgentId.PI, GEMINI, ("x-goog-api-key",)),
    ],
)
def test_the_token_goes_where_the_agent_puts_it(agent: AgentId, dialect: Dialect, names: tuple[str, ...]) -> None:
    assert faithful_request(agent, "default", dialect, GATEWAY, MODEL).token_headers == names


def tools_of(agent: AgentId, dialect: Dialect) -> list[dict[str, Any]]:
    body = faithful_request(agent, "default", dialect, GATEWAY, MODEL).body
    tools: list[dict[str, Any]] = body["tools"]
    return tools


def test_codex_offers_a_function_a_namespace_and_a_web_search() -> None:
    assert [tool["type"] for tool in tools_of(AgentId.CODEX, RESPONSES)] == ["function", "namespace", "web_search"]
    assert offered_tools(AgentId.CODEX, "default", RESPONSES) == ("exec_command", "close_agent")


def test_claude_codes_tool_names_its_schema() -> None:
    [tool] = tools_of(AgentId.CLAUDE, MESSAGES)
    assert "$schema" in tool["input_schema"]
    assert tool["input_schema"]["additionalProperties"] is False


def test_gemini_declares_its_functions_with_a_json_schema() -> None:
    [declaration] = tools_of(AgentId.GEMINI, GEMINI)[0]["functionDeclarations"]
    assert declaration["parametersJsonSchema"]["required"] == ["command"]


def test_opencode_marks_messages_to_claude_models_only() -> None:
    def body(model: str) -> str:
        return json.dumps(faithful_request(AgentId.OPENCODE, "default", CHAT, GATEWAY, model).body)

    assert "cache_control" in body(MODEL)
    assert "cache_control" not in body("databricks-gpt-oss-120b")


def test_the_title_request_offers_no_tool() -> None:
    assert offered_tools(AgentId.OPENCODE, "title", MESSAGES) == ()


def test_the_long_context_ending_is_not_sent() -> None:
    sent = faithful_request(AgentId.CLAUDE, "opus", MESSAGES, GATEWAY, MODEL + "[1m]")
    assert sent.body["model"] == MODEL
    assert "context-1m" not in sent.headers["anthropic-beta"]


def test_the_sonnet_alias_with_long_context_asks_for_its_beta() -> None:
    sent = faithful_request(AgentId.CLAUDE, "sonnet", MESSAGES, GATEWAY, MODEL + "[1m]")
    assert sent.headers["anthropic-beta"].endswith("context-1m-2025-08-07")


def test_a_name_that_is_no_path_or_header_is_quoted() -> None:
    sent = faithful_request(AgentId.GEMINI, "default", GEMINI, GATEWAY, "a/b\n?ü")
    assert "/models/a%2Fb%0A%3F%C3%BC:streamGenerateContent" in sent.path
    assert sent.headers["User-Agent"].isascii()


def test_a_pair_that_no_agent_has_is_asked_like_the_smallest_client() -> None:
    sent = faithful_request(AgentId.HERMES, "primary", MESSAGES, GATEWAY, MODEL)
    assert sent.body["max_tokens"] == 16384


def test_who_sends_stream_options() -> None:
    chat = {spec.agent for spec in AGENTS.values() if CHAT in spec.dialects}
    assert all(sends_field(agent, "default", CHAT, "stream_options") for agent in chat)
    assert not sends_field(AgentId.CODEX, "default", RESPONSES, "stream_options")
