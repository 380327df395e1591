"""Put what is watched into the document of /api/status; the keys are a contract: add, never rename."""

from __future__ import annotations

from datetime import datetime

from core.documents import Document, document, problem_of, status_document, timestamp
from core.model.agent import AgentId
from core.model.history import Cadence, Keeping
from core.model.incident import Incident
from core.surfaces.watched import Watched


def watched_document(seen: Watched) -> Document:
    """Return the document of the command `status` with what only a running watch knows besides."""
    snapshot = seen.snapshot
    body = status_document(snapshot)
    body["agents"] = [entry | _agent(seen, entry["agent"]) for entry in body["agents"]]
    body |= {
        "overall": {"health": seen.health, "message": seen.line},
        "incidents": [incident_document(incident) for incident in snapshot.incidents],
        "keeping": keeping_document(snapshot.keeping),
        "cadence": cadence_document(snapshot.cadence),
        "swept_at": timestamp(snapshot.swept_at),
        "told_at": timestamp(seen.at),
    }
    return document(body, problem_of(snapshot))


def _agent(seen: Watched, agent: AgentId) -> Document:
    told = seen.agent(agent)
    return {
        "health": told.status.health,
        "since": timestamp(told.since),
        "headline": told.status.headline,
        "remedy": told.status.remedy,
        "checked_at": timestamp(told.status.checked_at),
        "stale": told.stale,
    }


def incident_document(incident: Incident) -> Document:
    """Return one incident without its timeline."""
    return {
        "id": incident.id,
        "health": incident.health,
        "cause": {
            "rung": incident.cause.rung,
            "host": incident.cause.host,
            "diagnosis": incident.cause.diagnosis,
        },
        "message": incident.message,
        "remedy": incident.remedy,
        "started_at": timestamp(incident.started_at),
        "confirmed_at": timestamp(incident.confirmed_at),
        "ended_at": timestamp(incident.ended_at),
        "agents": list(incident.agents),
        "routes": [
            {"agent": route.agent, "slot": route.slot, "model": route.model, "identity": route.identity}
            for route in incident.routes
        ],
        "simulated": incident.simulated,
    }


def keeping_document(keeping: Keeping) -> Document:
    """Return how history is being kept."""
    return {
        "place": keeping.place,
        "durable": keeping.durable,
        "problem": keeping.problem,
        "remedy": keeping.remedy,
        "waiting": keeping.waiting,
        "dropped": keeping.dropped,
        "probing": keeping.probing,
        "prober": keeping.prober,
        "size_bytes": keeping.size_bytes,
        "limit_bytes": keeping.limit_bytes,
    }


def cadence_document(cadence: Cadence) -> Document:
    """Return how often things are looked at, and when the next time is."""
    return {
        "hosts_s": cadence.hosts_s,
        "reach_s": cadence.reach_s,
        "faithful_s": cadence.faithful_s,
        "next_hosts_at": timestamp(cadence.next_hosts_at),
        "next_reach_at": timestamp(cadence.next_reach_at),
        "next_faithful_at": timestamp(cadence.next_faithful_at),
        "next_settling_at": timestamp(cadence.next_settling_at),
    }


def health_document(seen: Watched) -> Document:
    """Return that this process answers, and how old what it knows is; nothing here says that a route is healthy."""
    snapshot = seen.snapshot
    return document(
        {
            "status": "ok",
            "monitor": {"swept_at": timestamp(snapshot.swept_at), "age_s": age_s(snapshot.swept_at, seen.at)},
            "store": {
                "up": snapshot.keeping.problem is None,
                "place": snapshot.keeping.place,
                "waiting": snapshot.keeping.waiting,
            },
        }
    )


def age_s(moment: datetime | None, now: datetime) -> float | None:
    """Return how long ago a moment was; a clock that was set back makes it no younger than now."""
    return None if moment is None else round(max(0.0, (now - moment).total_seconds()), 3)
