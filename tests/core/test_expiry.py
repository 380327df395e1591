"""The timer beside the watch: overrides end in time, what was interrupted is settled, and nobody is written over."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.expiry import FIRST_RETRY_S, LAST_RETRY_S, SETTLE_S, Expiry
from core.model.access import Role
from core.model.agent import AgentId
from core.model.change import Actor, ChangeOutcome, ChangeRecord, ChangeRequest, ChangeState, Origin
from core.observer import Observer, open_observer
from core.settings import Settings
from core.simulator.server import SimulatedWorkspace
from core.switchboard import Switchboard
from core.wiring import Wiring, wire_simulated
from tests.fakes.network import FakeClock

ADA = Actor(name="ada", origin=Origin.PAGE, role=Role.ADMIN, why="ada is this machine's user.")
HOUR = timedelta(hours=1)
HERMES = ChangeRequest(
    agent=AgentId.HERMES,
    target="file:hermes",
    slots={"primary": "databricks-claude-sonnet-4-6", "fallback": "databricks-claude-opus-4-6"},
)
LOCK = "change:file:hermes"
DEAD = "ada (another, process 7) c0"
FINAL = (ChangeState.ROLLED_BACK, Origin.EXPIRY)

Story = Callable[["Timer"], Awaitable[None]]


class Timer:
    """The timer of a running dashboard in a scene, with a clock that moves only when told."""

    def __init__(self, wiring: Wiring, clock: FakeClock, observer: Observer) -> None:
        self.wiring, self.clock, self.observer = wiring, clock, observer
        self.switchboard = Switchboard(wiring)
        self.told = 0
        self.expiry = Expiry(self.switchboard, clock, after=self.tell)
        self.config = wiring.state_dir / "home" / ".hermes" / "config.yaml"

    def tell(self) -> None:
        self.told += 1

    async def apply(self, lasts: timedelta | None = HOUR) -> ChangeOutcome:
        return await self.switchboard.apply(self.observer, HERMES, actor=ADA, reason="it is down", lasts=lasts)

    async def step(self, seconds: float = 0) -> None:
        """Let time pass, and look once."""
        self.clock.move(seconds)
        await self.expiry.step(self.observer)

    def records(self) -> list[ChangeRecord]:
        return list(self.wiring.database.changes.latest(100))

    def ends(self) -> list[tuple[ChangeState, Origin]]:
        """Return how the automatic ends went, newest first."""
        return [(one.state, one.origin) for one in self.records() if one.origin is Origin.EXPIRY]

    def interrupt(self, change_id: str = "c0", **values: str | None) -> ChangeRecord:
        """Leave what a process leaves that is killed between its intent and its write: a row, and its lease."""
        plan = self.wiring.file_targets["file:hermes"].plan(HERMES)
        record = ChangeRecord(
            change_id=change_id,
            at=self.clock.now(),
            actor="ada",
            agent=AgentId.HERMES,
            target="file:hermes",
            reason="why",
            before=plan.before,
            after=plan.after,
            state=ChangeState.APPLYING,
            origin=Origin.PAGE,
            before_revision=plan.revision,
            after_revision=plan.revision_after,
        )
        self.wiring.database.changes.record(record)
        return record


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[[Story], None]]:
    clock = FakeClock(datetime.now(UTC))
    with SimulatedWorkspace("healthy") as workspace:
        settings = Settings(scene="healthy", state_dir=tmp_path, confirm_delay_s=0)
        wiring = replace(wire_simulated(settings, workspace), clock=clock)

        async def whole(story: Story) -> None:
            async with open_observer(wiring) as observer:
                await observer.detect()
                await story(Timer(wiring, clock, observer))

        yield lambda story: asyncio.run(whole(story))
        wiring.database.close()


def test_an_override_ends_in_time_and_not_before(run: Callable[[Story], None]) -> None:
    async def story(timer: Timer) -> None:
        former = timer.config.read_bytes()
        outcome = await timer.apply()
        assert outcome.record.state is ChangeState.APPLIED and timer.config.read_bytes() != former
        await timer.step(3599)
        assert [one.id for one in timer.observer.overrides] == [outcome.record.change_id] and timer.ends() == []
        assert timer.told == 0
        await timer.step(1)
        assert timer.config.read_bytes() == former
        assert (timer.observer.overrides, timer.ends(), timer.told) == ((), [FINAL], 1)

    run(story)


def test_what_a_dead_process_still_holds_is_settled_as_soon_as_it_is_free(run: Callable[[Story], None]) -> None:
    async def story(timer: Timer) -> None:
        timer.interrupt()
        timer.wiring.database.leases.take(LOCK, DEAD, 600)
        await timer.step()
        assert [one.state for one in timer.records()] == [ChangeState.APPLYING]
        timer.wiring.database.leases.release(LOCK, DEAD)
        await timer.step(SETTLE_S)
        assert ([one.state for one in timer.records()], timer.told) == ([ChangeState.ROLLED_BACK], 1)
        (event,) = timer.wiring.database.audit.events()
        assert (event.action, event.outcome, event.evidence) == ("change.settle", "rolled_back", ("c0",))
        assert "before anything took effect" in event.reason

    run(story)


def test_nothing_ends_over_a_change_of_which_nobody_knows_how_it_ended(run: Callable[[Story], None]) -> None:
    async def story(timer: Timer) -> None:
        await timer.apply()
        changed = timer.config.read_bytes()
        timer.clock.move(1)
        timer.interrupt()
        timer.wiring.database.leases.take(LOCK, DEAD, 600)
        await timer.step(3600)
        assert (timer.config.read_bytes(), timer.ends()) == (changed, [])
        timer.wiring.database.leases.release(LOCK, DEAD)
        await timer.step(SETTLE_S)
        assert timer.config.read_bytes() != changed and timer.ends() == [FINAL]

    run(story)


def test_a_target_that_somebody_is_at_work_on_is_tried_again_and_nobody_is_asked(run: Callable[[Story], None]) -> None:
    async def story(timer: Timer) -> None:
        await timer.apply()
        timer.wiring.database.leases.take(LOCK, DEAD, 600)
        await timer.step(3600)
        (override,) = timer.observer.overrides
        assert override.asks is None and timer.ends() == []
        timer.wiring.database.leases.release(LOCK, DEAD)
        await timer.step(FIRST_RETRY_S)
        assert timer.ends() == [FINAL]

    run(story)


def test_a_target_that_cannot_be_read_is_not_tried_at_every_look(run: Callable[[Story], None]) -> None:
    async def story(timer: Timer) -> None:
        await timer.apply()
        content = timer.config.read_bytes()
        timer.config.unlink()
        timer.config.mkdir()
        timer.clock.move(3600)
        for _ in range(600):
            await timer.step(2)
        assert {state for state, _ in timer.ends()} == {ChangeState.BLOCKED}
        assert len(timer.ends()) <= 10 and timer.told == 0
        timer.config.rmdir()
        timer.config.write_bytes(content)
        await timer.step(LAST_RETRY_S)
        assert timer.ends()[0] == FINAL

    run(story)


def test_a_base_that_others_changed_is_asked_about_once(run: Callable[[Story], None]) -> None:
    async def story(timer: Timer) -> None:
        await timer.apply()
        theirs = timer.config.read_text() + "# mine\n"
        timer.config.write_text(theirs)
        for seconds in (3600, 600, 600):
            await timer.step(seconds)
        (override,) = timer.observer.overrides
        assert override.asks and "Somebody else changed it" in override.asks
        assert timer.config.read_text() == theirs and timer.ends() == [(ChangeState.CONFLICT, Origin.EXPIRY)]
        events = [event for event in timer.wiring.database.audit.events() if event.origin == Origin.EXPIRY]
        assert [event.outcome for event in events] == ["conflict", "started"]

    run(story)


def test_a_target_that_waits_for_a_person_is_left_alone_until_one_has_changed_it(run: Callable[[Story], None]) -> None:
    async def story(timer: Timer) -> None:
        await timer.apply()
        changed = timer.config.read_bytes()
        timer.clock.move(1)
        timer.wiring.database.changes.record(replace(timer.interrupt(), state=ChangeState.NEEDS_PERSON))
        await timer.step(3600)
        assert (timer.config.read_bytes(), timer.ends()) == (changed, [])

    run(story)


def test_extending_is_seen_in_the_list_of_changes_too(run: Callable[[Story], None]) -> None:
    async def story(timer: Timer) -> None:
        record = (await timer.apply()).record
        longer = await timer.switchboard.extend(timer.observer, record.change_id, by=HOUR, actor=ADA)
        assert [one.expires_at for one in timer.records()] == [longer.expires_at]
        await timer.switchboard.keep(timer.observer, record.change_id, actor=ADA)
        assert [one.expires_at for one in timer.records()] == [None]
        await timer.step(7200)
        assert (timer.observer.overrides, timer.ends()) == ((), [])

    run(story)
