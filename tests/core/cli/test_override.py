"""Changes of the route itself, and changes that end by themselves, on the command line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from ruamel.yaml import YAML

from core.adapters.database import Sqlite, open_database
from tests.core.cli.conftest import CommandLine

Made = Callable[..., CommandLine]

OPUS, SONNET = "databricks-claude-opus-4-6", "databricks-claude-sonnet-4-6"
SWAPPED = ("hermes", "--model", SONNET, "--fallback", OPUS, "--target", "file:hermes")
WHY = ("--reason", "primary is slow", "--yes")


@pytest.fixture
def healthy(command_line: Made) -> CommandLine:
    run = command_line(SWITCHYARD_SIMULATE="healthy")
    run.json("targets")
    return run


def let_time_pass(run: CommandLine, change_id: str) -> None:
    """Move the end of an override into the past."""
    path = run.state_dir / "simulated" / "healthy" / "switchyard.db"
    database = open_database(Sqlite(path=path), limit_bytes=None, raw_days=7, hourly_days=90, interval_s=300)
    override = database.overrides.get(change_id)
    assert override is not None
    database.overrides.put(replace(override, expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    database.close()


def test_an_override_says_when_it_ends_and_a_schedule_ends_it(healthy: CommandLine) -> None:
    path = healthy.hermes_config("healthy")
    before = path.read_bytes()
    code, applied = healthy.json("apply", *SWAPPED, *WHY, "--for", "2h")
    assert (code, applied["state"]) == (0, "applied")
    left = datetime.fromisoformat(applied["expires_at"]) - datetime.now(UTC)
    assert timedelta(minutes=119) < left <= timedelta(hours=2)
    code, none_yet = healthy.json("revert-expired")
    assert (code, none_yet["reverted"], none_yet["error"]) == (0, [], None)
    let_time_pass(healthy, applied["change_id"])
    code, ended = healthy.json("revert-expired")
    (row,) = ended["reverted"]
    assert (code, row["change_id"], row["state"]) == (0, applied["change_id"], "rolled_back")
    assert path.read_bytes() == before
    _, listed = healthy.json("changes")
    assert [(one["state"], one["origin"]) for one in listed["changes"]] == [
        ("rolled_back", "expiry"),
        ("applied", "command_line"),
    ]
    assert healthy.json("revert-expired")[1]["reverted"] == []


def test_an_override_over_a_hand_edit_is_bad_news_and_touches_nothing(healthy: CommandLine) -> None:
    path = healthy.hermes_config("healthy")
    _, applied = healthy.json("apply", *SWAPPED, *WHY, "--for", "30m")
    path.write_text(path.read_text() + "# by hand\n")
    edited = path.read_bytes()
    let_time_pass(healthy, applied["change_id"])
    code, ended = healthy.json("revert-expired")
    assert (code, [row["state"] for row in ended["reverted"]]) == (1, ["conflict"])
    assert path.read_bytes() == edited


def test_a_blocked_change_stands_when_it_is_forced_and_the_audit_may_be_asked_why(healthy: CommandLine) -> None:
    wanted = ("hermes", "--model", "databricks-nope", "--target", "file:hermes")
    code, blocked = healthy.json("apply", *wanted, *WHY)
    assert (code, blocked["state"], blocked["decision"]) == (1, "blocked", "blocked")
    code, forced = healthy.json("apply", *wanted, *WHY, "--force")
    assert (code, forced["state"], forced["confirmed"]) == (0, "applied", False)
    assert forced["detail"].startswith("Forced although it could not be proved.")
    assert "databricks-nope" in healthy.hermes_config("healthy").read_text()


def test_the_gateway_is_switched_off_and_back_to_automatic_with_every_route(healthy: CommandLine) -> None:
    path = healthy.hermes_config("healthy")
    before = YAML(typ="safe").load(path)
    code, off = healthy.json("apply", "hermes", "--gateway", "off", "--target", "file:hermes", *WHY)
    assert (code, off["state"]) == (0, "applied")
    assert {row["op"] for row in off["diff"]} == {"change"} and len(off["diff"]) == 2
    assert all(row["new"].endswith("/serving-endpoints") for row in off["diff"])
    assert {row["generation"] for row in off["preflight"]} == {"serving_endpoints"}
    assert {row["depth"] for row in off["preflight"]} == {"faithful"}
    code, back = healthy.json("apply", "hermes", "--gateway", "auto", "--target", "file:hermes", *WHY)
    assert (code, back["state"], YAML(typ="safe").load(path)) == (0, "applied", before)


def test_a_gateway_that_does_not_answer_is_blocked_with_what_to_do(command_line: Made) -> None:
    run = command_line(SWITCHYARD_SIMULATE="no-gateway")
    _, status = run.json("status")
    url = status["workspace"]["host"] + "/ai-gateway"
    code, plan = run.json("plan", "hermes", "--gateway", url, "--target", "file:hermes")
    assert (code, plan["decision"]) == (1, "blocked")
    assert plan["reason"] and {row["health"] for row in plan["preflight"]} == {"down"}


def test_an_agent_that_is_switched_off_claims_no_answer(healthy: CommandLine) -> None:
    code, off = healthy.json("plan", "hermes", "--disable")
    assert (code, off["decision"], off["preflight"]) == (0, "ready", [])
    assert off["reason"].startswith("Hermes is switched off then, so nothing was asked")
    code, nope = healthy.json("plan", "hermes", "--disable", "--model", "databricks-nope")
    assert (code, nope["decision"]) == (1, "blocked")


def test_a_config_without_a_switch_is_not_said_to_match(healthy: CommandLine) -> None:
    code, refused = healthy.json("plan", "hermes", "--disable", "--target", "file:hermes")
    assert (code, refused["error"]["code"]) == (2, "switch_not_here")
