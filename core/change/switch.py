"""Carry a change out: plan, pre-flight, intent, write, read back, verify, outcome, or back to where it was."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from core.change.lock import target_lock
from core.change.overrides import keep_override
from core.change.plan import (
    choice_after,
    decide,
    is_confirmed,
    is_settled_before_preflight,
    routed,
    routes_to_prove,
    slots_to_prove,
    unproved_slots,
)
from core.change.rollback import restore, rollback_change, undo_automatically
from core.change.validate import checked_duration, checked_reason, checked_slots, checked_switches
from core.change.work import ChangePorts, Progress, new_change_id, opened, planned, refuse_unless_allowed, silent
from core.errors import ChangeError, ProbeError, StoreError, SwitchyardError, UpstreamError
from core.model.change import (
    Actor,
    ChangeOutcome,
    ChangeRecord,
    ChangeRequest,
    ChangeState,
    Decision,
    Plan,
    TargetInfo,
    TargetKind,
)
from core.model.choice import AgentChoice
from core.model.probe import ProbeResult
from core.ports import Target, Written

__all__ = ["ChangePorts", "apply_change", "plan_change", "rollback_change"]

_STATES = {Decision.NO_OP: ChangeState.NO_OP, Decision.CONFLICT: ChangeState.CONFLICT}


async def plan_change(
    request: ChangeRequest, *, ports: ChangePorts, seen_revision: str | None = None, progress: Progress = silent
) -> Plan:
    """Work a change out to the end without writing anything.

    Raises ConfigurationError for a name or target that cannot be meant, ChangeError when the target cannot be read.
    """
    checked_slots(request.agent, request.slots)
    target = ports.target(request.target)
    info = await asyncio.to_thread(lambda: target.info)
    checked_switches(request, info)
    progress("Reading the file" if info.kind is TargetKind.FILE else "Reading the present values")
    choice = await asyncio.to_thread(ports.choice_of, request.agent, request.target)
    after = choice_after(choice, request, ports.environment, await ports.gateway_for(request))
    sent = routed(request, choice, after)
    target_plan = await asyncio.to_thread(target.plan, sent)
    preflight: Sequence[ProbeResult] = ()
    if not is_settled_before_preflight(target_plan, seen_revision):
        routes = routes_to_prove(after, request)
        if routes:
            progress(f"Pre-flight: {_routes(len(routes))}")
            preflight = await ports.probe(routes)
    return decide(
        request=request,
        routing=sent.routing,
        info=info,
        target_plan=target_plan,
        after=after,
        lint=tuple(ports.lint(after)),
        preflight=preflight,
        seen_revision=seen_revision,
    )


async def apply_change(
    request: ChangeRequest,
    *,
    ports: ChangePorts,
    actor: Actor,
    reason: str,
    force: bool = False,
    lasts: timedelta | None = None,
    seen_revision: str | None = None,
    progress: Progress = silent,
) -> ChangeOutcome:
    """Plan a change anew, write it and prove it; every attempt is recorded, also one that ends before the write.

    `force` writes although the pre-flight failed, and then leaves the result standing whatever the models answer. With
    `lasts` the change is an override: the former value comes back by itself after that time.
    Raises ConfigurationError, ChangeError (not_allowed, and what the target raises) and StoreError: when the intent
    cannot be recorded nothing is written.
    """
    reason, lasts = checked_reason(reason), checked_duration(lasts)
    record = opened(request, actor=actor, reason=reason, clock=ports.clock)
    record = replace(record, expires_at=record.at + lasts if lasts else None)
    await refuse_unless_allowed(record, actor, ports)
    ports.target(request.target)
    async with target_lock(ports, request.target, owner=actor.name, change_id=record.change_id) as other:
        return await _apply_locked(
            request,
            record,
            ports=ports,
            force=force,
            busy=other,
            seen_revision=seen_revision,
            progress=progress,
        )


async def _apply_locked(
    request: ChangeRequest,
    record: ChangeRecord,
    *,
    ports: ChangePorts,
    force: bool,
    busy: str | None,
    seen_revision: str | None,
    progress: Progress,
) -> ChangeOutcome:
    try:
        plan = await plan_change(request, ports=ports, seen_revision=seen_revision, progress=progress)
    except (ChangeError, ProbeError, UpstreamError) as exc:
        # What cannot be meant is not kept: it may hold anything.
        await ports.keep(replace(record, detail=exc.message))
        raise
    record = planned(record, plan)
    if busy is not None:
        conflict = await ports.keep(replace(record, state=ChangeState.CONFLICT, detail=busy))
        return ChangeOutcome(plan=replace(plan, decision=Decision.CONFLICT, reason=busy), record=conflict)
    target = ports.target(request.target)
    info = await asyncio.to_thread(lambda: target.info)
    if not _may_write(plan, info, force=force):
        detail = info.reason if plan.decision is Decision.READY else plan.reason
        state = _STATES.get(plan.decision, ChangeState.BLOCKED)
        return ChangeOutcome(plan=plan, record=await ports.keep(replace(record, state=state, detail=detail)))
    work = _Write(plan, target=target, ports=ports, progress=progress)
    return await work.carry_out(record)


def _may_write(plan: Plan, info: TargetInfo, *, force: bool) -> bool:
    return info.writable and (plan.decision is Decision.READY or (force and plan.decision is Decision.BLOCKED))


def _proof(written: Written, after: AgentChoice, results: Sequence[ProbeResult]) -> str:
    if not results:
        return f"{written.note or 'Read back.'} There was no route to ask."
    if written.note:
        return f"{written.note} The new routes answered with the dashboard's credential."
    if is_confirmed(after, results):
        return "Read back, and answered with the agent's own credential."
    return "Read back, and answered with the dashboard's credential; not confirmed with the agent's own."


def _routes(count: int) -> str:
    return f"{count} route" if count == 1 else f"{count} routes"


class _Write:
    """One write with everything that has to come before and after it."""

    def __init__(self, plan: Plan, *, target: Target, ports: ChangePorts, progress: Progress) -> None:
        self.plan = plan
        self.sent = replace(plan.request, routing=plan.routing)
        self.target = target
        self.ports = ports
        self.progress = progress
        self.forced = plan.decision is Decision.BLOCKED

    async def carry_out(self, record: ChangeRecord) -> ChangeOutcome:
        # With what the write is to leave: whoever finds this row after a crash need not guess.
        intent = replace(record, state=ChangeState.APPLYING, after_revision=self.plan.after_revision)
        record = await self.ports.keep(intent)
        self.progress("Writing")
        try:
            written = await asyncio.to_thread(
                self.target.write,
                self.sent,
                expected_revision=self.plan.base_revision,
                change_id=record.change_id,
                progress=self.progress,
            )
        except ChangeError as exc:
            return await self._not_written(record, exc)
        if written is None:
            text = "The target was changed right before the write; it is left as it is. Plan again to see it."
            unwritten = replace(record, after_revision=None)
            return await self._end(unwritten, state=ChangeState.CONFLICT, detail=text)
        record = replace(record, after_revision=written.revision, backup=written.backup)
        try:
            await self.ports.keep(record)
            return await self._prove(record, written)
        except StoreError:
            # A change that is not on record must not stand; after an automatic rollback this finds nothing to do.
            undo = replace(record, change_id=new_change_id(self.ports.clock.now()))
            await restore(record, undo, target=self.target)
            raise

    async def _not_written(self, record: ChangeRecord, exc: ChangeError) -> ChangeOutcome:
        try:
            untouched = await asyncio.to_thread(self.target.revision) == record.before_revision
        except ChangeError:
            untouched = False
        state = ChangeState.BLOCKED if untouched else ChangeState.NEEDS_PERSON
        return await self._end(replace(record, after_revision=None), state=state, detail=f"{exc.message} {exc.remedy}")

    async def _prove(self, record: ChangeRecord, written: Written) -> ChangeOutcome:
        self.progress("Reading back")
        problem = written.problem or await self._read_back(written)
        if problem:
            return await self._undo(record, problem, results=())
        results, after, problem = await self._verify()
        if problem and not self.forced:
            return await self._undo(record, problem, results=results)
        confirmed = written.proven or is_confirmed(after, results)
        detail = f"Forced although it could not be proved. {problem}" if problem else _proof(written, after, results)
        await keep_override(record, self.ports)
        return await self._end(
            record, state=ChangeState.APPLIED, detail=detail, results=results, confirmed=confirmed and not problem
        )

    async def _read_back(self, written: Written) -> str | None:
        try:
            found = await asyncio.to_thread(self.target.plan, self.sent)
        except ChangeError as exc:
            return exc.message
        if found.diff or found.revision != written.revision:
            return "What was read back is not what was written."
        return None

    async def _verify(self) -> tuple[Sequence[ProbeResult], AgentChoice, str]:
        """Return the probe results on the live choice, and in one text what is not proved."""
        request, ports = self.plan.request, self.ports
        choice = await asyncio.to_thread(ports.choice_of, request.agent, request.target)
        try:
            gateway = await ports.gateway_for(request)
        except SwitchyardError as exc:
            return (), choice, exc.message
        after = choice_after(choice, request, ports.environment, gateway)
        routes = routes_to_prove(after, request)
        if not routes:
            return (), after, " ".join(text for _, text in unproved_slots(slots_to_prove(after, request), ()))
        self.progress(f"Verifying: {_routes(len(routes))}")
        try:
            results = await ports.probe(routes)
        except SwitchyardError as exc:
            return (), after, exc.message
        missing = unproved_slots(slots_to_prove(after, request), results)
        return results, after, " ".join(text for _, text in missing)

    async def _undo(self, record: ChangeRecord, why: str, *, results: Sequence[ProbeResult]) -> ChangeOutcome:
        self.progress("Rolling back")
        record, _ = await undo_automatically(record, why=why, ports=self.ports, target=self.target)
        return ChangeOutcome(plan=self.plan, record=record, verification=tuple(results))

    async def _end(
        self,
        record: ChangeRecord,
        *,
        state: ChangeState,
        detail: str,
        results: Sequence[ProbeResult] = (),
        confirmed: bool = False,
    ) -> ChangeOutcome:
        kept = await self.ports.keep(replace(record, state=state, detail=detail))
        return ChangeOutcome(plan=self.plan, record=kept, confirmed=confirmed, verification=tuple(results))
