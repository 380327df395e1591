"""The GRANT statements can be run as they are, whatever characters the names hold."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from core.catalog.grants import (
    app_command,
    endpoint_command,
    folder_command,
    grant_statements,
    is_nameable,
    lakebase_statements,
)
from tests.fakes.postgres import shared_postgres


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


HOSTILE = [
    "it's",
    "a; touch hurt",
    "$(touch hurt)",
    "`touch hurt`",
    'quote" && touch hurt #',
    "back\\slash'; touch hurt; '",
    "-rf",
    "--json",
    "*",
    "a b",
    "name\nwith; touch hurt",
]
_SPY = """#!{python}
import json, os, sys
with open(os.environ["SPY"], "a") as seen:
    seen.write(json.dumps(sys.argv[1:]) + "\\n")
print('{{"id": "an-id", "object_id": 42}}')
"""


@pytest.fixture
def run_in_shell(tmp_path: Path) -> Callable[[str], list[list[str]]]:
    """Return a function that runs a command in a real shell and returns what the databricks in it was called with."""
    programs = tmp_path / "bin"
    programs.mkdir()
    jq = "import json, sys; print(json.load(sys.stdin)[sys.argv[2][1:]])"
    for name, text in {
        "databricks": _SPY.format(python=sys.executable),
        "jq": f"#!{sys.executable}\n{jq}\n",
    }.items():
        (programs / name).write_text(text, encoding="utf-8")
        (programs / name).chmod(0o755)

    def run(command: str) -> list[list[str]]:
        spy = tmp_path / "seen"
        environment = {"PATH": f"{programs}:{os.defpath}", "SPY": str(spy)}
        subprocess.run(["sh", "-c", command], cwd=tmp_path, env=environment, check=True, capture_output=True)
        assert not (tmp_path / "hurt").exists()
        return [json.loads(line) for line in spy.read_text(encoding="utf-8").splitlines()]

    return run


def _update(kind: str, principal: str, level: str) -> list[str]:
    rights = {"access_control_list": [{"service_principal_name": principal, "permission_level": level}]}
    return ["permissions", "update", "--json", json.dumps(rights), kind]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_shell_reads_an_app_and_a_principal_of_any_name_as_one_word(
    name: str, run_in_shell: Callable[[str], list[list[str]]]
) -> None:
    ((*before, last),) = run_in_shell(app_command(name, name))

    dashes = ["--"] if name.startswith("-") else []
    assert last == name
    assert before == [*_update("apps", name, "CAN_MANAGE"), *dashes]


@pytest.mark.parametrize("name", HOSTILE)
def test_a_folder_and_an_endpoint_of_any_name_are_looked_up_by_it_and_granted_by_their_ids(
    name: str, run_in_shell: Callable[[str], list[list[str]]]
) -> None:
    dashes = ["--"] if name.startswith("-") else []
    looked, granted = run_in_shell(folder_command(name, "an-app"))
    asked, allowed = run_in_shell(endpoint_command(name, "an-app"))[2:]

    assert looked == ["workspace", "get-status", "--output", "json", *dashes, name]
    assert granted == [*_update("directories", "an-app", "CAN_EDIT"), "42"]
    assert asked == ["serving-endpoints", "get", "--output", "json", *dashes, name]
    assert allowed == [*_update("serving-endpoints", "an-app", "CAN_QUERY"), "an-id"]


@pytest.mark.parametrize("name", HOSTILE)
def test_postgresql_grants_to_exactly_this_principal_on_exactly_this_database(name: str) -> None:
    principal = f"p {name}"
    with psycopg.connect(shared_postgres().database(), autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    with psycopg.connect(shared_postgres().database(), autocommit=True) as connection:
        # Lakebase's own function makes the role that the extension checks; here a role is made and no more.
        connection.execute(
            "CREATE FUNCTION databricks_create_role(name text, kind text) RETURNS void LANGUAGE plpgsql AS "
            "$$ BEGIN EXECUTE format('CREATE ROLE %I', name); END $$"
        )
        extension, *statements = lakebase_statements(name, principal)
        for statement in statements:
            connection.execute(statement.encode())
        asked = "SELECT has_database_privilege(%s, %s, 'CREATE'), has_schema_privilege(%s, 'public', 'CREATE')"
        assert connection.execute(asked, (principal, name, principal)).fetchone() == (True, True)

    assert extension == "CREATE EXTENSION IF NOT EXISTS databricks_auth;"


def test_a_name_that_hides_characters_is_not_nameable() -> None:
    assert not any(is_nameable(name) for name in ("", " ", "a\nb", "a\x1b[2Jb", "a\u202eb", "a\u200bb"))
    assert all(is_nameable(name) for name in ("a", "/Workspace/Users/ada@example.com/äpp", "it's"))
