"""The first switch on the command line: plan, apply, prove, roll back to the identical bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.core.cli.conftest import CommandLine

Made = Callable[..., CommandLine]

OPUS, SONNET, NOT_SERVED = "databricks-claude-opus-4-6", "databricks-claude-sonnet-4-6", "databricks-claude-opus-4-7"
REQUEST = ("hermes", "--model", OPUS, "--fallback", SONNET, "--target", "file:hermes")
WHY = ("--reason", "primary is not served", "--yes")


@pytest.fixture
def incident(command_line: Made) -> CommandLine:
    run = command_line(SWITCHYARD_SIMULATE="incident")
    run.json("targets")
    return run


def test_a_plan_shows_the_difference_and_writes_nothing(incident: CommandLine) -> None:
    before = incident.hermes_config("incident").read_bytes()
    code, plan = incident.json("plan", *REQUEST)
    assert (code, plan["decision"]) == (0, "ready")
    assert plan["before"] == {"primary": NOT_SERVED, "fallback": OPUS}
    assert plan["after"] == {"primary": OPUS, "fallback": SONNET}
    assert plan["diff"][0] == {"op": "change", "field": "model.default", "old": NOT_SERVED, "new": OPUS}
    assert {"agent", "target", "diff", "lint", "preflight", "decision", "reason", "affects", "effective"} <= set(plan)
    assert "stored_token_refused" in [finding["code"] for finding in plan["lint"]]
    assert incident.hermes_config("incident").read_bytes() == before


def test_apply_and_roll_back_leave_the_identical_bytes(incident: CommandLine) -> None:
    path = incident.hermes_config("incident")
    before = path.read_bytes()
    code, applied = incident.json("apply", *REQUEST, *WHY)
    assert (code, applied["state"], applied["confirmed"]) == (0, "applied", False)
    changed = path.read_bytes()
    assert changed != before
    assert b"# what a new session starts on" in changed
    assert (path.stat().st_mode & 0o777) == 0o600
    code, undone = incident.json("rollback", applied["change_id"], "--reason", "back", "--yes")
    assert (code, undone["state"]) == (0, "rolled_back")
    assert path.read_bytes() == before
    _, listed = incident.json("changes")
    assert [change["state"] for change in listed["changes"]] == ["rolled_back", "applied"]
    assert {change["origin"] for change in listed["changes"]} == {"command_line"}


def test_with_a_token_from_the_environment_hermes_is_healthy_again(incident: CommandLine) -> None:
    code, applied = incident.json("apply", *REQUEST, "--credential", "environment", *WHY)
    assert (code, applied["state"], applied["confirmed"]) == (0, "applied", True)
    code, probed = incident.json("probe", "hermes")
    assert (code, {row["health"] for row in probed["results"]}) == (0, {"healthy"})


def test_a_model_that_cannot_work_is_blocked_and_the_attempt_is_kept(incident: CommandLine) -> None:
    before = incident.hermes_config("incident").read_bytes()
    request = ("hermes", "--model", "databricks-nowhere", "--target", "file:hermes")
    code, outcome = incident.json("apply", *request, *WHY)
    assert (code, outcome["decision"], outcome["state"]) == (1, "blocked", "blocked")
    assert incident.hermes_config("incident").read_bytes() == before
    _, listed = incident.json("changes")
    assert [change["state"] for change in listed["changes"]] == ["blocked"]


def test_what_already_stands_is_a_no_op(command_line: Made) -> None:
    run = command_line(SWITCHYARD_SIMULATE="healthy")
    code, outcome = run.json("apply", *REQUEST, *WHY)
    assert (code, outcome["state"]) == (0, "no_op")


def test_a_hand_edit_since_the_change_is_not_clobbered_by_a_rollback(incident: CommandLine) -> None:
    path = incident.hermes_config("incident")
    _, applied = incident.json("apply", *REQUEST, *WHY)
    path.write_bytes(path.read_bytes() + b"# mine\n")
    code, outcome = incident.json("rollback", applied["change_id"], "--reason", "back", "--yes")
    assert (code, outcome["state"]) == (1, "conflict")
    assert path.read_bytes().endswith(b"# mine\n")


def test_a_broken_file_is_refused_untouched(incident: CommandLine) -> None:
    path = incident.hermes_config("incident")
    path.write_bytes(b"model: [unclosed\n")
    code, outcome = incident.json("apply", *REQUEST, *WHY)
    assert (code, outcome["error"]["code"]) == (1, "target_broken")
    assert path.read_bytes() == b"model: [unclosed\n"


def test_the_export_target_hands_over_a_snippet_and_writes_nothing(incident: CommandLine) -> None:
    code, plan = incident.json("plan", "codex", "--model", "databricks-gpt-5-4-mini")
    assert (code, plan["decision"]) == (0, "ready")
    assert "CODEX_MODEL" in plan["snippet"]
    code, outcome = incident.json("apply", "codex", "--model", "databricks-gpt-5-4-mini", *WHY)
    assert (code, outcome["state"]) == (1, "blocked")


def test_no_token_is_printed_or_kept_in_the_database(incident: CommandLine) -> None:
    incident.json("apply", *REQUEST, *WHY)
    _, out, err = incident.text("changes")
    database = incident.state_dir / "simulated" / "incident" / "switchyard.db"
    kept = b"".join(path.read_bytes() for path in Path(database.parent).glob("switchyard.db*"))
    for token in (b"dapi-simulated-rotated", b"dapi-simulated-live", b"dapi-simulated-agent"):
        assert token not in kept
        assert token.decode() not in out + err


def test_inside_databricks_apps_nobody_may_change_anything(command_line: Made) -> None:
    run = command_line(SWITCHYARD_SIMULATE="incident", DATABRICKS_APP_NAME="switchyard", DATABRICKS_CLIENT_ID="id")
    run.json("targets")
    before = run.hermes_config("incident").read_bytes()
    code, outcome = run.json("apply", *REQUEST, *WHY)
    assert (code, outcome["error"]["code"]) == (1, "not_allowed")
    assert run.hermes_config("incident").read_bytes() == before
