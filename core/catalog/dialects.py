"""The wire formats: where each posts, how little it can ask, and what an answer of it looks like.

Minimal bodies and answer shapes: databricks.md §1.4. Everything not needed is left out, because the gateway checks
extra fields strictly and a probe must not fail for a field of its own.
"""

from __future__ import annotations

from typing import Any

from core.model.agent import Dialect

PROMPT = "Reply with OK."
OUTPUT_CAP = 16


def request_path(dialect: Dialect, base_url: str, model: str) -> str:
    """Return what an agent appends to its base URL; a version segment that the base already has is not repeated."""
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        return "/messages" if base_url.endswith("/v1") else "/v1/messages"
    if dialect is Dialect.OPENAI_RESPONSES:
        return "/responses"
    if dialect is Dialect.OPENAI_CHAT:
        return "/chat/completions"
    version = "" if base_url.endswith("/v1beta") else "/v1beta"
    return f"{version}/models/{model}:generateContent"


def stream_path(dialect: Dialect, base_url: str, model: str) -> str:
    """Return what an agent appends to its base URL when it asks for a stream; only Gemini's path says so."""
    return request_path(dialect, base_url, model).replace(":generateContent", ":streamGenerateContent")


def request_headers(dialect: Dialect) -> dict[str, str]:
    """Return the headers this dialect requires besides the credential."""
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    if dialect is Dialect.ANTHROPIC_MESSAGES:
        headers["anthropic-version"] = "2023-06-01"
    return headers


def reach_body(dialect: Dialect, model: str) -> dict[str, Any]:
    """Return the smallest body that makes this model answer at all."""
    if dialect is Dialect.OPENAI_RESPONSES:
        return {"model": model, "input": PROMPT, "max_output_tokens": OUTPUT_CAP, "stream": False}
    if dialect is Dialect.GEMINI_GENERATE:
        return {
            "contents": [{"role": "user", "parts": [{"text": PROMPT}]}],
            "generationConfig": {"maxOutputTokens": OUTPUT_CAP},
        }
    return {
        "model": model,
        "messages": [{"role": "user", "content": PROMPT}],
        "max_tokens": OUTPUT_CAP,
        "stream": False,
    }
