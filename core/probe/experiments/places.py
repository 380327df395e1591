"""Where else the same model may answer: under its other name, in another dialect, in another generation."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urlsplit

from core.catalog.agents import AGENTS, API_TYPES, BASE_PATHS, dialect_for
from core.catalog.spellings import (
    endpoint_spelling,
    family_of,
    is_service_spelling,
    model_id,
    service_spelling,
)
from core.choice.lint import plain_model_name
from core.model.agent import AgentId, Dialect
from core.model.gateway import Generation
from core.model.models import Model
from core.model.route import Route
from core.probe.experiments.facts import Facts
from core.probe.experiments.inquiry import Question, as_dashboard

ROUTE_NAMES = {
    Dialect.ANTHROPIC_MESSAGES: "Anthropic route",
    Dialect.OPENAI_RESPONSES: "Responses route",
    Dialect.OPENAI_CHAT: "chat route",
    Dialect.GEMINI_GENERATE: "Gemini route",
}
_GENERATION_NAMES = {
    Generation.WORKSPACE: "the workspace's gateway",
    Generation.DEDICATED: "the dedicated gateway",
    Generation.SERVING_ENDPOINTS: "serving-endpoints",
}
_ROOTS = {Generation.WORKSPACE: "/ai-gateway", Generation.SERVING_ENDPOINTS: "/serving-endpoints"}


def place_of(route: Route) -> str:
    """Return the route in words, for sentences ("the chat route of serving-endpoints")."""
    where = _GENERATION_NAMES.get(route.generation) if route.generation else None
    return f"the {ROUTE_NAMES[route.dialect]}" + (f" of {where}" if where else "")


def origin_or_none(url: str) -> str | None:
    """Return scheme, host and port, or None for a text that is no URL."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return f"{parts.scheme}://{parts.netloc}" if parts.scheme and parts.netloc else None


def listed_model(facts: Facts, name: str) -> Model | None:
    """Return the listed model that any spelling of this name means."""
    plain = plain_model_name(name)
    found = facts.catalogue.find(plain)
    return found or next((model for model in facts.catalogue.models if model.id == model_id(plain)), None)


def speaks(model: Model, dialect: Dialect) -> bool:
    """Say whether the listings name this dialect for this model."""
    return bool(set(API_TYPES[dialect]) & set(model.api_types))


def spelled_for(generation: Generation | None, model: Model, like: str) -> str | None:
    """Return the spelling to use in this generation, of the same kind as `like` where both will do."""
    usable = [
        spelling
        for spelling in model.spellings
        if generation is not Generation.SERVING_ENDPOINTS or not is_service_spelling(spelling)
    ]
    of_kind = [spelling for spelling in usable if is_service_spelling(spelling) == is_service_spelling(like)]
    return next(iter(of_kind or usable), None)


def other_spelling(route: Route, facts: Facts) -> Question | None:
    """Return the question for the model's other name on the same route, where this generation may know one."""
    plain = plain_model_name(route.model)
    known = listed_model(facts, plain)
    names = list(known.spellings) if known else []
    if model_id(plain) == plain and is_service_spelling(plain):
        return None  # somebody's own service has one name only
    names += [endpoint_spelling(plain), service_spelling(plain)]
    is_legacy = route.generation is Generation.SERVING_ENDPOINTS
    usable = (name for name in names if name != plain and not (is_legacy and is_service_spelling(name)))
    other = next(usable, None)
    return Question(route=replace(route, model=other), words=f"the other spelling, {other}") if other else None


def other_dialects(route: Route, facts: Facts) -> Iterator[Question]:
    """Yield the questions for the same model on the other dialects of this generation, the likeliest first."""
    root = root_of(route, facts)
    if root is None or route.generation is None:
        return
    for dialect in _likely_dialects(route, listed_model(facts, route.model)):
        path = BASE_PATHS[(route.generation, dialect)]
        elsewhere = replace(route, dialect=dialect, base_url=root + path)
        yield Question(route=elsewhere, words=f"the same model on the {ROUTE_NAMES[dialect]}")


def _likely_dialects(route: Route, known: Model | None) -> list[Dialect]:
    # OpenCode speaks every dialect, so what it would choose is the family's own one.
    own = dialect_for(AGENTS[AgentId.OPENCODE], family_of(route.model)) or Dialect.OPENAI_CHAT
    listed = [dialect for dialect in dict.fromkeys((own, *Dialect)) if known and speaks(known, dialect)]
    likely = listed or [own, Dialect.OPENAI_CHAT]
    return [dialect for dialect in dict.fromkeys(likely) if dialect is not route.dialect]


def other_generation(route: Route, facts: Facts) -> Question | None:
    """Return the question for the same model and dialect on the gateway, when the agent is set up for another one."""
    right = right_base(route, facts)
    gateway = facts.gateway
    if right is None or gateway is None or gateway.generation in (None, route.generation):
        return None
    known = listed_model(facts, route.model)
    name = (known and spelled_for(gateway.generation, known, route.model)) or route.model
    moved = moved_to(route, right, gateway.generation, name)
    return Question(route=moved, words=f"the same model on {place_of(moved)}")


def right_base(route: Route, facts: Facts) -> str | None:
    """Return the base URL that this agent would be given for the resolved gateway."""
    gateway = facts.gateway
    if gateway is None or gateway.base_url is None or gateway.generation is None:
        return None
    path = AGENTS[route.agent].bases.get((gateway.generation, route.dialect))
    return None if path is None else gateway.base_url + path


def base_in(generation: Generation, route: Route, facts: Facts) -> str | None:
    """Return this agent's base URL in another generation of the workspace itself."""
    origin = facts.workspace_origin
    if origin is None and route.generation in _ROOTS:
        origin = origin_or_none(route.base_url)
    path = AGENTS[route.agent].bases.get((generation, route.dialect))
    return None if origin is None or path is None or generation not in _ROOTS else origin + _ROOTS[generation] + path


def root_of(route: Route, facts: Facts) -> str | None:
    """Return the URL below which all dialects of this route's generation live."""
    gateway = facts.gateway.base_url if facts.gateway else None
    if gateway and (route.base_url == gateway or route.base_url.startswith(gateway + "/")):
        return gateway
    origin = origin_or_none(route.base_url)
    if origin is None or route.generation is None:
        return None
    return origin + _ROOTS.get(route.generation, "")


def moved_to(route: Route, base_url: str, generation: Generation | None, model: str) -> Route:
    """Return the route at another base URL; another host is not shown a token that was never meant for it."""
    moved = replace(route, base_url=base_url, generation=generation, model=model)
    return moved if origin_or_none(base_url) == origin_or_none(route.base_url) else as_dashboard(moved)
