"""Put the former content of a target back: as a change of its own, never blocked by health, proved by reading back."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from core.change.lock import target_lock
from core.change.overrides import end_override
from core.change.plan import is_confirmed, routes_to_prove
from core.change.records import KEPT_CHANGES, can_be_rolled_back, what_lies_on_top
from core.change.validate import checked_reason
from core.change.work import (
    ChangePorts,
    Progress,
    new_change_id,
    opened,
    recent,
    refuse_role,
    refuse_unless_allowed,
    silent,
)
from core.errors import ChangeError, SwitchyardError
from core.model.change import (
    Actor,
    ChangeOutcome,
    ChangeRecord,
    ChangeRequest,
    ChangeState,
    Decision,
    DiffEntry,
    DiffOp,
    Origin,
    Plan,
)
from core.model.probe import ProbeResult
from core.ports import Target, Written

# How a target's revision says that there is nothing.
_NOTHING = "-"
_DECISIONS = {ChangeState.NO_OP: Decision.NO_OP, ChangeState.CONFLICT: Decision.CONFLICT}


async def rollback_change(
    change_id: str, *, ports: ChangePorts, actor: Actor, reason: str, progress: Progress = silent
) -> ChangeOutcome:
    """Restore the identical bytes from before a change.

    Raises ConfigurationError for a reason that cannot be kept, ChangeError (unknown_change, not_allowed, not_settled)
    and StoreError; the latter before anything is written.
    """
    reason = checked_reason(reason)
    original = await asyncio.to_thread(ports.store.get, change_id)
    if original is None:
        # Whether there is such a change is nothing for somebody who may not roll it back.
        refuse_role(actor, None)
        raise ChangeError(
            f"There is no change {change_id[:64]!r}.",
            code="unknown_change",
            remedy="List the changes with python -m core changes.",
        )
    undo = _undo_of(original, ports, actor=actor, reason=reason)
    await refuse_unless_allowed(undo, actor, ports)
    async with target_lock(ports, original.target, owner=actor.name, change_id=undo.change_id) as other:
        if other is not None and actor.origin is Origin.EXPIRY:
            # Nobody waits for this answer, and nothing has moved yet: the timer comes again.
            raise ChangeError(other, code="target_busy", remedy="It is tried again.")
        if other is not None:
            return await _ended(undo, ports, state=ChangeState.CONFLICT, detail=other)
        if original.state is ChangeState.APPLYING:
            raise await _not_settled(undo, ports)
        if original.backup is None:
            return await _ended(undo, ports, state=ChangeState.NO_OP, detail="That change wrote nothing.")
        if not can_be_rolled_back(change_id, await recent(ports)):
            raise await _too_old(undo, ports)
        outcome = await _restore_if_unmoved(original, undo, ports=ports, progress=progress)
        if outcome.record.state in (ChangeState.ROLLED_BACK, ChangeState.NO_OP):
            await end_override(change_id, ports)
        return outcome


async def _too_old(undo: ChangeRecord, ports: ChangePorts) -> ChangeError:
    text = f"Only the last {KEPT_CHANGES} changes can be rolled back, and that one is older."
    await ports.keep(replace(undo, state=ChangeState.BLOCKED, detail=text))
    return ChangeError(text, code="too_old", remedy="Plan a new change with the former values instead.")


async def _not_settled(undo: ChangeRecord, ports: ChangePorts) -> ChangeError:
    text = "That change has not ended yet, or was interrupted before its outcome could be recorded."
    await ports.keep(replace(undo, state=ChangeState.BLOCKED, detail=text))
    return ChangeError(text, code="not_settled", remedy="Wait for it to end; else compare the backup beside the file.")


def _undo_of(original: ChangeRecord, ports: ChangePorts, *, actor: Actor, reason: str) -> ChangeRecord:
    request = ChangeRequest(agent=original.agent, target=original.target, slots=original.before)
    return replace(
        opened(request, actor=actor, reason=reason, clock=ports.clock),
        before=original.after,
        after=original.before,
        before_revision=original.after_revision,
        rolls_back=original.change_id,
    )


async def _restore_if_unmoved(
    original: ChangeRecord, undo: ChangeRecord, *, ports: ChangePorts, progress: Progress
) -> ChangeOutcome:
    target = ports.target(original.target)
    progress("Reading what stands now")
    try:
        current = await asyncio.to_thread(target.revision)
    except ChangeError as exc:
        await ports.keep(replace(undo, state=ChangeState.BLOCKED, detail=exc.message))
        raise
    if current == original.before_revision:
        return await _ended(undo, ports, state=ChangeState.NO_OP, detail="The former content already stands.")
    if current != original.after_revision:
        text = what_lies_on_top(original, await recent(ports), current)
        return await _ended(undo, ports, state=ChangeState.CONFLICT, detail=text)
    await ports.keep(replace(undo, state=ChangeState.APPLYING, after_revision=original.before_revision or _NOTHING))
    progress("Restoring the former content")
    undo = await restore(original, undo, target=target, progress=progress)
    await ports.keep(undo)
    results = await _health(undo, ports, progress)
    return await _outcome(undo, ports, target=target, results=results)


async def restore(
    original: ChangeRecord,
    undo: ChangeRecord,
    *,
    target: Target,
    expected: str | None = None,
    progress: Progress = silent,
) -> ChangeRecord:
    """Write the backup back, read it back, and return the undoing record as it ended; keeping it is the caller's.

    `expected` is what stands now, where it is not what the change left behind.
    """
    try:
        written = await asyncio.to_thread(
            target.restore,
            original.backup or "",
            expected_revision=expected or original.after_revision,
            change_id=undo.change_id,
            progress=progress,
        )
        found = await asyncio.to_thread(target.revision) if written else None
    except ChangeError as exc:
        return replace(undo, state=ChangeState.ROLLBACK_FAILED, detail=f"{exc.message} {exc.remedy}")
    if written is None:
        text = "Somebody else changed it meanwhile; it is left as it is."
        return replace(undo, state=ChangeState.CONFLICT, detail=text)
    undo = replace(undo, after_revision=written.revision, backup=written.backup)
    if written.problem:
        text = f"{written.problem} {await by_hand(original, target)}"
        return replace(undo, state=ChangeState.ROLLBACK_FAILED, detail=text)
    if not _is_former(found, original, written):
        text = f"What was read back differs from the content before the change. {await by_hand(original, target)}"
        return replace(undo, state=ChangeState.ROLLBACK_FAILED, detail=text)
    return replace(undo, state=ChangeState.ROLLED_BACK, detail="The former content stands, byte for byte.")


async def by_hand(record: ChangeRecord, target: Target) -> str:
    """Say how a person puts back what was there before a change."""
    try:
        found = await asyncio.to_thread(target.found, record)
    except ChangeError:
        found = None
    if found is not None and found.by_hand:
        return f"By hand: {found.by_hand}"
    return f"What was there before lies in {record.backup}." if record.backup else ""


def _is_former(found: str | None, original: ChangeRecord, written: Written) -> bool:
    """Say whether what was read back is what stood before; an app's revision also names what runs, which is new."""
    same = (found or _NOTHING) == (original.before_revision or _NOTHING)
    return same or (written.proven and found == written.revision)


async def undo_automatically(
    record: ChangeRecord, *, why: str, ports: ChangePorts, target: Target
) -> tuple[ChangeRecord, ChangeRecord]:
    """Roll a change back that could not be verified; returns its record and the rollback's, both kept."""
    now = ports.clock.now()
    undo = replace(
        record,
        change_id=new_change_id(now),
        at=now,
        origin=Origin.AUTO_ROLLBACK,
        reason=f"Verification failed: {why}",
        before=record.after,
        after=record.before,
        before_revision=record.after_revision,
        after_revision=record.before_revision or _NOTHING,
        backup=None,
        rolls_back=record.change_id,
        expires_at=None,
        state=ChangeState.APPLYING,
    )
    await ports.keep(undo)
    undo = await ports.keep(await restore(record, undo, target=target))
    if undo.state is ChangeState.CONFLICT:
        text = f"{why} {undo.detail} To have the former values all the same: {await by_hand(record, target)}"
        return await ports.keep(replace(record, state=ChangeState.NEEDS_PERSON, detail=text)), undo
    return await ports.keep(replace(record, state=undo.state, detail=f"{why} {undo.detail}")), undo


async def _health(undo: ChangeRecord, ports: ChangePorts, progress: Progress) -> Sequence[ProbeResult]:
    """Probe what stands now, for information: a rollback counts whatever the models answer."""
    try:
        routes = routes_to_prove(await asyncio.to_thread(ports.choice_of, undo.agent, undo.target))
        progress(f"Checking health: {len(routes)} routes")
        return tuple(await ports.probe(routes))
    except SwitchyardError:
        return ()


def _nothing(record: ChangeRecord) -> ChangeRequest:
    return ChangeRequest(agent=record.agent, target=record.target, slots={})


async def _ended(undo: ChangeRecord, ports: ChangePorts, *, state: ChangeState, detail: str) -> ChangeOutcome:
    record = await ports.keep(replace(undo, state=state, detail=detail))
    return ChangeOutcome(plan=_plan_of(record, effective="", affects=""), record=record)


async def _outcome(
    undo: ChangeRecord, ports: ChangePorts, *, target: Target, results: Sequence[ProbeResult]
) -> ChangeOutcome:
    try:
        known = await asyncio.to_thread(target.plan, _nothing(undo))
        plan = _plan_of(undo, effective=known.effective, affects=known.affects)
        choice = await asyncio.to_thread(ports.choice_of, undo.agent, undo.target)
    except ChangeError:
        return ChangeOutcome(plan=_plan_of(undo, effective="", affects=""), record=undo, verification=tuple(results))
    return ChangeOutcome(plan=plan, record=undo, confirmed=is_confirmed(choice, results), verification=tuple(results))


def _plan_of(record: ChangeRecord, *, effective: str, affects: str) -> Plan:
    before, after = record.before, record.after
    diff = tuple(
        DiffEntry(op=_op(before.get(slot), after.get(slot)), field=slot, old=before.get(slot), new=after.get(slot))
        for slot in {**before, **after}
        if before.get(slot) != after.get(slot)
    )
    return Plan(
        request=ChangeRequest(agent=record.agent, target=record.target, slots=after),
        before=before,
        after=after,
        diff=diff,
        lint=(),
        decision=_DECISIONS.get(record.state, Decision.READY),
        reason=record.detail,
        affects=affects,
        effective=effective,
        base_revision=record.before_revision,
    )


def _op(old: str | None, new: str | None) -> DiffOp:
    if old is None:
        return DiffOp.ADD
    return DiffOp.DELETE if new is None else DiffOp.CHANGE
