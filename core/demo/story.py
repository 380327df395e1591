"""What the demo tells: its steps as plain values, each with what it does and what must be true after it; pure.

How a step is carried out is left to `player`, the workspace it is played on to `house`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.catalog.agents import AGENTS
from core.detect.hosts import GATEWAY_SETTING
from core.health.agent_status import agent_status, overall_line
from core.model.agent import AgentId
from core.model.change import ChangeOutcome, ChangeRecord, ChangeRequest, ChangeState, CredentialUse, Decision, Plan
from core.model.change import Origin as ChangeOrigin
from core.model.gateway import Generation
from core.model.probe import Diagnosis, Health, ProbeResult
from core.model.route import Identity
from core.model.snapshot import Snapshot
from core.simulator.faults import FaultRule
from core.simulator.scenes import HermesSetup, TokenState

TARGET = "file:hermes"
_HERMES = AgentId.HERMES


class DemoPage(StrEnum):
    """The pages that a step is shown on, by the names of their addresses."""

    OVERVIEW = "overview"
    DETECTION = "detection"
    FALLBACKS = "fallbacks"
    SWITCH = "switch"


@dataclass(frozen=True, slots=True, kw_only=True)
class Redeploy:
    """A deployment replaces Hermes' config by this one, which leads to this generation of the gateway."""

    setup: HermesSetup
    generation: Generation


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparePaths:
    """Probe the model of Hermes' primary where Hermes asks it, and below this generation."""

    generation: Generation


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Work a change out, pre-flight included."""

    request: ChangeRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class Apply:
    """Carry a change out; an override ends after the demo's short time for one."""

    request: ChangeRequest
    reason: str
    override: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Put a fault in force."""

    rule: FaultRule


@dataclass(frozen=True, slots=True, kw_only=True)
class Mend:
    """Remove all faults."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyIntoFault:
    """Carry a change out whose model fails with this fault right after the pre-flight."""

    request: ChangeRequest
    reason: str
    fault: str


Act = Redeploy | ComparePaths | Preview | Apply | Break | Mend | ApplyIntoFault


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """What can be seen after a step: the watch, the changes newest first, and what the step's own jobs brought."""

    snapshot: Snapshot
    changes: Sequence[ChangeRecord] = ()
    paths: tuple[ProbeResult, ...] = ()
    plan: Plan | None = None
    outcome: ChangeOutcome | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step: what is said about it, where it is shown, what it does, and the claim that must hold after it."""

    id: str
    title: str
    tells: str
    notes: str
    page: DemoPage
    acts: tuple[Act, ...]
    holds: Callable[[Picture], bool]


def hermes_health(snapshot: Snapshot) -> Health:
    """Return how Hermes is."""
    choice = next((one for one in snapshot.choices if one.agent is _HERMES), None)
    if choice is None:
        return Health.UNKNOWN
    return agent_status(choice, snapshot.results, standings=snapshot.standings).health


def hermes_result(snapshot: Snapshot, slot: str, identity: Identity = Identity.STORED) -> ProbeResult | None:
    """Return the newest verdict on a slot of Hermes."""
    found = (one for one in snapshot.results if one.route.agent is _HERMES)
    return next((one for one in found if (one.route.slot, one.route.identity) == (slot, identity)), None)


def _says(result: ProbeResult | None, diagnosis: Diagnosis, status: int) -> bool:
    return result is not None and (result.diagnosis, result.http_status) == (diagnosis, status)


def _all_healthy(picture: Picture) -> bool:
    snapshot = picture.snapshot
    statuses = [agent_status(one, snapshot.results, standings=snapshot.standings) for one in snapshot.choices]
    return overall_line(statuses) == "All routes healthy"


def _is_out(picture: Picture) -> bool:
    snapshot = picture.snapshot
    return (
        hermes_health(snapshot) is Health.DOWN
        and _says(hermes_result(snapshot, "primary"), Diagnosis.MODEL_NOT_ON_ROUTE, 404)
        and _says(hermes_result(snapshot, "fallback"), Diagnosis.CREDENTIAL_DEAD, 403)
    )


def _is_explained(picture: Picture) -> bool:
    return [one.diagnosis for one in picture.paths] == [Diagnosis.MODEL_NOT_ON_ROUTE, Diagnosis.OK]


def _is_proved(picture: Picture) -> bool:
    plan = picture.plan
    if plan is None or plan.decision is not Decision.READY or not plan.preflight:
        return False
    return all(one.health is Health.HEALTHY for one in plan.preflight)


def _is_applied(picture: Picture) -> bool:
    outcome = picture.outcome
    return outcome is not None and outcome.record.state is ChangeState.APPLIED and outcome.confirmed


def _is_verified(picture: Picture) -> bool:
    return hermes_health(picture.snapshot) is Health.HEALTHY and _all_healthy(picture)


def _is_served_by_fallback(picture: Picture) -> bool:
    fallback = hermes_result(picture.snapshot, "fallback")
    return (
        hermes_health(picture.snapshot) is Health.DEGRADED
        and _says(hermes_result(picture.snapshot, "primary"), Diagnosis.THROTTLED, 429)
        and fallback is not None
        and fallback.health is Health.HEALTHY
    )


def _is_overridden(picture: Picture) -> bool:
    return _is_applied(picture) and any(one.origin is ChangeOrigin.PAGE for one in picture.changes[:2])


def _has_expired(picture: Picture) -> bool:
    newest = picture.changes[0] if picture.changes else None
    return (
        not picture.snapshot.overrides
        and newest is not None
        and (newest.origin, newest.state) == (ChangeOrigin.EXPIRY, ChangeState.ROLLED_BACK)
        and _is_verified(picture)
    )


def _is_rolled_back(picture: Picture) -> bool:
    outcome = picture.outcome
    return outcome is not None and outcome.record.state is ChangeState.ROLLED_BACK and _is_verified(picture)


_OPUS_7, _OPUS_6 = "databricks-claude-opus-4-7", "databricks-claude-opus-4-6"
_SONNET, _MINI = "databricks-claude-sonnet-4-6", "databricks-gpt-5-4-mini"

CURE = ChangeRequest(
    agent=_HERMES,
    target=TARGET,
    slots={"primary": _OPUS_7, "fallback": _SONNET, GATEWAY_SETTING: None},
    credential=CredentialUse.ENVIRONMENT,
)
RELIEF = ChangeRequest(agent=_HERMES, target=TARGET, slots={"primary": _OPUS_6})
MISTAKE = ChangeRequest(agent=_HERMES, target=TARGET, slots={"primary": _MINI})
STORM = FaultRule(fault="throttled", model=_OPUS_7, dialect=AGENTS[_HERMES].dialects[0])
_OUTAGE = Redeploy(
    setup=HermesSetup(primary=_OPUS_7, fallback=_OPUS_6, token=TokenState.ROTATED),
    generation=Generation.SERVING_ENDPOINTS,
)

STEPS: tuple[Step, ...] = (
    Step(
        id="healthy",
        title="All healthy",
        tells="Every agent was asked with its own kind of request, and every model answered.",
        notes=(
            "Start with the strip: which workspace, which cloud, which gateway and why that one. Then one row per "
            "agent: the model in use, its fallback, how it speaks, and a day of history with three small incidents."
        ),
        page=DemoPage.OVERVIEW,
        acts=(),
        holds=_all_healthy,
    ),
    Step(
        id="incident",
        title="The incident",
        tells="A deployment wrote Hermes' config anew: its primary answers 404, its fallback 403. The others work.",
        notes=(
            "Model, address, dialect and token are each plausible; only their combination is wrong. Point at the "
            "rung each line names: 404 at Model for the primary, 403 at Auth for the fallback. One agent is down and "
            "every other one is healthy, so this is not the workspace."
        ),
        page=DemoPage.OVERVIEW,
        acts=(_OUTAGE,),
        holds=_is_out,
    ),
    Step(
        id="explained",
        title="Why: two paths, two ladders",
        tells="The same model on the old path and on the new one. The trace shows why the gateway is the right base.",
        notes=(
            "Left is what Hermes asks, right the same model through the AI gateway. Both climb to Model; only one "
            "passes. Scroll to the resolution trace: each candidate with what it answered. The fallback is another "
            "story: the token that the deployment wrote has been rotated away."
        ),
        page=DemoPage.DETECTION,
        acts=(ComparePaths(generation=Generation.WORKSPACE),),
        holds=_is_explained,
    ),
    Step(
        id="preflight",
        title="Pre-flight proves the new choice",
        tells="Nothing is written yet. Each new route was asked with the request that Hermes itself makes.",
        notes=(
            "Read the difference line by line: base URL and token change together with the model, as one value. "
            "The pre-flight asked with tools and streaming. A model that does not answer would block here."
        ),
        page=DemoPage.SWITCH,
        acts=(Preview(request=CURE),),
        holds=_is_proved,
    ),
    Step(
        id="applied",
        title="Apply, phase by phase",
        tells="Written, read back and proved with Hermes' own credential. The audit had it before the file did.",
        notes=(
            "The phases are the product's own: read, pre-flight, write, read back, verify. Show the new line in the "
            "list of changes with its way back."
        ),
        page=DemoPage.SWITCH,
        acts=(Apply(request=CURE, reason="Demo: Hermes answers 404 and 403 since the deployment"),),
        holds=_is_applied,
    ),
    Step(
        id="verified",
        title="Verified",
        tells="Hermes is healthy again, and the incident has ended.",
        notes="No second opinion is needed: what verified the change counts at once. The transition is in the list.",
        page=DemoPage.OVERVIEW,
        acts=(),
        holds=_is_verified,
    ),
    Step(
        id="storm",
        title="A storm of 429",
        tells="The primary is throttled. The fallback serves, so Hermes is Degraded and not Down.",
        notes=(
            "Degraded is a word of its own: it works, but not as it should. The page shows which error makes this "
            "agent fall back; that was measured with the agent itself, not assumed."
        ),
        page=DemoPage.FALLBACKS,
        acts=(Break(rule=STORM),),
        holds=_is_served_by_fallback,
    ),
    Step(
        id="override",
        title="An override for a while",
        tells="Hermes is put on another model for a short time. The former choice will come back by itself.",
        notes=(
            "In earnest this is half an hour or two hours; here it is seconds. It was proved like any other change. "
            "Watch it count down at the edge of the page."
        ),
        page=DemoPage.SWITCH,
        acts=(Apply(request=RELIEF, reason="Demo: until the storm is over", override=True),),
        holds=_is_overridden,
    ),
    Step(
        id="expired",
        title="The override ends by itself",
        tells="The storm is over, the time is up, and the former choice stands again. Nobody had to remember.",
        notes="The list of changes has a line that no person made: its origin is expiry, and it was verified as well.",
        page=DemoPage.SWITCH,
        acts=(Mend(),),
        holds=_has_expired,
    ),
    Step(
        id="rolled_back",
        title="A bad change takes itself back",
        tells="Pre-flight passed, then the model was switched off. Verification failed, and the former values stand.",
        notes=(
            "This is the moment that a plain edit leaves you with an outage. The change says which check failed, the "
            "file is as it was, byte for byte, and Hermes never stopped working."
        ),
        page=DemoPage.SWITCH,
        acts=(ApplyIntoFault(request=MISTAKE, reason="Demo: a cheaper model", fault="rate_limit_zero"), Mend()),
        holds=_is_rolled_back,
    ),
)

_NUMBERS = {step.id: number for number, step in enumerate(STEPS)}


def number_of(step_id: str) -> int | None:
    """Return which step this is, None when there is no such step."""
    return _NUMBERS.get(step_id)
