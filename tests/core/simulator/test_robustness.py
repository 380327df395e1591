"""Whatever is sent, the simulator answers; a fault of its own would look like one of the product."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.simulator.app import SimulatedApp
from core.simulator.faults import FaultBook, RequestLog
from core.simulator.scenes import scene_named

SCENE = scene_named("healthy")
APP = SimulatedApp(SCENE, FaultBook(), RequestLog())
MODELS = [name for model in SCENE.models for name in (model.endpoint, model.service)]
PATHS = [
    "/ai-gateway/mlflow/v1/chat/completions",
    "/ai-gateway/mlflow/v1/responses",
    "/ai-gateway/anthropic/v1/messages",
    "/ai-gateway/codex/v1/responses",
    "/serving-endpoints/chat/completions",
    "/serving-endpoints/responses",
    "/serving-endpoints/databricks-gpt-oss-120b/invocations",
    "/ai-gateway/gemini/v1beta/models/databricks-gemini-2-5-pro:generateContent",
    "/ai-gateway/gemini/v1beta/models/databricks-gemini-3-flash:streamGenerateContent",
    "/oidc/v1/token",
    "/_simulator/faults",
    "/api/2.0/apps/%%",
    "",
]
FIELDS = st.sampled_from(
    ["name", "function", "functionDeclarations", "input_schema", "parameters", "required", "type", "role", "content"]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=8,
)
BODIES = st.fixed_dictionaries(
    {"model": st.sampled_from(MODELS) | JSON},
    optional=dict.fromkeys(
        ("messages", "input", "contents", "tools", "max_tokens", "max_output_tokens", "stream", "stream_options"), JSON
    )
    | {"generationConfig": st.fixed_dictionaries({"maxOutputTokens": JSON}) | JSON},
)


async def status_of(*, method: str, path: str, host: bytes, body: bytes) -> int:
    """Return the status that the application gives to a request in this process."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    token = SCENE.token.reveal().encode()
    headers = [(b"host", host), (b"authorization", b"Bearer " + token)]
    scope = {"type": "http", "method": method, "scheme": "http", "path": path, "query_string": b"", "headers": headers}
    await APP(scope, receive, send)
    assert sent[-1].get("more_body") is False
    return int(sent[0]["status"])


@given(path=st.sampled_from(PATHS), body=BODIES)
def test_any_object_is_answered(path: str, body: dict[str, Any]) -> None:
    encoded = json.dumps(body).encode()
    assert asyncio.run(status_of(method="POST", path=path, host=b"localhost", body=encoded)) in (
        200,
        303,
        400,
        401,
        403,
        404,
        503,
    )


@given(path=st.sampled_from(PATHS) | st.text(max_size=20), body=st.binary(max_size=20), host=st.binary(max_size=20))
def test_any_bytes_are_answered(path: str, body: bytes, host: bytes) -> None:
    assert asyncio.run(status_of(method="POST", path=path, host=host, body=body)) in (400, 401, 404)


@pytest.mark.parametrize("host", [b"[", b"a:b:c", b"127.0.0.1:99999999", b"", b"localhost."])
def test_any_host_header_is_answered(host: bytes) -> None:
    assert asyncio.run(status_of(method="GET", path="/login.html", host=host, body=b"")) in (200, 404)
