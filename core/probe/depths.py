"""Set the two depths of one route side by side: what answers a short question can still be unusable; pure."""

from __future__ import annotations

from dataclasses import replace

from core.catalog.agents import AGENTS
from core.catalog.rejected_field import rejected_field
from core.health.one_shot import TRANSIENT
from core.model.probe import Diagnosis, Finding, Health, ProbeResult

_WHAT = {
    Diagnosis.OUTPUT_CAP: "it allows fewer output tokens than that",
    Diagnosis.STREAM_BROKEN: "its stream breaks off",
    Diagnosis.EMPTY_ANSWER: "its stream is empty",
    Diagnosis.NO_TOOL_CALL: "it does not call the offered tool",
    Diagnosis.GUARDRAIL: "a guardrail stops it",
}


def compare_depths(reach: ProbeResult, faithful: ProbeResult) -> str | None:
    """Return what only the faithful request showed; None when the two agree, or do not speak of the same route.

    A failure that passes by itself says nothing about the request, so it is no difference between the two.
    """
    if replace(reach.route, token=None) != replace(faithful.route, token=None):
        return None
    if reach.diagnosis is not Diagnosis.OK or faithful.health in (Health.HEALTHY, Health.UNKNOWN):
        return None
    if faithful.diagnosis in TRANSIENT:
        return None
    label = AGENTS[faithful.route.agent].label
    return f"{faithful.route.model} answers a short question, but not what {label} really sends: {_what(faithful)}"


def wants_comparison(faithful: ProbeResult) -> bool:
    """Say whether asking the same route a short question could tell something about this failure."""
    return faithful.diagnosis in _WHAT or faithful.diagnosis in (Diagnosis.FIELD_REJECTED, Diagnosis.NOT_AN_ANSWER)


def as_compared(reach: ProbeResult, faithful: ProbeResult) -> ProbeResult:
    """Return the faithful verdict with what the short question showed beside it."""
    finding = Finding(
        route=reach.route,
        question="the same route with a short question",
        health=reach.health,
        diagnosis=reach.diagnosis,
        http_status=reach.http_status,
    )
    message = compare_depths(reach, faithful) or faithful.message
    return replace(faithful, message=message, findings=(finding, *faithful.findings))


def _what(faithful: ProbeResult) -> str:
    if faithful.diagnosis is Diagnosis.FIELD_REJECTED:
        field = rejected_field(faithful.message)
        return f"it rejects {field}" if field else "it rejects a field of it"
    return _WHAT.get(faithful.diagnosis) or faithful.message
