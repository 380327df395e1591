"""Warn of requests that a model is known not to take from an agent, before one is sent; pure."""

from __future__ import annotations

from collections.abc import Iterator

from core.catalog.agents import AGENTS
from core.catalog.faithful import output_cap, sends_field
from core.catalog.output_limits import output_limit
from core.catalog.spellings import family_of
from core.model.agent import AgentId, Dialect
from core.model.choice import LintFinding, Severity

# Families whose chat route was seen to answer 400 to `stream_options` (databricks.md §8.4).
_NO_STREAM_OPTIONS = frozenset({"gemini", "gemma", "gpt-oss", "glm", "kimi", "llama", "qwen"})


def lint_request(agent: AgentId, slot: str, dialect: Dialect | None, model: str) -> Iterator[LintFinding]:
    """Yield what of this agent's requests this model is known to refuse."""
    if dialect is None:
        return
    yield from _stream_options(agent, slot, dialect, model)
    yield from _output_cap(agent, dialect, model)
    yield from _rewritten_name(agent, model)


def _stream_options(agent: AgentId, slot: str, dialect: Dialect, model: str) -> Iterator[LintFinding]:
    refused = dialect is Dialect.OPENAI_CHAT and family_of(model) in _NO_STREAM_OPTIONS
    if refused and sends_field(agent, slot, dialect, "stream_options"):
        message = (
            f"{AGENTS[agent].label} always sends stream_options, which the chat route of {model} may reject: "
            "prove it with a faithful probe, a short question does not show it."
        )
        yield LintFinding(code="stream_options_rejected", severity=Severity.WARNING, message=message)


def _output_cap(agent: AgentId, dialect: Dialect, model: str) -> Iterator[LintFinding]:
    cap, limit = output_cap(agent, dialect), output_limit(model)
    if cap is None or limit is None or cap <= limit:
        return
    spec = AGENTS[agent]
    message = (
        f"{spec.label} asks for {cap} output tokens unless its config says otherwise; {model} allows {limit} and may "
        "refuse the request."
    )
    if agent is AgentId.HERMES:
        # It takes that refusal for a too long prompt and ends without falling back (agents.md §3.1).
        message += f" Then {spec.label} does not fall back; set model.max_tokens to {limit} or less."
    yield LintFinding(code="output_cap_too_large", severity=Severity.WARNING, message=message)


def _rewritten_name(agent: AgentId, model: str) -> Iterator[LintFinding]:
    """gemini-cli may ask for another model when a name ends so; its version is not known here (agents.md §3.4)."""
    if agent is AgentId.GEMINI and model.endswith("flash"):
        message = (
            f"gemini-cli 0.45 to 0.60 asks for gemini-3.5-flash instead of {model}. Versions before and after do not; "
            'with these set "experimental": {"dynamicModelConfiguration": true} in its settings.json.'
        )
        yield LintFinding(code="model_name_rewritten", severity=Severity.INFO, message=message)
