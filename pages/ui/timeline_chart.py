"""Incidents and changes on one axis of time, the worst first; pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from core.catalog.agents import AGENTS
from core.model.change import ChangeRecord
from core.model.incident import Incident
from core.model.probe import Health
from pages.ui.bars import HEALTH_COLORS
from pages.ui.charts import BLUE, iso, time_axis
from pages.ui.formats import HEALTH_SIGNS, NOTHING, STATE_SIGNS, clock_text, plural
from pages.ui.history_tables import hit_text, lasted_text, short_cause

MOST_INCIDENTS = 12
_STEP, _FRAME = 26, 74
_CHANGES, CHANGE = "Changes", "Change"
_WORST_FIRST = (Health.DOWN, Health.DEGRADED, Health.UNKNOWN, Health.PAUSED, Health.HEALTHY)
_KINDS = {
    HEALTH_SIGNS[Health.DOWN].word: (HEALTH_COLORS[Health.DOWN], "cross"),
    HEALTH_SIGNS[Health.DEGRADED].word: (HEALTH_COLORS[Health.DEGRADED], "triangle-up"),
    HEALTH_SIGNS[Health.UNKNOWN].word: (HEALTH_COLORS[Health.UNKNOWN], "square"),
    CHANGE: (BLUE, "diamond"),
}

Span = dict[str, datetime | str]
Spec = dict[str, object]


def worst_incidents(incidents: Sequence[Incident]) -> list[Incident]:
    """Return the incidents that have a line of their own: the worst first, of those alike the newest."""
    newest = sorted(incidents, key=lambda incident: incident.started_at, reverse=True)
    return sorted(newest, key=lambda incident: _WORST_FIRST.index(incident.health))[:MOST_INCIDENTS]


def timeline_spans(
    incidents: Sequence[Incident], changes: Sequence[ChangeRecord], *, since: datetime, now: datetime
) -> list[Span]:
    """Return what is drawn: a bar per incident, cut at the range, and a mark per change within it."""
    spans: list[Span] = [
        {
            "line": _line(number, incident),
            "from": max(incident.started_at, since),
            "to": incident.ended_at or now,
            "kind": HEALTH_SIGNS[incident.health].word,
            "what": short_cause(incident),
            "more": f"{hit_text(incident.routes)}, {lasted_text(incident, now)}",
        }
        for number, incident in enumerate(worst_incidents(incidents), start=1)
    ]
    return spans + [
        {
            "line": _CHANGES,
            "from": record.at,
            "to": record.at,
            "kind": CHANGE,
            "what": change_words(record),
            "more": f"{STATE_SIGNS[record.state].word}, by {record.actor}",
        }
        for record in changes
        if since <= record.at <= now
    ]


def change_words(record: ChangeRecord) -> str:
    """Return what a change was to move, in plain text."""
    moved = (
        f"{name} {record.before.get(name) or NOTHING} → {value or NOTHING}"
        for name, value in record.after.items()
        if value != record.before.get(name)
    )
    return f"{AGENTS[record.agent].label}: {', '.join(moved) or 'no difference'}"


def timeline_words(incidents: Sequence[Incident], changes: int, now: datetime) -> str:
    """Return the same in words: every incident that has a line, and how many changes there were."""
    told = [
        f"{HEALTH_SIGNS[one.health].word}, {hit_text(one.routes) or NOTHING}, from {clock_text(one.started_at)}, "
        f"{lasted_text(one, now)}"
        for one in worst_incidents(incidents)
    ]
    return "Timeline, the worst first: " + "; ".join([*told, plural(changes, "change")])


def timeline_height(spans: Sequence[Span]) -> int:
    """Return how high the chart is: a line has one height, however many there are."""
    return _FRAME + _STEP * len(_lines(spans))


def timeline_chart(spans: Sequence[Span], *, since: datetime, now: datetime) -> Spec:
    """Return how the lines are drawn: in UTC, each kind told by its shape, and by the word before its line."""
    axis = {"title": None, "labelLimit": 220, "ticks": False, "domain": False}
    x = {
        "field": "from",
        "type": "temporal",
        "scale": {"type": "utc", "domain": [iso(since), iso(now)]},
        "axis": time_axis([since, now]),
    }
    color = {"domain": list(_KINDS), "range": [color for color, _ in _KINDS.values()]}
    shape = {"domain": list(_KINDS), "range": [shape for _, shape in _KINDS.values()]}
    shared = {
        "y": {"field": "line", "type": "nominal", "sort": _lines(spans), "axis": axis},
        "color": {"field": "kind", "type": "nominal", "scale": color, "legend": None},
        "tooltip": [
            {"field": "from", "type": "temporal", "timeUnit": "utcyearmonthdatehoursminutes", "title": "from (UTC)"},
            {"field": "to", "type": "temporal", "timeUnit": "utcyearmonthdatehoursminutes", "title": "to (UTC)"},
            {"field": "kind", "type": "nominal", "title": "what"},
            {"field": "what", "type": "nominal", "title": "cause"},
            {"field": "more", "type": "nominal", "title": "of"},
        ],
    }
    point = {"field": "kind", "type": "nominal", "scale": shape, "legend": None}
    return {
        "encoding": shared,
        "layer": [
            {"mark": {"type": "bar", "height": 8, "cornerRadius": 3}, "encoding": {"x": x, "x2": {"field": "to"}}},
            # A short incident is a bar of no width; its beginning is a mark that can be seen.
            {"mark": {"type": "point", "filled": True, "size": 90, "opacity": 1}, "encoding": {"x": x, "shape": point}},
        ],
    }


def _line(number: int, incident: Incident) -> str:
    return f"{number}. {HEALTH_SIGNS[incident.health].word} · {hit_text(incident.routes) or NOTHING}"


def _lines(spans: Sequence[Span]) -> list[str]:
    return list(dict.fromkeys(str(span["line"]) for span in spans))
