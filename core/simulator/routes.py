"""Which path is which dialect of which generation, and where a path leads nowhere (databricks.md §1)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.model.agent import Dialect
from core.model.gateway import Generation

GATEWAY_PREFIX = "/ai-gateway"
LEGACY_PREFIX = "/serving-endpoints"

_GEMINI_CALL = re.compile(r"/gemini/v1beta/models/(?P<model>[^/]+):(?P<verb>generateContent|streamGenerateContent)")
_INVOCATION = re.compile(r"/(?P<model>[^/]+)(?:/served-models/[^/]+)?/invocations")

_GATEWAY_PATHS: Mapping[str, Dialect] = {
    "/anthropic/v1/messages": Dialect.ANTHROPIC_MESSAGES,
    "/codex/v1/responses": Dialect.OPENAI_RESPONSES,
    "/openai/v1/responses": Dialect.OPENAI_RESPONSES,
    "/openai/v1/chat/completions": Dialect.OPENAI_CHAT,
    "/mlflow/v1/chat/completions": Dialect.OPENAI_CHAT,
    "/mlflow/v1/responses": Dialect.OPENAI_RESPONSES,
    "/cursor/v1/chat/completions": Dialect.OPENAI_CHAT,
}
_LEGACY_PATHS: Mapping[str, Dialect] = {
    "/chat/completions": Dialect.OPENAI_CHAT,
    "/responses": Dialect.OPENAI_RESPONSES,
    "/open-responses": Dialect.OPENAI_RESPONSES,
    "/anthropic/v1/messages": Dialect.ANTHROPIC_MESSAGES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """What a path leads to. `dialect` None is a path of this generation that no model answers on.

    `model` is set where the path names it; `any_provider` marks the unified surface, which serves every chat model.
    """

    generation: Generation
    path: str
    dialect: Dialect | None = None
    model: str | None = None
    streams: bool | None = None
    any_provider: bool = False


def find_target(path: str, *, on_dedicated_host: bool) -> Target | None:
    """Return where this path leads, or None when it belongs to no inference generation."""
    if on_dedicated_host:
        return _gateway_target(Generation.DEDICATED, path)
    if path == GATEWAY_PREFIX or path.startswith(GATEWAY_PREFIX + "/"):
        return _gateway_target(Generation.WORKSPACE, path.removeprefix(GATEWAY_PREFIX))
    if path == LEGACY_PREFIX or path.startswith(LEGACY_PREFIX + "/"):
        return _legacy_target(path.removeprefix(LEGACY_PREFIX))
    return None


def _gateway_target(generation: Generation, path: str) -> Target:
    dialect = _GATEWAY_PATHS.get(path)
    if dialect:
        unified = path == "/mlflow/v1/responses"
        return Target(generation=generation, path=path, dialect=dialect, any_provider=unified)
    return _gemini_target(generation, path) or Target(generation=generation, path=path)


def _legacy_target(path: str) -> Target:
    generation = Generation.SERVING_ENDPOINTS
    dialect = _LEGACY_PATHS.get(path)
    if dialect:
        return Target(generation=generation, path=path, dialect=dialect)
    found = _INVOCATION.fullmatch(path)
    if found:
        return Target(generation=generation, path=path, dialect=Dialect.OPENAI_CHAT, model=found["model"])
    return _gemini_target(generation, path) or Target(generation=generation, path=path)


def _gemini_target(generation: Generation, path: str) -> Target | None:
    found = _GEMINI_CALL.fullmatch(path)
    if not found:
        return None
    return Target(
        generation=generation,
        path=path,
        dialect=Dialect.GEMINI_GENERATE,
        model=found["model"],
        streams=found["verb"] == "streamGenerateContent",
    )
