"""One model by all its names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog.spellings import (
    endpoint_spelling,
    family_of,
    is_chat_model,
    is_service_spelling,
    model_id,
    service_spelling,
)

NAMES = st.from_regex(r"[a-z0-9]+(-[a-z0-9]+){0,4}", fullmatch=True).filter(
    lambda name: not name.startswith("databricks-")
)


@given(NAMES)
def test_all_spellings_are_the_same_model(name: str) -> None:
    spellings = (name, endpoint_spelling(name), service_spelling(name))
    assert {model_id(spelling) for spelling in spellings} == {name}
    assert {endpoint_spelling(spelling) for spelling in spellings} == {f"databricks-{name}"}
    assert {service_spelling(spelling) for spelling in spellings} == {f"system.ai.{name}"}


def test_a_model_of_somebodys_own_catalog_keeps_its_name() -> None:
    assert model_id("main.models.mine") == "main.models.mine"
    assert is_service_spelling("main.models.mine")
    assert not is_service_spelling("databricks-gpt-5.5")


@pytest.mark.parametrize(
    ("spelling", "family"),
    [
        ("databricks-claude-opus-4-6", "claude"),
        ("system.ai.gpt-5-5", "gpt"),
        ("databricks-gpt-oss-120b", "gpt-oss"),
        ("databricks-gemini-2-5-pro", "gemini"),
        ("databricks-gemma-3-12b", "gemma"),
        ("DATABRICKS-META-LLAMA-4", "llama"),
        ("my-endpoint", "other"),
    ],
)
def test_the_family_is_in_the_name(spelling: str, family: str) -> None:
    assert family_of(spelling) == family


@pytest.mark.parametrize("spelling", ["databricks-bge-large-en", "databricks-gte-large-en", "qwen3-embedding-0-6b"])
def test_embedding_models_cannot_be_talked_to(spelling: str) -> None:
    assert not is_chat_model(spelling)
    assert is_chat_model("databricks-claude-opus-4-6")
