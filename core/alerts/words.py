"""Put a notice into words for people, safe for any channel; how a channel is written to is left to `message`."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from datetime import datetime

from core.alerts.decide import routes_in_question
from core.catalog.agents import AGENTS
from core.catalog.redact import redact
from core.health.spans import span_text
from core.model.alert import Notice, NoticeKind
from core.model.incident import Incident
from core.model.probe import Health
from core.model.route import Route

_LONGEST_LINE = 300
_LONGEST_TEXT = 1500
_ROUTES_SHOWN = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where messages come from: the watched workspace, and the dashboard that they link to, "" when not known."""

    workspace: str = ""
    dashboard_url: str = ""


def headline(notice: Notice) -> str:
    """Return the one line that says it all."""
    incident = notice.incident
    if incident is None:
        return "Test: messages of Switchyard reach this channel"
    who = ", ".join(dict.fromkeys(AGENTS[route.agent].label for route in routes_in_question(incident)))
    text = f"{_state(notice, incident)}: {who}, {incident.cause.rung.label} at {incident.cause.host}"
    return line(f"[Simulated] {text}" if incident.simulated else text)


def facts(notice: Notice, origin: Origin) -> tuple[tuple[str, str], ...]:
    """Return what there is to know besides, as (name, text); only Cause and Remedy may have several lines."""
    incident = notice.incident
    if incident is None:
        return tuple((name, text) for name, text in (("Workspace", line(origin.workspace)),) if text)
    rows = (
        ("Cause", block(incident.message)),
        ("Diagnosis", incident.cause.diagnosis),
        ("Routes", _routes(incident)),
        ("Began", f"{incident.started_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("Ended", f"{incident.ended_at:%Y-%m-%d %H:%M:%S} UTC" if incident.ended_at else ""),
        ("Remedy", "" if incident.ended_at else block(incident.remedy)),
        ("Workspace", line(origin.workspace)),
        ("More", permalink(incident, origin)),
    )
    return tuple((name, text) for name, text in rows if text)


def permalink(incident: Incident, origin: Origin) -> str:
    """Return the address of the incident on the dashboard, "" when that is not known."""
    return f"{origin.dashboard_url}/history?incident={incident.id}" if origin.dashboard_url else ""


def line(text: str) -> str:
    """Return text that came from elsewhere as one line without credentials or invisible characters."""
    return _cut(" ".join(_visible(redact(text)).split()), _LONGEST_LINE)


def block(text: str) -> str:
    """Return text that came from elsewhere with its lines, without credentials or invisible characters."""
    lines = (_visible(part).strip() for part in redact(text).splitlines())
    return _cut("\n".join(part for part in lines if part), _LONGEST_TEXT)


def _visible(text: str) -> str:
    """Control and format characters turn text around, hide parts of it, or end a header."""
    return "".join(" " if unicodedata.category(character)[0] in "CZ" else character for character in text)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _state(notice: Notice, incident: Incident) -> str:
    word = "Down" if incident.health is Health.DOWN else "Degraded"
    match notice.kind:
        case NoticeKind.RESOLVED:
            return f"Resolved after {_span(incident, incident.ended_at or notice.at)}"
        case NoticeKind.REMINDER:
            return f"Still {word} after {_span(incident, notice.at)}"
        case NoticeKind.WORSENED:
            return f"Worse, now {word}"
        case _:
            return word


def _span(incident: Incident, until: datetime) -> str:
    return span_text((until - incident.started_at).total_seconds())


def _routes(incident: Incident) -> str:
    routes = routes_in_question(incident)
    shown = [_route(item) for item in routes[:_ROUTES_SHOWN]]
    more = len(routes) - len(shown)
    return "; ".join(shown) + (f" and {more} more" if more else "")


def _route(route: Route) -> str:
    return line(f"{AGENTS[route.agent].label} {route.slot}: {route.model} over {route.dialect.label}")
