"""What the model routes refuse, and in whose words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from core.simulator.scenes import TokenState
from core.simulator.server import SimulatedWorkspace
from tests.core.simulator.conftest import Ask

Running = Callable[[str], SimulatedWorkspace]
CHAT = "/ai-gateway/mlflow/v1/chat/completions"
LEGACY_CHAT = "/serving-endpoints/chat/completions"
MESSAGES = "/ai-gateway/anthropic/v1/messages"
RESPONSES = "/ai-gateway/codex/v1/responses"
GEMINI = "/ai-gateway/gemini/v1beta/models/{model}:generateContent"


def body(model: str, **more: Any) -> dict[str, Any]:
    """Return a chat body for this model."""
    return {"model": model, "max_tokens": 16, "messages": [{"role": "user", "content": "hi"}], **more}


@pytest.mark.parametrize(
    ("token", "gateway", "legacy"),
    [
        pytest.param(TokenState.LIVE, 200, 200, id="live"),
        pytest.param(TokenState.AGENT, 200, 200, id="the agents' own"),
        pytest.param(TokenState.SERVICE_PRINCIPAL, 200, 200, id="service principal"),
        pytest.param(TokenState.ROTATED, 400, 403, id="rotated away"),
        pytest.param("anything-else", 400, 403, id="never seen"),
        pytest.param(TokenState.OTHER_WORKSPACE, 403, 403, id="of another workspace"),
        pytest.param(TokenState.NARROW, 403, 403, id="without the scope"),
        pytest.param(TokenState.NONE, 401, 401, id="none"),
    ],
)
def test_token(token: TokenState | str, gateway: int, legacy: int, running: Running, ask: Ask) -> None:
    workspace, asked = running("healthy"), body("databricks-claude-opus-4-6")
    assert ask(workspace, "POST", CHAT, token=token, json=asked).status_code == gateway
    assert ask(workspace, "POST", LEGACY_CHAT, token=token, json=asked).status_code == legacy


def test_api_key_header_is_no_credential(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    key = {"x-api-key": workspace.scene.token.reveal()}
    answer = ask(
        workspace, "POST", MESSAGES, token=TokenState.NONE, headers=key, json=body("databricks-claude-opus-4-6")
    )
    assert (answer.status_code, answer.text.split(".")[0]) == (
        401,
        "Credential was not sent or was of an unsupported type for this API",
    )


def test_token_of_another_workspace_is_told_which_one_this_is(running: Running, ask: Ask) -> None:
    workspace = running("healthy")
    answer = ask(workspace, "GET", "/api/2.0/preview/scim/v2/Me", token=TokenState.OTHER_WORKSPACE)
    assert answer.json() == {"error_code": 403, "message": f"Invalid access to Org: {workspace.scene.workspace_id}"}


@pytest.mark.parametrize(
    ("method", "path", "asked", "status", "words"),
    [
        pytest.param(
            "POST", CHAT, body("databricks-none"), 404, "'databricks-none' does not exist", id="unknown model"
        ),
        pytest.param(
            "POST", CHAT, body("databricks-claude-opus-4-8"), 404, "does not exist", id="no grant looks absent"
        ),
        pytest.param("POST", CHAT, body("system.ai.gemini-3-1-pro"), 404, "does not exist", id="no such service"),
        pytest.param("POST", CHAT, body("databricks-gemini-3-1-pro"), 200, "", id="preview by endpoint name"),
        pytest.param("POST", CHAT, body("databricks-gpt-5-5-pro"), 403, "rate limit of 0", id="rate limit of zero"),
        pytest.param("POST", CHAT, body("databricks-qwen3-next-80b"), 503, "not ready", id="not ready"),
        pytest.param("POST", CHAT, body("databricks-gte-large-en"), 400, "does not support", id="embedding model"),
        pytest.param(
            "POST", LEGACY_CHAT, body("databricks-gte-large-en"), 400, "does not support", id="embedding, legacy"
        ),
        pytest.param("POST", CHAT, {}, 400, "model", id="no model named"),
        pytest.param("POST", CHAT, [], 400, "parse", id="no object"),
        pytest.param("POST", LEGACY_CHAT, {}, 400, "model", id="no model named, legacy"),
        pytest.param(
            "POST", RESPONSES, body("databricks-claude-opus-4-6"), 400, "passthrough", id="claude as responses"
        ),
        pytest.param(
            "POST",
            "/serving-endpoints/responses",
            body("databricks-claude-opus-4-6"),
            400,
            "passthrough",
            id="claude as responses, legacy",
        ),
        pytest.param(
            "POST",
            "/ai-gateway/mlflow/v1/responses",
            body("databricks-claude-opus-4-6"),
            200,
            "",
            id="unified responses",
        ),
        pytest.param("POST", MESSAGES, body("databricks-gpt-5-5"), 400, "anthropic/v1/messages", id="gpt as messages"),
        pytest.param(
            "POST", MESSAGES, {"model": "databricks-claude-opus-4-6"}, 400, "max_tokens", id="no cap for claude"
        ),
        pytest.param(
            "POST",
            "/ai-gateway/codex/v1/chat/completions",
            body("databricks-gpt-5-5"),
            400,
            "API type",
            id="chat on codex",
        ),
        pytest.param("POST", GEMINI.format(model="gemini-3.5-flash"), {}, 400, "supported Unity", id="rewritten name"),
        pytest.param("POST", "/ai-gateway/chat/completions", body("x"), 404, "No API found", id="no namespace"),
        pytest.param("POST", "/ai-gateway", {}, 404, "No API found", id="gateway root"),
        pytest.param("POST", "/serving-endpoints/mlflow/v1/chat/completions", {}, 404, "Path must be", id="wrong path"),
        pytest.param("GET", CHAT, None, 404, "No API found", id="GET on a model route"),
        pytest.param("GET", "/ai-gateway/codex/v1/models", None, 404, "not enabled", id="codex models"),
        pytest.param("GET", "/ai-gateway/openai/v1/models", None, 200, "databricks-gpt-5-5", id="openai models"),
    ],
)
def test_refusal(*, method: str, path: str, asked: Any, status: int, words: str, running: Running, ask: Ask) -> None:
    answer = ask(running("healthy"), method, path, json=asked)
    assert answer.status_code == status
    assert words in answer.text


@pytest.mark.parametrize(
    ("model", "more", "words"),
    [
        pytest.param("databricks-gemini-2-5-pro", {"stream_options": {}}, "Cannot find field", id="gemini"),
        pytest.param("databricks-llama-4-maverick", {"stream_options": {}}, "unknown field", id="open weights"),
        pytest.param("databricks-claude-opus-4-6", {"store": False}, "Extra inputs", id="store"),
        pytest.param("databricks-gpt-5-5", {"max_completion_tokens": 9}, "Extra inputs", id="completion cap"),
        pytest.param("databricks-llama-4-maverick", {"max_tokens": 65536}, "65536 > 8192", id="output cap"),
    ],
)
def test_chat_field_is_rejected(model: str, more: dict[str, Any], words: str, running: Running, ask: Ask) -> None:
    answer = ask(running("healthy"), "POST", CHAT, json=body(model, **more))
    assert answer.status_code == 400
    assert words in answer.json()["message"]


def test_claude_takes_stream_options(running: Running, ask: Ask) -> None:
    asked = body("databricks-claude-opus-4-6", stream=True, stream_options={"include_usage": True})
    assert ask(running("healthy"), "POST", CHAT, json=asked).status_code == 200


def test_legacy_unknown_model_with_a_dead_token_is_a_404(running: Running, ask: Ask) -> None:
    asked = body("databricks-none")
    answer = ask(running("healthy"), "POST", LEGACY_CHAT, token=TokenState.ROTATED, json=asked)
    assert answer.json()["message"].startswith("The given endpoint does not exist")
