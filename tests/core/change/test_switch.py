"""Plan, apply, prove; and back to where it was when it cannot be proved."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.adapters.database.changes import SqlChangeStore
from core.adapters.export_target import ExportTarget
from core.change.switch import apply_change, plan_change
from core.change.work import new_change_id
from core.errors import ChangeError, ConfigurationError, StoreError, UpstreamError
from core.model.change import (
    ChangeOutcome,
    ChangeRecord,
    ChangeRequest,
    ChangeState,
    CredentialUse,
    Decision,
    Origin,
    Plan,
)
from core.model.choice import LintFinding, Severity
from core.model.secret import Secret
from core.ports import Written
from tests.fakes.change_store import MemoryChangeStore
from tests.fakes.hermes_machine import CONFIG, STRANGER, TOKEN, USER, FaultyTarget, HermesMachine, read_only, request
from tests.fakes.ticking_clock import TickingClock

NEW = {"primary": "new-a", "fallback": "new-b"}
CHANGED = CONFIG.replace("old-a", "new-a").replace("old-b", "new-b")


@pytest.fixture
def machine(tmp_path: Path) -> HermesMachine:
    return HermesMachine(tmp_path)


def _plan(machine: HermesMachine, wanted: ChangeRequest | None = None, **options: Any) -> Plan:
    return asyncio.run(plan_change(wanted or request(**NEW), ports=machine.ports, **options))


def _apply(machine: HermesMachine, wanted: ChangeRequest | None = None, **options: Any) -> ChangeOutcome:
    settings = {"actor": USER, "reason": "primary is down", **options}
    return asyncio.run(apply_change(wanted or request(**NEW), ports=machine.ports, **settings))


def _records(machine: HermesMachine) -> list[ChangeRecord]:
    return list(reversed(machine.store.latest(50)))


def _states(machine: HermesMachine) -> list[ChangeState]:
    return [record.state for record in _records(machine)]


def test_a_plan_probes_the_new_routes_and_writes_nothing(machine: HermesMachine) -> None:
    phases: list[str] = []
    plan = _plan(machine, progress=phases.append)
    assert plan.decision is Decision.READY
    assert plan.after == NEW
    assert phases == ["Reading the file", "Pre-flight: 4 routes"]
    assert machine.config.read_text() == CONFIG
    assert _records(machine) == []


def test_a_plan_of_what_is_there_already_probes_nothing(machine: HermesMachine) -> None:
    assert _plan(machine, request(primary="old-a")).decision is Decision.NO_OP
    assert machine.probed == []


def test_the_lint_of_the_choice_as_it_will_be_counts(machine: HermesMachine) -> None:
    machine.lint = [LintFinding(code="x", severity=Severity.ERROR, message="It has no chat route.")]
    assert _plan(machine).reason == "It has no chat route."


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        pytest.param(request(primary="a b"), "model_name_invalid", id="a name with a space"),
        pytest.param(replace(request(), target="file:nowhere"), "unknown_target", id="an unknown target"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything(
    machine: HermesMachine, wanted: ChangeRequest, code: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        _apply(machine, wanted)
    assert caught.value.code == code
    assert machine.config.read_text() == CONFIG
    assert machine.probed == []


def test_an_empty_reason_is_refused(machine: HermesMachine) -> None:
    with pytest.raises(ConfigurationError):
        _apply(machine, reason=" ")


def test_a_change_is_written_read_back_verified_and_recorded(machine: HermesMachine) -> None:
    phases: list[str] = []
    outcome = _apply(machine, progress=phases.append)
    assert machine.config.read_text() == CHANGED
    assert phases == ["Reading the file", "Pre-flight: 4 routes", "Writing", "Reading back", "Verifying: 4 routes"]
    assert outcome.record.state is ChangeState.APPLIED
    assert outcome.confirmed
    assert len(outcome.verification) == 4
    (record,) = _records(machine)
    assert record == outcome.record
    assert (record.actor, record.origin, record.reason) == ("ada", Origin.COMMAND_LINE, "primary is down")
    assert (record.before, record.after) == ({"primary": "old-a", "fallback": "old-b"}, NEW)
    assert record.backup is not None and Path(record.backup).read_text() == CONFIG
    assert record.before_revision != record.after_revision


def test_the_intent_is_on_record_before_the_file_is_written(machine: HermesMachine) -> None:
    seen: list[tuple[ChangeState, str]] = []
    store = MemoryChangeStore(lambda record: seen.append((record.state, machine.config.read_text())) is not None)
    machine.store = store
    _apply(machine)
    assert seen[0] == (ChangeState.APPLYING, CONFIG)
    assert [record.state for record in store.history] == [
        ChangeState.APPLYING,
        ChangeState.APPLYING,
        ChangeState.APPLIED,
    ]


def test_a_store_that_cannot_keep_the_intent_stops_the_change(machine: HermesMachine) -> None:
    machine.store = MemoryChangeStore(lambda record: record.state is ChangeState.APPLYING)
    with pytest.raises(StoreError):
        _apply(machine)
    assert machine.config.read_text() == CONFIG


@pytest.mark.parametrize("failing", ["after the write", "at the outcome"])
def test_a_change_that_cannot_be_kept_on_record_does_not_stand(machine: HermesMachine, failing: str) -> None:
    def refuse(record: ChangeRecord) -> bool:
        return (
            record.after_revision is not None if failing == "after the write" else record.state is ChangeState.APPLIED
        )

    machine.store = MemoryChangeStore(refuse)
    with pytest.raises(StoreError):
        _apply(machine)
    assert machine.config.read_text() == CONFIG


def test_somebody_who_may_not_change_is_refused_and_recorded(machine: HermesMachine) -> None:
    with pytest.raises(ChangeError) as caught:
        _apply(machine, actor=STRANGER)
    assert (caught.value.code, caught.value.message) == ("not_allowed", STRANGER.why)
    (record,) = _records(machine)
    assert (record.state, record.actor, record.detail) == (ChangeState.BLOCKED, "eve", STRANGER.why)
    assert machine.config.read_text() == CONFIG
    assert machine.probed == []


def test_nothing_to_change_is_recorded_as_a_no_op(machine: HermesMachine) -> None:
    outcome = _apply(machine, request(primary="old-a"))
    assert outcome.record.state is ChangeState.NO_OP
    assert _states(machine) == [ChangeState.NO_OP]


def test_a_model_that_cannot_work_is_blocked_and_recorded(machine: HermesMachine) -> None:
    machine.broken_models = {"new-b"}
    outcome = _apply(machine)
    assert outcome.plan.decision is Decision.BLOCKED
    assert outcome.record.state is ChangeState.BLOCKED
    assert "new-b" in outcome.record.detail
    assert machine.config.read_text() == CONFIG
    assert _states(machine) == [ChangeState.BLOCKED]


def test_a_blocked_change_can_be_forced_and_then_stands(machine: HermesMachine) -> None:
    machine.broken_models = {"new-a"}
    outcome = _apply(machine, force=True)
    assert outcome.record.state is ChangeState.APPLIED
    assert outcome.record.detail.startswith("Forced although it could not be proved.")
    assert not outcome.confirmed
    assert machine.config.read_text() == CHANGED


def test_force_does_not_write_what_may_not_be_written(machine: HermesMachine) -> None:
    machine.target = read_only(machine.target, "The folder may not be written.")
    outcome = _apply(machine, force=True)
    assert (outcome.record.state, outcome.record.detail) == (ChangeState.BLOCKED, "The folder may not be written.")
    assert machine.config.read_text() == CONFIG


def test_an_export_ends_with_its_snippet_and_nothing_written(machine: HermesMachine) -> None:
    ports = replace(machine.ports, targets={"export": ExportTarget(lambda agent: machine.choice_of(agent, "export"))})
    phases: list[str] = []
    outcome = asyncio.run(
        apply_change(
            replace(request(**NEW), target="export"), ports=ports, actor=USER, reason="x", progress=phases.append
        )
    )
    assert phases[0] == "Reading the present values"
    assert outcome.plan.decision is Decision.READY and outcome.plan.snippet
    assert (outcome.record.state, outcome.record.detail) == (
        ChangeState.BLOCKED,
        "Nothing is written: hand over the snippet.",
    )


def test_a_dead_stored_token_does_not_block_but_nothing_is_confirmed(machine: HermesMachine) -> None:
    machine.dead_tokens = {TOKEN}
    outcome = _apply(machine)
    assert outcome.record.state is ChangeState.APPLIED
    assert [finding.code for finding in outcome.plan.lint] == ["stored_token_refused"]
    assert not outcome.confirmed


def test_a_dead_stored_token_gives_way_to_the_environments(machine: HermesMachine) -> None:
    machine.dead_tokens = {TOKEN}
    machine.environment["DATABRICKS_TOKEN"] = Secret("fresh-token-value")
    outcome = _apply(machine, replace(request(**NEW), credential=CredentialUse.ENVIRONMENT))
    assert outcome.record.state is ChangeState.APPLIED
    assert outcome.confirmed
    assert TOKEN not in machine.config.read_text()
    assert '"${DATABRICKS_TOKEN}"' in machine.config.read_text()


def test_a_token_is_in_no_record_plan_or_outcome(machine: HermesMachine) -> None:
    machine.dead_tokens = {TOKEN}
    machine.environment["DATABRICKS_TOKEN"] = Secret("fresh-token-value")
    outcome = _apply(machine, replace(request(**NEW), credential=CredentialUse.ENVIRONMENT))
    for shown in (repr(outcome), repr(_records(machine))):
        assert TOKEN not in shown and "fresh-token-value" not in shown


def test_a_file_changed_since_the_plan_was_seen_is_a_conflict(machine: HermesMachine) -> None:
    seen = _plan(machine).base_revision
    machine.config.write_text(CONFIG + "# by hand\n")
    outcome = _apply(machine, seen_revision=seen)
    assert outcome.plan.decision is Decision.CONFLICT
    assert _states(machine) == [ChangeState.CONFLICT]
    assert machine.config.read_text() == CONFIG + "# by hand\n"


def test_a_file_changed_during_the_pre_flight_is_a_conflict(machine: HermesMachine) -> None:
    machine.before_answer = lambda _: machine.config.write_text(CONFIG + "# by hand\n") and None
    outcome = _apply(machine)
    assert outcome.record.state is ChangeState.CONFLICT
    assert machine.config.read_text() == CONFIG + "# by hand\n"


def test_a_broken_file_is_refused_and_recorded(machine: HermesMachine) -> None:
    machine.config.write_text("model: [")
    with pytest.raises(ChangeError) as caught:
        _apply(machine)
    assert caught.value.code == "target_broken"
    assert _states(machine) == [ChangeState.BLOCKED]
    assert machine.config.read_text() == "model: ["


def test_two_at_once_end_as_one_applied_and_one_conflict(tmp_path: Path) -> None:
    machine = HermesMachine(tmp_path, store=SqlChangeStore(tmp_path / "changes.db"))
    both_planned = threading.Barrier(2, timeout=30)
    machine.before_answer = lambda count: both_planned.wait() and None if count <= 2 else None
    wanted = [request(primary="new-1"), request(primary="new-2")]
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda one: _apply(machine, one), wanted))
    assert {outcome.record.state for outcome in outcomes} == {ChangeState.APPLIED, ChangeState.CONFLICT}
    (applied,) = (outcome for outcome in outcomes if outcome.record.state is ChangeState.APPLIED)
    assert str(applied.record.after["primary"]) in machine.config.read_text()


def _breaks_after_pre_flight(machine: HermesMachine) -> None:
    def break_it(count: int) -> None:
        machine.broken_models = {"new-a"} if count > 1 else set()

    machine.before_answer = break_it


def test_a_failed_verification_rolls_back_by_itself(machine: HermesMachine) -> None:
    _breaks_after_pre_flight(machine)
    phases: list[str] = []
    outcome = _apply(machine, progress=phases.append)
    assert machine.config.read_text() == CONFIG
    assert outcome.record.state is ChangeState.ROLLED_BACK
    assert "new-a is down" in outcome.record.detail
    assert not outcome.confirmed
    assert len(outcome.verification) == 4
    assert phases[-1] == "Rolling back"
    change, undo = _records(machine)
    assert (change.state, change.origin) == (ChangeState.ROLLED_BACK, Origin.COMMAND_LINE)
    assert (undo.state, undo.origin) == (ChangeState.ROLLED_BACK, Origin.AUTO_ROLLBACK)
    assert undo.rolls_back == change.change_id
    assert undo.reason.startswith("Verification failed")
    assert undo.after_revision == change.before_revision


def test_a_verification_that_cannot_be_carried_out_rolls_back_too(machine: HermesMachine) -> None:
    def lose_the_credential(count: int) -> None:
        if count > 1:
            raise UpstreamError("The credential is gone.", code="credential_missing", remedy="Set one.")

    machine.before_answer = lose_the_credential
    outcome = _apply(machine)
    assert outcome.record.state is ChangeState.ROLLED_BACK
    assert machine.config.read_text() == CONFIG


def test_a_failed_rollback_names_the_manual_command(machine: HermesMachine) -> None:
    _breaks_after_pre_flight(machine)

    def fail(backup: str, **_: object) -> Written | None:
        raise ChangeError("The disk is full.", code="target_not_writable", remedy=f"By hand: cp {backup} config.yaml")

    machine.target = FaultyTarget(machine.target, restore=fail)
    outcome = _apply(machine)
    assert outcome.record.state is ChangeState.ROLLBACK_FAILED
    assert f"cp {outcome.record.backup}" in outcome.record.detail
    assert _states(machine) == [ChangeState.ROLLBACK_FAILED, ChangeState.ROLLBACK_FAILED]


def test_a_rollback_that_brings_other_bytes_back_has_failed(machine: HermesMachine) -> None:
    def spoil(count: int) -> None:
        if count > 1:
            (backup,) = machine.home.glob("*.bak")
            backup.write_text("model: other\n")
            machine.broken_models = {"new-a"}

    machine.before_answer = spoil
    outcome = _apply(machine)
    assert outcome.record.state is ChangeState.ROLLBACK_FAILED
    assert "differs from the content before" in outcome.record.detail
    assert f"By hand: cp {outcome.record.backup} {machine.config}" in outcome.record.detail


def test_a_file_changed_while_verifying_needs_a_person(machine: HermesMachine) -> None:
    def meddle(count: int) -> None:
        if count > 1:
            machine.config.write_text("model: by-hand\n")
            machine.broken_models = {"new-a"}

    machine.before_answer = meddle
    outcome = _apply(machine)
    assert outcome.record.state is ChangeState.NEEDS_PERSON
    assert f"By hand: cp {outcome.record.backup} {machine.config}" in outcome.record.detail
    assert machine.config.read_text() == "model: by-hand\n"


def _write_then(machine: HermesMachine, text: str) -> None:
    inner = machine.target

    def write(*args: Any, **kwargs: Any) -> Written | None:
        written = inner.write(*args, **kwargs)
        machine.config.write_text(text)
        return written

    machine.target = FaultyTarget(inner, write=write)


def test_a_write_that_did_not_come_into_force_is_undone(machine: HermesMachine) -> None:
    inner = machine.target

    def write(*args: Any, **kwargs: Any) -> Written | None:
        written = inner.write(*args, **kwargs)
        return replace(written, problem="It crashed after the start.") if written else None

    machine.target = FaultyTarget(inner, write=write)
    outcome = _apply(machine)
    assert outcome.record.state is ChangeState.ROLLED_BACK
    assert outcome.record.detail.startswith("It crashed after the start.") and machine.config.read_text() == CONFIG


def test_a_workspace_that_goes_away_in_the_pre_flight_leaves_an_attempt_on_record(machine: HermesMachine) -> None:
    def away(_: int) -> None:
        raise UpstreamError("The workspace is away.", code="unreachable", remedy="Wait.")

    machine.before_answer = away
    with pytest.raises(UpstreamError):
        _apply(machine)
    (record,) = _records(machine)
    assert (record.state, record.detail) == (ChangeState.BLOCKED, "The workspace is away.")


@pytest.mark.parametrize("text", ["model: [", "model: other\n", CHANGED + "# more\n"], ids=["broken", "other", "more"])
def test_what_is_not_read_back_as_written_needs_a_person(machine: HermesMachine, text: str) -> None:
    _write_then(machine, text)
    outcome = _apply(machine)
    assert outcome.record.state is ChangeState.NEEDS_PERSON
    assert machine.config.read_text() == text
    assert len(machine.probed) == 1


@pytest.mark.parametrize(
    ("left", "state"),
    [
        pytest.param(CONFIG, ChangeState.BLOCKED, id="the file is as it was"),
        pytest.param("model: half\n", ChangeState.NEEDS_PERSON, id="the file is another"),
        pytest.param(b"\xff" * 300_000, ChangeState.NEEDS_PERSON, id="the file cannot be read"),
    ],
)
def test_a_write_that_fails_says_what_it_left(machine: HermesMachine, left: str | bytes, state: ChangeState) -> None:
    def fail(*_: object, **__: object) -> Written | None:
        machine.config.write_bytes(left.encode() if isinstance(left, str) else left)
        raise ChangeError("The disk is full.", code="target_not_writable", remedy="Make room.")

    machine.target = FaultyTarget(machine.target, write=fail)
    outcome = _apply(machine)
    assert outcome.record.state is state
    assert outcome.record.detail == "The disk is full. Make room."


class Killed(BaseException):
    """Stand for kill -9: nothing that handles errors gets to run."""


@pytest.mark.parametrize("moment", ["before the write", "after the write", "while verifying"])
def test_a_killed_change_stays_on_record_as_applying(tmp_path: Path, moment: str) -> None:
    machine = HermesMachine(tmp_path, store=SqlChangeStore(tmp_path / "changes.db"))
    inner = machine.target

    def write(*args: Any, **kwargs: Any) -> Written | None:
        if moment == "after the write":
            inner.write(*args, **kwargs)
        raise Killed

    def kill(count: int) -> None:
        if count > 1:
            raise Killed

    if moment == "while verifying":
        machine.before_answer = kill
    else:
        machine.target = FaultyTarget(inner, write=write)
    with pytest.raises(Killed):
        _apply(machine)
    (record,) = SqlChangeStore(tmp_path / "changes.db").latest()
    assert record.state is ChangeState.APPLYING
    # What the write is to leave is known before it, what it replaced only after it.
    assert record.after_revision is not None
    assert (record.backup is not None) == (moment == "while verifying")
    assert machine.config.read_text() == (CONFIG if moment == "before the write" else CHANGED)


def test_change_ids_sort_by_time_and_fit_a_file_name() -> None:
    clock = TickingClock()
    ids = [new_change_id(clock.now()) for _ in range(5)]
    assert ids == sorted(ids) and len(set(ids)) == 5
    assert all(len(os.path.basename(one)) == len(one) <= 30 for one in ids)
