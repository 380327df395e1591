"""How one model is spelled: `databricks-X` (endpoint), `system.ai.X` (model service), and which family X is of."""

from __future__ import annotations

_ENDPOINT = "databricks-"
_SERVICE = "system.ai."

# First match wins. gpt-oss is an open-weight model that is served as chat, unlike its namesakes (databricks.md §2.10).
_FAMILIES = (
    ("claude", "claude"),
    ("gpt-oss", "gpt-oss"),
    ("gpt", "gpt"),
    ("codex", "gpt"),
    ("gemini", "gemini"),
    ("gemma", "gemma"),
    ("llama", "llama"),
    ("qwen", "qwen"),
    ("glm", "glm"),
    ("kimi", "kimi"),
)


def model_id(spelling: str) -> str:
    """Return the name without its generation's prefix; other names (catalog.schema.model) stay whole."""
    return spelling.removeprefix(_SERVICE).removeprefix(_ENDPOINT)


def endpoint_spelling(spelling: str) -> str:
    """Return the spelling of the serving-endpoints generation."""
    return _ENDPOINT + model_id(spelling)


def service_spelling(spelling: str) -> str:
    """Return the spelling of a Unity Catalog model service."""
    return _SERVICE + model_id(spelling)


def is_service_spelling(spelling: str) -> bool:
    """Say whether this is a three-part Unity Catalog name."""
    return spelling.count(".") >= 2


def family_of(spelling: str) -> str:
    """Return the model family by name; "other" when no family's word is in it."""
    name = model_id(spelling).lower()
    return next((family for word, family in _FAMILIES if word in name), "other")


def is_chat_model(spelling: str) -> bool:
    """Say whether an agent could talk to it at all; embedding and rerank models are listed beside chat models."""
    name = spelling.lower()
    return not any(word in name for word in ("embedding", "embed", "rerank", "bge-", "gte-"))
