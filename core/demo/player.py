"""Play the demo: carry steps out one at a time beside the pages, with the product's own services.

What a step does and claims is `story`'s decision. Going back begins a new performance and plays up to there, so that a
step looks the same however one came to it.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from core.adapters.clock import SystemClock
from core.catalog.agents import AGENTS
from core.demo.house import House
from core.demo.story import (
    STEPS,
    Act,
    Apply,
    ApplyIntoFault,
    Break,
    ComparePaths,
    Mend,
    Picture,
    Preview,
    Redeploy,
    Step,
    hermes_result,
    number_of,
)
from core.errors import ProbeError, SwitchyardError
from core.model.agent import AgentId
from core.model.change import Actor, ChangeOutcome, Plan
from core.model.probe import Depth, ProbeResult
from core.model.route import Identity, Route
from core.model.snapshot import Job, Problem, Snapshot
from core.ports import Clock
from core.services import Services
from core.settings import Settings
from core.simulator.faults import FaultRule

log = logging.getLogger(__name__)

_LOOK_S = 0.05
_END_S = 5.0
# In a replay an override need not be watched.
_REPLAYED_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoState:
    """Where the demo stands. `going_to` is the number of a step that is being played, None when nothing is.

    `job` is the newest one of the step, with its phases. `round` counts the performances.
    """

    at: int = -1
    going_to: int | None = None
    doing: str = ""
    job: Job | None = None
    paths: tuple[ProbeResult, ...] = ()
    plan: Plan | None = None
    outcome: ChangeOutcome | None = None
    problem: Problem | None = None
    round: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How long things last: an override that somebody watches, and how long a claim may take to come true."""

    override_s: float = 25.0
    patience_s: float = 45.0


class _Stopped(Exception):
    """The process ends in the middle of a step."""


class Demo:
    """One demo per process; whoever may change things may play it, and everyone sees the same."""

    def __init__(self, settings: Settings, clock: Clock, pace: Pace = Pace()) -> None:
        self._settings = settings
        self._clock = clock
        self._pace = pace
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._state = DemoState()
        self._house = House(settings)

    @property
    def services(self) -> Services:
        """Return the services of the present performance."""
        return self._house.services

    @property
    def state(self) -> DemoState:
        """Return where the demo stands."""
        return self._state

    def start(self) -> None:
        """Begin the first performance; its first step is that everything works."""
        self._house.services.start()
        self._begin(0, None)

    def stop(self) -> None:
        """End the demo and remove what it wrote; twice does no harm."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join(_END_S)
        self._house.close()

    def go_to(self, step_id: str, actor: Actor) -> None:
        """Play up to a step; returns at once. Raises ProbeError for somebody who may not, or while a step is played."""
        number = number_of(step_id)
        if number is None:
            raise ProbeError("There is no such step.", code="unknown_step", remedy="Choose one from the list.")
        _refuse_unless_may(actor)
        self._begin(number, actor)

    def put_fault(self, rule: FaultRule, actor: Actor) -> None:
        """Put a fault in front of the simulated workspace; raises ProbeError for somebody who may not."""
        _refuse_unless_may(actor)
        self._house.workspace.faults.add(rule)

    def remove_fault(self, rule: FaultRule, actor: Actor) -> None:
        """Remove a fault; raises ProbeError for somebody who may not."""
        _refuse_unless_may(actor)
        self._house.workspace.faults.remove(rule)

    def faults(self) -> tuple[tuple[FaultRule, float | None], ...]:
        """Return the faults in force, with the seconds that each has left, None for one without an end."""
        return self._house.workspace.faults.lasting

    def _begin(self, number: int, actor: Actor | None) -> None:
        with self._lock:
            if self._state.going_to is not None:
                raise ProbeError("A step is being played.", code="demo_busy", remedy="Wait until it has ended.")
            self._state = replace(self._state, going_to=number, doing="", problem=None)
            self._thread = threading.Thread(target=self._play, args=(number, actor), name="demo", daemon=True)
            self._thread.start()

    def _play(self, number: int, actor: Actor | None) -> None:
        problem: Problem | None = None
        try:
            if actor is not None and number != self._state.at + 1:
                self._start_over()
            while self._state.at < number:
                self._step(STEPS[self._state.at + 1], actor, is_last=self._state.at + 1 == number)
        except _Stopped:
            return
        except SwitchyardError as exc:
            problem = Problem(code=exc.code, message=exc.message, remedy=exc.remedy)
        except Exception:
            # This thread's own edge: a demo that hangs for a fault of ours must say so.
            log.exception("the demo failed")
            problem = Problem(code="internal_error", message="The demo failed.", remedy="Reset it.")
        self._state = replace(self._state, going_to=None, doing="", problem=problem)

    def _start_over(self) -> None:
        """Begin a new performance; the former one goes on being shown until the new one can be."""
        self._state = replace(self._state, doing="Setting up")
        house, former = House(self._settings), self._house
        house.services.start()
        self._house = house
        self._state = DemoState(going_to=self._state.going_to, round=self._state.round + 1)
        former.close()

    def _step(self, step: Step, actor: Actor | None, *, is_last: bool) -> None:
        self._state = replace(self._state, doing=step.title, paths=(), plan=None, outcome=None, job=None)
        for act in step.acts:
            if actor is not None:
                self._act(act, actor, override_s=self._pace.override_s if is_last else _REPLAYED_S)
        self._await(step, actor)
        self._state = replace(self._state, at=self._state.at + 1)

    def _act(self, act: Act, actor: Actor, *, override_s: float) -> None:
        house, services = self._house, self._house.services
        match act:
            case Redeploy(setup=setup, generation=generation):
                house.redeploy(replace(house.workspace.scene, hermes=setup, generation=generation))
            case ComparePaths():
                self._compare(act, actor)
            case Preview(request=request):
                self._ended(services.start_plan(request, actor=actor))
            case Apply(request=request, reason=reason, override=override):
                lasts = timedelta(seconds=override_s) if override else None
                self._ended(
                    services.start_apply(request, actor=actor, reason=reason, expected_revision=None, lasts=lasts)
                )
            case Break(rule=rule):
                house.workspace.faults.add(rule)
            case Mend():
                house.workspace.faults.clear()
            case ApplyIntoFault():
                self._apply_into_fault(act, actor)

    def _compare(self, act: ComparePaths, actor: Actor) -> None:
        services, scene = self._house.services, self._house.workspace.scene
        old = hermes_result(services.snapshot(), "primary", Identity.DASHBOARD)
        if old is None:
            raise ProbeError("Hermes has no primary to probe.", code="not_ready", remedy="Reset the demo.")
        dialect = old.route.dialect
        base = (
            replace(scene, generation=act.generation).gateway_base
            + AGENTS[AgentId.HERMES].bases[act.generation, dialect]
        )
        paths = (old.route, replace(old.route, base_url=base, generation=act.generation))
        self._ended(services.start_probe(paths, depth=Depth.REACH, actor=actor))
        self._state = replace(self._state, paths=_in_order(paths, services.extra_results(actor)))

    def _apply_into_fault(self, act: ApplyIntoFault, actor: Actor) -> None:
        """Let the pre-flight of the change pass: as many requests as a preview of it sends, and not one more."""
        house, services = self._house, self._house.services
        rule = FaultRule(fault=act.fault, model=act.request.slots["primary"])
        before = len(house.workspace.requests.posts())
        self._ended(services.start_plan(act.request, actor=actor))
        asked = house.workspace.requests.posts()[before:]
        house.workspace.faults.add(replace(rule, after=sum(rule.matches(request) for request in asked)))
        self._ended(services.start_apply(act.request, actor=actor, reason=act.reason, expected_revision=None))

    def _ended(self, job_id: str) -> None:
        """Follow a job until it is done, and keep what it brought."""
        services = self._house.services
        while True:
            job = services.job(job_id)
            if job is not None and job != self._state.job:
                self._state = replace(self._state, job=job)
            if job is not None and job.done:
                break
            self._pause()
        if job.problem is not None:
            raise ProbeError(job.problem.message, code=job.problem.code, remedy=job.problem.remedy)
        if job.plan is not None:
            self._state = replace(self._state, plan=job.plan)
        if job.outcome is not None:
            self._state = replace(self._state, outcome=job.outcome)

    def _await(self, step: Step, actor: Actor | None) -> None:
        """Wait until the claim of the step holds, sweeping as often as that takes."""
        services, ends_at = self._house.services, self._clock.monotonic() + self._pace.patience_s
        # A claim may hold while the sweep that brings it is still under way; the next act needs all of it.
        while not (_is_swept((picture := self._picture()).snapshot) and step.holds(picture)):
            if self._clock.monotonic() > ends_at:
                raise ProbeError(
                    f"“{step.title}” did not come out as it should.", code="demo_claim", remedy="Reset the demo."
                )
            # The demo begins with a day of its own, which a sweep would change.
            if actor is not None and _is_swept(services.snapshot()):
                services.sweep_anew()
            self._pause()

    def _picture(self) -> Picture:
        services, state = self._house.services, self._state
        return Picture(
            snapshot=services.snapshot(),
            changes=services.changes(5),
            paths=state.paths,
            plan=state.plan,
            outcome=state.outcome,
        )

    def _pause(self) -> None:
        if self._stopping.wait(_LOOK_S):
            raise _Stopped


def _is_swept(seen: Snapshot) -> bool:
    return seen.swept_at is not None and not seen.progress.running


def _in_order(paths: Sequence[Route], results: Sequence[ProbeResult]) -> tuple[ProbeResult, ...]:
    by_route = {one.route: one for one in results}
    return tuple(by_route[path] for path in paths if path in by_route)


def _refuse_unless_may(actor: Actor) -> None:
    if not actor.may_change:
        raise ProbeError("Only an admin plays the demo.", code="not_allowed", remedy=actor.why)


def build_demo(settings: Settings) -> Demo:
    """Set up the demo of this process; raises ConfigurationError when its workspace cannot be started."""
    return Demo(settings, SystemClock())
