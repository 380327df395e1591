"""Carry out what people ask to change, with the targets, the store and the observer of one environment."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import cached_property

from core.adapters.export_target import TARGET_ID as EXPORT
from core.adapters.export_target import ExportTarget
from core.change.switch import ChangePorts, apply_change, plan_change, rollback_change
from core.change.work import Progress, silent
from core.model.change import Actor, ChangeOutcome, ChangeRecord, ChangeRequest, Plan, TargetInfo
from core.model.probe import ProbeResult
from core.model.route import Route
from core.observer import Observer
from core.ports import ChangeStore
from core.wiring import Wiring


class Switchboard:
    """Plan, apply and roll back; the store is opened when it is first needed, so that looking never depends on it."""

    def __init__(self, wiring: Wiring) -> None:
        self._wiring = wiring

    @cached_property
    def _store(self) -> ChangeStore:
        return self._wiring.open_store()

    def targets(self) -> tuple[TargetInfo, ...]:
        """Return the places where a choice can be applied, as they are right now."""
        return (*(target.info for target in self._wiring.file_targets.values()), ExportTarget(lambda _: None).info)

    def changes(self, limit: int) -> Sequence[ChangeRecord]:
        """Return the newest attempts first; raises StoreError."""
        return self._store.latest(limit)

    async def plan(self, observer: Observer, request: ChangeRequest, *, progress: Progress = silent) -> Plan:
        """Work a change out; see `plan_change`."""
        return await plan_change(request, ports=await self._ports(observer), progress=progress)

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
        return await apply_change(
            request,
            ports=await self._ports(observer),
            actor=actor,
            reason=reason,
            force=force,
            seen_revision=seen_revision,
            progress=progress,
        )

    async def roll_back(
        self, observer: Observer, change_id: str, *, actor: Actor, reason: str, progress: Progress = silent
    ) -> ChangeOutcome:
        """Put back what stood before a change; see `rollback_change`."""
        ports = await self._ports(observer)
        return await rollback_change(change_id, ports=ports, actor=actor, reason=reason, progress=progress)

    async def _ports(self, observer: Observer) -> ChangePorts:
        async def probe(routes: Sequence[Route]) -> Sequence[ProbeResult]:
            return (await observer.probe(routes)).results

        return ChangePorts(
            targets={**self._wiring.file_targets, EXPORT: ExportTarget(observer.choice_of)},
            store=await asyncio.to_thread(lambda: self._store),
            clock=self._wiring.clock,
            choice_of=observer.choice_of,
            lint=observer.lint,
            probe=probe,
            environment=self._wiring.tokens,
        )
