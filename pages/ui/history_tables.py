"""The rows of history's tables and its words: Markdown with upstream text escaped, or plain text for grids."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from core.catalog.agents import AGENTS
from core.health.spans import lasting_text
from core.model.alert import Channel, ChannelKind, Delivery, DeliveryState, NoticeKind
from core.model.audit import AuditEvent
from core.model.check import route_id
from core.model.history import RouteHistory
from core.model.incident import Incident, IncidentStep, StepKind
from core.model.route import Route
from core.model.standing import Transition
from pages.ui.formats import (
    HEALTH_SIGNS,
    NOTHING,
    Sign,
    age_text,
    badge,
    clock_text,
    code,
    escape,
    percent,
    plural,
    until_text,
)

Row = Mapping[str, str]
_NAMED_ROUTES = 3
_MEASURED = ("p50 ms", "p95 ms", "TTFT p50 ms", "TTFT p95 ms")

STEP_SIGNS = {
    StepKind.OPENED: Sign(word="opened", icon=":material/error:", color="red"),
    StepKind.JOINED: Sign(word="joined", icon=":material/add_circle:", color="orange"),
    StepKind.WORSENED: Sign(word="worsened", icon=":material/trending_down:", color="red"),
    StepKind.CHANGED: Sign(word="changed", icon=":material/sync_alt:", color="orange"),
    StepKind.LEFT: Sign(word="recovered", icon=":material/remove_circle:", color="green"),
    StepKind.RESOLVED: Sign(word="resolved", icon=":material/check_circle:", color="green"),
}
DELIVERY_SIGNS = {
    DeliveryState.WAITING: Sign(word="Waiting", icon=":material/schedule:", color="blue"),
    DeliveryState.SENT: Sign(word="Sent", icon=":material/check_circle:", color="green"),
    DeliveryState.FAILED: Sign(word="Failed", icon=":material/cancel:", color="red"),
}
CHANNEL_WORDS = {
    ChannelKind.SLACK: "Slack webhook",
    ChannelKind.WEBHOOK: "signed webhook",
    ChannelKind.EMAIL: "e-mail",
}
NOTICE_WORDS = {
    NoticeKind.OPENED: "opened",
    NoticeKind.WORSENED: "worsened",
    NoticeKind.REMINDER: "reminder",
    NoticeKind.RESOLVED: "resolved",
    NoticeKind.TEST: "test",
}


def cause_text(incident: Incident) -> str:
    """Return why routes fail together: the rung, and the sentence of the diagnosis; plain text."""
    said = incident.message or incident.cause.diagnosis.replace("_", " ")
    return f"{incident.cause.rung.label}: {said}"


def short_cause(incident: Incident) -> str:
    """Return the same for a list: what was found besides is left to the details."""
    return cause_text(incident).partition("; ")[0]


def when_text(at: datetime, now: datetime) -> str:
    """Return a moment of a list in UTC, short enough for a narrow column: today by its age too, else by its day."""
    if at.astimezone(UTC).date() != now.astimezone(UTC).date():
        return day_text(at, now)
    return f"{at.astimezone(UTC):%H:%M:%S}, {_unbroken(age_text(at, now))}"


def day_text(at: datetime, now: datetime) -> str:
    """Return a moment in UTC with its day, and its year where that is another one; it does not break."""
    moment = at.astimezone(UTC)
    year = "" if moment.year == now.astimezone(UTC).year else f" {moment.year}"
    return _unbroken(f"{moment.day} {moment:%b}{year} {moment:%H:%M:%S}")


def hit_text(routes: Sequence[Route]) -> str:
    """Return the routes in words, the first few by name; plain text."""
    named = list(dict.fromkeys(f"{AGENTS[route.agent].label} {route.slot}" for route in routes))
    more = f" and {len(named) - _NAMED_ROUTES} more" if len(named) > _NAMED_ROUTES else ""
    return ", ".join(named[:_NAMED_ROUTES]) + more


def lasted_text(incident: Incident, now: datetime) -> str:
    """Return how long an incident took, or takes so far."""
    if incident.ended_at is None:
        return f"lasts {lasting_text((now - incident.started_at).total_seconds())}"
    return lasting_text((incident.ended_at - incident.started_at).total_seconds())


def route_text(route: Route) -> str:
    """Return a route in one line of Markdown."""
    return (
        f"{escape(AGENTS[route.agent].label)} {escape(route.slot)} · {code(route.model)} · "
        f"{escape(route.identity.label)}"
    )


def route_words(route: Route) -> str:
    """Return a route in one line of plain text."""
    return f"{AGENTS[route.agent].label} {route.slot} · {route.model} · {route.identity.label}"


def rows_for_transitions(transitions: Sequence[Transition], now: datetime) -> list[Row]:
    """Return one line per change of a route's health."""
    return [
        {
            "When (UTC)": when_text(item.at, now),
            "Route": route_text(item.route),
            "Health": f"{badge(HEALTH_SIGNS[item.before])}\u00a0→ {badge(HEALTH_SIGNS[item.after])}"
            + (" · simulated" if item.simulated else ""),
            "Why": escape(f"{item.rung.label}: {item.message}") if item.message else item.rung.label,
        }
        for item in transitions
    ]


def rows_for_timeline(steps: Sequence[IncidentStep], now: datetime) -> list[Row]:
    """Return an incident's timeline, oldest first; what joins for the same reason does not repeat it."""
    return [
        {
            "When (UTC)": day_text(step.at, now),
            "Step": badge(STEP_SIGNS[step.kind]),
            "Route": route_text(step.route) if step.route else NOTHING,
            "What": "for the same reason"
            if step.kind is StepKind.JOINED and step.text == before
            else escape(step.text) or NOTHING,
        }
        for before, step in zip([None, *(step.text for step in steps)], steps, strict=False)
    ]


def rows_for_hit(incident: Incident) -> list[Row]:
    """Return every route an incident ever hit, with whether it is still hit."""
    return [
        {
            "Route": route_text(route),
            "Dialect": escape(route.dialect.label),
            "Base URL": code(route.base_url),
            "Now": badge(HEALTH_SIGNS[incident.health], "still hit")
            if route_id(route) in incident.open_routes
            else "recovered",
        }
        for route in incident.routes
    ]


def names_of(routes: Sequence[RouteHistory]) -> dict[str, str]:
    """Return each route by its id in plain text; those that would read alike with their base URL."""
    alike = Counter(route_words(item.route) for item in routes)
    return {
        item.route_id: words if alike[words := route_words(item.route)] == 1 else f"{words} · {item.route.base_url}"
        for item in routes
    }


def rows_for_uptime(routes: Sequence[RouteHistory]) -> list[dict[str, str | float | None]]:
    """Return uptime and latency per route as plain values for a grid, which sorts numbers as numbers.

    Columns that say nothing are left out: what was never measured (only a faithful check has a first token), pauses
    where there was none, the credential where there is one only, and base URLs while no two rows read alike.
    """
    rows = _uptime_rows(routes)
    empty = {name for name in _MEASURED if all(row[name] is None for row in rows)}
    empty |= {"Paused %"} if not any(row["Paused %"] for row in rows) else set()
    empty |= {"Base URL"} if len({route_words(item.route) for item in routes}) == len(routes) else set()
    empty |= {"Credential"} if len({row["Credential"] for row in rows}) == 1 else set()
    return [{name: value for name, value in row.items() if name not in empty} for row in rows]


def _uptime_rows(routes: Sequence[RouteHistory]) -> list[dict[str, str | float | None]]:
    return [
        {
            "Agent": AGENTS[item.route.agent].label,
            "Slot": item.route.slot,
            "Model": item.route.model,
            "Credential": item.route.identity.label,
            "Base URL": item.route.base_url,
            "Up %": percent(item.uptime.up),
            "Degraded %": percent(item.uptime.degraded),
            "Down %": percent(item.uptime.down),
            "No data %": percent(item.uptime.no_data),
            "Paused %": percent(item.uptime.paused),
            "p50 ms": _whole(item.quantiles.p50_ms),
            "p95 ms": _whole(item.quantiles.p95_ms),
            "TTFT p50 ms": _whole(item.quantiles.ttft_p50_ms),
            "TTFT p95 ms": _whole(item.quantiles.ttft_p95_ms),
            "Passed": item.quantiles.samples,
        }
        for item in routes
    ]


def rows_for_audit(events: Sequence[AuditEvent]) -> list[Row]:
    """Return who did what, as plain text for a grid."""
    return [
        {
            "When": clock_text(event.at),
            "Who": event.actor,
            "Role": event.role or NOTHING,
            "From": event.origin.replace("_", " "),
            "Address": event.address or NOTHING,
            "What": event.action,
            "Target": event.target,
            "Outcome": _outcome(event),
            "Reason": event.reason or NOTHING,
            "Before → after": _moved(event),
            "Evidence": ", ".join(event.evidence) or NOTHING,
        }
        for event in events
    ]


def rows_for_deliveries(deliveries: Sequence[Delivery], now: datetime) -> list[Row]:
    """Return how sending went, failures with their reason."""
    return [
        {
            "When (UTC)": when_text(item.at, now),
            "Channel": code(item.channel),
            "About": NOTICE_WORDS[item.kind] + (f" · {code(item.incident_id)}" if item.incident_id else ""),
            "State": badge(DELIVERY_SIGNS[item.state]),
            "Tries": f"{item.attempts}" + (f", next {until_text(item.next_at, now)}" if item.next_at else ""),
            "Detail": escape(item.detail) or NOTHING,
        }
        for item in deliveries
    ]


def channel_text(channel: Channel) -> str:
    """Return what a channel is, without anything of its address that could be a secret."""
    # Of a webhook's address the path may be the secret; the Slack one is a secret as a whole.
    where = urlsplit(channel.url).hostname or channel.host
    if channel.kind is ChannelKind.EMAIL:
        where = f"{plural(len(channel.recipients), 'recipient')} through {channel.host or 'no host'}"
    return f"**{escape(channel.name)}** · {CHANNEL_WORDS[channel.kind]}" + (f" · {escape(where)}" if where else "")


def _unbroken(text: str) -> str:
    return text.replace(" ", "\u00a0")


def _outcome(event: AuditEvent) -> str:
    outcome = event.outcome.replace("_", " ")
    return f"✕ refused: {outcome}" if event.is_refused else outcome


def _moved(event: AuditEvent) -> str:
    names = dict.fromkeys([*event.before, *event.after])
    moved = [name for name in names if event.before.get(name) != event.after.get(name)]
    return (
        "; ".join(f"{name}: {event.before.get(name) or NOTHING} → {event.after.get(name) or NOTHING}" for name in moved)
        or NOTHING
    )


def _whole(ms: float | None) -> float | None:
    return None if ms is None else round(ms)
