"""What the History page reads from the database: each answer held for a moment, and what is known without it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from core.errors import StoreError
from core.model.history import HistoryQuery, HistoryView, RouteHistory
from core.model.incident import Incident
from core.model.snapshot import Snapshot
from core.model.standing import Transition
from pages.ui.held import held
from pages.ui.history_query import LIMIT, HistoryAsk, asked_of_store
from pages.ui.request import RequestContext

_DRAWER_S = 20.0
_MARGIN = timedelta(minutes=5)


def read_view(request: RequestContext, asked: HistoryAsk, snapshot: Snapshot, now: datetime) -> HistoryView:
    """Return incidents, transitions and routes as asked; raises StoreError."""
    newest = snapshot.transitions[0].id if snapshot.transitions else None
    key = (asked.span, asked.agents, asked.healths, asked.models, asked.text, newest)
    return held("history", key, lambda: request.services.history(asked_of_store(asked, now)))


def remembered_view(asked: HistoryAsk, snapshot: Snapshot, now: datetime) -> HistoryView:
    """Return what this process still knows of the asked time when its database cannot be read."""
    query = asked_of_store(asked, now)
    return HistoryView(
        query=query,
        incidents=tuple(item for item in snapshot.incidents if _matches(asked, item)),
        transitions=tuple(
            item
            for item in snapshot.transitions
            if item.at >= query.since
            and (not asked.agents or item.route.agent in asked.agents)
            and (not asked.healths or item.after in asked.healths)
            and (not asked.models or item.route.model in asked.models)
        ),
        cut=True,
    )


def _matches(asked: HistoryAsk, incident: Incident) -> bool:
    return (
        (not asked.agents or bool(set(asked.agents) & set(incident.agents)))
        and (not asked.healths or incident.health in asked.healths)
        and (not asked.models or bool(set(asked.models) & {route.model for route in incident.routes}))
    )


def read_incident(request: RequestContext, incident_id: str, snapshot: Snapshot) -> Incident | None:
    """Return an incident: as the process knows it while it lasts, else from the database; raises StoreError."""
    found = next((item for item in snapshot.incidents if item.id == incident_id), None)
    return found or held("incident", incident_id, lambda: request.services.incident(incident_id))


def transitions_of(request: RequestContext, incident: Incident, snapshot: Snapshot) -> tuple[Transition, ...]:
    """Return the transitions that belong to an incident, oldest first; only those in memory without a database."""
    until = (incident.ended_at or max((step.at for step in incident.timeline), default=incident.confirmed_at)) + _MARGIN
    query = HistoryQuery(since=incident.started_at - _MARGIN, until=until, agents=incident.agents, limit=LIMIT)
    try:
        found = held(
            "incident_transitions",
            (incident.id, until),
            lambda: request.services.history(query).transitions,
            for_s=_DRAWER_S,
        )
    except StoreError:
        found = snapshot.transitions
    return tuple(sorted((item for item in found if item.incident_id == incident.id), key=lambda item: item.at))


def read_route(request: RequestContext, route_id: str, now: datetime, length: timedelta) -> RouteHistory | None:
    """Return one route over the time up to now; raises StoreError."""
    return held("route", route_id, lambda: request.services.route_history(route_id, now - length, now), for_s=_DRAWER_S)


def addresses_of(
    incidents: Sequence[Incident], transitions: Sequence[Transition] = (), routes: Sequence[RouteHistory] = ()
) -> tuple[str, ...]:
    """Return each host and base URL that these name, once: some are of workspaces that nobody looks at any more."""
    bases = [route.base_url for incident in incidents for route in incident.routes]
    bases += [transition.route.base_url for transition in transitions]
    bases += [history.route.base_url for history in routes]
    return tuple(dict.fromkeys([*bases, *(incident.cause.host for incident in incidents)]))
