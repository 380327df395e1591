"""A model that is not found: served elsewhere, hidden from this caller, named otherwise, or not there at all.

A gateway answers "does not exist" for what a caller may not use as well, and the legacy route looks a model up before
it checks the token, so a 404 alone says none of this (databricks.md §0.1 facts 3 and 6).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from core.catalog.spellings import is_service_spelling, model_id
from core.model.explanation import Explanation
from core.model.gateway import Generation
from core.model.probe import Diagnosis
from core.model.route import Identity, Route
from core.probe.experiments.candidates import candidates, known_good_here, question_about
from core.probe.experiments.facts import Facts
from core.probe.experiments.inquiry import WITH_DASHBOARD, Experiment, Inquiry, Question, answered, as_dashboard
from core.probe.experiments.places import (
    listed_model,
    other_dialects,
    other_generation,
    other_spelling,
    place_of,
    speaks,
)
from core.probe.experiments.words import caller_of, conclude, fresh_token, grants

NOT_FOUND = frozenset({Diagnosis.MODEL_NOT_ON_ROUTE, Diagnosis.MODEL_ABSENT})
REFUSED_CALLER = frozenset({Diagnosis.CREDENTIAL_DEAD, Diagnosis.WRONG_WORKSPACE, Diagnosis.SCOPE_MISSING})
_DENIES = NOT_FOUND | {Diagnosis.DIALECT_MISMATCH, Diagnosis.WRONG_PATH, Diagnosis.GATEWAY_OFF}
_IS_SERVED = frozenset({Diagnosis.OK, Diagnosis.THROTTLED})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sought:
    """What looking for the same model gave: where it is served, and whether this caller is shut out there."""

    found: Route | None = None
    works: bool = False
    is_forbidden: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cause:
    diagnosis: Diagnosis
    sentence: str
    shown: str
    advice: str | None = None


def explain_absence(inquiry: Inquiry) -> Experiment[Explanation | None]:
    """Tell apart why a model is not found."""
    route, facts = inquiry.route, inquiry.facts
    seeker = route
    known = facts.works_for_another(route)
    if known is not None:
        return (yield from _finish(inquiry, _hidden(inquiry, f"it answers to the {caller_of(known)}")))
    if route.identity is not Identity.DASHBOARD:
        seeker = as_dashboard(route)
        verdict = yield from inquiry.ask(Question(route=seeker, words=WITH_DASHBOARD))
        if answered(verdict):
            return (yield from _finish(inquiry, _hidden(inquiry, "it answers to the dashboard's credential")))
        if verdict is None or verdict.diagnosis not in NOT_FOUND:
            seeker = route
    sought = yield from _seek(inquiry, seeker)
    if sought.found is not None and sought.works and sought.found.dialect is route.dialect:
        return _same_model(inquiry, sought.found)
    return (yield from _finish(inquiry, _cause(inquiry, sought)))


def _seek(inquiry: Inquiry, seeker: Route) -> Experiment[_Sought]:
    """Ask for the same model elsewhere; the last question is kept for another model on this route."""
    is_forbidden = False
    for question in _elsewhere(seeker, inquiry.facts):
        if inquiry.left <= 1:
            break
        verdict = yield from inquiry.ask(question)
        if verdict is not None and verdict.diagnosis in _IS_SERVED:
            return _Sought(found=question.route, works=answered(verdict))
        is_here = question.route.generation is inquiry.route.generation
        is_forbidden |= verdict is not None and verdict.diagnosis is Diagnosis.GRANT_MISSING and is_here
    return _Sought(is_forbidden=is_forbidden)


def _elsewhere(route: Route, facts: Facts) -> Iterator[Question]:
    """Yield where the model may be: under its other name first, unless the listings know it for other dialects."""
    spelling, dialects = other_spelling(route, facts), list(other_dialects(route, facts))
    names = [spelling] if spelling else []
    yield from [*dialects[:1], *names] if _is_listed_elsewhere(route, facts) else [*names, *dialects[:1]]
    generation = other_generation(route, facts)
    if generation is not None:
        yield generation
    yield from dialects[1:]


def _is_listed_elsewhere(route: Route, facts: Facts) -> bool:
    known = listed_model(facts, route.model)
    return known is not None and bool(known.api_types) and not speaks(known, route.dialect)


def _cause(inquiry: Inquiry, sought: _Sought) -> _Cause:
    """Return what is left standing when the agent itself cannot use this model anywhere."""
    route, facts = inquiry.route, inquiry.facts
    is_listed = listed_model(facts, route.model) is not None
    is_gateways = route.generation in (Generation.WORKSPACE, Generation.DEDICATED)
    if sought.found is not None:
        return _not_here(route, f"it answers on {place_of(sought.found)}")
    if sought.is_forbidden:
        return _hidden(inquiry, "it is there, but may not be used")
    if not _is_settled(inquiry):
        return _not_here(route, "whether it is missing or hidden could not be found out")
    if is_listed and is_gateways and not _is_listed_elsewhere(route, facts):
        return _hidden(inquiry, "it is listed in this workspace, but the gateway denies that it exists")
    if is_listed:
        return _not_here(route, "it is listed in this workspace, but answers on no route that was asked")
    if not facts.listing_was_read:
        return _not_here(route, "it answers on no route that was asked, and the models could not be listed")
    if is_service_spelling(route.model) and model_id(route.model) == route.model:
        cause = _not_here(route, "only system.ai is listed, so it may be missing, or hidden from this principal")
        return replace(cause, advice=f"Check the name, and whether it is hidden. {grants(route, facts)}")
    return _Cause(
        diagnosis=Diagnosis.MODEL_ABSENT,
        sentence=f"{route.model} is not a model of this workspace",
        shown="it is in no listing and answers nowhere",
    )


def _is_settled(inquiry: Inquiry) -> bool:
    """Say whether everything that was asked about this model denied it; a hang or a dead token denies nothing."""
    about_it = [finding for finding in inquiry.findings if finding.question != WITH_DASHBOARD]
    return all(finding.diagnosis in _DENIES for finding in about_it)


def _not_here(route: Route, shown: str) -> _Cause:
    sentence = f"{route.model} is not on {place_of(route)}"
    return _Cause(diagnosis=Diagnosis.MODEL_NOT_ON_ROUTE, sentence=sentence, shown=shown)


def _hidden(inquiry: Inquiry, because: str) -> _Cause:
    route = inquiry.route
    return _Cause(
        diagnosis=Diagnosis.GRANT_MISSING,
        sentence=f"{route.model} is hidden from the {caller_of(route)}",
        shown=because,
        advice=grants(route, inquiry.facts),
    )


def _same_model(inquiry: Inquiry, found: Route) -> Explanation:
    """The agent can use the same model under another name or in another generation."""
    route = inquiry.route
    if found.base_url == route.base_url:
        sentence, shown = f"{route.model} is not a name that this route knows", f"it answers here as {found.model}"
        return conclude(inquiry, inquiry.verdict.diagnosis, sentence=sentence, shown=shown, instead=found)
    name = "" if found.model == route.model else f" as {found.model}"
    cause = _not_here(route, f"it answers on {place_of(found)}{name}")
    return conclude(inquiry, cause.diagnosis, sentence=cause.sentence, shown=cause.shown, instead=found)


def _finish(inquiry: Inquiry, cause: _Cause) -> Experiment[Explanation]:
    """Add another model that works on this route, and what its answer says about the caller's token."""
    route = inquiry.route
    instead, token_is_dead = yield from _try_another(inquiry)
    shown, also = cause.shown, ""
    if token_is_dead:
        shown, also = f"{shown}; the {caller_of(route)} is refused on this route as well", fresh_token(route)
    return conclude(
        inquiry,
        cause.diagnosis,
        sentence=cause.sentence,
        shown=shown,
        advice=cause.advice,
        also=also,
        instead=instead,
    )


def _try_another(inquiry: Inquiry) -> Experiment[tuple[Route | None, bool]]:
    """Ask other models on this route as the same caller; say too whether that caller's token turned out dead."""
    route, facts = inquiry.route, inquiry.facts
    known = known_good_here(route, facts, instead_of=route.model)
    # A model that answers the dashboard tells about the token when it does not answer the agent.
    first = [] if known is None else [question_about(replace(route, model=known.model), facts)]
    for question in (*first, *candidates(route, facts, instead_of=route.model)):
        verdict = yield from inquiry.ask(question)
        if answered(verdict):
            return question.route, False
        if verdict is not None and verdict.diagnosis in REFUSED_CALLER:
            return known, True
    return known, False
