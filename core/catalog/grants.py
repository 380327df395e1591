"""The statements that let a principal use a model service, ready to run in a SQL editor.

A gateway masks what it hides as a 404, so all three privileges are named at once (databricks.md §4, 404 "does not
exist"). A privilege takes a few minutes to count.
"""

from __future__ import annotations

import re

from core.catalog.spellings import is_service_spelling, service_spelling

_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PARTS = 3


def full_service_name(model: str) -> str:
    """Return the three-part name that Unity Catalog guards this model under."""
    return model if is_service_spelling(model) else service_spelling(model)


def grant_statements(model: str, principal: str) -> tuple[str, ...]:
    """Return the three GRANT statements for this model and principal."""
    catalog, schema, name = (_quoted(part) for part in full_service_name(model).split(".", _PARTS - 1))
    to = f"TO {_quoted(principal, always=True)};"
    return (
        f"GRANT USE CATALOG ON CATALOG {catalog} {to}",
        f"GRANT USE SCHEMA ON SCHEMA {catalog}.{schema} {to}",
        f"GRANT EXECUTE ON MODEL SERVICE {catalog}.{schema}.{name} {to}",
    )


def _quoted(name: str, *, always: bool = False) -> str:
    """Quote a name that SQL would not read as one word; principals are always quoted."""
    if not always and _PLAIN.fullmatch(name):
        return name
    escaped = name.replace("`", "``")
    return f"`{escaped}`"
