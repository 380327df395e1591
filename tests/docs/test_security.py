"""docs/security.md says what the code does: roles, file modes, grants; and names tests that there are."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from core.access.limits import MOST
from core.access.roles import WORKSPACE_ADMINS
from core.model.access import Action, Role
from tests.core.cli.conftest import CommandLine
from tests.docs.written import PAGES, cells, rows

SECURITY = PAGES["docs/security.md"]
RIGHTS = SECURITY.partition("## Rights of the service principal")[2].partition("## Threats")[0]
PRINCIPAL = "11111111-2222-3333-4444-555555555555"
Made = Callable[..., CommandLine]


def test_the_table_of_roles_is_the_one_of_the_code() -> None:
    assert {row[0]: row[2:] for row in map(cells, rows(SECURITY, "roles"))} == {
        f"`{action}`": [
            *("yes" if role.includes(action) else "–" for role in Role),
            str(MOST.get(action, "no limit")),
        ]
        for action in Action
    }
    assert f"workspace's group `{WORKSPACE_ADMINS}`" in SECURITY


def test_the_rights_are_those_that_the_command_prints(command_line: Made) -> None:
    argv = ("grants", "--principal", PRINCIPAL, "--database", "databricks_postgres")
    code, document = command_line(SWITCHYARD_SIMULATE="healthy").json(*argv)

    blocks = re.findall(r"^```(?:sql|sh)\n(.*?)\n```$", RIGHTS, re.MULTILINE | re.DOTALL)

    assert code == 0
    assert blocks == [
        "\n".join(grant["statement"] for grant in document["grants"] if grant["kind"] == kind)
        for kind in ("sql", "cli", "lakebase")
    ]
    assert " ".join(argv[1:]) in " ".join(SECURITY.split())


@pytest.fixture
def usual_umask() -> Iterator[None]:
    """Let everybody read what a program does not keep to itself."""
    former = os.umask(0o022)
    yield
    os.umask(former)


def test_files_have_the_modes_that_are_written(command_line: Made, usual_umask: None) -> None:
    running = command_line(SWITCHYARD_SIMULATE="healthy")
    change = ("apply", "hermes", "--model", "databricks-claude-haiku-4-5", "--target", "file:hermes")
    code, _ = running.json(*change, "--reason", "see the modes", "--yes")
    exported = running.state_dir / "audit.jsonl"
    running.text("audit", "--export", "jsonl", "--output", str(exported))
    kept = running.state_dir / "simulated" / "healthy"
    config = running.hermes_config("healthy")
    (backup,) = config.parent.glob("*.switchyard-*.bak")
    (lock,) = (kept / "locks").iterdir()

    private = (kept / "switchyard.db", kept / "switchyard.db.lock", lock, config, backup, exported)
    assert code == 0
    assert {_mode(path) for path in private} == {0o600}
    assert _mode(kept / "usage.json") == 0o644
    assert [cells(row)[2].split()[0] for row in rows(SECURITY, "files")[:6]] == [
        "0600",
        "0600",
        "as",
        "0600",
        "0600",
        "0600",
    ]


def _mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_every_threat_names_what_prevents_it_and_a_test() -> None:
    # That each of these tests is there is seen in test_names.
    threats = [cells(row) for row in rows(SECURITY, "threats")]
    assert len(threats) > 20
    assert all(len(row) == 3 and re.fullmatch(r"(`tests/[\w/]+\.py::test_\w+`(, )?)+", row[2]) for row in threats)
