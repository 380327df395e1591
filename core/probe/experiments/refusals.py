"""A refusal that names its cause: whose fault it is, and what works in its place."""

from __future__ import annotations

from collections.abc import Iterator

from core.catalog.grants import full_service_name
from core.choice.lint import plain_model_name
from core.model.explanation import Explanation
from core.model.gateway import Generation
from core.model.probe import Depth, Diagnosis
from core.model.route import Identity, Route
from core.probe.experiments.absence import NOT_FOUND, REFUSED_CALLER
from core.probe.experiments.candidates import candidates, known_good_here
from core.probe.experiments.inquiry import WITH_DASHBOARD, Experiment, Inquiry, Question, answered, as_dashboard
from core.probe.experiments.places import base_in, moved_to, place_of, right_base
from core.probe.experiments.words import caller_of, conclude, fresh_token, grants

# A whole family shares these: its translation rejects the field, its models have small outputs.
FAMILY_FAULTS = frozenset({Diagnosis.FIELD_REJECTED, Diagnosis.OUTPUT_CAP, Diagnosis.NO_TOOL_CALL})


def explain_credential(inquiry: Inquiry) -> Experiment[Explanation | None]:
    """Tell a bad token from a bad route, by asking the same route with the dashboard's credential."""
    route, diagnosis = inquiry.route, inquiry.verdict.diagnosis
    if route.identity is Identity.DASHBOARD:
        return None
    asked = Question(route=as_dashboard(route), words=WITH_DASHBOARD)
    verdict = yield from inquiry.ask(asked)
    if verdict is None or verdict.refused_to_send:
        return None
    advice = fresh_token(route) if diagnosis is Diagnosis.CREDENTIAL_DEAD else None
    if answered(verdict):
        shown = f"the route itself works: {route.model} answers to the dashboard's credential"
        return conclude(inquiry, diagnosis, shown=shown, advice=advice)
    if verdict.diagnosis in REFUSED_CALLER:
        shown = "the dashboard's credential is refused there as well"
        return conclude(inquiry, diagnosis, shown=shown, advice=advice)
    shown = f"with the dashboard's credential the route fails too ({verdict.diagnosis})"
    instead = None
    if verdict.diagnosis in NOT_FOUND | {Diagnosis.RATE_LIMIT_ZERO, Diagnosis.GRANT_MISSING}:
        instead = yield from _another_model(inquiry, as_dashboard(route))
    return conclude(inquiry, diagnosis, shown=shown, advice=advice or fresh_token(route), instead=instead)


def explain_permission(inquiry: Inquiry) -> Experiment[Explanation | None]:
    """Say exactly what to grant, and what works meanwhile."""
    route = inquiry.route
    shown = ""
    if route.identity is not Identity.DASHBOARD:
        verdict = yield from inquiry.ask(Question(route=as_dashboard(route), words=WITH_DASHBOARD))
        shown = "it answers to the dashboard's credential" if answered(verdict) else ""
    instead = yield from _another_model(inquiry, route)
    if not shown and instead is not None:
        shown = f"the route itself works: {instead.model} answers on it"
    return conclude(inquiry, Diagnosis.GRANT_MISSING, shown=shown, advice=grants(route, inquiry.facts), instead=instead)


def explain_model(inquiry: Inquiry) -> Experiment[Explanation | None]:
    """Find another model for a route that is right but for its model."""
    route, diagnosis = inquiry.route, inquiry.verdict.diagnosis
    instead = yield from _another_model(inquiry, route, other_family=diagnosis in FAMILY_FAULTS)
    if instead is None and not inquiry.findings:
        return None
    shown = "no other model that was asked answers either"
    if instead is not None and inquiry.depth is Depth.FAITHFUL:
        shown = f"{instead.model} takes this agent's own request on this route"
    elif instead is not None and diagnosis in FAMILY_FAULTS:
        shown = f"{instead.model} answers a short request on this route; probe it faithfully before switching"
    elif instead is not None:
        shown = f"the route itself works: {instead.model} answers on it"
    return conclude(inquiry, diagnosis, shown=shown, instead=instead)


def explain_retired(inquiry: Inquiry) -> Experiment[Explanation | None]:
    """Ask for the model service on the gateway, which is what a retired endpoint name has become."""
    route, facts = inquiry.route, inquiry.facts
    for base, generation in _gateway_bases(inquiry):
        service = moved_to(route, base, generation, full_service_name(plain_model_name(route.model)))
        verdict = yield from inquiry.ask(Question(route=service, words=f"the other spelling, {service.model}"))
        if answered(verdict):
            shown = f"it answers on {place_of(service)} as {service.model}"
            return conclude(inquiry, Diagnosis.SPELLING_RETIRED, shown=shown, instead=service)
        advice = None
        if verdict is not None and verdict.diagnosis in NOT_FOUND | {Diagnosis.GRANT_MISSING}:
            advice = f"{service.model} is hidden from the {caller_of(service)}. {grants(service, facts)}"
        instead = yield from _another_model(inquiry, service)
        if instead is not None or advice is not None:
            return conclude(inquiry, Diagnosis.SPELLING_RETIRED, advice=advice, instead=instead)
    return conclude(inquiry, Diagnosis.SPELLING_RETIRED) if inquiry.findings else None


def _gateway_bases(inquiry: Inquiry) -> Iterator[tuple[str, Generation]]:
    """Yield the base URLs of a gateway for this agent: this one, the resolved one, the workspace's own."""
    route, gateway = inquiry.route, inquiry.facts.gateway
    resolved = gateway.generation if gateway else None
    own = base_in(Generation.WORKSPACE, route, inquiry.facts)
    places = [(route.base_url, route.generation), (right_base(route, inquiry.facts), resolved)]
    for base, generation in dict.fromkeys([*places, (own, Generation.WORKSPACE)]):
        if base is not None and generation in (Generation.WORKSPACE, Generation.DEDICATED):
            yield base, generation


def _another_model(inquiry: Inquiry, place: Route, *, other_family: bool = False) -> Experiment[Route | None]:
    """Ask other models at this place until one answers; what this sweep saw to work costs nothing and comes last."""
    failing = inquiry.route.model
    for question in candidates(place, inquiry.facts, instead_of=failing, other_family=other_family):
        if inquiry.left == 0:
            break
        if answered((yield from inquiry.ask(question))):
            return question.route
    return known_good_here(place, inquiry.facts, instead_of=failing)
