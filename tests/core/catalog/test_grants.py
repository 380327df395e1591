"""The GRANT statements can be run as they are, whatever characters the names hold."""

from __future__ import annotations

import pytest

from core.catalog.grants import grant_statements


@pytest.mark.parametrize("spelling", ["databricks-claude-opus-4-8", "system.ai.claude-opus-4-8", "claude-opus-4-8"])
def test_every_spelling_of_a_model_is_granted_under_its_unity_catalog_name(spelling: str) -> None:
    assert grant_statements(spelling, "robin@example.com") == (
        "GRANT USE CATALOG ON CATALOG system TO `robin@example.com`;",
        "GRANT USE SCHEMA ON SCHEMA system.ai TO `robin@example.com`;",
        "GRANT EXECUTE ON MODEL SERVICE system.ai.`claude-opus-4-8` TO `robin@example.com`;",
    )


def test_somebodys_own_service_is_granted_in_its_own_schema() -> None:
    assert grant_statements("main.team.opus", "team")[1:] == (
        "GRANT USE SCHEMA ON SCHEMA main.team TO `team`;",
        "GRANT EXECUTE ON MODEL SERVICE main.team.opus TO `team`;",
    )


def test_a_quote_in_a_name_cannot_end_the_name() -> None:
    assert grant_statements("main.team.a`b", "x`; DROP")[2].endswith("main.team.`a``b` TO `x``; DROP`;")
