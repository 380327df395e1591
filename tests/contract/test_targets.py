"""What every target does with a request, whether it writes or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest

from core.adapters.export_target import ExportTarget
from core.model.agent import AgentId
from core.model.change import ChangeRequest, TargetKind
from core.ports import Target
from core.simulator.app_setups import workspace_app
from tests.fakes.app_workspace import app_workspace
from tests.fakes.hermes_machine import CONFIG, TOKEN, HermesMachine

APP_YAML = b"""\
env:
  - name: HERMES_MODEL
    value: old-a
  - name: HERMES_FALLBACK_MODEL
    value: old-b
  - name: DATABRICKS_TOKEN
    value: stored-token-value
"""


@contextmanager
def _app(_: HermesMachine) -> Iterator[Target]:
    with app_workspace() as place:
        place.running.apps.add(workspace_app(place.running.scene, content=APP_YAML))
        yield place.target()
        assert place.content == APP_YAML


TARGETS: dict[str, Callable[[HermesMachine], AbstractContextManager[Target]]] = {
    "file:hermes": lambda machine: nullcontext(machine.target),
    "export": lambda machine: nullcontext(ExportTarget(lambda agent: machine.choice_of(agent, "export"))),
    "app:coda": _app,
}


@pytest.fixture
def machine(tmp_path: Path) -> HermesMachine:
    return HermesMachine(tmp_path)


@pytest.fixture(params=TARGETS)
def target(request: pytest.FixtureRequest, machine: HermesMachine) -> Iterator[Target]:
    with TARGETS[request.param](machine) as found:
        yield found


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
    assert target.info.writable is (target.info.kind is not TargetKind.EXPORT)
    assert AgentId.HERMES in target.info.agents
