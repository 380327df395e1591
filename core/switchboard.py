"""Carry out what people ask to change, with the targets, the store and the observer of one environment."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import timedelta
from functools import partial
from typing import TypeVar

from core.adapters.targets import targets_here
from core.audit import (
    apply_event,
    done_event,
    ended_event,
    override_event,
    refused_event,
    rollback_event,
    settled_event,
)
from core.change.incidents import incident_of
from core.change.overrides import (
    EXPIRED,
    EXPIRY,
    due,
    extend_override,
    keep_for_good,
    note_expiry,
    note_refusal,
)
from core.change.records import STUCK, stuck, unsettled
from core.change.settle import settle_interrupted
from core.change.switch import ChangePorts, apply_change, plan_change, rollback_change
from core.change.work import Progress, recent, silent
from core.errors import ChangeError, ConfigurationError, StoreError, SwitchyardError
from core.model.audit import AuditEvent
from core.model.change import Actor, ChangeOutcome, ChangeRecord, ChangeRequest, ChangeState, Plan
from core.model.history import Batch
from core.model.override import EndedOverride, Override
from core.model.probe import Depth, ProbeResult
from core.model.route import Route
from core.observer import Observer
from core.wiring import Wiring, holder_name

# A pre-flight asks what the agent itself would ask, and waits for it as long (product.md).
_PREFLIGHT_S = 60.0

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Switchboard:
    """Plan, apply and roll back; the audit has every attempt, from before anything is written."""

    def __init__(self, wiring: Wiring, *, keep_later: Callable[[AuditEvent], None] | None = None) -> None:
        self._wiring = wiring
        self._holder = holder_name()
        self._keep_later = keep_later

    def changes(self, limit: int, *, written: bool = False) -> Sequence[ChangeRecord]:
        """Return the newest attempts first, or only those that touched their target; raises StoreError."""
        return self._wiring.database.changes.latest(limit, written=written)

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
        lasts: timedelta | None = None,
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
            lasts=lasts,
            seen_revision=seen_revision,
            progress=progress,
        )
        event = apply_event(request, actor=actor, reason=reason, at=self._wiring.clock.now(), forced=force)
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

    async def settle(self, observer: Observer) -> tuple[ChangeRecord, ...]:
        """Settle what a process left behind that ended in the middle of a change; see `settle_interrupted`."""
        settled = await settle_interrupted(self._ports(observer))
        for record in settled:
            await self._note(settled_event(record, at=self._wiring.clock.now()))
            if record.state in STUCK:
                await self._keep_incident(record)
        return settled

    async def revert_expired(
        self, observer: Observer, *, but: Collection[str] = frozenset()
    ) -> tuple[EndedOverride, ...]:
        """End the overrides whose time is over, `but` not these; return how each of them went.

        One whose target cannot be written now stays due. Where a person is needed, or it is not known how the change
        before ended, nothing is written.
        """
        ports, ended = self._ports(observer), list[EndedOverride]()
        overrides = await asyncio.to_thread(ports.overrides.active)
        for override in due(overrides, ports.clock.now()):
            if override.id not in but:
                ended.append(await self._end(observer, override, ports))
        return tuple(ended)

    async def _end(self, observer: Observer, override: Override, ports: ChangePorts) -> EndedOverride:
        records = await recent(ports)
        for record in (*stuck(records), *unsettled(records)):
            if record.target == override.target:
                text = f"Nothing is written to {record.target} before change {record.change_id} has come to a good end."
                return EndedOverride(id=override.id, state=ChangeState.BLOCKED, detail=text)
        try:
            outcome = await self.roll_back(observer, override.id, actor=EXPIRY, reason=EXPIRED)
        except (ChangeError, ConfigurationError) as exc:
            asks = await note_refusal(override, exc, ports)
            log.warning("override %s does not end %s: %s", override.id, "by itself" if asks else "yet", exc.message)
            state = ChangeState.CONFLICT if exc.code == "target_busy" else ChangeState.BLOCKED
            return EndedOverride(id=override.id, state=state, detail=f"{exc.message} {exc.remedy}")
        await note_expiry(override, outcome, ports)
        return EndedOverride(id=override.id, state=outcome.record.state, detail=outcome.record.detail)

    def overrides(self) -> tuple[Override, ...]:
        """Return the overrides that last, oldest first; raises StoreError."""
        return tuple(self._wiring.database.overrides.active())

    async def extend(self, observer: Observer, override_id: str, *, by: timedelta, actor: Actor) -> Override:
        """Let an override stand longer; see `extend_override`."""
        event = override_event("extend", override_id, actor=actor, at=self._wiring.clock.now())
        extending = partial(extend_override, override_id, by=by, ports=self._ports(observer), actor=actor)
        former, longer = await self._begun(event, lambda: self._with_former(override_id, extending))
        await self._note(
            done_event(event, "extended", at=self._wiring.clock.now(), before=_end_of(former), after=_end_of(longer))
        )
        return longer

    async def keep(self, observer: Observer, override_id: str, *, actor: Actor) -> None:
        """Let what an override set stand for good; see `keep_for_good`."""
        event = override_event("keep", override_id, actor=actor, at=self._wiring.clock.now())
        keeping = partial(keep_for_good, override_id, ports=self._ports(observer), actor=actor)
        former, _ = await self._begun(event, lambda: self._with_former(override_id, keeping))
        after = {"expires_at": None}
        await self._note(done_event(event, "kept", at=self._wiring.clock.now(), before=_end_of(former), after=after))

    async def _with_former(
        self, override_id: str, work: Callable[[], Awaitable[Result]]
    ) -> tuple[Override | None, Result]:
        """Carry out what moves the end of an override; return it as it was too."""
        former = await asyncio.to_thread(self._wiring.database.overrides.get, override_id)
        return former, await work()

    async def _audited(
        self, event: AuditEvent, change: Callable[[], Awaitable[ChangeOutcome]], observer: Observer
    ) -> ChangeOutcome:
        """Carry a change out between the event that it begins and the one that says how it ended.

        The second is noted as well as it can be, later when that must be: by then the change's own record says how it
        ended.
        """
        outcome = await self._begun(event, change)
        await self._note(ended_event(event, outcome, at=self._wiring.clock.now()))
        await self._keep_incident(outcome.record, outcome.verification)
        if outcome.record.state is ChangeState.APPLIED:
            await observer.prove(outcome.verification)
        return outcome

    async def _begun(self, event: AuditEvent, work: Callable[[], Awaitable[Result]]) -> Result:
        """Do what this event begins, and note when it was refused; without the event nothing is done."""
        await asyncio.to_thread(self._wiring.database.audit.append, event)
        try:
            return await work()
        except SwitchyardError as exc:
            await self._note(refused_event(event, exc.code, at=self._wiring.clock.now()))
            raise

    async def _keep_incident(self, record: ChangeRecord, verification: Sequence[ProbeResult] = ()) -> None:
        """Let history tell of a change that could not be verified; its own record says the same."""
        wiring = self._wiring
        simulated = wiring.settings.simulated
        incident = incident_of(record, verification, at=wiring.clock.now(), simulated=simulated)
        if incident is None:
            return
        try:
            await asyncio.to_thread(wiring.database.history.keep, Batch(id=incident.id, incidents=(incident,)))
        except StoreError as exc:
            log.error("the incident of change %s is not in history: %s", record.change_id, exc.message)

    async def _note(self, event: AuditEvent) -> None:
        try:
            await asyncio.to_thread(self._wiring.database.audit.append, event)
        except StoreError as exc:
            log.error("the end of %s %s is not in the audit: %s", event.action, event.id, exc.message)
            if self._keep_later is not None:
                self._keep_later(event)

    def _ports(self, observer: Observer) -> ChangePorts:
        async def probe(routes: Sequence[Route]) -> Sequence[ProbeResult]:
            report = await observer.probe(routes, depth=Depth.FAITHFUL, budget_s=_PREFLIGHT_S)
            return report.results

        others = targets_here(self._wiring.file_targets, observer.choice_of)
        return ChangePorts(
            targets=self._wiring.apps.targets(others),
            store=self._wiring.database.changes,
            overrides=self._wiring.database.overrides,
            leases=self._wiring.database.leases,
            holder=self._holder,
            clock=self._wiring.clock,
            choice_of=observer.choice_of,
            gateway_for=observer.gateway_for,
            lint=observer.lint,
            probe=probe,
            environment=self._wiring.tokens,
        )


def _end_of(override: Override | None) -> dict[str, str | None]:
    at = override.expires_at if override is not None else None
    return {"expires_at": at.isoformat(timespec="seconds") if at is not None else None}
