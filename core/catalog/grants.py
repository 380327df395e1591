"""The statements and commands that give a principal a right, ready to run; who needs which is left to others.

A gateway masks what it hides as a 404, so all three privileges are named at once (databricks.md §4, 404 "does not
exist"). A privilege takes a few minutes to count.
"""

from __future__ import annotations

import json
import re
import shlex

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


def is_nameable(name: str) -> bool:
    """Say whether a name may stand in a statement: one with control or invisible characters hides what it does."""
    return bool(name.strip()) and name.isprintable()


def endpoint_command(endpoint: str, principal: str) -> str:
    """Return the command that lets a principal query a serving endpoint, which has its rights by its id."""
    look_up = f"databricks serving-endpoints get --output json {_argument(endpoint)} | jq -r .id"
    return _permission_command("serving-endpoints", f'"$({look_up})"', principal, "CAN_QUERY")


def app_command(app: str, principal: str) -> str:
    """Return the command that lets a principal manage an app."""
    return _permission_command("apps", _argument(app), principal, "CAN_MANAGE")


def folder_command(folder: str, principal: str) -> str:
    """Return the command that lets a principal edit what is in a workspace folder, which has its rights by its id."""
    look_up = f"databricks workspace get-status --output json {_argument(folder)} | jq -r .object_id"
    return _permission_command("directories", f'"$({look_up})"', principal, "CAN_EDIT")


def lakebase_statements(database: str, principal: str) -> tuple[str, ...]:
    """Return what lets a principal connect to a Lakebase database and make its tables there; for its own SQL."""
    role, literal = _pg_identifier(principal), _pg_literal(principal)
    return (
        "CREATE EXTENSION IF NOT EXISTS databricks_auth;",
        f"SELECT databricks_create_role({literal}, 'SERVICE_PRINCIPAL');",
        f"GRANT CONNECT, CREATE ON DATABASE {_pg_identifier(database)} TO {role};",
        f"GRANT USAGE, CREATE ON SCHEMA public TO {role};",
    )


def _permission_command(kind: str, which: str, principal: str, level: str) -> str:
    rights = {"access_control_list": [{"service_principal_name": principal, "permission_level": level}]}
    # An update adds to what is there; a set would take everybody else's rights away.
    return f"databricks permissions update --json {shlex.quote(json.dumps(rights))} {kind} {which}"


def _argument(name: str) -> str:
    """Quote a name for a POSIX shell; one that begins like an option stays a name."""
    return f"-- {shlex.quote(name)}" if name.startswith("-") else shlex.quote(name)


def _pg_identifier(name: str) -> str:
    escaped = name.replace('"', '""')
    return f'"{escaped}"'


def _pg_literal(text: str) -> str:
    """Quote a text; a backslash is a plain character in a standard literal, which is PostgreSQL's default."""
    escaped = text.replace("'", "''")
    return f"'{escaped}'"
