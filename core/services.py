"""What pages call: services that live as long as the process; everything slow runs in the monitor's loop."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta
from functools import partial

from core.adapters.exports import ExportFormat, export_files
from core.audit import (
    alert_test_event,
    apply_event,
    done_event,
    look_event,
    override_event,
    plan_event,
    probe_event,
    refused_event,
    rollback_event,
    sweep_event,
)
from core.change.work import Progress
from core.detection import first_snapshot
from core.errors import SwitchyardError
from core.expiry import Expiry
from core.gate import Gate
from core.health.standing import rules_of
from core.history.audit_trail import AuditTrail
from core.history.reading import read_history, read_route
from core.history.totals import Totals
from core.jobs import Jobs, new_job_id
from core.keeping import Watchkeeping
from core.model.access import Action, Membership
from core.model.agent import AgentId
from core.model.alert import Channel, Delivery
from core.model.audit import AuditEvent
from core.model.change import (
    Actor,
    ChangeOutcome,
    ChangeRecord,
    ChangeRequest,
    ExportFile,
    Plan,
    TargetInfo,
    TargetKind,
)
from core.model.history import HistoryQuery, HistoryView, RouteHistory
from core.model.incident import Incident
from core.model.probe import Cost, Depth, ProbeResult
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.model.snapshot import Job, JobKind, Snapshot
from core.noting import Notes
from core.observer import Observer
from core.probe.asked import AskedProbes, cost_of, routes_as
from core.probe.cadence import Intervals
from core.probe.monitor import Monitor
from core.probe.sweep import SweepReport
from core.settings import Settings, load_settings
from core.switchboard import Switchboard
from core.trusted_hosts import Trusting
from core.wiring import Wiring, wired

log = logging.getLogger(__name__)

# A page waits no longer than this for a button that only changes a row.
_ANSWER_S = 10.0
# Stands for a token that is not known yet, where only the number of requests matters.
_SOME_TOKEN = Secret("some token")


class Services:
    """What the pages read and start; only what is read from the database waits for anything."""

    def __init__(self, wiring: Wiring, stack: ExitStack) -> None:
        settings = wiring.settings
        self.settings = settings
        self._wiring = wiring
        self._stack = stack
        self._clock = wiring.clock
        self._database = wiring.database
        self.audit_trail = AuditTrail(wiring.database.audit)
        self._rules = rules_of(settings)
        self._watch = Watchkeeping(wiring, beside=self._beside)
        self._switchboard = Switchboard(wiring, keep_later=self._watch.keep_event)
        self._monitor = Monitor(
            self._watch.open,
            clock=wiring.clock,
            first=self._watch.memory.picture(first_snapshot(wiring)),
            intervals=Intervals(
                hosts_s=settings.host_interval_s,
                reach_s=settings.sweep_interval_s,
                faithful_s=settings.faithful_interval_s,
            ),
        )
        self._expiry = Expiry(self._switchboard, wiring.clock, after=self._monitor.sweep_anew)
        self._asked = AskedProbes(wiring.clock)
        self._notes = Notes(wiring.database.audit, submit=self._monitor.submit, later=self._watch.keep_event)
        self._gate = Gate(wiring.clock, self._notes.note)
        self._jobs = Jobs(self._monitor.submit)
        self.trust = Trusting(wiring.trusted, self._gate, wiring.clock, after=self._monitor.sweep_anew)

    async def _beside(self, observer: Observer) -> None:
        """Run what goes on beside the watch, as long as it does."""
        await self._expiry.run(observer)

    def start(self) -> None:
        """Start watching."""
        self._watch.start()
        self._monitor.start()

    def stop(self) -> None:
        """Stop watching, and the simulated workspace where there is one; twice does no harm."""
        self._monitor.stop()
        self._watch.stop()
        self._stack.close()

    def snapshot(self) -> Snapshot:
        """Return everything the dashboard knows at this moment."""
        return self._monitor.snapshot()

    def totals(self) -> Totals:
        """Return what was counted since the start of this process."""
        return self._watch.memory.totals

    def membership(self, email: str, token: Secret | None) -> Membership:
        """Return what the workspace says of a person; waits two seconds at most, and only the first time."""
        apps = [target.id for target in self.snapshot().targets if target.kind is TargetKind.APP]
        return self._wiring.people.of(email, token, apps)

    def request_sweep(self, actor: Actor) -> None:
        """Ask for a sweep now; returns at once. Raises ProbeError for somebody who may not probe."""
        self._gate.admit(Action.PROBE, actor, sweep_event(actor=actor, at=self._clock.now()))
        self._monitor.request_sweep()
        self._notes.note(sweep_event(actor=actor, at=self._clock.now()))

    def sweep_anew(self) -> None:
        """Ask for a sweep that is part of something already admitted, as a step of the demo is."""
        self._monitor.sweep_anew()

    # What is read from the database; each raises StoreError.

    def history(self, query: HistoryQuery) -> HistoryView:
        """Return what history has to say to this query."""
        return read_history(self._database.history, query, rules=self._rules, simulated=self.settings.simulated)

    def route_history(self, route_id: str, since: datetime, until: datetime) -> RouteHistory | None:
        """Return one route over this time, None when history does not know it."""
        return read_route(self._database.history, route_id, since, until, rules=self._rules)

    def incident(self, incident_id: str) -> Incident | None:
        """Return one incident whole."""
        return self._database.history.incident(incident_id)

    def audit(self, limit: int = 200) -> Sequence[AuditEvent]:
        """Return who did what, newest first."""
        return self._database.audit.events(limit=limit)

    def changes(self, limit: int = 50, *, written: bool = False) -> Sequence[ChangeRecord]:
        """Return the newest attempts to change something first, or only those that touched their target."""
        return self._switchboard.changes(limit, written=written)

    # Alerts.

    def alert_channels(self) -> tuple[Channel, ...]:
        """Return the channels that alerts go to."""
        return self._watch.channels

    def deliveries(self, limit: int = 50) -> tuple[Delivery, ...]:
        """Return how the newest alerts were delivered."""
        return self._watch.deliveries(limit)

    def start_alert_test(self, channel: str, actor: Actor) -> str:
        """Start sending a test to a channel; return the job's id. Raises ProbeError for somebody who may not."""
        asked = alert_test_event(channel, actor=actor, at=self._clock.now())
        self._gate.admit(Action.ALERT_TEST, actor, asked)

        async def work(observer: Observer, progress: Progress) -> Delivery:
            await self._notes.append(asked)
            try:
                delivery = await self._watch.test_channel(channel)
            except SwitchyardError as exc:
                await self._notes.append(refused_event(asked, exc.code, at=self._clock.now()))
                raise
            await self._notes.append(done_event(asked, delivery.state, at=self._clock.now()))
            return delivery

        return self._jobs.start(JobKind.ALERT_TEST, work)

    # Changes.

    def targets(self) -> Sequence[TargetInfo]:
        """Return the places where a choice can be applied, as they were seen last."""
        return self.snapshot().targets

    def refresh_targets(self, actor: Actor) -> None:
        """Look for apps and at the places on this machine again; returns at once.

        Raises ProbeError for somebody who may not probe: the workspace is asked about every app.
        """
        self._gate.admit(Action.PROBE, actor, look_event(actor=actor, at=self._clock.now()))
        self._wiring.apps.ask(anew=True)
        self._monitor.submit(lambda observer: observer.look_at_places())

    def export(self, agent: AgentId, form: str) -> Sequence[ExportFile]:
        """Return what to hand over for an agent as it is chosen now; raises ChangeError where there is nothing."""
        choice = next((one for one in self.snapshot().choices if one.agent is agent), None)
        return export_files(choice, ExportFormat(form)) if choice is not None else ()

    def job(self, job_id: str) -> Job | None:
        """Return a job as it stands, None when it is unknown or too old."""
        return self._jobs.get(job_id)

    def start_plan(self, request: ChangeRequest, *, actor: Actor) -> str:
        """Start working a change out; return the job's id. Raises ProbeError for somebody who may not probe."""
        # Nothing is written, but the pre-flight sends what a probe sends.
        asked = plan_event(request, actor=actor, at=self._clock.now())
        self._gate.admit(Action.PROBE, actor, asked)

        async def work(observer: Observer, progress: Progress) -> Plan:
            await self._notes.append(asked)
            return await self._switchboard.plan(observer, request, progress=progress)

        return self._jobs.start(JobKind.PLAN, work)

    def start_apply(
        self,
        request: ChangeRequest,
        *,
        actor: Actor,
        reason: str,
        expected_revision: str | None,
        lasts: timedelta | None = None,
        force: bool = False,
    ) -> str:
        """Start carrying a change out, as an override when it `lasts` only so long; return the job's id.

        Raises ChangeError for too many in a minute, as everything that changes something does.
        """
        now = self._clock.now()
        self._gate.bound_changes(actor, apply_event(request, actor=actor, reason=reason, at=now, forced=force))

        async def work(observer: Observer, progress: Progress) -> ChangeOutcome:
            outcome = await self._switchboard.apply(
                observer,
                request,
                actor=actor,
                reason=reason,
                seen_revision=expected_revision,
                lasts=lasts,
                force=force,
                progress=progress,
            )
            await self._expiry.look(observer)
            self._monitor.sweep_anew()
            return outcome

        return self._jobs.start(JobKind.APPLY, work)

    def start_rollback(self, change_id: str, *, actor: Actor, reason: str) -> str:
        """Start putting back what stood before a change; return the job's id."""
        now = self._clock.now()
        self._gate.bound_changes(actor, rollback_event(change_id, actor=actor, reason=reason, at=now))

        async def work(observer: Observer, progress: Progress) -> ChangeOutcome:
            outcome = await self._switchboard.roll_back(
                observer, change_id, actor=actor, reason=reason, progress=progress
            )
            await self._expiry.look(observer)
            self._monitor.sweep_anew()
            return outcome

        return self._jobs.start(JobKind.ROLL_BACK, work)

    def extend_override(self, override_id: str, *, by: timedelta, actor: Actor) -> None:
        """Let an override stand longer; raises ChangeError and StoreError."""
        self._move_end("extend", override_id, partial(self._switchboard.extend, by=by), actor)

    def keep_override(self, override_id: str, *, actor: Actor) -> None:
        """Let what an override set stand for good; raises ChangeError and StoreError."""
        self._move_end("keep", override_id, self._switchboard.keep, actor)

    def _move_end(self, what: str, override_id: str, move: Callable[..., Awaitable[object]], actor: Actor) -> None:
        self._gate.bound_changes(actor, override_event(what, override_id, actor=actor, at=self._clock.now()))

        async def work(observer: Observer) -> None:
            await move(observer, override_id, actor=actor)
            await self._expiry.look(observer)

        self._monitor.submit(work).result(_ANSWER_S)

    # Probes that people ask for.

    def probe_cost(self, selection: Sequence[Route], depth: Depth, *, given: Sequence[Identity] = ()) -> Cost:
        """Return what probing these routes takes at most, with tokens given for these identities where there are."""
        tokens = {identity: _SOME_TOKEN for identity in given}
        return cost_of(routes_as(selection, tokens), depth, concurrency=self.settings.concurrency)

    def extra_results(self, reader: Actor) -> tuple[ProbeResult, ...]:
        """Return the newest verdicts of the probes that people started, as far as they are this person's to read."""
        return self._asked.results(reader.name)

    def start_probe(
        self,
        selection: Sequence[Route],
        *,
        depth: Depth,
        tokens: Mapping[Identity, Secret] | None = None,
        actor: Actor,
    ) -> str:
        """Start probing routes beside the sweeps, with their own credentials or only with the given tokens.

        Return the job's id. Raises ProbeError when all of them were asked too short a time ago,
        and for somebody who may not probe.
        """
        routes = routes_as(selection, tokens or {})
        asked = probe_event(routes, depth, actor=actor, at=self._clock.now())
        self._gate.admit(Action.PROBE, actor, asked)
        with self._gate.noting_refusal(asked):
            admitted = self._asked.admit(routes, depth)
        event = probe_event(admitted, depth, actor=actor, at=self._clock.now())
        job_id = new_job_id()

        async def work(observer: Observer, progress: Progress) -> SweepReport:
            await self._notes.append(event)
            if len(admitted) < len(routes):
                progress(f"{len(routes) - len(admitted)} were asked just now and are left out")

            def take(result: ProbeResult) -> None:
                self._asked.keep(result, actor.name)
                self._jobs.count_route(job_id)

            report = await observer.probe_asked(admitted, take, depth=depth)
            if report.budget:
                progress(report.budget)
            return report

        return self._jobs.start(JobKind.PROBE, work, job_id=job_id, routes=len(admitted))


def build_services(settings: Settings | None = None) -> Services:
    """Wire up the services of this process; raises ConfigurationError when the environment cannot be meant."""
    with ExitStack() as stack:
        wiring = stack.enter_context(wired(settings or load_settings()))
        # Only what was made to the end takes over what is to be taken down.
        services = Services(wiring, kept := ExitStack())
        kept.enter_context(stack.pop_all())
        return services
