"""Whatever somebody is refused, for want of a role or for coming too soon, is an audit event that says so."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest

from core.access.limits import MOST
from core.errors import ChangeError, ProbeError, StoreError, SwitchyardError
from core.history.audit_trail import verify_all
from core.model.access import Action, Role
from core.model.agent import AgentId
from core.model.audit import AuditEvent
from core.model.change import Actor, ChangeRequest, Origin
from core.model.override import Override
from core.model.probe import Depth
from core.ports.store import AuditStore
from core.services import Services
from tests.core.test_expiry import ADA as TIMER_ADA
from tests.core.test_expiry import HOUR, Story, Timer, run
from tests.core.test_services import House, healthy, stack
from tests.fakes.waiting import eventually

__all__ = ["healthy", "run", "stack"]

EVE = Actor(name="eve", origin=Origin.PAGE, role=Role.VIEWER, why="You are a viewer.", address="192.0.2.7")
OTTO = replace(EVE, name="otto", role=Role.OPERATOR, address="192.0.2.8")
REQUEST = ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots={"primary": "databricks-claude-haiku-4-5"})
LONGER = timedelta(hours=1)

Attempt = Callable[[House, Actor], object]


def probe(house: House, actor: Actor) -> object:
    return house.services.start_probe([house.swept().results[0].route], depth=Depth.REACH, actor=actor)


def apply(house: House, actor: Actor, *, force: bool = False) -> object:
    start = house.services.start_apply
    return house.ended(start(REQUEST, actor=actor, reason="mine", expected_revision=None, force=force))


def force(house: House, actor: Actor) -> object:
    return apply(house, actor, force=True)


def roll_back(house: House, actor: Actor) -> object:
    return house.ended(house.services.start_rollback("chg-1", actor=actor, reason="mine"))


ATTEMPTS: dict[str, Attempt] = {
    "probe.sweep": lambda house, actor: house.services.request_sweep(actor),
    "probe.routes": probe,
    "alert.test": lambda house, actor: house.services.start_alert_test("pager", actor),
    "change.plan": lambda house, actor: house.services.start_plan(REQUEST, actor=actor),
    "change.apply": apply,
    "change.force": force,
    "change.roll_back": roll_back,
    "override.extend": lambda house, actor: house.services.extend_override("chg-1", by=LONGER, actor=actor),
    "override.keep": lambda house, actor: house.services.keep_override("chg-1", actor=actor),
}
FOR_ADMINS = sorted(set(ATTEMPTS) - {"probe.sweep", "probe.routes", "change.plan"})


def refusals(services: Services, actor: Actor) -> list[AuditEvent]:
    return [event for event in services.audit() if event.actor == actor.name and event.is_refused]


@pytest.mark.parametrize(
    ("actor", "action"),
    [*((EVE, action) for action in ATTEMPTS), *((OTTO, action) for action in FOR_ADMINS)],
    ids=lambda value: value.name if isinstance(value, Actor) else value,
)
def test_what_a_role_does_not_include_is_refused_and_recorded(healthy: House, actor: Actor, action: str) -> None:
    before = healthy.config.read_bytes()
    with suppress(SwitchyardError):
        ATTEMPTS[action](healthy, actor)
    (event,) = eventually(lambda: refusals(healthy.services, actor))
    assert (event.action, event.outcome) == (action, "not_allowed")
    assert (event.role, event.address, event.origin) == (actor.role, actor.address, "page")
    assert healthy.config.read_bytes() == before
    assert healthy.services.audit_trail.verdict().is_intact


def test_every_way_to_start_something_is_in_the_table_above() -> None:
    asks = {name for name in dir(Services) if name.startswith(("start_", "request_", "extend_", "keep_"))}
    assert len(asks) == len(ATTEMPTS) - 1


def test_a_probe_that_comes_too_soon_is_recorded(healthy: House) -> None:
    probe(healthy, OTTO)
    with pytest.raises(ProbeError) as caught:
        probe(healthy, OTTO)
    assert caught.value.code == "cooling_down"
    (event,) = eventually(lambda: refusals(healthy.services, OTTO))
    assert (event.action, event.outcome, event.role) == ("probe.routes", "cooling_down", "operator")
    assert event.evidence[0].startswith(healthy.swept().results[0].route.agent)


@pytest.mark.parametrize(("action", "kind"), [("probe.sweep", Action.PROBE), ("override.keep", Action.CHANGE)])
def test_too_much_in_a_minute_is_refused_and_recorded_once(healthy: House, action: str, kind: Action) -> None:
    ada = replace(EVE, name="ada", role=Role.ADMIN)
    for _ in range(MOST[kind]):
        with suppress(ChangeError):
            ATTEMPTS[action](healthy, ada)
    for _ in range(3):
        with pytest.raises(SwitchyardError) as caught:
            ATTEMPTS[action](healthy, ada)
        assert caught.value.code == "rate_limited"
        assert caught.value.remedy.startswith("Try again in ")

    def recorded() -> list[AuditEvent]:
        found = [event for event in healthy.services.audit() if event.actor == "ada"]
        return [event for event in found if event.outcome == "rate_limited"]

    (event,) = eventually(recorded)
    assert (event.action, event.role) == (action, "admin")
    ATTEMPTS["probe.routes"](healthy, OTTO)


def test_a_plan_that_is_worked_out_is_recorded_too(healthy: House) -> None:
    job = healthy.ended(healthy.services.start_plan(REQUEST, actor=OTTO))
    assert job.plan is not None
    (event,) = [event for event in healthy.services.audit() if event.action == "change.plan"]
    assert (event.actor, event.outcome, dict(event.after)) == ("otto", "started", dict(REQUEST.slots))


# Overrides.


def told(timer: Timer, action: str) -> list[AuditEvent]:
    """Return what the audit has of this, oldest first."""
    return [event for event in reversed(timer.wiring.database.audit.events()) if event.action == action]


async def an_override(timer: Timer) -> Override:
    await timer.apply(HOUR)
    (override,) = timer.wiring.database.overrides.active()
    timer.clock.move(60)
    return override


def test_an_override_that_stands_longer_is_recorded_with_its_former_and_its_new_end(
    run: Callable[[Story], None],
) -> None:
    async def story(timer: Timer) -> None:
        override = await an_override(timer)
        longer = await timer.switchboard.extend(timer.observer, override.id, by=LONGER, actor=TIMER_ADA)
        begun, ended = told(timer, "override.extend")
        assert (begun.outcome, ended.outcome, ended.role) == ("started", "extended", "admin")
        assert override.expires_at is not None and longer.expires_at is not None
        assert dict(ended.before) == {"expires_at": override.expires_at.isoformat(timespec="seconds")}
        assert dict(ended.after) == {"expires_at": longer.expires_at.isoformat(timespec="seconds")}
        assert verify_all(timer.wiring.database.audit).is_intact

    run(story)


def test_an_override_that_is_kept_is_recorded_with_its_end(run: Callable[[Story], None]) -> None:
    async def story(timer: Timer) -> None:
        override = await an_override(timer)
        await timer.switchboard.keep(timer.observer, override.id, actor=TIMER_ADA)
        begun, ended = told(timer, "override.keep")
        assert (begun.outcome, ended.outcome, dict(ended.after)) == ("started", "kept", {"expires_at": None})
        assert ended.before["expires_at"] is not None

    run(story)


def test_an_override_that_is_not_there_is_recorded_with_why(run: Callable[[Story], None]) -> None:
    async def story(timer: Timer) -> None:
        with pytest.raises(ChangeError):
            await timer.switchboard.extend(timer.observer, "nothing", by=LONGER, actor=TIMER_ADA)
        assert [event.outcome for event in told(timer, "override.extend")] == ["started", "unknown_override"]

    run(story)


class Away:
    """An audit that cannot be written."""

    def __init__(self, kept: AuditStore) -> None:
        self.events = kept.events

    def append(self, event: AuditEvent) -> None:
        raise StoreError("The database cannot be written.", code="store_unavailable", remedy="Wait.")


def test_without_a_record_no_override_is_moved(run: Callable[[Story], None]) -> None:
    async def story(timer: Timer) -> None:
        override = await an_override(timer)
        timer.wiring.database.audit = Away(timer.wiring.database.audit)
        with pytest.raises(StoreError):
            await timer.switchboard.extend(timer.observer, override.id, by=LONGER, actor=TIMER_ADA)
        with pytest.raises(StoreError):
            await timer.switchboard.keep(timer.observer, override.id, actor=TIMER_ADA)
        assert list(timer.wiring.database.overrides.active()) == [override]

    run(story)


def test_what_the_product_does_by_itself_has_no_role(run: Callable[[Story], None]) -> None:
    async def story(timer: Timer) -> None:
        await timer.apply(HOUR)
        await timer.step(3600)
        events = [event for event in timer.wiring.database.audit.events() if event.origin == Origin.EXPIRY]
        assert {(event.role, event.address) for event in events} == {("", "")}

    run(story)
