"""Overrides: changes that end by themselves, and what people do with them before that."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from core.change.validate import LONGEST, checked_duration
from core.change.work import ChangePorts, refuse_role
from core.errors import ChangeError, SwitchyardError
from core.model.access import Role
from core.model.change import Actor, ChangeOutcome, ChangeRecord, ChangeState, Origin
from core.model.override import Override

EXPIRY = Actor(
    name="switchyard", origin=Origin.EXPIRY, role=Role.ADMIN, why="An override ends at the time that a person set."
)
EXPIRED = "The time that was set for this override is over."
# Whatever else stands in the way of an end may be gone at the next try.
_FOR_EVER = ("unknown_change", "too_old")


def due(overrides: Sequence[Override], now: datetime) -> tuple[Override, ...]:
    """Return the overrides whose time is over and that nobody has to decide about, the oldest end first."""
    over = [one for one in overrides if one.expires_at is not None and one.expires_at <= now and not one.asks]
    return tuple(sorted(over, key=lambda override: override.expires_at or now))


async def keep_override(record: ChangeRecord, ports: ChangePorts) -> None:
    """Keep a change with an end as an override; a change without one is none. Raises StoreError."""
    if record.expires_at is None or record.rolls_back is not None:
        return
    override = Override(
        id=record.change_id,
        agent=record.agent,
        target=record.target,
        slots=dict(record.after),
        actor=record.actor,
        reason=record.reason,
        since=record.at,
        expires_at=record.expires_at,
    )
    await asyncio.to_thread(ports.overrides.put, override)


async def end_override(override_id: str, ports: ChangePorts) -> None:
    """Note that an override has ended; nothing happens for a change that is none. Raises StoreError."""
    override = await asyncio.to_thread(ports.overrides.get, override_id)
    if override is not None and override.ended_at is None:
        await asyncio.to_thread(ports.overrides.put, replace(override, ended_at=ports.clock.now()))


async def note_expiry(override: Override, outcome: ChangeOutcome, ports: ChangePorts) -> None:
    """Note how the end of an override went: over, or a question for a person. Raises StoreError."""
    if outcome.record.state in (ChangeState.ROLLED_BACK, ChangeState.NO_OP):
        await end_override(override.id, ports)
    else:
        await _ask(override.id, outcome.record.detail, ports)


async def note_refusal(override: Override, refusal: SwitchyardError, ports: ChangePorts) -> bool:
    """Ask a person about an override that can never end by itself; say whether that is so. Raises StoreError."""
    if refusal.code not in _FOR_EVER:
        return False
    await _ask(override.id, refusal.message, ports)
    return True


async def _ask(override_id: str, why: str, ports: ChangePorts) -> None:
    # Read anew: somebody may have extended or ended it meanwhile.
    override = await asyncio.to_thread(ports.overrides.get, override_id)
    if override is not None and override.ended_at is None:
        asked = replace(override, asks=f"{why} Keep it, or change it to what it should be now.")
        await asyncio.to_thread(ports.overrides.put, asked)


async def extend_override(override_id: str, *, by: timedelta, ports: ChangePorts, actor: Actor) -> Override:
    """Let an override stand longer; raises ChangeError (unknown_override, not_allowed) and StoreError."""
    override = await _mine(override_id, ports, actor)
    checked_duration(by)
    now = ports.clock.now()
    ends = max(override.expires_at or now, now) + by
    if ends - now > LONGEST:
        raise ChangeError(
            "An override cannot stand for more than 30 days.",
            code="duration_invalid",
            remedy="Keep it for good, or extend it by less.",
        )
    longer = replace(override, expires_at=ends, asks=None)
    await asyncio.to_thread(ports.overrides.put, longer)
    await _tell_change(override_id, ends, ports)
    return longer


async def keep_for_good(override_id: str, *, ports: ChangePorts, actor: Actor) -> None:
    """Let what an override set stand; raises ChangeError (unknown_override, not_allowed) and StoreError."""
    override = await _mine(override_id, ports, actor)
    await asyncio.to_thread(ports.overrides.put, replace(override, ended_at=ports.clock.now()))
    await _tell_change(override_id, None, ports)


async def _tell_change(change_id: str, expires_at: datetime | None, ports: ChangePorts) -> None:
    """Let the list of changes say the same time as the override."""
    record = await asyncio.to_thread(ports.store.get, change_id)
    if record is not None:
        await ports.keep(replace(record, expires_at=expires_at))


async def _mine(override_id: str, ports: ChangePorts, actor: Actor) -> Override:
    override = await asyncio.to_thread(ports.overrides.get, override_id)
    refuse_role(actor, override.target if override else None)
    if override is None or override.ended_at is not None:
        raise ChangeError(
            f"There is no override {override_id[:64]!r} that lasts.",
            code="unknown_override",
            remedy="It may have ended by itself; see the changes.",
        )
    return override
