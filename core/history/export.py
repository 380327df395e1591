"""Put history into flat rows for a spreadsheet and into one JSON document; pure, credentials struck out."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from urllib.parse import urlsplit

from core.catalog.redact import redact
from core.model.check import route_id
from core.model.history import Bucket, HistoryView, RouteHistory
from core.model.incident import Incident
from core.model.route import Route
from core.model.standing import Transition

SCHEMA = 1
# What a spreadsheet takes for the beginning of a formula, in full width too and behind what it strips.
_FORMULA = re.compile(r"^[\s\u200b\ufeff]*[=+\-@|%\uff1d\uff0b\uff0d\uff20]|^[\t\r\n]")

Cell = str | int | float | bool | None
Row = dict[str, Cell]
Document = dict[str, object]

COLUMNS = tuple(
    (
        "kind id at ended_at lasted_s route_id agent slot model dialect identity host base_url before health rung "
        "diagnosis http_status message remedy incident_id routes up degraded down no_data paused p50_ms p95_ms "
        "ttft_p50_ms ttft_p95_ms samples simulated"
    ).split()
)


def export_rows(view: HistoryView) -> list[Row]:
    """Return all of a view as rows with the same columns, their text safe for a spreadsheet."""
    rows = [
        *(_incident_row(one) for one in view.incidents),
        *(_transition_row(one) for one in view.transitions),
        *(_route_row(one, view) for one in view.routes),
    ]
    return [{name: safe_cell(row.get(name)) for name in COLUMNS} for row in rows]


def history_json(view: HistoryView) -> str:
    """Return all of a view as one JSON document; enum values in lower case, times RFC 3339 in UTC."""
    document = {
        "schema": SCHEMA,
        "since": _rfc3339(view.query.since),
        "until": _rfc3339(view.query.until),
        "cut": view.cut,
        "left_out": view.left_out,
        "incidents": [_incident_document(one) for one in view.incidents],
        "transitions": [_transition_row(one) for one in view.transitions],
        "routes": [_route_document(one, view) for one in view.routes],
    }
    return json.dumps(_clean(document), indent=2, ensure_ascii=False)


def safe_cell(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet takes for a formula, without anything like a credential."""
    if not isinstance(cell, str):
        return cell
    text = _text(cell)
    return f"'{text}" if _FORMULA.match(text) else text


def _clean(value: object) -> object:
    """Redact before it is JSON: afterwards the mark could swallow half of an escape."""
    if isinstance(value, dict):
        return {name: _clean(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_clean(part) for part in value]
    return _text(value) if isinstance(value, str) else value


def _text(text: str) -> str:
    """Half a character, which JSON from elsewhere can hold, cannot be written to any file."""
    return redact(str(text)).encode("utf-8", "replace").decode()


def _rfc3339(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z") if at else None


def _incident_row(incident: Incident) -> Row:
    ended = incident.ended_at
    return {
        "kind": "incident",
        "id": incident.id,
        "at": _rfc3339(incident.started_at),
        "ended_at": _rfc3339(ended),
        "lasted_s": round((ended - incident.started_at).total_seconds(), 3) if ended else None,
        "agent": ", ".join(incident.agents),
        "model": ", ".join(dict.fromkeys(route.model for route in incident.routes)),
        "health": incident.health,
        "rung": incident.cause.rung,
        "diagnosis": incident.cause.diagnosis,
        "host": incident.cause.host,
        "message": incident.message,
        "remedy": incident.remedy,
        "routes": len(incident.routes),
        "incident_id": incident.id,
        "simulated": incident.simulated,
    }


def _transition_row(transition: Transition) -> Row:
    return {
        "kind": "transition",
        "id": transition.id,
        "at": _rfc3339(transition.at),
        **_route_columns(transition.route, transition.route_id),
        "before": transition.before,
        "health": transition.after,
        "rung": transition.rung,
        "diagnosis": transition.diagnosis,
        "http_status": transition.http_status,
        "message": transition.message,
        "remedy": transition.remedy,
        "incident_id": transition.incident_id,
        "simulated": transition.simulated,
    }


def _route_row(history: RouteHistory, view: HistoryView) -> Row:
    uptime, quantiles = history.uptime, history.quantiles
    return {
        "kind": "route",
        "id": history.route_id,
        "at": _rfc3339(view.query.since),
        "ended_at": _rfc3339(view.query.until),
        **_route_columns(history.route, history.route_id),
        "up": uptime.up,
        "degraded": uptime.degraded,
        "down": uptime.down,
        "no_data": uptime.no_data,
        "paused": uptime.paused,
        "p50_ms": quantiles.p50_ms,
        "p95_ms": quantiles.p95_ms,
        "ttft_p50_ms": quantiles.ttft_p50_ms,
        "ttft_p95_ms": quantiles.ttft_p95_ms,
        "samples": quantiles.samples,
    }


def _route_columns(route: Route, key: str) -> Row:
    return {
        "route_id": key,
        "agent": route.agent,
        "slot": route.slot,
        "model": route.model,
        "dialect": route.dialect,
        "identity": route.identity,
        "host": urlsplit(route.base_url).netloc,
        "base_url": route.base_url,
    }


def _incident_document(incident: Incident) -> Document:
    return {
        "id": incident.id,
        "health": incident.health,
        "rung": incident.cause.rung,
        "diagnosis": incident.cause.diagnosis,
        "host": incident.cause.host,
        "message": incident.message,
        "remedy": incident.remedy,
        "simulated": incident.simulated,
        "started_at": _rfc3339(incident.started_at),
        "confirmed_at": _rfc3339(incident.confirmed_at),
        "ended_at": _rfc3339(incident.ended_at),
        "routes": [_route_columns(route, route_id(route)) for route in incident.routes],
        "open_routes": list(incident.open_routes),
        "timeline": [
            {
                "at": _rfc3339(step.at),
                "kind": step.kind,
                "route_id": route_id(step.route) if step.route else None,
                "text": step.text,
            }
            for step in incident.timeline
        ],
    }


def _route_document(history: RouteHistory, view: HistoryView) -> Document:
    row: Document = dict(_route_row(history, view))
    return {**row, "buckets": [_bucket_document(bucket) for bucket in history.buckets]}


def _bucket_document(bucket: Bucket) -> Document:
    return {
        "start": _rfc3339(bucket.start),
        "resolution": bucket.resolution,
        "checks": bucket.checks,
        "failures": bucket.failures,
        "healthy_s": bucket.healthy_s,
        "degraded_s": bucket.degraded_s,
        "down_s": bucket.down_s,
        "unknown_s": bucket.unknown_s,
        "paused_s": bucket.paused_s,
        "tokens_in": bucket.tokens_in,
        "tokens_out": bucket.tokens_out,
    }
