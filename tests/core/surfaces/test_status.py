"""The document of /api/status is that of the command, with what a running watch knows besides."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from core.documents import document, status_document
from core.model.snapshot import Snapshot
from core.surfaces.status import age_s, health_document, watched_document
from core.surfaces.watched import watched
from tests.core.surfaces.pictures import NOW, RULES, outage, seen_for

_ADDED = {"overall", "incidents", "keeping", "cadence", "swept_at", "told_at"}
_ADDED_PER_AGENT = {"health", "since", "headline", "remedy", "checked_at", "stale"}


@pytest.mark.parametrize(
    "snapshot", [Snapshot(), seen_for(timedelta(seconds=30)), outage()], ids=["nothing", "healthy", "outage"]
)
def test_it_is_the_commands_document_and_more(snapshot: Snapshot) -> None:
    told = watched_document(watched(snapshot, now=NOW, rules=RULES))
    assert json.loads(json.dumps(told)) == told
    command = document(status_document(snapshot))
    assert set(told) - set(command) == _ADDED
    for key in set(command) - {"agents"}:
        assert told[key] == command[key]
    for agent, entry in zip(command["agents"], told["agents"], strict=True):
        assert {key: entry[key] for key in agent} == agent
        assert set(entry) - set(agent) == _ADDED_PER_AGENT


def test_an_outage_is_told_with_its_incident_and_that_it_is_not_kept() -> None:
    told = watched_document(watched(outage(), now=NOW, rules=RULES))
    hermes = told["agents"][0]
    assert (hermes["health"], hermes["since"]) == ("down", "2030-01-02T09:00:00.000Z")
    assert "404" in hermes["headline"]
    assert told["overall"] == {"health": "down", "message": "1 agent down"}
    (incident,) = told["incidents"]
    assert (incident["id"], incident["cause"]["diagnosis"]) == ("inc-20300102-090000-abc123", "model_not_on_route")
    assert (incident["agents"], incident["ended_at"]) == (["hermes"], None)
    assert (told["keeping"]["problem"], told["keeping"]["waiting"]) == ("The database does not answer.", 2)


def test_a_workspace_that_cannot_be_reached_is_told_as_the_command_tells_it() -> None:
    told = watched_document(watched(Snapshot(offline="It cannot be reached."), now=NOW, rules=RULES))
    assert (told["error"]["code"], told["error"]["message"]) == ("workspace_unreachable", "It cannot be reached.")


def test_the_process_says_how_old_its_knowledge_is() -> None:
    told = health_document(watched(outage(), now=NOW, rules=RULES))
    assert told["status"] == "ok"
    assert told["monitor"] == {"swept_at": "2030-01-02T11:59:30.000Z", "age_s": 30.0}
    assert told["store"] == {"up": False, "place": "PostgreSQL at db.example.com", "waiting": 2}


def test_a_clock_that_was_set_back_makes_nothing_younger_than_now() -> None:
    assert (age_s(NOW + timedelta(seconds=9), NOW), age_s(None, NOW)) == (0.0, None)
