"""The audit on the command line: who did what, whether it still stands as recorded, and taking it away."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import sqlite3
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.cli.conftest import CommandLine

Made = Callable[..., CommandLine]
MODEL = "databricks-claude-haiku-4-5"


@pytest.fixture
def line(command_line: Made) -> CommandLine:
    """Return a command line in whose environment one change was tried, with a reason that a spreadsheet would run."""
    made = command_line(SWITCHYARD_SIMULATE="healthy")
    made.json("apply", "hermes", "--model", MODEL, "--target", "file:hermes", "--reason", "=1+1", "--yes")
    return made


def tampered(line: CommandLine, statement: str) -> None:
    """Write to the database past the product, as its owner can."""
    with sqlite3.connect(line.state_dir / "simulated" / "healthy" / "switchyard.db") as connection:
        for verb in ("update", "delete"):
            connection.execute(f"DROP TRIGGER audit_events_stay_on_{verb}")
        connection.execute(statement)
    connection.close()


def test_events_come_newest_first_with_role_and_head(line: CommandLine) -> None:
    code, document = line.json("audit")
    assert code == 0
    assert [event["outcome"] for event in document["events"]] == ["applied", "started"]
    assert {event["role"] for event in document["events"]} == {"admin"}
    assert set(document["events"][0]) == set(
        "id at actor role address origin action target outcome reason before after evidence refused".split()
    )
    assert document["events"][0]["after"]["primary"] == MODEL
    assert (document["head"]["sequence"], len(document["head"]["hash"])) == (2, 64)
    assert document["verification"] is None
    _, limited = line.json("audit", "--limit", "1")
    assert len(limited["events"]) == 1


def test_nothing_recorded_is_intact(command_line: Made) -> None:
    empty = command_line(SWITCHYARD_SIMULATE="healthy")
    code, document = empty.json("audit", "--verify")
    assert (code, document["events"], document["head"]) == (0, [], None)
    assert document["verification"] == {
        "intact": True,
        "events": 0,
        "breach": None,
        "sequence": None,
        "message": "",
    }
    assert "Nothing is recorded yet." in empty.text("audit")[1]


def test_an_audit_as_it_was_recorded_exits_with_zero(line: CommandLine) -> None:
    code, out, _ = line.text("audit", "--verify")
    assert code == 0
    assert "Intact: 2 events" in out
    assert "change.apply" in out


@pytest.mark.parametrize(
    ("statement", "breach"),
    [
        ("UPDATE audit_events SET actor = 'nobody' WHERE sequence = 1", "edited"),
        ("UPDATE audit_events SET before = '{' WHERE sequence = 1", "edited"),
        ("DELETE FROM audit_events WHERE sequence = 1", "removed"),
    ],
)
def test_a_broken_audit_exits_with_one_and_says_where(line: CommandLine, statement: str, breach: str) -> None:
    tampered(line, statement)
    code, document = line.json("audit", "--verify")
    assert (code, document["error"]["code"]) == (1, "audit_broken")
    assert (document["verification"]["breach"], document["verification"]["sequence"]) == (breach, 1)
    code, out, err = line.text("audit", "--verify")
    assert code == 1
    assert "Broken:" in out and "The audit is broken." in err


def test_every_exported_line_proves_itself_without_this_product(line: CommandLine) -> None:
    code, out, _ = line.text("audit", "--export", "jsonl")
    assert code == 0
    previous = "0" * 64
    for number, text in enumerate(out.splitlines(), start=1):
        event = json.loads(text)
        own = event.pop("hash")
        plain = json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(plain.encode()).hexdigest() == own
        assert (event["sequence"], event["previous"]) == (number, previous)
        previous = own
    assert previous == line.json("audit")[1]["head"]["hash"]


def test_no_cell_of_the_spreadsheet_is_a_formula(line: CommandLine) -> None:
    _, out, _ = line.text("audit", "--export", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    assert [row["sequence"] for row in rows] == ["1", "2"]
    assert {row["reason"] for row in rows} == {"'=1+1"}
    assert not any(cell.startswith(("=", "+", "-", "@", "\t")) for row in rows for cell in row.values())


def test_an_earlier_export_shows_that_the_end_is_gone(line: CommandLine, tmp_path: Path) -> None:
    earlier = tmp_path / "audit.jsonl"
    code, document = line.json("audit", "--export", "jsonl", "--output", str(earlier))
    assert (code, document["export"]) == (0, str(earlier))
    assert stat.S_IMODE(earlier.stat().st_mode) == 0o600
    head = f"{document['head']['sequence']}:{document['head']['hash']}"
    for against in (str(earlier), head):
        assert line.json("audit", "--against", against)[0] == 0
    tampered(line, "DELETE FROM audit_events")
    with sqlite3.connect(line.state_dir / "simulated" / "healthy" / "switchyard.db") as connection:
        connection.execute("DELETE FROM audit_head")
    connection.close()
    assert line.json("audit", "--verify")[0] == 0
    for against in (str(earlier), head):
        code, document = line.json("audit", "--against", against)
        assert (code, document["verification"]["breach"]) == (1, "removed")


def test_an_export_replaces_no_file(line: CommandLine, tmp_path: Path) -> None:
    there = tmp_path / "there.csv"
    there.write_text("mine", encoding="utf-8")
    code, document = line.json("audit", "--export", "csv", "--output", str(there))
    assert (code, document["error"]["code"]) == (2, "output_unwritable")
    assert there.read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize(
    "argv",
    [
        ("--output", "somewhere.csv"),
        ("--export", "csv"),
        ("--export", "xml"),
        ("--against", "no such file"),
        ("--against", "7:abc"),
        ("--limit", "0"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_meant_is_wrong_usage(command_line: Made, argv: tuple[str, ...]) -> None:
    code, document = command_line(SWITCHYARD_SIMULATE="healthy").json("audit", *argv)
    assert (code, document["error"]["code"]) == (2, "usage")


@pytest.mark.parametrize(
    ("argv", "action"),
    [
        (("apply", "hermes", "--model", MODEL, "--target", "file:hermes"), "change.apply"),
        (("apply", "hermes", "--model", MODEL, "--target", "file:hermes", "--force"), "change.force"),
        (("rollback", "some-change"), "change.roll_back"),
    ],
    ids=["apply", "force", "rollback"],
)
def test_inside_databricks_apps_a_refused_command_is_recorded(
    command_line: Made, argv: tuple[str, ...], action: str
) -> None:
    inside = command_line(SWITCHYARD_SIMULATE="healthy", DATABRICKS_APP_NAME="switchyard", DATABRICKS_CLIENT_ID="id")
    assert inside.json(*argv, "--reason", "mine", "--yes")[0] == 1
    _, document = inside.json("audit", "--verify")
    newest = document["events"][0]
    assert (newest["action"], newest["outcome"], newest["refused"]) == (action, "not_allowed", True)
    assert (newest["role"], newest["origin"], newest["reason"]) == ("viewer", "command_line", "mine")
    assert document["verification"]["intact"]
    assert "refused: not_allowed" in inside.text("audit")[1]
