"""Explain a failing route by experiments: which follow-up requests to send, and what their answers leave standing.

A pure generator: it yields routes to ask and is sent the verdict on each; who drives it sends the requests, at the
depth that `depth_of_questions` names, or answers from what the sweep already knows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Mapping

from core.model.explanation import Explanation
from core.model.probe import Depth, Diagnosis, Rung
from core.model.route import Route
from core.probe.experiments.absence import explain_absence
from core.probe.experiments.facts import Facts
from core.probe.experiments.inquiry import ENDS_THE_ASKING, MAX_QUESTIONS, Experiment, Inquiry
from core.probe.experiments.paths import explain_path
from core.probe.experiments.places import origin_or_none
from core.probe.experiments.refusals import (
    FAMILY_FAULTS,
    explain_credential,
    explain_model,
    explain_permission,
    explain_retired,
)
from core.probe.judge import Verdict

__all__ = ["MAX_QUESTIONS", "Facts", "depth_of_questions", "explain", "run_explanation"]

_EXPERIMENTS: Mapping[Diagnosis, Callable[[Inquiry], Experiment[Explanation | None]]] = {
    Diagnosis.MODEL_NOT_ON_ROUTE: explain_absence,
    Diagnosis.MODEL_ABSENT: explain_absence,
    Diagnosis.WRONG_PATH: explain_path,
    Diagnosis.GATEWAY_OFF: explain_path,
    Diagnosis.CREDENTIAL_DEAD: explain_credential,
    Diagnosis.CREDENTIAL_MISSING: explain_credential,
    Diagnosis.WRONG_WORKSPACE: explain_credential,
    Diagnosis.SCOPE_MISSING: explain_credential,
    Diagnosis.GRANT_MISSING: explain_permission,
    Diagnosis.SPELLING_RETIRED: explain_retired,
    Diagnosis.RATE_LIMIT_ZERO: explain_model,
    Diagnosis.DIALECT_MISMATCH: explain_model,
    Diagnosis.FIELD_REJECTED: explain_model,
    Diagnosis.OUTPUT_CAP: explain_model,
    Diagnosis.NO_TOOL_CALL: explain_model,
}


def depth_of_questions(verdict: Verdict, depth: Depth) -> Depth:
    """Return how deep to ask: a short question tells where a model is, not whether it takes what its agent sends."""
    return depth if verdict.diagnosis in FAMILY_FAULTS else Depth.REACH


def explain(
    route: Route, verdict: Verdict, facts: Facts, *, depth: Depth = Depth.REACH
) -> Generator[Route, Verdict, Explanation | None]:
    """Yield at most three routes to ask, and return the cause that is left, or None when there is nothing to add.

    `depth` is how deep they are asked.
    """
    experiment = _experiment_for(route, verdict)
    if experiment is None:
        return None
    inquiry = Inquiry(route=route, verdict=verdict, facts=facts, depth=depth)
    return (yield from experiment(inquiry))


async def run_explanation(
    experiments: Generator[Route, Verdict, Explanation | None], ask: Callable[[Route], Awaitable[Verdict]]
) -> Explanation | None:
    """Ask what the experiments want to know, one after the other, until they conclude."""
    try:
        route = next(experiments)
        while True:
            route = experiments.send(await ask(route))
    except StopIteration as done:
        explanation: Explanation | None = done.value
        return explanation


def _experiment_for(route: Route, verdict: Verdict) -> Callable[[Inquiry], Experiment[Explanation | None]] | None:
    if verdict.refused_to_send or verdict.status == 429 or verdict.diagnosis in ENDS_THE_ASKING:
        return None
    if origin_or_none(route.base_url) is None:
        return None
    if verdict.diagnosis is Diagnosis.UNCLASSIFIED and verdict.rung is Rung.AUTH:
        return explain_credential
    return _EXPERIMENTS.get(verdict.diagnosis)
