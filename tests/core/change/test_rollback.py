"""Back to the identical bytes, whatever the models answer, and never over somebody else's change."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.change.records import KEPT_CHANGES, LOOK_BACK
from core.change.switch import apply_change, rollback_change
from core.errors import ChangeError, ConfigurationError, UpstreamError
from core.model.change import ChangeOutcome, ChangeState, Decision, DiffOp, Origin
from core.ports import Written
from tests.fakes.hermes_machine import CONFIG, STRANGER, USER, FaultyTarget, HermesMachine, request


@pytest.fixture
def machine(tmp_path: Path) -> HermesMachine:
    return HermesMachine(tmp_path)


def _applied(machine: HermesMachine, **slots: str | None) -> str:
    wanted = request(**(slots or {"primary": "new-a"}))
    outcome = asyncio.run(apply_change(wanted, ports=machine.ports, actor=USER, reason="try"))
    return outcome.record.change_id


def _roll_back(machine: HermesMachine, change_id: str, **options: Any) -> ChangeOutcome:
    settings = {"actor": USER, "reason": "it was worse", **options}
    return asyncio.run(rollback_change(change_id, ports=machine.ports, **settings))


def test_the_identical_bytes_stand_again(machine: HermesMachine) -> None:
    change_id = _applied(machine, primary="new-a", fallback="new-b", fallback_2="new-c")
    phases: list[str] = []
    outcome = _roll_back(machine, change_id, progress=phases.append)
    assert machine.config.read_text() == CONFIG
    assert outcome.record.state is ChangeState.ROLLED_BACK
    assert outcome.record.rolls_back == change_id
    assert (outcome.record.origin, outcome.record.reason) == (Origin.COMMAND_LINE, "it was worse")
    assert outcome.confirmed and len(outcome.verification) == 4
    assert phases == ["Reading what stands now", "Restoring the former content", "Checking health: 4 routes"]
    assert outcome.plan.effective == "next start of Hermes"
    assert {(entry.op, entry.field, entry.new) for entry in outcome.plan.diff} == {
        (DiffOp.CHANGE, "primary", "old-a"),
        (DiffOp.CHANGE, "fallback", "old-b"),
        (DiffOp.DELETE, "fallback_2", None),
    }


def test_health_never_blocks_a_rollback(machine: HermesMachine) -> None:
    change_id = _applied(machine)
    machine.broken_models = {"old-a", "old-b"}
    outcome = _roll_back(machine, change_id)
    assert outcome.record.state is ChangeState.ROLLED_BACK
    assert not outcome.confirmed
    assert machine.config.read_text() == CONFIG


def test_health_that_cannot_be_asked_never_blocks_a_rollback(machine: HermesMachine) -> None:
    change_id = _applied(machine)

    def offline(_: int) -> None:
        raise UpstreamError("The workspace is away.", code="unreachable", remedy="Wait.")

    machine.before_answer = offline
    outcome = _roll_back(machine, change_id)
    assert outcome.record.state is ChangeState.ROLLED_BACK
    assert outcome.verification == ()


def test_a_rollback_can_itself_be_rolled_back(machine: HermesMachine) -> None:
    change_id = _applied(machine, fallback=None)
    without = machine.config.read_text()
    undone = _roll_back(machine, change_id)
    assert [entry.op for entry in undone.plan.diff] == [DiffOp.ADD]
    again = _roll_back(machine, undone.record.change_id)
    assert again.record.state is ChangeState.ROLLED_BACK
    assert machine.config.read_text() == without


def test_what_was_rolled_back_already_is_a_no_op(machine: HermesMachine) -> None:
    change_id = _applied(machine)
    _roll_back(machine, change_id)
    outcome = _roll_back(machine, change_id)
    assert (outcome.record.state, outcome.plan.decision) == (ChangeState.NO_OP, Decision.NO_OP)
    assert machine.config.read_text() == CONFIG


def test_a_change_that_wrote_nothing_has_nothing_to_roll_back(machine: HermesMachine) -> None:
    change_id = _applied(machine, primary="old-a")
    outcome = _roll_back(machine, change_id)
    assert (outcome.record.state, outcome.record.detail) == (ChangeState.NO_OP, "That change wrote nothing.")


@pytest.mark.parametrize("text", ["model: by-hand\n", "model: ["], ids=["by hand", "broken by hand"])
def test_what_others_changed_since_is_not_overwritten(machine: HermesMachine, text: str) -> None:
    change_id = _applied(machine)
    machine.config.write_text(text)
    outcome = _roll_back(machine, change_id)
    assert (outcome.record.state, outcome.plan.decision) == (ChangeState.CONFLICT, Decision.CONFLICT)
    assert machine.config.read_text() == text


def test_changes_are_rolled_back_from_the_top_and_which_one_lies_there_is_said(machine: HermesMachine) -> None:
    first = _applied(machine)
    between = machine.config.read_text()
    second = _applied(machine, primary="new-c")
    blocked = _roll_back(machine, first)
    assert blocked.record.state is ChangeState.CONFLICT
    assert blocked.record.detail.startswith(f"Change {second} by ada lies on top of it")
    _roll_back(machine, second)
    assert machine.config.read_text() == between
    assert _roll_back(machine, first).record.state is ChangeState.ROLLED_BACK
    assert machine.config.read_text() == CONFIG


def test_any_number_of_attempts_that_wrote_nothing_makes_no_change_too_old(machine: HermesMachine) -> None:
    change_id = _applied(machine)
    attempt = machine.store.latest(1)[0]
    for number in range(LOOK_BACK + 1):
        nothing = replace(attempt, change_id=f"n{number}", at=machine.clock.now(), state=ChangeState.NO_OP, backup=None)
        machine.store.record(nothing)
    assert _roll_back(machine, change_id).record.state is ChangeState.ROLLED_BACK


def test_a_change_that_fifty_lie_upon_is_too_old(machine: HermesMachine) -> None:
    change_id = _applied(machine)
    attempt = machine.store.latest(1)[0]
    for number in range(KEPT_CHANGES):
        machine.store.record(replace(attempt, change_id=f"n{number}", at=machine.clock.now()))
    with pytest.raises(ChangeError) as caught:
        _roll_back(machine, change_id)
    assert caught.value.code == "too_old" and machine.store.latest(1)[0].state is ChangeState.BLOCKED


def test_a_file_changed_right_before_the_restore_is_a_conflict(machine: HermesMachine) -> None:
    change_id = _applied(machine)
    inner = machine.target

    def restore(*args: Any, **kwargs: Any) -> Written | None:
        machine.config.write_text("model: by-hand\n")
        return inner.restore(*args, **kwargs)

    machine.target = FaultyTarget(inner, restore=restore)
    assert _roll_back(machine, change_id).record.state is ChangeState.CONFLICT
    assert machine.config.read_text() == "model: by-hand\n"


def test_a_backup_that_is_gone_fails_with_what_to_do(machine: HermesMachine) -> None:
    change_id = _applied(machine)
    for backup in machine.home.glob("*.bak"):
        backup.unlink()
    outcome = _roll_back(machine, change_id)
    assert outcome.record.state is ChangeState.ROLLBACK_FAILED
    assert "by hand" in outcome.record.detail


def test_a_file_that_breaks_right_after_the_restore_has_failed(machine: HermesMachine) -> None:
    change_id = _applied(machine)
    inner = machine.target

    def restore(*args: Any, **kwargs: Any) -> Written | None:
        written = inner.restore(*args, **kwargs)
        machine.config.write_text("model: [")
        return written

    machine.target = FaultyTarget(inner, restore=restore)
    outcome = _roll_back(machine, change_id)
    assert outcome.record.state is ChangeState.ROLLBACK_FAILED
    assert not outcome.confirmed


def test_a_file_that_cannot_be_read_is_refused_and_recorded(machine: HermesMachine) -> None:
    change_id = _applied(machine)
    machine.config.unlink()
    machine.config.mkdir()
    with pytest.raises(ChangeError):
        _roll_back(machine, change_id)
    assert machine.store.latest(1)[0].state is ChangeState.BLOCKED


def test_an_unknown_change_is_refused(machine: HermesMachine) -> None:
    with pytest.raises(ChangeError) as caught:
        _roll_back(machine, "nowhere")
    assert caught.value.code == "unknown_change"
    assert machine.store.latest() == ()


def test_somebody_who_may_not_change_may_not_roll_back(machine: HermesMachine) -> None:
    change_id = _applied(machine)
    changed = machine.config.read_text()
    with pytest.raises(ChangeError) as caught:
        _roll_back(machine, change_id, actor=STRANGER)
    assert caught.value.code == "not_allowed"
    assert machine.config.read_text() == changed
    assert machine.store.latest(1)[0].state is ChangeState.BLOCKED


def test_a_change_that_has_not_ended_is_not_rolled_back(machine: HermesMachine) -> None:
    change_id = _applied(machine)
    record = machine.store.get(change_id)
    assert record is not None
    machine.store.record(replace(record, state=ChangeState.APPLYING))
    with pytest.raises(ChangeError) as caught:
        _roll_back(machine, change_id)
    assert caught.value.code == "not_settled"


def test_a_reason_is_needed(machine: HermesMachine) -> None:
    with pytest.raises(ConfigurationError):
        _roll_back(machine, "any", reason="")
