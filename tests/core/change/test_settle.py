"""What a process left behind that ended in the middle of a change, and how the next start ends it."""

from __future__ import annotations

import asyncio
import os
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.adapters.database.changes import SqlChangeStore
from core.change.settle import settle_interrupted
from core.change.switch import apply_change, rollback_change
from core.model.change import ChangeRecord, ChangeState, Origin
from core.ports import Found, Stands
from tests.fakes.dying import dies, killed_at
from tests.fakes.hermes_machine import CONFIG, USER, FaultyTarget, HermesMachine, request

CHANGED = CONFIG.replace("old-a", "new-a")


@pytest.fixture
def machine(tmp_path: Path) -> HermesMachine:
    return HermesMachine(tmp_path)


def settle(machine: HermesMachine) -> tuple[ChangeRecord, ...]:
    return asyncio.run(settle_interrupted(machine.ports))


def interrupted(machine: HermesMachine, **values: object) -> ChangeRecord:
    """Return an intent row as it stands in the store after its process was killed."""
    plan = machine.target.plan(request(primary="new-a"))
    record = ChangeRecord(
        change_id="c1",
        at=machine.clock.now(),
        actor="ada",
        agent=request().agent,
        target="file:hermes",
        reason="it is down",
        before=plan.before,
        after=plan.after,
        state=ChangeState.APPLYING,
        origin=Origin.PAGE,
        before_revision=plan.revision,
        after_revision=plan.revision_after,
    )
    record = replace(record, **values)  # type: ignore[arg-type]
    machine.store.record(record)
    return record


def finding(machine: HermesMachine, stands: Stands) -> None:
    found = Found(stands=stands, detail="It is so.", revision="r", backup="b")
    machine.target = FaultyTarget(machine.target, found=lambda record: found)


def test_nothing_is_settled_when_everything_has_ended(machine: HermesMachine) -> None:
    asyncio.run(apply_change(request(primary="new-a"), ports=machine.ports, actor=USER, reason="why"))
    assert settle(machine) == ()


def test_an_intent_before_the_write_ends_as_rolled_back(machine: HermesMachine) -> None:
    interrupted(machine)
    (record,) = settle(machine)
    assert record.state is ChangeState.ROLLED_BACK and "before anything took effect" in record.detail
    assert machine.store.get("c1") == record and machine.config.read_text() == CONFIG


def test_a_write_that_came_to_its_end_is_applied_and_not_confirmed(machine: HermesMachine) -> None:
    record = interrupted(machine)
    machine.target.write(request(primary="new-a"), expected_revision=record.before_revision, change_id="c1")
    (record,) = settle(machine)
    assert record.state is ChangeState.APPLIED and "not confirmed" in record.detail
    assert machine.config.read_text() == CHANGED
    undone = asyncio.run(rollback_change("c1", ports=machine.ports, actor=USER, reason="after all"))
    assert undone.record.state is ChangeState.ROLLED_BACK and machine.config.read_text() == CONFIG


def test_an_override_that_was_interrupted_still_ends_in_time(machine: HermesMachine) -> None:
    record = interrupted(machine, expires_at=machine.clock.now() + timedelta(hours=2))
    machine.target.write(request(primary="new-a"), expected_revision=record.before_revision, change_id="c1")
    settle(machine)
    assert machine.overrides.kept["c1"].expires_at == record.expires_at


def test_what_others_changed_meanwhile_is_left_to_a_person(machine: HermesMachine) -> None:
    interrupted(machine)
    machine.config.write_text(CONFIG.replace("old-a", "theirs"))
    (record,) = settle(machine)
    assert record.state is ChangeState.NEEDS_PERSON and "somebody else" in record.detail
    assert "theirs" in machine.config.read_text()


def test_what_has_not_ended_yet_is_looked_at_again_later(machine: HermesMachine) -> None:
    interrupted(machine)
    finding(machine, Stands.MOVING)
    assert settle(machine) == ()
    assert machine.store.get("c1") is not None


def test_a_target_that_cannot_be_read_is_left_for_the_next_time(machine: HermesMachine) -> None:
    interrupted(machine)
    machine.config.unlink()
    machine.config.mkdir()
    assert settle(machine) == ()
    machine.config.rmdir()
    machine.config.write_text(CONFIG)
    assert [record.state for record in settle(machine)] == [ChangeState.ROLLED_BACK]


def test_a_change_that_somebody_is_at_work_on_is_left_alone(machine: HermesMachine) -> None:
    interrupted(machine)
    machine.leases.take("change:file:hermes", "kim (elsewhere) c1", 30)
    assert settle(machine) == ()


def test_what_is_half_done_is_put_back_as_a_change_of_its_own(machine: HermesMachine) -> None:
    record = interrupted(machine)
    written = machine.target.write(request(primary="new-a"), expected_revision=record.before_revision, change_id="c1")
    assert written is not None
    found = Found(stands=Stands.MIXED, detail="Half.", revision=written.revision, backup=written.backup)
    machine.target = FaultyTarget(machine.target, found=lambda record: found)
    (record,) = settle(machine)
    assert record.state is ChangeState.ROLLED_BACK and machine.config.read_text() == CONFIG
    undo = next(one for one in machine.store.latest(10) if one.rolls_back == "c1")
    assert (undo.state, undo.origin) == (ChangeState.ROLLED_BACK, Origin.AUTO_ROLLBACK)


def test_nothing_is_written_automatically_where_a_person_is_needed(machine: HermesMachine) -> None:
    stuck = replace(interrupted(machine), change_id="c0", state=ChangeState.ROLLBACK_FAILED)
    machine.store.record(stuck)
    finding(machine, Stands.MIXED)
    assert [record.state for record in settle(machine)] == [ChangeState.NEEDS_PERSON]
    assert machine.config.read_text() == CONFIG


def test_a_person_who_is_needed_is_told_the_command(machine: HermesMachine) -> None:
    record = interrupted(machine)
    written = machine.target.write(request(primary="new-a"), expected_revision=record.before_revision, change_id="c1")
    assert written is not None
    machine.config.write_text(CONFIG.replace("old-a", "theirs"))
    (record,) = settle(machine)
    assert record.state is ChangeState.NEEDS_PERSON
    assert record.detail.endswith(f"By hand: cp {written.backup} {machine.config}")
    command = record.detail.partition("By hand: ")[2]
    subprocess.run(command, shell=True, check=True)
    assert machine.config.read_text() == CONFIG


def test_an_undo_that_needs_a_person_names_what_it_was_to_put_back(machine: HermesMachine) -> None:
    done = asyncio.run(apply_change(request(primary="new-a"), ports=machine.ports, actor=USER, reason="why")).record
    undo = replace(
        done, change_id="c2", at=machine.clock.now(), state=ChangeState.APPLYING, rolls_back=done.change_id, backup=None
    )
    machine.store.record(replace(undo, before_revision=done.after_revision, after_revision=done.before_revision))
    machine.config.write_text(CONFIG.replace("old-a", "theirs"))
    (record,) = settle(machine)
    assert record.state is ChangeState.NEEDS_PERSON
    assert record.detail.endswith(f"By hand: cp {done.backup} {machine.config}")


def test_an_override_whose_end_was_interrupted_has_ended(machine: HermesMachine) -> None:
    hour = timedelta(hours=1)
    wanted = request(primary="new-a")
    done = asyncio.run(apply_change(wanted, ports=machine.ports, actor=USER, reason="why", lasts=hour)).record
    undo = replace(
        done, change_id="c2", at=machine.clock.now(), state=ChangeState.APPLYING, rolls_back=done.change_id, backup=None
    )
    machine.store.record(replace(undo, before_revision=done.after_revision, after_revision=done.before_revision))
    assert [record.state for record in settle(machine)] == [ChangeState.ROLLED_BACK]
    assert machine.config.read_text() == CONFIG and machine.overrides.active() == []


def change_until(step: int, home: Path, action: str) -> None:
    """Apply or roll back, and be killed right before this touch of the disk."""
    machine = after_the_kill(home)
    dying, store = killed_at(step), machine.store
    os.replace, os.fsync = dying(os.replace), dying(os.fsync)

    class Store:
        """The store, whose record may be the touch."""

        record = dying(store.record)
        get, latest = store.get, store.latest

    machine.store = Store
    if action == "apply":
        asyncio.run(apply_change(request(primary="new-a"), ports=machine.ports, actor=USER, reason="why"))
    else:
        change_id = store.latest(1)[0].change_id
        asyncio.run(rollback_change(change_id, ports=machine.ports, actor=USER, reason="why"))


def after_the_kill(home: Path) -> HermesMachine:
    """Return the machine as the next process finds it."""
    content = (home / "config.yaml").read_bytes()
    machine = HermesMachine(home, store=SqlChangeStore(home / "changes.db"))
    machine.config.write_bytes(content)
    return machine


@pytest.mark.timeout(180)
@pytest.mark.parametrize("action", ["apply", "rollback"])
def test_a_kill_at_any_step_ends_entirely_old_or_entirely_new_and_the_record_says_which(
    tmp_path: Path, action: str
) -> None:
    seen: set[bool] = set()
    for step in range(40):
        home = tmp_path / str(step)
        home.mkdir()
        (home / "config.yaml").write_text(CONFIG)
        if action == "rollback":
            machine = HermesMachine(home, store=SqlChangeStore(home / "changes.db"))
            asyncio.run(apply_change(request(primary="new-a"), ports=machine.ports, actor=USER, reason="why"))
        ended = not dies(change_until, step, home, action)
        machine = after_the_kill(home)
        settle(machine)
        content = machine.config.read_text()
        assert content in (CONFIG, CHANGED)
        records = machine.store.latest(10)
        assert all(record.state is not ChangeState.APPLYING for record in records)
        change = next((record for record in records if record.rolls_back is None), None)
        undone = any(record.rolls_back and record.state is ChangeState.ROLLED_BACK for record in records)
        stands = change is not None and change.state is ChangeState.APPLIED and not undone
        assert stands == (content == CHANGED)
        seen.add(stands)
        assert settle(machine) == ()
        if ended:
            break
    assert ended and seen == {True, False}
