"""Make an incident of a change that went wrong after it was written, so that history tells of it; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from urllib.parse import urlsplit

from core.catalog.agents import AGENTS
from core.change.records import STUCK
from core.model.change import ChangeRecord, ChangeState
from core.model.check import without_token
from core.model.incident import Cause, Incident, IncidentStep, StepKind
from core.model.probe import Diagnosis, Health, ProbeResult, Rung


def incident_of(
    record: ChangeRecord, verification: Sequence[ProbeResult], *, at: datetime, simulated: bool
) -> Incident | None:
    """Return the incident of a change that could not be verified, None for every other end.

    It is over as soon as it is known: the former values stand again, or somebody is told on every page what to do.
    """
    undone = record.state is ChangeState.ROLLED_BACK and record.rolls_back is None
    if not undone and record.state not in STUCK:
        return None
    failed = [result for result in verification if result.health is not Health.HEALTHY]
    routes = tuple(dict.fromkeys(without_token(result.route) for result in failed))
    ended = "The former values stand again." if undone else "It needs a person."
    return Incident(
        id=f"inc-{record.at:%Y%m%d-%H%M%S}-{record.change_id[-6:]}",
        cause=_cause(failed, record.target),
        health=Health.DEGRADED if undone else Health.DOWN,
        started_at=record.at,
        confirmed_at=at,
        ended_at=max(at, record.at),
        message=f"A change of {AGENTS[record.agent].label} on {record.target} could not be verified. {record.detail}",
        remedy="See the change for what was tried, and plan another one.",
        routes=routes,
        timeline=(
            IncidentStep(at=record.at, kind=StepKind.OPENED, route=None, text=f"Changed by {record.actor}."),
            IncidentStep(at=max(at, record.at), kind=StepKind.RESOLVED, route=None, text=ended),
        ),
        simulated=simulated,
    )


def _cause(failed: list[ProbeResult], target: str) -> Cause:
    """Return what the verification failed at; without a probe it was the target itself."""
    if not failed:
        return Cause(rung=Rung.HTTP, host=target, diagnosis=Diagnosis.UNCLASSIFIED)
    first = failed[0]
    return Cause(rung=first.rung, host=urlsplit(first.url).hostname or target, diagnosis=first.diagnosis)
