"""How many output tokens small models allow, where public code names a number (databricks.md §2.10)."""

from __future__ import annotations

from core.catalog.spellings import model_id

# The first word in the name wins.
_LIMITS = (
    ("qwen3-next", 10_000),
    ("qwen35", 25_000),
    ("gpt-oss", 25_000),
    ("llama", 8_192),
    ("gemma", 8_192),
    ("glm-5-2", 65_536),
    ("inkling", 65_536),
    ("kimi-k2-7-code", 65_536),
)


def output_limit(model: str) -> int | None:
    """Return how many output tokens this model allows at most, None when nobody said."""
    name = model_id(model).lower()
    return next((limit for word, limit in _LIMITS if word in name), None)
