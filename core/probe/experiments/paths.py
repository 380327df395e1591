"""A path that is not there: the agent's base URL is wrong, or this workspace has no such gateway at all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from core.catalog.agents import AGENTS
from core.catalog.spellings import endpoint_spelling, service_spelling
from core.model.explanation import Explanation
from core.model.gateway import Generation
from core.model.probe import Diagnosis, RungOutcome
from core.model.route import Route
from core.probe.experiments.candidates import candidates
from core.probe.experiments.inquiry import Experiment, Inquiry, Question, answered
from core.probe.experiments.places import base_in, listed_model, moved_to, place_of, right_base, spelled_for
from core.probe.experiments.words import conclude
from core.probe.judge import Verdict

PATH_FAULTS = frozenset({Diagnosis.WRONG_PATH, Diagnosis.GATEWAY_OFF})


def explain_path(inquiry: Inquiry) -> Experiment[Explanation | None]:
    """Tell a wrong base URL from a gateway that is off, and from a model that is missing."""
    route, facts = inquiry.route, inquiry.facts
    if right_base(route, facts) in (None, route.base_url):
        for question in islice(candidates(route, facts, instead_of=route.model), 1):
            if answered((yield from inquiry.ask(question))):
                return _only_this_model(inquiry, question.route)
    for place in _right_places(inquiry):
        verdict = yield from inquiry.ask(place)
        if not _knows_its_path(verdict):
            continue
        instead: Route | None = place.route
        if not answered(verdict):
            instead = yield from _another_model_at(inquiry, place.route)
        return _conclusion(inquiry, place.route, instead)
    return _conclusion(inquiry, None, None) if inquiry.findings else None


def _right_places(inquiry: Inquiry) -> Iterator[Question]:
    """Yield the same model where the agent should send it: below the resolved gateway, its own one, then the others."""
    route, facts = inquiry.route, inquiry.facts
    resolved = facts.gateway.generation if facts.gateway else None
    generations = (route.generation, Generation.WORKSPACE, Generation.SERVING_ENDPOINTS)
    places = [(resolved, right_base(route, facts)), *((one, one and base_in(one, route, facts)) for one in generations)]
    for generation, base in dict.fromkeys(places):
        if base is None or base == route.base_url:
            continue
        moved = moved_to(route, base, generation, _named_for(generation, inquiry))
        yield Question(route=moved, words=f"the same model at {base}")


def _named_for(generation: Generation | None, inquiry: Inquiry) -> str:
    name = inquiry.route.model
    known = listed_model(inquiry.facts, name)
    spelled = spelled_for(generation, known, name) if known else None
    is_endpoint_wanted = generation is Generation.SERVING_ENDPOINTS and name.startswith(service_spelling(""))
    return spelled or (endpoint_spelling(name) if is_endpoint_wanted else name)


def _another_model_at(inquiry: Inquiry, place: Route) -> Experiment[Route | None]:
    for question in candidates(place, inquiry.facts, instead_of=inquiry.route.model, where=f"at {place.base_url}"):
        if answered((yield from inquiry.ask(question))):
            return question.route
        if inquiry.left == 0:
            break
    return None


def _knows_its_path(verdict: Verdict | None) -> bool:
    return verdict is not None and (answered(verdict) or verdict.route is RungOutcome.PASSED)


def _only_this_model(inquiry: Inquiry, instead: Route) -> Explanation:
    route = inquiry.route
    return conclude(
        inquiry,
        Diagnosis.MODEL_NOT_ON_ROUTE,
        sentence=f"{route.model} is not on {place_of(route)}",
        shown=f"the path itself is right: {instead.model} answers there",
        instead=instead,
    )


def _conclusion(inquiry: Inquiry, right: Route | None, instead: Route | None) -> Explanation:
    """A path that is right in the same generation makes the base URL wrong; otherwise it is the gateway that is off."""
    route = inquiry.route
    is_gateways = route.generation in (Generation.WORKSPACE, Generation.DEDICATED)
    diagnosis = inquiry.verdict.diagnosis
    if right is not None and (right.generation is route.generation or not is_gateways):
        diagnosis = Diagnosis.WRONG_PATH
    elif is_gateways and (right is not None or _all_lead_nowhere(inquiry)):
        diagnosis = Diagnosis.GATEWAY_OFF
    if right is None:
        return conclude(inquiry, diagnosis, shown="nothing else that was asked answers either")
    shown = f"{place_of(right)} is at {right.base_url}"
    spec = AGENTS[route.agent]
    advice = None if instead is not None else f"Set {spec.possessive} base URL to {right.base_url}."
    return conclude(inquiry, diagnosis, shown=shown, advice=advice, instead=instead)


def _all_lead_nowhere(inquiry: Inquiry) -> bool:
    paths = [finding.diagnosis for finding in inquiry.findings]
    return len(paths) > 1 and set(paths) <= PATH_FAULTS
