"""Changes that end by themselves, and what people do with them before that."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.change.overrides import EXPIRED, EXPIRY, due, extend_override, keep_for_good, note_expiry
from core.change.switch import apply_change, rollback_change
from core.errors import ChangeError, ConfigurationError
from core.model.agent import AgentId
from core.model.change import ChangeOutcome, ChangeState, Origin
from core.model.override import Override
from tests.fakes.hermes_machine import CONFIG, STRANGER, USER, HermesMachine, request

NOW = datetime(2030, 1, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def machine(tmp_path: Path) -> HermesMachine:
    return HermesMachine(tmp_path)


def override(**values: object) -> Override:
    made = Override(
        id="c1",
        agent=AgentId.HERMES,
        target="file:hermes",
        slots={"primary": "new-a"},
        actor="ada",
        reason="why",
        since=NOW,
        expires_at=NOW + HOUR,
    )
    return replace(made, **values)  # type: ignore[arg-type]


def apply_for(machine: HermesMachine, lasts: timedelta | None) -> ChangeOutcome:
    wanted = request(primary="new-a")
    return asyncio.run(apply_change(wanted, ports=machine.ports, actor=USER, reason="it is down", lasts=lasts))


def end(machine: HermesMachine, change_id: str) -> ChangeOutcome:
    outcome = asyncio.run(rollback_change(change_id, ports=machine.ports, actor=EXPIRY, reason=EXPIRED))
    asyncio.run(note_expiry(machine.overrides.kept[change_id], outcome, machine.ports))
    return outcome


def test_only_what_is_over_and_waits_for_nobody_is_due() -> None:
    early, late = override(id="early", expires_at=NOW), override(id="late", expires_at=NOW + HOUR)
    endless, asking = override(id="endless", expires_at=None), override(id="asking", expires_at=NOW, asks="?")
    assert due([late, early, endless, asking], NOW) == (early,)
    assert due([late, early], NOW + HOUR) == (early, late)


def test_a_change_with_a_duration_is_an_override_and_another_is_none(machine: HermesMachine) -> None:
    assert apply_for(machine, None).record.expires_at is None
    assert machine.overrides.kept == {}


def test_an_override_ends_with_the_former_bytes(machine: HermesMachine) -> None:
    record = apply_for(machine, HOUR).record
    kept = machine.overrides.kept[record.change_id]
    assert record.expires_at is not None and kept.expires_at == record.expires_at == record.at + HOUR
    outcome = end(machine, record.change_id)
    assert (outcome.record.state, outcome.record.origin) == (ChangeState.ROLLED_BACK, Origin.EXPIRY)
    assert machine.config.read_text() == CONFIG
    assert machine.overrides.kept[record.change_id].ended_at is not None and not machine.overrides.active()


def test_a_base_that_was_changed_meanwhile_is_asked_about_and_not_clobbered(machine: HermesMachine) -> None:
    record = apply_for(machine, HOUR).record
    theirs = machine.config.read_text().replace("new-a", "theirs")
    machine.config.write_text(theirs)
    assert end(machine, record.change_id).record.state is ChangeState.CONFLICT
    kept = machine.overrides.kept[record.change_id]
    assert kept.asks and kept.ended_at is None and due([kept], NOW + timedelta(days=900)) == ()
    assert machine.config.read_text() == theirs


def test_a_person_who_rolls_back_ends_the_override_too(machine: HermesMachine) -> None:
    record = apply_for(machine, HOUR).record
    asyncio.run(rollback_change(record.change_id, ports=machine.ports, actor=USER, reason="enough"))
    assert machine.overrides.active() == []


def test_an_override_that_failed_to_prove_itself_is_none(machine: HermesMachine) -> None:
    machine.before_answer = lambda count: machine.broken_models.add("new-a") if count > 1 else None
    assert apply_for(machine, HOUR).record.state is ChangeState.ROLLED_BACK
    assert machine.overrides.kept == {}


def test_extending_counts_from_the_end_and_answers_a_question(machine: HermesMachine) -> None:
    record = apply_for(machine, HOUR).record
    machine.overrides.put(replace(machine.overrides.kept[record.change_id], asks="?"))
    longer = asyncio.run(extend_override(record.change_id, by=2 * HOUR, ports=machine.ports, actor=USER))
    assert longer.expires_at == record.at + 3 * HOUR and longer.asks is None


def test_what_was_kept_for_good_is_no_override_any_more(machine: HermesMachine) -> None:
    record = apply_for(machine, HOUR).record
    asyncio.run(keep_for_good(record.change_id, ports=machine.ports, actor=USER))
    assert machine.overrides.active() == [] and "new-a" in machine.config.read_text()
    with pytest.raises(ChangeError) as caught:
        asyncio.run(keep_for_good(record.change_id, ports=machine.ports, actor=USER))
    assert caught.value.code == "unknown_override"


def test_nobody_else_may_extend_or_keep(machine: HermesMachine) -> None:
    record = apply_for(machine, HOUR).record
    for step in (
        extend_override(record.change_id, by=HOUR, ports=machine.ports, actor=STRANGER),
        keep_for_good(record.change_id, ports=machine.ports, actor=STRANGER),
    ):
        with pytest.raises(ChangeError) as caught:
            asyncio.run(step)
        assert caught.value.code == "not_allowed"


@pytest.mark.parametrize("lasts", [timedelta(0), timedelta(seconds=-1), timedelta(days=31), timedelta.max])
def test_a_duration_that_cannot_be_meant_is_refused_before_anything(machine: HermesMachine, lasts: timedelta) -> None:
    with pytest.raises(ConfigurationError) as caught:
        apply_for(machine, lasts)
    assert caught.value.code == "duration_invalid" and machine.store.latest(5) == ()


def test_an_override_cannot_be_extended_for_ever(machine: HermesMachine) -> None:
    record = apply_for(machine, timedelta(days=29)).record
    with pytest.raises(ChangeError) as caught:
        asyncio.run(extend_override(record.change_id, by=timedelta(days=2), ports=machine.ports, actor=USER))
    assert caught.value.code == "duration_invalid"
