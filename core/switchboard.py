"""Carry out what people ask to change, with the targets, the store and the observer of one environment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

from core.adapters.export_target import TARGET_ID as EXPORT
from core.adapters.export_target import ExportTarget
from core.audit import apply_event, ended_event, refused_event, rollback_event
from core.change.switch import ChangePorts, apply_change, plan_change, rollback_change
from core.change.work import Progress, silent
from core.errors import StoreError, SwitchyardError
from core.model.audit import AuditEvent
from core.model.change import Actor, ChangeOutcome, ChangeRecord, ChangeRequest, ChangeState, Plan, TargetInfo
from core.model.probe import ProbeResult
from core.model.route import Route
from core.observer import Observer
from core.wiring import Wiring

log = logging.getLogger(__name__)


class Switchboard:
    """Plan, apply and roll back; the audit has every attempt, from before anything is written."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    def targets(self) -> tuple[TargetInfo, ...]:
        """Return the places where a choice can be applied, as they are right now."""
        return (*(target.info for target in self._wiring.file_targets.values()), ExportTarget(lambda _: None).info)

    def changes(self, limit: int) -> Sequence[ChangeRecord]:
        """Return the newest attempts first; raises StoreError."""
        return self._wiring.database.changes.latest(limit)

    async def plan(self, observer: Observer, request: ChangeRequest, *, progress: Progress = silent) -> Plan:
        """Work a change out; see `plan_change`."""
        return await plan_change(request, ports=self._ports(observer), progress=progress)

    async def apply(
        self,
        observer: Observer,
        request: ChangeRequest,
        *,
        actor: Actor,
        reason: str,
        force: bool = False,
        seen_revision: str | None = None,
        progress: Progress = silent,
    ) -> ChangeOutcome:
        """Carry a change out; see `apply_change`."""
        applying = partial(
            apply_change,
            request,
            ports=self._ports(observer),
            actor=actor,
            reason=reason,
            force=force,
            seen_revision=seen_revision,
            progress=progress,
        )
        event = apply_event(request, actor=actor, reason=reason, at=self._wiring.clock.now())
        return await self._audited(event, applying, observer)

    async def roll_back(
        self, observer: Observer, change_id: str, *, actor: Actor, reason: str, progress: Progress = silent
    ) -> ChangeOutcome:
        """Put back what stood before a change; see `rollback_change`."""
        going_back = partial(
            rollback_change, change_id, ports=self._ports(observer), actor=actor, reason=reason, progress=progress
        )
        event = rollback_event(change_id, actor=actor, reason=reason, at=self._wiring.clock.now())
        return await self._audited(event, going_back, observer)

    async def _audited(
        self, event: AuditEvent, change: Callable[[], Awaitable[ChangeOutcome]], observer: Observer
    ) -> ChangeOutcome:
        """Carry a change out between the event that it begins and the one that says how it ended.

        Without the first nothing is written. The second is noted as well as it can be: by then the change's own record
        says how it ended.
        """
        audit, now = self._wiring.database.audit, self._wiring.clock.now
        await asyncio.to_thread(audit.append, event)
        try:
            outcome = await change()
        except SwitchyardError as exc:
            await self._note(refused_event(event, exc.code, at=now()))
            raise
        await self._note(ended_event(event, outcome, at=now()))
        if outcome.record.state is ChangeState.APPLIED:
            await observer.prove(outcome.verification)
        return outcome

    async def _note(self, event: AuditEvent) -> None:
        try:
            await asyncio.to_thread(self._wiring.database.audit.append, event)
        except StoreError as exc:
            log.error("the end of %s %s is not in the audit: %s", event.action, event.id, exc.message)

    def _ports(self, observer: Observer) -> ChangePorts:
        async def probe(routes: Sequence[Route]) -> Sequence[ProbeResult]:
            return (await observer.probe(routes)).results

        return ChangePorts(
            targets={**self._wiring.file_targets, EXPORT: ExportTarget(observer.choice_of)},
            store=self._wiring.database.changes,
            clock=self._wiring.clock,
            choice_of=observer.choice_of,
            lint=observer.lint,
            probe=probe,
            environment=self._wiring.tokens,
        )
