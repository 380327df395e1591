"""Services without a core: pages show the snapshot they are given, and jobs end at once or when told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from core.detect.trust import Trust, TrustView
from core.errors import ChangeError, ProbeError, StoreError, SwitchyardError
from core.history.audit_trail import AuditTrail
from core.model.access import Membership
from core.model.agent import AgentId
from core.model.alert import Channel, Delivery, DeliveryState, NoticeKind
from core.model.audit import AuditEvent, AuditLink
from core.model.change import (
    WRITTEN,
    Actor,
    ChangeOutcome,
    ChangeRecord,
    ChangeRequest,
    ChangeState,
    Decision,
    DiffEntry,
    DiffOp,
    ExportFile,
    Origin,
    Plan,
    TargetInfo,
    TargetKind,
)
from core.model.history import HistoryQuery, HistoryView, RouteHistory
from core.model.incident import Incident
from core.model.probe import Cost, Depth, ProbeResult
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.model.snapshot import Job, JobKind, Progress, Snapshot
from core.settings import Settings
from tests.fakes import histories
from tests.fakes.audit import MemoryAudit, unchanged

HERMES_FILE = TargetInfo(
    id="file:hermes", kind=TargetKind.FILE, agents=(AgentId.HERMES,), writable=True, reason="writable"
)


@dataclass
class FakeTrusting:
    """Trust as the test says it is, with what pages asked for written down; `refuses` is raised for everything."""

    view: TrustView = field(default_factory=lambda: TrustView(settings=Trust()))
    asked: list[tuple[str, str, bool | None, str, Actor]] = field(default_factory=list)
    refuses: SwitchyardError | None = None

    def add(self, text: str, *, private: bool, reason: str, actor: Actor) -> None:
        self._take(("add", text, private, reason, actor))

    def revoke(self, origin: str, *, reason: str, actor: Actor) -> None:
        self._take(("revoke", origin, None, reason, actor))

    def _take(self, asked: tuple[str, str, bool | None, str, Actor]) -> None:
        if self.refuses is not None:
            raise self.refuses
        self.asked.append(asked)


@dataclass
class FakeServices:
    """What pages ask of the services, with everything they asked for written down."""

    shown: Snapshot = field(default_factory=Snapshot)
    settings: Settings = field(default_factory=lambda: Settings(scene="healthy"))
    target_list: tuple[TargetInfo, ...] = (HERMES_FILE,)
    decision: Decision = Decision.READY
    preflight: tuple[ProbeResult, ...] = ()
    records: list[ChangeRecord] = field(default_factory=list)
    sweeps: int = 0
    askers: list[Actor | None] = field(default_factory=list)
    applied: list[tuple[ChangeRequest, Actor, str, str | None]] = field(default_factory=list)
    manners: list[tuple[timedelta | None, bool]] = field(default_factory=list)
    extended: list[tuple[str, timedelta]] = field(default_factory=list)
    kept_for_good: list[str] = field(default_factory=list)
    refreshes: int = 0
    rolled_back: list[tuple[str, Actor, str]] = field(default_factory=list)
    jobs: dict[str, Job] = field(default_factory=dict)
    extra: tuple[ProbeResult, ...] = ()
    probed: list[tuple[tuple[Route, ...], Depth, dict[Identity, Secret]]] = field(default_factory=list)
    cooling: bool = False
    broken: StoreError | None = None
    past: tuple[Incident, ...] = ()
    events: tuple[AuditEvent, ...] = ()
    link_changed: Callable[[AuditLink], AuditLink] = unchanged
    channels: tuple[Channel, ...] = ()
    delivered: list[Delivery] = field(default_factory=list)
    queries: list[HistoryQuery] = field(default_factory=list)
    tested: list[tuple[str, Actor]] = field(default_factory=list)
    trust: FakeTrusting = field(default_factory=FakeTrusting)

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def membership(self, email: str, token: Secret | None) -> Membership:
        return Membership(groups=frozenset())

    def snapshot(self) -> Snapshot:
        return self.shown

    def request_sweep(self, actor: Actor) -> None:
        self.sweeps += 1
        self.askers.append(actor)

    def targets(self) -> Sequence[TargetInfo]:
        return self.target_list

    def changes(self, limit: int = 50, *, written: bool = False) -> Sequence[ChangeRecord]:
        return [one for one in self.records if not written or one.state in WRITTEN][:limit]

    def history(self, query: HistoryQuery) -> HistoryView:
        self.queries.append(query)
        self._fail_if_broken()
        return histories.answer(self.shown, query, past=self.past)

    def route_history(self, route_id: str, since: datetime, until: datetime) -> RouteHistory | None:
        self._fail_if_broken()
        standing = self.shown.standings.get(route_id)
        return histories.route_history(standing, HistoryQuery(since=since, until=until)) if standing else None

    def incident(self, incident_id: str) -> Incident | None:
        self._fail_if_broken()
        return next((item for item in (*self.shown.incidents, *self.past) if item.id == incident_id), None)

    def audit(self, limit: int = 200) -> Sequence[AuditEvent]:
        self._fail_if_broken()
        return self.events[:limit]

    def alert_channels(self) -> Sequence[Channel]:
        return self.channels

    def deliveries(self, limit: int = 50) -> Sequence[Delivery]:
        self._fail_if_broken()
        return self.delivered[:limit]

    def start_alert_test(self, channel: str, actor: Actor) -> str:
        self.tested.append((channel, actor))
        delivery = Delivery(
            notice_id="test-1",
            kind=NoticeKind.TEST,
            channel=channel,
            rule="",
            incident_id=None,
            at=datetime.now(UTC),
            state=DeliveryState.FAILED,
            attempts=1,
            detail="The webhook answered 410.",
        )
        return self._keep(Job(id="alert-1", kind=JobKind.ALERT_TEST, done=True, delivery=delivery))

    @property
    def audit_trail(self) -> AuditTrail:
        self._fail_if_broken()
        return AuditTrail(MemoryAudit(self.events, self.link_changed))

    def _fail_if_broken(self) -> None:
        if self.broken is not None:
            raise self.broken

    def job(self, job_id: str) -> Job | None:
        return self.jobs.get(job_id)

    def start_plan(self, request: ChangeRequest, *, actor: Actor) -> str:
        self.askers.append(actor)
        plan = self._plan(request)
        return self._keep(Job(id="plan-1", kind=JobKind.PLAN, phases=("Reading the config",), done=True, plan=plan))

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
        self.applied.append((request, actor, reason, expected_revision))
        self.manners.append((lasts, force))
        plan = self._plan(request)
        outcome = ChangeOutcome(plan=plan, record=record(request, actor, reason), confirmed=True)
        self.records.insert(0, outcome.record)
        phases = ("Checking the new routes", "Writing", "Reading back", "Probing")
        return self._keep(Job(id="apply-1", kind=JobKind.APPLY, phases=phases, done=True, outcome=outcome))

    def extend_override(self, override_id: str, *, by: timedelta, actor: Actor) -> None:
        self.extended.append((override_id, by))

    def keep_override(self, override_id: str, *, actor: Actor) -> None:
        self.kept_for_good.append(override_id)

    def refresh_targets(self, actor: Actor) -> None:
        self.refreshes += 1

    def export(self, agent: AgentId, form: str) -> Sequence[ExportFile]:
        if agent is AgentId.COPILOT:
            raise ChangeError("Copilot CLI has no file of its own.", code="no_form", remedy="Use env.")
        return (ExportFile(path=f"~/.{agent}/config", mode="0600", content=f"{form} of {agent}"),)

    def start_rollback(self, change_id: str, *, actor: Actor, reason: str) -> str:
        self.rolled_back.append((change_id, actor, reason))
        request = ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots={})
        kept = replace(record(request, actor, reason), rolls_back=change_id, state=ChangeState.ROLLED_BACK)
        outcome = ChangeOutcome(plan=self._plan(request), record=kept)
        return self._keep(Job(id="back-1", kind=JobKind.ROLL_BACK, phases=("Writing",), done=True, outcome=outcome))

    def extra_results(self, reader: Actor) -> tuple[ProbeResult, ...]:
        return self.extra

    def probe_cost(self, selection: Sequence[Route], depth: Depth, *, given: Sequence[Identity] = ()) -> Cost:
        count = len(selection) * max(1, len(given))
        return Cost(routes=count, requests=count, output_tokens=16 * count, seconds=28.0)

    def start_probe(
        self,
        selection: Sequence[Route],
        *,
        depth: Depth,
        tokens: Mapping[Identity, Secret] | None = None,
        actor: Actor,
    ) -> str:
        if self.cooling:
            raise ProbeError("Asked less than 10 s ago.", code="cooling_down", remedy="It may be asked again in 7 s.")
        self.probed.append((tuple(selection), depth, dict(tokens or {})))
        self.askers.append(actor)
        progress = Progress(done=1, total=len(selection))
        return self._keep(Job(id=f"probe-{len(self.probed)}", kind=JobKind.PROBE, progress=progress))

    def _keep(self, job: Job) -> str:
        self.jobs[job.id] = job
        return job.id

    def _plan(self, request: ChangeRequest) -> Plan:
        diff = tuple(
            DiffEntry(op=DiffOp.CHANGE, field=slot, old="databricks-old", new=model)
            for slot, model in request.slots.items()
        )
        return Plan(
            request=request,
            before=dict.fromkeys(request.slots, "databricks-old"),
            after=request.slots,
            diff=diff,
            lint=(),
            decision=self.decision,
            reason="both routes answer" if self.decision is Decision.READY else "the primary does not answer",
            affects="Hermes on this machine",
            effective="at the next start of Hermes",
            preflight=self.preflight,
            base_revision="rev-1",
        )


def record(request: ChangeRequest, actor: Actor, reason: str) -> ChangeRecord:
    """Return the record of an applied change."""
    return ChangeRecord(
        change_id="chg-000000000001",
        at=datetime.now(UTC),
        actor=actor.name,
        agent=request.agent,
        target=request.target,
        reason=reason,
        before=dict.fromkeys(request.slots, "databricks-old"),
        after=request.slots,
        state=ChangeState.APPLIED,
        origin=Origin.PAGE,
        backup="backup-1",
    )
