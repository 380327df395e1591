"""Settle what a process left behind that ended in the middle of a change: finished, put back, or a person's business.

One row before the write and one after it is all there is to go by, and what stands now. Nothing is guessed.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace

from core.change.lock import target_lock
from core.change.overrides import end_override, keep_override
from core.change.records import stuck, unsettled
from core.change.rollback import by_hand, restore
from core.change.work import ChangePorts, new_change_id, recent
from core.errors import ChangeError, ConfigurationError
from core.model.change import ChangeRecord, ChangeState, Origin
from core.ports import Found, Stands, Target

_OWNER = "switchyard"


async def settle_interrupted(ports: ChangePorts) -> tuple[ChangeRecord, ...]:
    """Settle every change whose end is not on record and that nobody is at work on; return them as they ended.

    A target that cannot be read now is left for the next time. Raises StoreError.
    """
    settled: list[ChangeRecord] = []
    for record in unsettled(await recent(ports)):
        async with target_lock(ports, record.target, owner=_OWNER, change_id=record.change_id) as other:
            ended = None if other else await _settled(record, ports)
        if ended is not None:
            settled.append(await ports.keep(ended))
    return tuple(settled)


async def _settled(record: ChangeRecord, ports: ChangePorts) -> ChangeRecord | None:
    """Return how a change ended, None when that cannot be said yet."""
    # Whoever was at work may have ended between the list and the lock.
    current = await asyncio.to_thread(ports.store.get, record.change_id)
    if current is None or current.state is not ChangeState.APPLYING:
        return None
    try:
        target = ports.target(current.target)
        found = await asyncio.to_thread(target.found, current)
        if current.rolls_back is not None:
            return await _undo_settled(current, found, target, ports)
        return await _change_settled(current, found, target, ports)
    except (ChangeError, ConfigurationError):
        return None


async def _change_settled(
    record: ChangeRecord, found: Found, target: Target, ports: ChangePorts
) -> ChangeRecord | None:
    match found.stands:
        case Stands.MOVING:
            return None
        case Stands.OLD:
            text = f"Interrupted before anything took effect. {found.detail}"
            return replace(record, state=ChangeState.ROLLED_BACK, detail=text, after_revision=None)
        case Stands.NEW:
            text = f"Interrupted before it was proved, so it is not confirmed. {found.detail}"
            record = replace(record, after_revision=found.revision, backup=record.backup or found.backup)
            await keep_override(record, ports)
            return replace(record, state=ChangeState.APPLIED, detail=text)
        case Stands.MIXED if not await _is_stuck(record, ports):
            return await _put_back(record, found, target, ports)
        case _:
            return await _for_a_person(record, found, target)


async def _put_back(record: ChangeRecord, found: Found, target: Target, ports: ChangePorts) -> ChangeRecord:
    """Undo a change that is half done, as a change of its own."""
    backup = record.backup or found.backup
    if backup is None:
        return await _for_a_person(record, found, target)
    begun = replace(record, backup=backup, after_revision=found.revision)
    now = ports.clock.now()
    undo = replace(
        record,
        change_id=new_change_id(now),
        at=now,
        actor=_OWNER,
        origin=Origin.AUTO_ROLLBACK,
        reason="The process that made this change ended in the middle of it.",
        before=record.after,
        after=record.before,
        before_revision=found.revision,
        after_revision=record.before_revision,
        backup=None,
        rolls_back=record.change_id,
        expires_at=None,
    )
    await ports.keep(undo)
    undo = await ports.keep(await restore(begun, undo, target=target, expected=found.revision))
    state = ChangeState.NEEDS_PERSON if undo.state is ChangeState.CONFLICT else undo.state
    return replace(begun, state=state, detail=f"Interrupted in the middle. {undo.detail}")


async def _undo_settled(record: ChangeRecord, found: Found, target: Target, ports: ChangePorts) -> ChangeRecord | None:
    """An undo is always carried to its end: putting back what was there is what somebody had decided."""
    if found.stands is Stands.MOVING:
        return None
    if found.stands is Stands.NEW:
        text = "Interrupted before its end was recorded; the former values stand."
        await end_override(record.rolls_back or "", ports)
        return replace(record, state=ChangeState.ROLLED_BACK, detail=text)
    original = await asyncio.to_thread(ports.store.get, record.rolls_back or "")
    backup = original.backup if original else None
    if found.stands is Stands.UNCLEAR or original is None or backup is None or await _is_stuck(record, ports):
        return await _for_a_person(record, found, target, undoes=original)
    undone = await restore(original, record, target=target, expected=found.revision)
    if undone.state is ChangeState.ROLLED_BACK:
        await end_override(original.change_id, ports)
    return undone


async def _is_stuck(record: ChangeRecord, ports: ChangePorts) -> bool:
    waiting = stuck(await recent(ports))
    return any(other.target == record.target for other in waiting)


async def _for_a_person(
    record: ChangeRecord, found: Found, target: Target, *, undoes: ChangeRecord | None = None
) -> ChangeRecord:
    kept = replace(record, state=ChangeState.NEEDS_PERSON, backup=record.backup or found.backup)
    # What stood before an undo is what nobody wanted any more.
    way = await by_hand(undoes or kept, target)
    return replace(kept, detail=f"Interrupted, and not to be settled by itself. {found.detail} {way}".strip())
