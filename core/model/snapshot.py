"""What the pages show: one immutable picture of detection, choices and results, and the jobs people started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.model.alert import Delivery
from core.model.change import ChangeOutcome, Plan, TargetInfo
from core.model.choice import AgentChoice
from core.model.gateway import Gateway
from core.model.history import Cadence, Keeping
from core.model.incident import Incident
from core.model.models import ModelCatalogue
from core.model.override import Override
from core.model.probe import ProbeResult
from core.model.standing import Standing, Transition
from core.model.sync import AgentSync
from core.model.usage import Usage
from core.model.workspace import Workspace, WorkspaceIdentity


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Why something cannot go on: a stable code, one sentence, and what to do."""

    code: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far the running sweep is, in routes; `running` False with total 0 means that none has started yet."""

    done: int = 0
    total: int = 0
    running: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Everything the dashboard knows at one moment.

    `results` holds the newest verdict per (agent, slot, identity). `offline` is the sentence shown when the dashboard
    itself cannot reach the workspace; every route is then Unknown. `interval_s` is the real time between sweeps.
    `budget` is the sentence shown when the day's tokens are used up, and `usage` is what the day has cost so far.

    The health of a result is that of its route's standing, with what came before it. `standings` are by route id,
    `incidents` those that last, `transitions` the newest ones, newest first. `targets` are the places where a choice
    can be applied, apps included as far as they were found (`apps_problem` says why not), `overrides` those that last.
    """

    scene: str | None = None
    workspace: Workspace | None = None
    identity: WorkspaceIdentity | None = None
    credential: str | None = None
    gateway: Gateway | None = None
    choices: tuple[AgentChoice, ...] = ()
    catalogue: ModelCatalogue = ModelCatalogue()
    results: tuple[ProbeResult, ...] = ()
    progress: Progress = Progress()
    detected_at: datetime | None = None
    swept_at: datetime | None = None
    next_sweep_at: datetime | None = None
    interval_s: float = 300.0
    offline: str | None = None
    budget: str | None = None
    usage: Usage | None = None
    problem: Problem | None = None
    standings: Mapping[str, Standing] = field(default_factory=dict)
    incidents: tuple[Incident, ...] = ()
    transitions: tuple[Transition, ...] = ()
    keeping: Keeping = Keeping()
    cadence: Cadence = Cadence()
    targets: tuple[TargetInfo, ...] = ()
    apps_problem: Problem | None = None
    syncs: tuple[AgentSync, ...] = ()
    overrides: tuple[Override, ...] = ()


class JobKind(StrEnum):
    PLAN = "plan"
    APPLY = "apply"
    ROLL_BACK = "roll_back"
    PROBE = "probe"
    ALERT_TEST = "alert_test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One plan, apply, rollback, probe or test of an alert channel that runs beside the pages.

    `phases` are the finished and running steps in words; `progress` counts the routes of a probe.
    """

    id: str
    kind: JobKind
    phases: tuple[str, ...] = ()
    done: bool = False
    plan: Plan | None = None
    outcome: ChangeOutcome | None = None
    progress: Progress = Progress()
    problem: Problem | None = None
    delivery: Delivery | None = None
