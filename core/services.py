"""What pages and command line call: a session for one command, or services that live as long as the process."""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace

from core.change.work import Progress
from core.choice.routes import routes_of
from core.choice.variants import every_model, with_model
from core.errors import SwitchyardError
from core.model.agent import AgentId
from core.model.change import Actor, ChangeOutcome, ChangeRecord, ChangeRequest, Plan, TargetInfo
from core.model.choice import AgentChoice
from core.model.probe import Cost, Depth, Health, ProbeResult
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.model.snapshot import Job, JobKind, Problem, Snapshot
from core.model.snapshot import Progress as RouteCount
from core.observer import Observer, first_snapshot, open_observer
from core.probe.asked import AskedProbes, cost_of, routes_as
from core.probe.monitor import Monitor
from core.probe.sweep import SweepReport
from core.settings import Settings, load_settings
from core.switchboard import Switchboard
from core.wiring import Wiring, wired

log = logging.getLogger(__name__)

JobResult = Plan | ChangeOutcome | SweepReport

# A one-shot probe ends within 30 s in all (product.md); what is left over is for detection's end and for printing.
ONE_SHOT_S = 29.0
_LEAST_PROBE_S = 10.0
_KEPT_JOBS = 50
# Stands for a token that is not known yet, where only the number of requests matters.
_SOME_TOKEN = Secret("some token")
_INTERNAL = Problem(
    code="internal_error",
    message="This failed inside Switchyard.",
    remedy="See the log of this process, and report it.",
)


class Session:
    """One command's way through the house, inside one event loop."""

    def __init__(self, wiring: Wiring, observer: Observer) -> None:
        self.settings = wiring.settings
        self._clock = wiring.clock
        self._began = wiring.clock.monotonic()
        self._observer = observer
        self._switchboard = Switchboard(wiring)

    async def detect(self) -> Snapshot:
        """Find out everything that costs no tokens."""
        return await self._observer.detect()

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

    def not_probed(self, seen: Snapshot, agents: Sequence[AgentId]) -> list[tuple[AgentChoice, Health]]:
        """Return the agents that have no route to probe, and what that makes of their health."""
        return [
            (choice, Health.UNKNOWN if choice.enabled else Health.PAUSED)
            for choice in chosen(seen, agents)
            if not routes_of([choice])
        ]

    def targets(self) -> Sequence[TargetInfo]:
        """Return the places where a choice can be applied."""
        return self._switchboard.targets()

    def changes(self, limit: int) -> Sequence[ChangeRecord]:
        """Return the newest attempts first."""
        return self._switchboard.changes(limit)

    async def plan(self, request: ChangeRequest) -> Plan:
        """Work a change out without writing anything."""
        return await self._switchboard.plan(self._observer, request)

    async def apply(self, request: ChangeRequest, *, actor: Actor, reason: str, force: bool) -> ChangeOutcome:
        """Carry a change out."""
        return await self._switchboard.apply(self._observer, request, actor=actor, reason=reason, force=force)

    async def roll_back(self, change_id: str, *, actor: Actor, reason: str) -> ChangeOutcome:
        """Put back what stood before a change."""
        return await self._switchboard.roll_back(self._observer, change_id, actor=actor, reason=reason)


def chosen(seen: Snapshot, agents: Sequence[AgentId]) -> list[AgentChoice]:
    """Return the choices of the named agents, of all when none is named."""
    return [choice for choice in seen.choices if not agents or choice.agent in agents]


@asynccontextmanager
async def open_session(settings: Settings) -> AsyncIterator[Session]:
    """Wire up one command and take everything down after it."""
    with wired(settings) as wiring:
        async with open_observer(wiring) as observer:
            yield Session(wiring, observer)


class Services:
    """What the pages read and start; everything slow runs in the monitor's loop, nothing here waits for a network."""

    def __init__(self, wiring: Wiring, stack: ExitStack) -> None:
        self.settings = wiring.settings
        self._stack = stack
        self._switchboard = Switchboard(wiring)
        self._monitor = Monitor(
            lambda: open_observer(wiring),
            clock=wiring.clock,
            first=first_snapshot(wiring),
            sweep_interval_s=wiring.settings.sweep_interval_s,
            host_interval_s=wiring.settings.host_interval_s,
        )
        self._asked = AskedProbes(wiring.clock)
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def start(self) -> None:
        """Start watching."""
        self._monitor.start()

    def stop(self) -> None:
        """Stop watching, and the simulated workspace where there is one; twice does no harm."""
        self._monitor.stop()
        self._stack.close()

    def snapshot(self) -> Snapshot:
        """Return everything the dashboard knows at this moment."""
        return self._monitor.snapshot()

    def request_sweep(self) -> None:
        """Ask for a sweep now; returns at once."""
        self._monitor.request_sweep()

    def targets(self) -> Sequence[TargetInfo]:
        """Return the places where a choice can be applied."""
        return self._switchboard.targets()

    def changes(self, limit: int = 50) -> Sequence[ChangeRecord]:
        """Return the newest attempts first; raises StoreError."""
        return self._switchboard.changes(limit)

    def job(self, job_id: str) -> Job | None:
        """Return a job as it stands, None when it is unknown or too old."""
        return self._jobs.get(job_id)

    def start_plan(self, request: ChangeRequest) -> str:
        """Start working a change out; return the job's id."""

        async def work(observer: Observer, progress: Progress) -> Plan:
            return await self._switchboard.plan(observer, request, progress=progress)

        return self._start(JobKind.PLAN, work)

    def start_apply(self, request: ChangeRequest, *, actor: Actor, reason: str, expected_revision: str | None) -> str:
        """Start carrying a change out; return the job's id."""

        async def work(observer: Observer, progress: Progress) -> ChangeOutcome:
            return await self._switchboard.apply(
                observer, request, actor=actor, reason=reason, seen_revision=expected_revision, progress=progress
            )

        return self._start(JobKind.APPLY, work)

    def start_rollback(self, change_id: str, *, actor: Actor, reason: str) -> str:
        """Start putting back what stood before a change; return the job's id."""

        async def work(observer: Observer, progress: Progress) -> ChangeOutcome:
            return await self._switchboard.roll_back(observer, change_id, actor=actor, reason=reason, progress=progress)

        return self._start(JobKind.ROLL_BACK, work)

    def _start(self, kind: JobKind, work: Callable[[Observer, Progress], Awaitable[JobResult]]) -> str:
        return self._run(Job(id=uuid.uuid4().hex, kind=kind), work)

    def _run(self, job: Job, work: Callable[[Observer, Progress], Awaitable[JobResult]]) -> str:
        job_id = job.id
        self._keep(job)

        def progress(phase: str) -> None:
            job = self._jobs[job_id]
            self._keep(replace(job, phases=(*job.phases, phase)))

        async def whole(observer: Observer) -> None:
            try:
                self._finish(job_id, await work(observer, progress))
            except SwitchyardError as exc:
                self._finish(job_id, Problem(code=exc.code, message=exc.message, remedy=exc.remedy))
            except Exception:
                # The job's own edge: the person who waits for it must hear of it, and the log has the rest.
                log.exception("job %s failed", job_id)
                self._finish(job_id, _INTERNAL)

        self._monitor.submit(whole)
        return job_id

    def _finish(self, job_id: str, result: JobResult | Problem) -> None:
        job = replace(self._jobs[job_id], done=True)
        if isinstance(result, Plan):
            job = replace(job, plan=result)
        elif isinstance(result, ChangeOutcome):
            job = replace(job, outcome=result)
            self._monitor.request_sweep()
        elif isinstance(result, Problem):
            job = replace(job, problem=result)
        self._keep(job)

    def _keep(self, job: Job) -> None:
        with self._lock:
            self._jobs[job.id] = job
            while len(self._jobs) > _KEPT_JOBS:
                del self._jobs[next(iter(self._jobs))]

    def probe_cost(self, selection: Sequence[Route], depth: Depth, *, given: Sequence[Identity] = ()) -> Cost:
        """Return what probing these routes takes at most, with tokens given for these identities where there are."""
        tokens = {identity: _SOME_TOKEN for identity in given}
        return cost_of(routes_as(selection, tokens), depth, concurrency=self.settings.concurrency)

    def extra_results(self) -> tuple[ProbeResult, ...]:
        """Return the newest verdicts of the probes that people started."""
        return self._asked.results()

    def start_probe(
        self, selection: Sequence[Route], *, depth: Depth, tokens: Mapping[Identity, Secret] | None = None
    ) -> str:
        """Start probing routes beside the sweeps, with their own credentials or only with the given tokens.

        Return the job's id. Raises ProbeError when all of them were asked too short a time ago.
        """
        routes = routes_as(selection, tokens or {})
        admitted = self._asked.admit(routes, depth)
        job = Job(id=uuid.uuid4().hex, kind=JobKind.PROBE, progress=RouteCount(total=len(admitted)))

        async def work(observer: Observer, progress: Progress) -> SweepReport:
            if len(admitted) < len(routes):
                progress(f"{len(routes) - len(admitted)} were asked just now and are left out")

            def take(result: ProbeResult) -> None:
                self._asked.keep(result)
                self._count_route(job.id)

            report = await observer.probe(admitted, take, depth=depth, explain=True)
            if report.budget:
                progress(report.budget)
            return report

        return self._run(job, work)

    def _count_route(self, job_id: str) -> None:
        job = self._jobs.get(job_id)
        if job is not None:
            self._keep(replace(job, progress=replace(job.progress, done=job.progress.done + 1)))


def build_services(settings: Settings | None = None) -> Services:
    """Wire up the services of this process; raises ConfigurationError when the environment cannot be meant."""
    with ExitStack() as stack:
        wiring = stack.enter_context(wired(settings or load_settings()))
        return Services(wiring, stack.pop_all())
