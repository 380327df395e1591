"""One change at a time goes to a target, and the other one is told who has it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from core.change.lock import target_lock
from core.change.switch import apply_change, rollback_change
from core.errors import StoreError
from core.model.change import ChangeState, Decision
from core.ports.store import Lease
from tests.fakes.hermes_machine import CONFIG, USER, HermesMachine, request

NAME = "change:file:hermes"


@pytest.fixture
def machine(tmp_path: Path) -> HermesMachine:
    return HermesMachine(tmp_path)


def test_the_target_is_free_again_after_a_change(machine: HermesMachine) -> None:
    asyncio.run(apply_change(request(primary="new-a"), ports=machine.ports, actor=USER, reason="why"))
    assert machine.leases.held == {}


def test_a_second_change_is_a_conflict_that_names_who_is_at_work(machine: HermesMachine) -> None:
    machine.leases.take(NAME, "kim (host, process 7) c0", 30)
    outcome = asyncio.run(apply_change(request(primary="new-a"), ports=machine.ports, actor=USER, reason="why"))
    assert (outcome.record.state, outcome.plan.decision) == (ChangeState.CONFLICT, Decision.CONFLICT)
    assert outcome.record.detail.startswith("kim (host, process 7) has been changing file:hermes for ")
    assert machine.config.read_text() == CONFIG and machine.leases.held == {NAME: "kim (host, process 7) c0"}


def test_a_rollback_waits_for_its_turn_as_well(machine: HermesMachine) -> None:
    done = asyncio.run(apply_change(request(primary="new-a"), ports=machine.ports, actor=USER, reason="why"))
    machine.leases.take(NAME, "kim (host, process 7) c0", 30)
    outcome = asyncio.run(rollback_change(done.record.change_id, ports=machine.ports, actor=USER, reason="why"))
    assert outcome.record.state is ChangeState.CONFLICT and "kim" in outcome.record.detail


def test_a_lease_that_cannot_be_asked_for_lets_nothing_be_written(machine: HermesMachine) -> None:
    def take(name: str, holder: str, ttl_s: float) -> Lease:
        raise StoreError("The database is away.", code="store_unavailable", remedy="Start it.")

    machine.leases.take = take  # type: ignore[method-assign]
    with pytest.raises(StoreError):
        asyncio.run(apply_change(request(primary="new-a"), ports=machine.ports, actor=USER, reason="why"))
    assert machine.config.read_text() == CONFIG


def test_a_lock_that_is_given_back_late_does_not_hide_how_the_change_ended(machine: HermesMachine) -> None:
    def release(name: str, holder: str) -> None:
        raise StoreError("The database is away.", code="store_unavailable", remedy="Start it.")

    machine.leases.release = release  # type: ignore[method-assign]

    async def hold() -> str | None:
        async with target_lock(machine.ports, "file:hermes", owner="ada", change_id="c1") as other:
            return other

    assert asyncio.run(hold()) is None
