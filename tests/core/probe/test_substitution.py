"""Only a clearly different model is another one; spellings differ all the time."""

from __future__ import annotations

import pytest

from core.probe.substitution import is_substituted


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("databricks-claude-opus-4-6", "eu.anthropic.claude-opus-4-6-v1"),
        ("system.ai.claude-opus-4-6", "claude-opus-4-6"),
        ("databricks-gpt-5-6-terra", "gpt-5.6-terra"),
        ("databricks-gpt-oss-120b", "gpt-oss-120b-080525"),
        ("databricks-gpt-oss-120b", None),
        ("databricks-gemini-3-5-flash", "gemini-3.5-flash"),
        ("databricks-llama-4-maverick", "something-new"),
        ("databricks-something-new", "gpt-5.5"),
        ("main.team.claude-for-us", "gpt-5.5"),
        ("my-claude-router", "gpt-5.5"),
    ],
)
def test_the_same_model_by_another_name(asked: str, answered: str | None) -> None:
    assert not is_substituted(asked, answered)


@pytest.mark.parametrize(
    ("asked", "answered"),
    [
        ("databricks-claude-opus-4-6", "gpt-5.5"),
        ("databricks-claude-opus-4-6", "eu.anthropic.claude-haiku-4-5-v1"),
        ("system.ai.gpt-5-5", "gpt-oss-120b-080525"),
        ("databricks-gemini-2-5-pro", "eu.anthropic.claude-haiku-4-5-v1"),
    ],
)
def test_another_model(asked: str, answered: str) -> None:
    assert is_substituted(asked, answered)
