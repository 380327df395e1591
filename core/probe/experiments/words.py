"""Put what the experiments showed into one sentence and a remedy that can be carried out."""

from __future__ import annotations

from dataclasses import replace

from core.catalog.agents import AGENTS
from core.catalog.grants import grant_statements
from core.choice.lint import plain_model_name
from core.model.explanation import Explanation
from core.model.gateway import Generation
from core.model.probe import Diagnosis, Suggestion
from core.model.route import Identity, Route
from core.probe.experiments.facts import Facts
from core.probe.experiments.inquiry import Inquiry, as_dashboard
from core.probe.request import route_url
from core.probe.verdict_text import describe


def conclude(
    inquiry: Inquiry,
    diagnosis: Diagnosis,
    *,
    sentence: str | None = None,
    shown: str = "",
    advice: str | None = None,
    also: str = "",
    instead: Route | None = None,
) -> Explanation:
    """Return the explanation.

    `shown` is what the experiments add to the sentence. `advice` repairs this very route; without it, switching to
    `instead` is the remedy. `also` is a second thing to repair.
    """
    said, usual = describe(inquiry.route, replace(inquiry.verdict, diagnosis=diagnosis))
    if diagnosis is Diagnosis.MODEL_NOT_ON_ROUTE:
        # Where a grant is what is missing, the experiments have said so.
        usual = f"Choose another model for {AGENTS[inquiry.route.agent].setting(inquiry.route.slot)}."
    switch = switch_to(inquiry.route, instead) if instead else ""
    steps = [switch or usual] if advice is None else [advice, f"Meanwhile: {switch}" if switch else ""]
    return Explanation(
        diagnosis=diagnosis,
        sentence="; ".join(part for part in (sentence or said, shown) if part),
        remedy=" ".join(step for step in (*steps, also) if step),
        suggestion=_suggestion(inquiry.route, instead) if instead else None,
        findings=tuple(inquiry.findings),
    )


def switch_to(route: Route, instead: Route) -> str:
    """Return how to move a slot to a route that answered."""
    spec = AGENTS[route.agent]
    how = _as_whom(route, instead)
    model = f"{spec.setting(route.slot)} to {instead.model}"
    if instead.base_url == route.base_url:
        return f"Switch {model}, which answered on this route just now{how}."
    base = f"Set {spec.possessive} base URL to {instead.base_url}"
    if instead.model == route.model:
        return f"{base}; {instead.model} answered there just now{how}."
    return f"{base} and {model}, which answered there just now{how}."


def fresh_token(route: Route) -> str:
    """Return what to do about a token that is refused."""
    spec = AGENTS[route.agent]
    if route.identity is Identity.STORED:
        return f"Put a fresh token where {spec.label} reads it, and check what rotates it."
    return f"Get a fresh {route.identity.label} for this workspace."


def grants(route: Route, facts: Facts) -> str:
    """Return exactly what to grant to whom: an endpoint has permissions of its own, a service is in Unity Catalog."""
    principal = principal_of(route, facts)
    if route.generation is Generation.SERVING_ENDPOINTS:
        return f"Grant CAN QUERY on the serving endpoint {route.model} to {principal}; it takes a few minutes to count."
    statements = " ".join(grant_statements(plain_model_name(route.model), principal))
    return f"Run as an owner of the schema: {statements} It takes a few minutes to count."


def principal_of(route: Route, facts: Facts) -> str:
    """Return the principal behind a route's credential, or a stand-in that says whose name to fill in."""
    return facts.principals.get(route.identity) or f"<principal of the {caller_of(route)}>"


def caller_of(route: Route) -> str:
    """Return whose credential a route is asked with."""
    stored = route.identity is Identity.STORED
    return f"token stored in {AGENTS[route.agent].possessive} config" if stored else route.identity.label


def _suggestion(route: Route, instead: Route) -> Suggestion:
    where = "on this route" if instead.base_url == route.base_url else f"at {instead.base_url}"
    what = "the same model, answered" if instead.model == route.model else "answered"
    reason = f"{what} {where} just now{_as_whom(route, instead)}"
    return Suggestion(model=instead.model, url=route_url(instead), reason=reason)


def _as_whom(route: Route, instead: Route) -> str:
    is_other_caller = instead.identity is not route.identity
    return f" with the {as_dashboard(instead).identity.label}" if is_other_caller else ""
