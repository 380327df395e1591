"""Deployed apps by command: where a choice can be applied, what an app runs, and a change of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from core.simulator.app_setups import Script
from core.simulator.faults import FaultRule
from core.simulator.scenes import scene_named
from core.simulator.server import SimulatedWorkspace
from tests.core.cli.conftest import CommandLine

Made = Callable[..., CommandLine]
SCENE = "deployed-incident"


@pytest.fixture
def workspace() -> Iterator[SimulatedWorkspace]:
    with SimulatedWorkspace(scene_named(SCENE)) as running:
        # Its end is seen at the second look, so that the real pause between two looks is the shortest.
        running.apps.script("coda", Script(polls=0))
        yield running


def real(command_line: Made, workspace: SimulatedWorkspace, **more: str) -> CommandLine:
    """Return a command line that takes the simulated workspace for a real one."""
    token = workspace.scene.token.reveal()
    return command_line(DATABRICKS_HOST=workspace.http_origin, DATABRICKS_TOKEN=token, **more)


def test_targets_lists_apps_with_what_lasts(command_line: Made) -> None:
    code, document = command_line(SWITCHYARD_SIMULATE=SCENE).json("targets")
    assert (code, document["apps_problem"]) == (0, None)
    apps = {row["id"]: row for row in document["targets"] if row["kind"] == "app"}
    assert {name: row["writable"] for name, row in apps.items()} == {
        "app:coda": True,
        "app:coda-bundle": False,
        "app:coda-git": False,
    }
    assert "hermes" in apps["app:coda"]["agents"] and apps["app:coda-git"]["agents"] == ["gemini"]
    assert all(row["reason"].endswith(".") for row in apps.values())
    assert document["targets"][-1]["id"] == "export"


def test_targets_says_why_apps_are_not_seen(command_line: Made, workspace: SimulatedWorkspace) -> None:
    workspace.faults.add(FaultRule(fault="permission_denied", path="/api/2.0/apps"))
    run = real(command_line, workspace)
    code, document = run.json("targets")
    assert (code, document["apps_problem"]["code"], document["error"]) == (0, "app_forbidden", None)
    assert [row for row in document["targets"] if row["kind"] == "app"] == []
    _, out, _ = run.text("targets")
    assert "not allowed to list the apps" in out


def test_status_shows_what_the_app_runs_as_the_target(command_line: Made) -> None:
    code, document = command_line(SWITCHYARD_SIMULATE=SCENE, HERMES_MODEL="mine").json("status")
    hermes = next(row for row in document["agents"] if row["agent"] == "hermes")
    primary, fallback = hermes["slots"]
    assert (code, primary["model"], primary["source"]) == (0, "databricks-claude-opus-4-8", "target")
    assert primary["shadowed"][0] == {"source": "environment", "value": "mine"}
    assert (fallback["model"], fallback["source"], hermes["target"]) == ("databricks-gpt-5-5-pro", "target", "app:coda")


def test_an_app_is_planned_changed_and_rolled_back_by_command(
    command_line: Made, workspace: SimulatedWorkspace
) -> None:
    run = real(command_line, workspace, SWITCHYARD_APP="coda")
    models = ("--model", "databricks-claude-opus-4-6", "--fallback", "databricks-claude-sonnet-4-6")
    code, plan = run.json("plan", "hermes", *models, "--target", "app:coda")
    assert (code, plan["decision"], len(plan["diff"])) == (0, "ready", 2)
    code, done = run.json("apply", "hermes", *models, "--target", "app:coda", "--reason", "it is down", "--yes")
    assert (code, done["state"], done["confirmed"]) == (0, "applied", True)
    assert (workspace.apps.environment("coda") or {})["HERMES_MODEL"] == "databricks-claude-opus-4-6"
    code, document = run.json("probe", "hermes")
    assert (code, {row["health"] for row in document["results"]}) == (0, {"healthy"})
    workspace.apps.script("coda", Script(polls=0))
    code, undone = run.json("rollback", done["change_id"], "--reason", "was the grant", "--yes")
    assert (code, undone["state"]) == (0, "rolled_back")
    assert (workspace.apps.environment("coda") or {})["HERMES_MODEL"] == "databricks-claude-opus-4-8"


@pytest.mark.parametrize(
    ("target", "exit_code", "error"),
    [("app:none", 1, "app_missing"), ("app:Not A Name", 2, "unknown_target"), ("app:", 2, "unknown_target")],
)
def test_an_app_that_is_not_there_is_refused_in_one_sentence(
    target: str, exit_code: int, error: str, command_line: Made
) -> None:
    run = command_line(SWITCHYARD_SIMULATE=SCENE)
    code, document = run.json("plan", "hermes", "--model", "databricks-claude-opus-4-6", "--target", target)
    assert (code, document["error"]["code"]) == (exit_code, error)
