"""A change that went wrong after it was written is an incident, and no other end is."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from core.change.incidents import incident_of
from core.change.switch import apply_change
from core.model.change import ChangeOutcome, ChangeState
from core.model.probe import Diagnosis, Health, Rung
from tests.fakes.hermes_machine import USER, HermesMachine, request


def undone(tmp_path: Path) -> ChangeOutcome:
    """Return a change whose models stopped answering between pre-flight and verification."""
    machine = HermesMachine(tmp_path)
    machine.before_answer = lambda count: machine.broken_models.add("new-a") if count > 1 else None
    return asyncio.run(apply_change(request(primary="new-a"), ports=machine.ports, actor=USER, reason="why"))


def test_a_change_that_was_put_back_is_over_and_names_what_failed(tmp_path: Path) -> None:
    outcome = undone(tmp_path)
    at = outcome.record.at
    incident = incident_of(outcome.record, outcome.verification, at=at, simulated=False)
    assert incident is not None and incident.ended_at == at and incident.health is Health.DEGRADED
    assert incident.cause.host == "ws.example" and {route.model for route in incident.routes} == {"new-a"}
    assert all(route.token is None for route in incident.routes)
    assert "file:hermes could not be verified" in incident.message


def test_one_that_could_not_be_put_back_is_worse(tmp_path: Path) -> None:
    outcome = undone(tmp_path)
    stuck = replace(outcome, record=replace(outcome.record, state=ChangeState.ROLLBACK_FAILED), verification=())
    incident = incident_of(stuck.record, stuck.verification, at=outcome.record.at, simulated=True)
    assert incident is not None and (incident.health, incident.simulated) == (Health.DOWN, True)
    assert (incident.cause.rung, incident.cause.diagnosis) == (Rung.HTTP, Diagnosis.UNCLASSIFIED)


@pytest.mark.parametrize("state", [ChangeState.APPLIED, ChangeState.NO_OP, ChangeState.BLOCKED, ChangeState.CONFLICT])
def test_every_other_end_is_none(tmp_path: Path, state: ChangeState) -> None:
    outcome = undone(tmp_path)
    ended = replace(outcome, record=replace(outcome.record, state=state))
    assert incident_of(ended.record, ended.verification, at=outcome.record.at, simulated=False) is None


def test_a_rollback_that_a_person_asked_for_is_none(tmp_path: Path) -> None:
    outcome = undone(tmp_path)
    asked = replace(outcome, record=replace(outcome.record, rolls_back="c0"))
    assert incident_of(asked.record, asked.verification, at=outcome.record.at, simulated=False) is None
