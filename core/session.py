"""One command's way through the house, inside one event loop: wired up before it and taken down after it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

from core.choice.routes import routes_of
from core.choice.variants import every_model, with_model
from core.errors import ProbeError, StoreError
from core.history.leadership import Leadership
from core.memory import Memory, Outlets
from core.model.agent import AgentId
from core.model.app import AppsSeen
from core.model.change import Actor, ChangeOutcome, ChangeRecord, ChangeRequest, Plan
from core.model.choice import AgentChoice
from core.model.history import Batch, Keeping
from core.model.override import EndedOverride
from core.model.probe import Depth, Health
from core.model.route import Identity
from core.model.secret import Secret
from core.model.snapshot import Snapshot
from core.observer import Observer, open_observer
from core.ports.store import AuditStore
from core.probe.cadence import Kind, Look
from core.probe.sweep import SweepReport
from core.settings import Settings
from core.switchboard import Switchboard
from core.trusted_hosts import TrustedHosts
from core.wiring import Wiring, holder_name, wired

# A one-shot probe ends within 30 s in all (product.md); what is left over is for detection's end and for printing.
ONE_SHOT_S = 29.0
_LEAST_PROBE_S = 10.0
_APPS_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What one recorded sweep left in history, and where that is."""

    batches: tuple[Batch, ...]
    place: str


class Session:
    """What one command may do."""

    def __init__(self, wiring: Wiring, observer: Observer, kept: list[Batch]) -> None:
        self.settings = wiring.settings
        self._wiring = wiring
        self._clock = wiring.clock
        self._began = wiring.clock.monotonic()
        self._observer = observer
        self._kept = kept
        self._switchboard = Switchboard(wiring)

    async def detect(self) -> Snapshot:
        """Find out everything that costs no tokens; apps are waited for only so long."""
        self._wiring.apps.ask()
        seen = await self._observer.detect()
        return seen if seen.offline else await self._observer.see_apps(_APPS_S)

    async def probe(
        self,
        seen: Snapshot,
        *,
        agents: Sequence[AgentId],
        model: str | None,
        all_models: bool,
        depth: Depth = Depth.REACH,
        token: Secret | None = None,
    ) -> SweepReport:
        """Probe the agents' routes and explain what fails; with no agents named, those of all that are enabled.

        `token` is one more identity for this probe. A probe of the agents' own models ends within ONE_SHOT_S of the
        command's start; one of all models takes the time that each of them is due.
        """
        choices = chosen(seen, agents)
        if all_models:
            choices = [variant for choice in choices for variant in every_model(choice, seen.gateway, seen.catalogue)]
        elif model is not None:
            choices = [with_model(choice, model, seen.gateway) for choice in choices]
        extra = {Identity.ONE_PROBE: token} if token is not None else {}
        spent_s = self._clock.monotonic() - self._began
        budget_s = None if all_models else max(_LEAST_PROBE_S, ONE_SHOT_S - spent_s)
        return await self._observer.probe(routes_of(choices, extra), depth=depth, explain=True, budget_s=budget_s)

    async def sweep(self, depth: Depth) -> tuple[Snapshot, SweepReport]:
        """Detect and probe every route once, folded into what is remembered of it."""
        await asyncio.to_thread(self._wiring.apps.wait, _APPS_S)
        await self._observer.recall(Snapshot())
        return await self._observer.sweep(Snapshot(), lambda _: None, Look(kind=Kind.REACH, depth=depth))

    @asynccontextmanager
    async def leading(self, *, even_if_watched: bool) -> AsyncIterator[None]:
        """Be the one that probes until the end; raises ProbeError while somebody else is, or it does not matter."""
        leadership = Leadership(self._wiring.database.leases, holder_name(), self._clock)
        await leadership.begin()
        if not leadership.leads and not even_if_watched:
            raise ProbeError(
                f"{leadership.leader} probes these routes already.",
                code="already_watched",
                remedy="Leave it to that one, or add --even-if-watched.",
            )
        task = asyncio.create_task(leadership.run())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task
            await leadership.release()

    async def keep(self) -> Recorded:
        """Keep what the sweep left behind; raises StoreError when it cannot be kept."""
        for batch in self._kept:
            await asyncio.to_thread(self._wiring.database.history.keep, batch)
        return Recorded(batches=tuple(self._kept), place=self._wiring.database.place)

    def not_probed(self, seen: Snapshot, agents: Sequence[AgentId]) -> list[tuple[AgentChoice, Health]]:
        """Return the agents that have no route to probe, and what that makes of their health."""
        return [
            (choice, Health.UNKNOWN if choice.enabled else Health.PAUSED)
            for choice in chosen(seen, agents)
            if not routes_of([choice])
        ]

    async def places(self) -> Snapshot:
        """Find out where a choice can be applied, without asking for anything else."""
        return await self._observer.see_apps(_APPS_S)

    @property
    def audit(self) -> AuditStore:
        """Return the audit events of this environment."""
        return self._wiring.database.audit

    @property
    def trusted(self) -> TrustedHosts:
        """Return which hosts may receive tokens."""
        return self._wiring.trusted

    def apps(self) -> AppsSeen:
        """Return the apps as they were seen last."""
        return self._wiring.apps.seen()

    async def keeping(self) -> Keeping:
        """Return how history could be kept, by opening its database now."""
        database = self._wiring.database
        try:
            await asyncio.to_thread(database.ready)
        except StoreError as exc:
            return Keeping(place=database.place, durable=database.durable, problem=exc.message, remedy=exc.remedy)
        return Keeping(place=database.place, durable=database.durable)

    def changes(self, limit: int) -> Sequence[ChangeRecord]:
        """Return the newest attempts first."""
        return self._switchboard.changes(limit)

    async def plan(self, request: ChangeRequest) -> Plan:
        """Work a change out without writing anything."""
        return await self._switchboard.plan(self._observer, request)

    async def apply(
        self, request: ChangeRequest, *, actor: Actor, reason: str, force: bool, lasts: timedelta | None = None
    ) -> ChangeOutcome:
        """Carry a change out, after whatever an earlier process left half done."""
        await self._switchboard.settle(self._observer)
        return await self._switchboard.apply(
            self._observer, request, actor=actor, reason=reason, force=force, lasts=lasts
        )

    async def roll_back(self, change_id: str, *, actor: Actor, reason: str) -> ChangeOutcome:
        """Put back what stood before a change."""
        await self._switchboard.settle(self._observer)
        return await self._switchboard.roll_back(self._observer, change_id, actor=actor, reason=reason)

    async def revert_expired(self) -> tuple[EndedOverride, ...]:
        """End the overrides whose time is over."""
        await self._switchboard.settle(self._observer)
        return await self._switchboard.revert_expired(self._observer)


def chosen(seen: Snapshot, agents: Sequence[AgentId]) -> list[AgentChoice]:
    """Return the choices of the named agents, of all when none is named."""
    return [choice for choice in seen.choices if not agents or choice.agent in agents]


@asynccontextmanager
async def open_session(settings: Settings) -> AsyncIterator[Session]:
    """Wire up one command and take everything down after it."""
    kept: list[Batch] = []
    with wired(settings) as wiring:
        history = wiring.database.history
        memory = Memory(settings, wiring.clock, history=history, outlets=Outlets(keep=kept.append))
        async with open_observer(wiring, memory) as observer:
            yield Session(wiring, observer, kept)
