"""A recorded sweep without the dashboard: what it prints and leaves in history, and when it leaves it to another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from core.adapters.database import Database, Sqlite, open_database
from core.history.leadership import LEASE
from core.model.history import HistoryQuery
from core.model.probe import Depth
from tests.core.cli.conftest import CommandLine

Made = Callable[..., CommandLine]


def history_of(command_line: CommandLine, scene: str) -> Database:
    """Return the database that a scene keeps its history in."""
    path = command_line.state_dir / "simulated" / scene / "switchyard.db"
    return open_database(Sqlite(path=path), limit_bytes=1 << 28, raw_days=7, hourly_days=90, interval_s=300)


def lately() -> HistoryQuery:
    now = datetime.now(UTC)
    return HistoryQuery(since=now - timedelta(hours=1), until=now + timedelta(minutes=1))


@pytest.fixture
def incident(command_line: Made) -> CommandLine:
    return command_line(SWITCHYARD_SIMULATE="incident")


@pytest.fixture
def healthy(command_line: Made) -> CommandLine:
    return command_line(SWITCHYARD_SIMULATE="healthy")


@pytest.fixture
def kept(healthy: CommandLine) -> Iterator[Database]:
    database = history_of(healthy, "healthy")
    yield database
    database.close()


def test_a_recorded_sweep_says_what_probe_says_and_what_it_recorded(incident: CommandLine) -> None:
    code, document = incident.json("sweep", "--record")
    _, probed = incident.json("probe")
    assert code == 1
    assert set(document) == set(probed) | {"recorded"}
    recorded = document["recorded"]
    assert set(recorded) == {"batch", "checks", "transitions", "incidents", "place"}
    asked = [row for row in document["results"] if row["checked_at"]]
    assert recorded["checks"] == len(asked) > 0
    assert (recorded["incidents"], recorded["place"]) == (2, "SQLite on this machine")


def test_what_it_recorded_is_in_history(incident: CommandLine) -> None:
    _, document = incident.json("sweep", "--record")
    database = history_of(incident, "incident")
    try:
        assert len(database.history.routes()) == document["recorded"]["checks"]
        assert {item.ended_at for item in database.history.incidents(lately())} == {None}
    finally:
        database.close()


def test_a_second_sweep_goes_on_where_the_first_ended(incident: CommandLine) -> None:
    incident.json("sweep", "--record")
    _, second = incident.json("sweep", "--record")
    database = history_of(incident, "incident")
    try:
        assert len(database.history.open_incidents()) == 2
        assert second["recorded"]["transitions"] == 0
        beats = database.history.beats([route.standing.route_id for route in database.history.routes()], 50)
        assert {len(checks) for checks in beats.values()} == {2}
    finally:
        database.close()


def test_a_healthy_sweep_exits_with_zero(healthy: CommandLine) -> None:
    code, document = healthy.json("sweep", "--record")
    assert (code, document["error"], document["recorded"]["incidents"]) == (0, None, 0)


def test_without_record_nothing_is_kept(healthy: CommandLine, kept: Database) -> None:
    code, document = healthy.json("sweep")
    assert (code, document["recorded"]) == (0, None)
    assert kept.history.routes() == ()


def test_a_faithful_sweep_records_what_agents_really_send(healthy: CommandLine, kept: Database) -> None:
    code, document = healthy.json("sweep", "--record", "--depth", "faithful")
    assert code == 0
    assert {row["depth"] for row in document["results"] if row["checked_at"]} == {"faithful"}
    assert {route.result.depth for route in kept.history.routes()} == {Depth.FAITHFUL}


def test_it_is_left_to_a_dashboard_that_watches_already(healthy: CommandLine, kept: Database) -> None:
    kept.leases.take(LEASE, "somebody else", 60)
    code, document = healthy.json("sweep", "--record")
    assert (code, document["error"]["code"]) == (1, "already_watched")
    assert "somebody else" in document["error"]["message"]
    assert kept.history.routes() == ()
    code, document = healthy.json("sweep", "--record", "--even-if-watched")
    assert (code, document["recorded"]["checks"] > 0) == (0, True)


def test_the_lead_is_given_back(healthy: CommandLine, kept: Database) -> None:
    healthy.json("sweep", "--record")
    assert kept.leases.take(LEASE, "the next one", 1).holder == "the next one"


def test_what_cannot_be_kept_is_told_with_what_was_seen(healthy: CommandLine) -> None:
    database: Path = healthy.state_dir / "simulated" / "healthy" / "switchyard.db"
    database.mkdir(parents=True)
    code, document = healthy.json("sweep", "--record")
    assert (code, document["recorded"]) == (1, None)
    assert document["error"]["code"] == "store_unavailable"
    assert all(row["health"] == "healthy" for row in document["results"] if row["checked_at"])


def test_the_text_says_where_it_was_recorded(healthy: CommandLine) -> None:
    code, out, _ = healthy.text("sweep", "--record")
    assert code == 0
    assert "checks recorded: SQLite on this machine" in out.splitlines()[-1]
