"""The words that transitions and incidents are found by."""

from __future__ import annotations

from core.model.incident import Incident
from core.model.route import Route
from core.model.standing import Transition


def transition_words(transition: Transition) -> str:
    """Return the text that a search looks into, case folded."""
    return _folded(transition.message, transition.diagnosis, transition.rung, *_route_words(transition.route))


def incident_words(incident: Incident) -> str:
    """Return the text that a search looks into, case folded."""
    routes = [word for route in incident.routes for word in _route_words(route)]
    cause = incident.cause
    return _folded(incident.id, incident.message, cause.host, cause.diagnosis, cause.rung, *dict.fromkeys(routes))


def pattern(text: str) -> str:
    """Return the LIKE pattern, escaped by a backslash, that finds a text anywhere."""
    escaped = text.strip().casefold().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _route_words(route: Route) -> tuple[str, ...]:
    return (route.agent, route.slot, route.model, route.base_url)


def _folded(*words: str) -> str:
    # No database takes a lone surrogate, and PostgreSQL no NUL.
    return "\n".join(words).casefold().replace("\0", "").encode("utf-8", "replace").decode()
