"""What a model is known to refuse of an agent's requests is said before one is sent."""

from __future__ import annotations

import pytest

from core.choice.request_lint import lint_request
from core.model.agent import AgentId, Dialect
from core.model.choice import LintFinding, Severity

CHAT, MESSAGES, GEMINI = Dialect.OPENAI_CHAT, Dialect.ANTHROPIC_MESSAGES, Dialect.GEMINI_GENERATE


def lint(agent: AgentId, dialect: Dialect | None, model: str, slot: str = "default") -> dict[str, LintFinding]:
    return {finding.code: finding for finding in lint_request(agent, slot, dialect, model)}


@pytest.mark.parametrize("agent", [AgentId.HERMES, AgentId.COPILOT, AgentId.OPENCODE, AgentId.PI])
@pytest.mark.parametrize("model", ["databricks-gemini-2-5-pro", "databricks-gpt-oss-120b", "system.ai.qwen3-next-80b"])
def test_stream_options_are_warned_about(agent: AgentId, model: str) -> None:
    finding = lint(agent, CHAT, model)["stream_options_rejected"]
    assert finding.severity is Severity.WARNING
    assert "faithful" in finding.message


@pytest.mark.parametrize(
    ("agent", "dialect", "model"),
    [
        (AgentId.HERMES, CHAT, "databricks-claude-opus-4-6"),
        (AgentId.HERMES, CHAT, "databricks-gpt-5-5"),
        (AgentId.GEMINI, GEMINI, "databricks-gemini-2-5-pro"),
        (AgentId.CLAUDE, MESSAGES, "databricks-claude-opus-4-6"),
        (AgentId.CURSOR, None, "databricks-gemini-2-5-pro"),
    ],
)
def test_what_is_taken_is_not_warned_about(agent: AgentId, dialect: Dialect | None, model: str) -> None:
    assert lint(agent, dialect, model) == {}


@pytest.mark.parametrize(
    ("model", "limit"),
    [
        ("databricks-llama-4-maverick", "8192"),
        ("databricks-gemma-3-12b", "8192"),
        ("databricks-qwen3-next-80b", "10000"),
        ("databricks-gpt-oss-120b", "25000"),
    ],
)
def test_hermes_output_cap_is_warned_about_on_small_models(model: str, limit: str) -> None:
    finding = lint(AgentId.HERMES, CHAT, model, "primary")["output_cap_too_large"]
    assert "65536" in finding.message
    assert f"model.max_tokens to {limit}" in finding.message


def test_a_cap_that_just_fits_is_fine() -> None:
    assert "output_cap_too_large" not in lint(AgentId.HERMES, CHAT, "databricks-glm-5-2")


def test_a_smaller_client_is_warned_about_smaller_models_only() -> None:
    assert "output_cap_too_large" in lint(AgentId.PI, CHAT, "databricks-llama-4-maverick")
    assert "output_cap_too_large" not in lint(AgentId.PI, CHAT, "databricks-gpt-oss-120b")


@pytest.mark.parametrize("model", ["databricks-gemini-2-5-flash", "system.ai.gemini-3-5-flash"])
def test_gemini_clis_rewriting_is_told_with_its_way_out(model: str) -> None:
    finding = lint(AgentId.GEMINI, GEMINI, model)["model_name_rewritten"]
    assert finding.severity is Severity.INFO
    assert "dynamicModelConfiguration" in finding.message


@pytest.mark.parametrize("model", ["databricks-gemini-3-1-flash-lite", "databricks-gemini-2-5-pro"])
def test_other_names_are_not_rewritten(model: str) -> None:
    assert lint(AgentId.GEMINI, GEMINI, model) == {}
