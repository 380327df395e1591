"""Asks to a model: who may, which model on which route, what the route rejects, and the answer."""

from __future__ import annotations

import json
from typing import Any

from core.catalog.agents import API_TYPES
from core.model.agent import Dialect
from core.model.gateway import Generation
from core.simulator.answers import Json, models_listing, reply_to, whole_answer
from core.simulator.exchange import Answer, Exchange, event_answer, json_answer, refusal_answer
from core.simulator.models import SimulatedModel, model_of
from core.simulator.routes import Target
from core.simulator.scenes import TokenState
from core.simulator.streams import stream_events

_LEGACY = Generation.SERVING_ENDPOINTS
_CHAT_FIELDS_REJECTED = ("store", "max_completion_tokens")
_OPEN_WEIGHT_FAMILIES = ("llama", "qwen", "gpt-oss", "gemma", "glm", "kimi")
_DEAD = (TokenState.ROTATED, TokenState.UNKNOWN)


def body_of(exchange: Exchange) -> Json | None:
    """Return the request body as an object, None when it is not one."""
    try:
        value: Any = json.loads(exchange.body)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


def asked_model(target: Target, body: Json | None) -> str | None:
    """Return the model as the caller spelled it."""
    if target.model is not None:
        return target.model
    named = body.get("model") if body else None
    return named if isinstance(named, str) and named else None


def token_refusal(exchange: Exchange, generation: Generation | None) -> str | None:
    """Return why this token is not let in, None when it is.

    The gateway and the older front door word a dead token differently (databricks.md §4).
    """
    if exchange.token is TokenState.NONE:
        return "no_credential"
    if exchange.token in _DEAD:
        return "token_dead" if generation in (None, _LEGACY) else "invalid_token_text"
    if exchange.token is TokenState.OTHER_WORKSPACE:
        return "token_other_workspace"
    if exchange.token is TokenState.NARROW and generation is not None:
        return "scope_missing"
    return None


def answer_inference(exchange: Exchange, target: Target, body: Json | None) -> Answer:
    """Return what this route says."""
    if target.generation is _LEGACY:
        return _answer_legacy(exchange, target, body)
    if target.generation is Generation.WORKSPACE and exchange.scene.gateway_off:
        return refusal_answer(exchange.scene.gateway_off, exchange)
    refused = token_refusal(exchange, target.generation)
    if refused:
        return refusal_answer(refused, exchange)
    if target.dialect is None or exchange.method != "POST":
        return _answer_elsewhere(exchange, target)
    spelling = asked_model(target, body)
    if body is None or spelling is None:
        return refusal_answer("malformed_json" if body is None else "model_field_missing", exchange)
    model = model_of(exchange.scene.models, spelling)
    if model is None or not model.executable or (spelling == model.service and not model.has_service):
        rewritten = target.dialect is Dialect.GEMINI_GENERATE and not spelling.startswith(("databricks-", "system."))
        return refusal_answer("bad_model_name" if rewritten else "model_not_found", exchange, model=spelling)
    if exchange.scene.enforces_unity and spelling == model.endpoint:
        return refusal_answer("spelling_retired", exchange, model=spelling)
    served = (target.any_provider and bool(model.gateway)) or target.dialect in model.gateway
    if not served:
        return _mismatch(exchange, target.dialect, model)
    return _say(exchange, target.dialect, body, model, streams=target.streams)


def _answer_legacy(exchange: Exchange, target: Target, body: Json | None) -> Answer:
    """Look the endpoint up before the token is checked: an unknown model is a 404 even with a dead token."""
    if target.dialect is None or exchange.method != "POST":
        return refusal_answer(token_refusal(exchange, _LEGACY) or "path_form", exchange)
    spelling = asked_model(target, body)
    model = model_of(exchange.scene.models, spelling) if spelling else None
    chat_model = model is not None and model.task == "llm/v1/chat"
    passthrough = target.dialect is Dialect.OPENAI_RESPONSES
    if spelling and (model is None or spelling != model.endpoint):
        return refusal_answer("endpoint_not_found", exchange)
    if model and chat_model and target.dialect not in model.legacy and not passthrough:
        return refusal_answer("endpoint_not_found", exchange)
    refused = token_refusal(exchange, _LEGACY)
    if refused:
        return refusal_answer(refused, exchange)
    if body is None or model is None:
        return refusal_answer("malformed_json" if body is None else "model_field_missing", exchange)
    if exchange.scene.enforces_unity:
        return refusal_answer("endpoint_retired", exchange, model=model.endpoint)
    if target.dialect not in model.legacy:
        return _mismatch(exchange, target.dialect, model)
    return _say(exchange, target.dialect, body, model, streams=target.streams)


def _answer_elsewhere(exchange: Exchange, target: Target) -> Answer:
    scene = exchange.scene
    if exchange.method == "GET" and target.path in ("/anthropic/v1/models", "/openai/v1/models"):
        dialect = Dialect.ANTHROPIC_MESSAGES if target.path.startswith("/anthropic") else Dialect.OPENAI_RESPONSES
        return json_answer(models_listing(tuple(model for model in scene.models if dialect in model.gateway)))
    if exchange.method == "GET" and target.path == "/codex/v1/models":
        return refusal_answer("codex_models_off", exchange)
    if exchange.method == "POST" and target.path.startswith("/codex/v1/"):
        return refusal_answer("unknown_api_type", exchange)
    return refusal_answer("no_api", exchange)


def _mismatch(exchange: Exchange, dialect: Dialect, model: SimulatedModel) -> Answer:
    wording = "responses_passthrough" if dialect is Dialect.OPENAI_RESPONSES else "dialect_mismatch"
    return refusal_answer(wording, exchange, model=model.endpoint, about=API_TYPES[dialect][0])


def _say(exchange: Exchange, dialect: Dialect, body: Json, model: SimulatedModel, *, streams: bool | None) -> Answer:
    if model.rate_limit_zero or not model.ready:
        wording = "rate_limit_zero" if model.rate_limit_zero else "not_ready"
        return refusal_answer(wording, exchange, model=model.endpoint)
    rejected = _rejected_field(dialect, model, body)
    if rejected:
        return refusal_answer(rejected[0], exchange, model=model.endpoint, about=rejected[1])
    reply = reply_to(dialect, model, body, request_id=exchange.request_id, size=len(exchange.body))
    if streams or (streams is None and body.get("stream") is True):
        return event_answer(stream_events(dialect, reply, body))
    return json_answer(whole_answer(dialect, reply))


def _rejected_field(dialect: Dialect, model: SimulatedModel, body: Json) -> tuple[str, str] | None:
    """Return the refusal and its field for a body that this model's translation does not take (databricks.md §8.4)."""
    if dialect is Dialect.ANTHROPIC_MESSAGES and "max_tokens" not in body:
        return "field_required", "max_tokens"
    if dialect is not Dialect.OPENAI_CHAT:
        return None
    extra = next((name for name in _CHAT_FIELDS_REJECTED if name in body), None)
    if extra:
        return "field_rejected", extra
    if "stream_options" in body and model.family == "gemini":
        return "gemini_unknown_field", "stream_options"
    if "stream_options" in body and model.family in _OPEN_WEIGHT_FAMILIES:
        return "unknown_field", "stream_options"
    cap = body.get("max_tokens")
    if model.output_limit is not None and isinstance(cap, int) and cap > model.output_limit:
        return "output_cap", f"{cap} > {model.output_limit}"
    return None
