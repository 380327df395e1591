"""What every target does with a request, whether it writes or not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from core.adapters.export_target import ExportTarget
from core.model.agent import AgentId
from core.model.change import ChangeRequest, TargetKind
from core.ports import Target
from tests.fakes.hermes_machine import CONFIG, TOKEN, HermesMachine

TARGETS: dict[str, Callable[[HermesMachine], Target]] = {
    "file:hermes": lambda machine: machine.target,
    "export": lambda machine: ExportTarget(lambda agent: machine.choice_of(agent, "export")),
}


@pytest.fixture
def machine(tmp_path: Path) -> HermesMachine:
    return HermesMachine(tmp_path)


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest, machine: HermesMachine) -> Target:
    return TARGETS[request.param](machine)


def _request(target: Target, **slots: str | None) -> ChangeRequest:
    return ChangeRequest(agent=AgentId.HERMES, target=target.info.id, slots=slots)


def test_a_plan_names_both_sides_and_writes_nothing(target: Target, machine: HermesMachine) -> None:
    plan = target.plan(_request(target, primary="new-a"))
    assert plan.before == {"primary": "old-a", "fallback": "old-b"}
    assert plan.after == {"primary": "new-a", "fallback": "old-b"}
    assert [(entry.old, entry.new) for entry in plan.diff] == [("old-a", "new-a")]
    assert plan.affects and plan.effective
    assert machine.config.read_text() == CONFIG


def test_the_present_values_make_no_difference(target: Target) -> None:
    assert target.plan(_request(target, primary="old-a", fallback="old-b")).diff == ()
    assert target.plan(_request(target)).diff == ()


def test_the_plan_is_made_against_the_present_revision(target: Target) -> None:
    assert target.plan(_request(target, primary="new-a")).revision == target.revision()


def test_no_token_comes_out(target: Target) -> None:
    assert TOKEN not in repr(target.plan(_request(target, primary="new-a"))) + repr(target.info)


def test_what_cannot_be_written_says_why(target: Target) -> None:
    assert target.info.reason.endswith(".")
    assert target.info.writable is (target.info.kind is TargetKind.FILE)
    assert AgentId.HERMES in target.info.agents
