"""Decide who is to be told what about which incident; putting it into words and sending it are left to others.

It looks at how things stand, not at what just happened: whatever a channel should have been told and was not is due.
So quiet hours, a restart or a rule that starts to match need no cases of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from core.model.alert import AlertRule, AlertSettings, Delivery, Notice, NoticeKind, QuietHours
from core.model.check import route_id
from core.model.incident import Incident
from core.model.probe import Health
from core.model.route import Route

_LEVELS = (Health.DEGRADED, Health.DOWN)


def due(
    incidents: Iterable[Incident], deliveries: Iterable[Delivery], settings: AlertSettings, now: datetime
) -> tuple[Notice, ...]:
    """Return what is to be sent now about these incidents, open or ended, given all that was sent about them before.

    A channel gets one notice per incident and occasion however many rules match; the first rule that does names it.
    Who was told is not told again when the incident spreads: it is one cause, and a reminder shows how far it got.
    """
    told = _told(deliveries)
    notices: list[Notice] = []
    for incident in incidents:
        channels: dict[str, Notice] = {}
        for rule in settings.rules:
            if not _matches(rule, incident) or is_quiet(rule.quiet, now):
                continue
            for channel in rule.channels:
                notice = _notice(incident, channel, rule, told.get((incident.id, channel), _NOTHING), now)
                if notice:
                    channels.setdefault(channel, notice)
        notices += channels.values()
    return tuple(notices)


def is_quiet(quiet: QuietHours | None, now: datetime) -> bool:
    """Say whether nothing is to be sent at this time of day; hours may go past midnight."""
    if quiet is None:
        return False
    clock = now.time()
    if quiet.begin <= quiet.end:
        return quiet.begin <= clock < quiet.end
    return clock >= quiet.begin or clock < quiet.end


def routes_in_question(incident: Incident) -> tuple[Route, ...]:
    """Return the routes that an incident still hits, or all that it ever hit once it is over."""
    return tuple(item for item in incident.routes if incident.ended_at or route_id(item) in incident.open_routes)


def probe_of_channel(channel: str, now: datetime) -> Notice:
    """Return the notice that only shows whether a channel works."""
    return Notice(id=f"test/{channel}/{now:%Y%m%dT%H%M%S.%f}", kind=NoticeKind.TEST, channel=channel, rule="", at=now)


@dataclass(frozen=True, slots=True)
class _Told:
    """What one channel has been told of one incident so far."""

    ids: frozenset[str] = frozenset()
    last_at: datetime | None = None


_NOTHING = _Told()


def _told(deliveries: Iterable[Delivery]) -> Mapping[tuple[str, str], _Told]:
    told: dict[tuple[str, str], _Told] = {}
    for delivery in deliveries:
        if delivery.incident_id is None:
            continue
        key = (delivery.incident_id, delivery.channel)
        before = told.get(key, _NOTHING)
        last_at = delivery.at if before.last_at is None else max(before.last_at, delivery.at)
        told[key] = _Told(before.ids | {delivery.notice_id}, last_at)
    return told


def _matches(rule: AlertRule, incident: Incident) -> bool:
    if _LEVELS.index(_level(incident)) < _LEVELS.index(rule.at_least):
        return False
    return not rule.agents or any(route.agent in rule.agents for route in routes_in_question(incident))


def _level(incident: Incident) -> Health:
    return Health.DOWN if incident.health is Health.DOWN else Health.DEGRADED


def _notice(incident: Incident, channel: str, rule: AlertRule, told: _Told, now: datetime) -> Notice | None:
    found = _ended(incident, channel, rule, told) if incident.ended_at else _lasting(incident, channel, rule, told, now)
    if found is None:
        return None
    kind, notice_id = found
    return Notice(id=notice_id, kind=kind, channel=channel, rule=rule.name, at=now, incident=incident)


def _ended(incident: Incident, channel: str, rule: AlertRule, told: _Told) -> tuple[NoticeKind, str] | None:
    """Only who was told that it began is told that it is over."""
    notice_id = f"{incident.id}/{channel}/resolved"
    if not rule.resolved or not told.ids or notice_id in told.ids:
        return None
    return NoticeKind.RESOLVED, notice_id


def _lasting(
    incident: Incident, channel: str, rule: AlertRule, told: _Told, now: datetime
) -> tuple[NoticeKind, str] | None:
    level = _level(incident)
    levels = [f"{incident.id}/{channel}/{health}" for health in _LEVELS]
    if not told.ids.intersection(levels[_LEVELS.index(level) :]):
        kind = NoticeKind.WORSENED if told.ids else NoticeKind.OPENED
        return kind, levels[_LEVELS.index(level)]
    if not rule.remind_every_s or told.last_at is None:
        return None
    if (now - told.last_at).total_seconds() < rule.remind_every_s:
        return None
    # Minutes and not a count: they grow even when the rule's interval is changed while the incident lasts.
    minutes = int((now - incident.confirmed_at).total_seconds() // 60)
    return NoticeKind.REMINDER, f"{incident.id}/{channel}/reminder-{minutes}"
