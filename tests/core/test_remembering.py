"""The whole watch over a simulated workspace: outages, restarts, several processes, a database that is away."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic
from typing import Any

import pytest

from core.adapters.database import Database, PostgresUrl, open_database
from core.choice.routes import routes_of
from core.errors import StoreError
from core.health.agent_status import agent_status
from core.model.access import Role
from core.model.agent import AgentId
from core.model.alert import DeliveryState, NoticeKind
from core.model.audit import AuditEvent
from core.model.change import Actor, ChangeRequest, ChangeState, Origin
from core.model.check import route_id
from core.model.history import HistoryQuery
from core.model.incident import Incident
from core.model.probe import Depth, Health, ProbeResult
from core.model.route import Identity
from core.model.secret import Secret
from core.model.snapshot import Job, Snapshot
from core.model.standing import Standing
from core.ports.store import AuditStore
from core.services import Services
from core.settings import Settings
from core.simulator.faults import Behaviour, FaultRule
from core.simulator.server import SimulatedWorkspace
from core.wiring import wire_simulated
from tests.fakes.postgres import shared_postgres
from tests.fakes.waiting import eventually

ADA = Actor(name="ada", origin=Origin.PAGE, role=Role.ADMIN, why="ada is this machine's user.")
HAIKU = "claude-haiku-4-5"
ALERTS = """
[channels.pager]
kind = "webhook"
url = "http://127.0.0.1:{port}/in"
secret_env = "PAGER_KEY"

[[rules]]
name = "on call"
channels = ["pager"]
"""


def quick(state_dir: Path) -> Settings:
    """Return settings with which minutes are seconds."""
    return Settings(scene="healthy", state_dir=state_dir, confirm_delay_s=0, host_interval_s=1, sweep_interval_s=2)


def seldom(state_dir: Path) -> Settings:
    """Return settings with which nothing is asked but what somebody asks for."""
    return replace(quick(state_dir), host_interval_s=3600, sweep_interval_s=3600)


def alerting(state_dir: Path, port: int) -> Settings:
    """Return quick settings with one channel on this port."""
    alerts = state_dir / "alerts.toml"
    alerts.write_text(ALERTS.format(port=port))
    return replace(quick(state_dir), alerts=alerts, alerts_environment={"PAGER_KEY": Secret("made-up-key")})


class House:
    """One workspace, and as many processes' services over it as a test starts."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self.stack = stack
        self.workspace = stack.enter_context(SimulatedWorkspace("healthy"))
        self.settings = settings
        self.folder = settings.state_dir / "simulated" / "healthy"
        self.config = self.folder / "home" / ".hermes" / "config.yaml"

    def opened(self, database: Database | None = None) -> Services:
        """Return the services of one more process."""
        wiring = wire_simulated(self.settings, self.workspace)
        services = Services(replace(wiring, database=database or wiring.database), ExitStack())
        self.stack.callback(services.stop)
        return services

    def started(self, database: Database | None = None) -> Services:
        """Return the services of one more process, watching."""
        services = self.opened(database)
        services.start()
        return services

    def breaks(self, model: str = HAIKU) -> None:
        """Take a model off all routes."""
        self.workspace.faults.add(FaultRule(fault="model_not_found", model=model))


def result_of(seen: Snapshot, agent: AgentId, slot: str) -> ProbeResult | None:
    """Return what is shown for a slot."""
    return next((item for item in seen.results if (item.route.agent, item.route.slot) == (agent, slot)), None)


def haiku(services: Services) -> Health | None:
    """Return the health that is shown for Claude Code's haiku."""
    found = result_of(services.snapshot(), AgentId.CLAUDE, "haiku")
    return found.health if found else None


def is_at_rest(services: Services) -> bool:
    """Say whether a sweep has ended."""
    seen = services.snapshot()
    return bool(seen.swept_at) and not seen.progress.running


def the_incident(services: Services) -> Incident | None:
    """Return the one incident that lasts."""
    return next(iter(services.snapshot().incidents), None)


def lately() -> HistoryQuery:
    """Ask for the last hour."""
    now = datetime.now(UTC)
    return HistoryQuery(since=now - timedelta(hours=1), until=now + timedelta(minutes=1))


def ended(services: Services, job_id: str) -> Job:
    """Return a job when it is done."""
    return eventually(lambda: job if (job := services.job(job_id)) and job.done else None)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def house(tmp_path: Path, stack: ExitStack) -> House:
    return House(quick(tmp_path), stack)


class Pager(BaseHTTPRequestHandler):
    """Take what comes; what came is a list of the server."""

    came: list[dict[str, Any]]

    def do_POST(self) -> None:
        self.came.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
        self.send_response(200)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def pager(stack: ExitStack) -> tuple[int, list[dict[str, Any]]]:
    came: list[dict[str, Any]] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("OnePager", (Pager,), {"came": came}))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    stack.callback(thread.join, 5)
    stack.callback(server.server_close)
    stack.callback(server.shutdown)
    return server.server_address[1], came


# An outage from its first failing check to its end.


def test_an_outage_is_down_in_time_with_one_incident_and_one_alert_and_two_passes_end_it(
    tmp_path: Path, stack: ExitStack, pager: tuple[int, list[dict[str, Any]]]
) -> None:
    port, came = pager
    house = House(alerting(tmp_path, port), stack)
    services = house.started()
    eventually(lambda: haiku(services) is Health.HEALTHY)

    house.breaks()
    began = monotonic()
    eventually(lambda: haiku(services) is Health.DOWN)
    incident = eventually(lambda: the_incident(services))
    assert monotonic() - began <= 10
    assert {route.slot for route in incident.routes} >= {"haiku"}
    eventually(lambda: came)

    house.workspace.faults.clear()
    eventually(lambda: haiku(services) is Health.HEALTHY)
    eventually(lambda: not services.snapshot().incidents)
    eventually(lambda: len(came) == 2)
    assert [message["kind"] for message in came] == [NoticeKind.OPENED, NoticeKind.RESOLVED]
    assert len({message["incident"]["id"] for message in came}) == 1
    eventually(lambda: [item.state for item in services.deliveries()] == 2 * [DeliveryState.SENT])

    past = eventually(lambda: kept if (kept := services.incident(incident.id)) and kept.ended_at else None)
    assert past.simulated
    # The first pass after the outage is not enough to be healthy again.
    own = [item for item in services.snapshot().transitions if item.route.identity is Identity.DASHBOARD]
    steps = [(item.before, item.after) for item in own if item.route.slot == "haiku"]
    assert steps[-2:] == [(Health.DOWN, Health.HEALTHY), (Health.HEALTHY, Health.DOWN)]


def test_a_channel_can_be_tested(tmp_path: Path, stack: ExitStack, pager: tuple[int, list[dict[str, Any]]]) -> None:
    port, came = pager
    house = House(alerting(tmp_path, port), stack)
    services = house.started()
    assert [channel.name for channel in services.alert_channels()] == ["pager"]
    job = ended(services, services.start_alert_test("pager", ADA))
    assert job.delivery is not None and job.delivery.state is DeliveryState.SENT
    assert len(came) == 1
    assert ended(services, services.start_alert_test("nobody", ADA)).problem is not None
    tests = [(event.target, event.outcome) for event in services.audit() if event.action == "alert.test"]
    assert tests[1:] == [("nobody", "started"), ("pager", "sent"), ("pager", "started")]
    assert tests[0][0] == "nobody" and tests[0][1] not in ("started", "sent")


# What is kept.


def test_what_was_seen_is_in_history_and_marked_as_simulated(house: House) -> None:
    services = house.started()
    eventually(lambda: is_at_rest(services) and services.history(lately()).routes)
    house.breaks()
    eventually(lambda: the_incident(services))
    view = eventually(lambda: found if (found := services.history(lately())).transitions else None)
    assert view.incidents
    assert all(item.simulated for item in (*view.incidents, *view.transitions))
    broken = result_of(services.snapshot(), AgentId.CLAUDE, "haiku")
    assert broken is not None
    now = datetime.now(UTC)
    one = services.route_history(route_id(broken.route), now - timedelta(hours=1), now)
    assert one is not None and one.uptime.down > 0
    assert services.route_history("0" * 16, now - timedelta(hours=1), now) is None
    assert services.incident("inc-unknown") is None
    assert services.totals().read().asked


def test_after_a_restart_what_was_seen_last_is_known_even_offline(house: House) -> None:
    first = house.started()
    # Copilot keeps no config here, so that offline nobody knows where it would be asked.
    house.breaks("claude-sonnet-4-6")
    incident = eventually(lambda: the_incident(first))
    eventually(lambda: is_at_rest(first))
    first.stop()
    house.workspace.stop()

    second = house.started()
    eventually(lambda: second.snapshot().offline and is_at_rest(second))
    found = result_of(second.snapshot(), AgentId.COPILOT, "default")
    assert found is not None
    # What was seen last is there with its evidence, and not taken for what is so now.
    assert (found.health, found.http_status) == (Health.UNKNOWN, 404)
    assert second.snapshot().standings[route_id(found.route)].health is Health.DOWN
    assert second.snapshot().transitions
    kept = the_incident(second)
    assert kept is not None and kept.id == incident.id


def test_an_incident_outlives_a_restart_and_ends_after_it(house: House) -> None:
    first = house.started()
    house.breaks()
    incident = eventually(lambda: the_incident(first))
    eventually(lambda: is_at_rest(first))
    first.stop()

    house.workspace.faults.clear()
    second = house.started()
    eventually(lambda: haiku(second) is Health.HEALTHY and not second.snapshot().incidents)
    eventually(lambda: [item.ended_at for item in second.history(lately()).incidents] != [None])
    assert [item.id for item in second.history(lately()).incidents] == [incident.id]


def test_an_outage_of_the_dashboard_leaves_no_trace_in_history(house: House) -> None:
    services = house.started()
    eventually(lambda: is_at_rest(services))
    house.workspace.stop()
    eventually(lambda: services.snapshot().offline)
    eventually(lambda: {result.health for result in services.snapshot().results} == {Health.UNKNOWN})
    house.workspace.start()
    eventually(lambda: services.snapshot().offline is None and haiku(services) is Health.HEALTHY)
    eventually(lambda: is_at_rest(services))
    view = services.history(lately())
    assert (view.incidents, view.transitions) == ((), ())


def test_without_a_database_the_watch_goes_on_says_so_and_catches_up(house: House) -> None:
    house.folder.mkdir(parents=True)
    in_the_way = house.folder / "switchyard.db"
    in_the_way.mkdir()
    services = house.started()
    eventually(lambda: haiku(services) is Health.HEALTHY)
    eventually(lambda: services.snapshot().keeping.problem)
    assert services.snapshot().keeping.probing
    house.breaks()
    incident = eventually(lambda: the_incident(services))
    with pytest.raises(StoreError):
        services.history(lately())

    in_the_way.rmdir()
    eventually(lambda: not services.snapshot().keeping.problem, timeout_s=40)
    kept = eventually(lambda: services.incident(incident.id))
    assert kept.started_at == incident.started_at


# Several processes.


def test_of_two_processes_one_probes_and_the_other_shows_the_same(house: House) -> None:
    first = house.started()
    eventually(lambda: haiku(first) is Health.HEALTHY)
    second = house.started()
    eventually(lambda: haiku(second) is Health.HEALTHY)
    assert (first.snapshot().keeping.probing, second.snapshot().keeping.probing) == (True, False)
    assert second.snapshot().keeping.prober == first.snapshot().keeping.prober
    house.breaks()
    eventually(lambda: haiku(second) is Health.DOWN)
    incident = eventually(lambda: the_incident(second))
    mine = the_incident(first)
    assert mine is not None and incident.id == mine.id

    first.stop()
    eventually(lambda: second.snapshot().keeping.probing)
    house.workspace.faults.clear()
    eventually(lambda: haiku(second) is Health.HEALTHY and not second.snapshot().incidents)


OTHER_PROCESS = """
import sys, time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from core.adapters.database import PostgresUrl, open_database
from core.model.secret import Secret
from core.ports.store import AuditStore
from core.services import Services
from core.settings import Settings
from core.simulator.server import SimulatedWorkspace
from core.wiring import wire_simulated

url, folder = sys.argv[1:]
settings = Settings(scene="healthy", state_dir=Path(folder), confirm_delay_s=0, sweep_interval_s=2)
with SimulatedWorkspace("healthy") as workspace:
    database = open_database(
        PostgresUrl(url=Secret(url)), limit_bytes=1 << 28, raw_days=7, hourly_days=90, interval_s=2
    )
    services = Services(replace(wire_simulated(settings, workspace), database=database), ExitStack())
    services.start()
    while not (services.snapshot().swept_at and services.snapshot().keeping.probing):
        time.sleep(0.05)
    print("probing", flush=True)
    sys.stdin.read()
"""


def test_a_process_that_is_killed_loses_the_lead_on_one_postgresql(house: House, tmp_path: Path) -> None:
    url = shared_postgres().database()
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    child = subprocess.Popen(
        [sys.executable, "-c", OTHER_PROCESS, url, str(tmp_path / "other")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    )
    try:
        assert child.stdout is not None and child.stdout.readline() == "probing\n"
        place = PostgresUrl(url=Secret(url))
        database = open_database(place, limit_bytes=1 << 28, raw_days=7, hourly_days=90, interval_s=2)
        house.stack.callback(database.close)
        services = house.started(database)
        eventually(lambda: haiku(services) is Health.HEALTHY)
        assert not services.snapshot().keeping.probing
        asked = len(house.workspace.requests.posts())
        child.send_signal(signal.SIGKILL)
        killed_at = monotonic()
        eventually(lambda: services.snapshot().keeping.probing, timeout_s=30)
        assert monotonic() - killed_at <= 30
        assert asked == 0
        eventually(house.workspace.requests.posts)
    finally:
        child.kill()
        child.wait(10)
        for stream in (child.stdin, child.stdout):
            if stream is not None:
                stream.close()


# What people do.


def test_every_attempt_to_change_something_is_in_the_audit_with_its_end(house: House) -> None:
    services = house.started()
    eventually(lambda: is_at_rest(services))
    request = ChangeRequest(
        agent=AgentId.HERMES, target="file:hermes", slots={"primary": "databricks-claude-haiku-4-5"}
    )
    job = ended(services, services.start_apply(request, actor=ADA, reason="try", expected_revision=None))
    assert job.outcome is not None and job.outcome.record.state is ChangeState.APPLIED
    events = [event for event in services.audit() if event.action == "change.apply"]
    assert [(event.outcome, event.actor, event.reason) for event in events] == [
        ("applied", "ada", "try"),
        ("started", "ada", "try"),
    ]
    assert events[0].evidence == (job.outcome.record.change_id,)
    ended(services, services.start_rollback("chg-unknown", actor=ADA, reason="oops"))
    refused = services.audit()[0]
    assert (refused.action, refused.target) == ("change.roll_back", "chg-unknown")
    assert refused.outcome != "started"


def test_a_change_that_cannot_be_audited_is_not_made(house: House) -> None:
    house.folder.mkdir(parents=True)
    (house.folder / "switchyard.db").mkdir()
    services = house.started()
    eventually(lambda: haiku(services) is Health.HEALTHY)
    before = house.config.read_bytes()
    request = ChangeRequest(
        agent=AgentId.HERMES, target="file:hermes", slots={"primary": "databricks-claude-haiku-4-5"}
    )
    job = ended(services, services.start_apply(request, actor=ADA, reason="try", expected_revision=None))
    assert job.problem is not None
    assert house.config.read_bytes() == before
    # A probe only looks, so it goes on.
    route = routes_of(services.snapshot().choices)[0]
    assert ended(services, services.start_probe([route], depth=Depth.REACH, actor=ADA)).problem is None


def test_what_people_asked_while_the_database_was_away_is_in_the_audit_when_it_is_back(house: House) -> None:
    house.folder.mkdir(parents=True)
    in_the_way = house.folder / "switchyard.db"
    in_the_way.mkdir()
    services = house.started()
    eventually(lambda: is_at_rest(services))
    route = routes_of(services.snapshot().choices)[0]
    ended(services, services.start_probe([route], depth=Depth.REACH, actor=ADA))
    services.request_sweep(ADA)
    eventually(lambda: services.snapshot().keeping.waiting > 1)
    in_the_way.rmdir()
    eventually(lambda: not services.snapshot().keeping.waiting, timeout_s=40)
    asked = {("probe.routes", "ada"), ("probe.sweep", "ada")}
    eventually(lambda: {(event.action, event.actor) for event in services.audit()} == asked)
    assert len(services.audit()) == len(asked)


class AwayForEnds:
    """An audit that takes the beginnings of changes, and refuses their ends."""

    def __init__(self, kept: AuditStore) -> None:
        self._kept = kept

    def append(self, event: AuditEvent) -> None:
        if event.id.endswith("-end"):
            raise StoreError("The database cannot be written.", code="store_unavailable", remedy="Wait.")
        self._kept.append(event)

    def events(self, *, limit: int = 200) -> Sequence[AuditEvent]:
        return self._kept.events(limit=limit)


def test_how_a_change_ended_is_in_the_audit_although_the_database_was_away_by_then(house: House) -> None:
    wiring = wire_simulated(house.settings, house.workspace)
    wiring.database.audit = AwayForEnds(wiring.database.audit)
    services = house.started(wiring.database)
    eventually(lambda: is_at_rest(services))
    request = ChangeRequest(
        agent=AgentId.HERMES, target="file:hermes", slots={"primary": "databricks-claude-haiku-4-5"}
    )
    job = ended(services, services.start_apply(request, actor=ADA, reason="try", expected_revision=None))
    assert job.outcome is not None and job.outcome.record.state is ChangeState.APPLIED

    def outcomes() -> list[str]:
        return sorted(event.outcome for event in services.audit() if event.action == "change.apply")

    assert eventually(lambda: len(outcomes()) == 2 and outcomes()) == ["applied", "started"]


def test_a_verified_change_is_healthy_without_a_second_pass(tmp_path: Path, stack: ExitStack) -> None:
    slow = House(seldom(tmp_path), stack)
    model = "databricks-claude-opus-4-6"
    slow.breaks("claude-opus-4-6")
    services = slow.started()
    eventually(lambda: is_at_rest(services) and the_incident(services))
    other = ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots={"primary": "databricks-claude-haiku-4-5"})
    job = ended(services, services.start_apply(other, actor=ADA, reason="cure", expected_revision=None))
    assert job.outcome is not None and job.outcome.record.state is ChangeState.APPLIED
    slow.workspace.faults.clear()
    back = ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots={"primary": model})
    job = ended(services, services.start_apply(back, actor=ADA, reason="back", expected_revision=None))
    assert job.outcome is not None and job.outcome.record.state is ChangeState.APPLIED
    proved_at = {
        route_id(result.route): result.checked_at for result in job.outcome.verification if result.route.model == model
    }

    def proved() -> list[Standing]:
        """Return how the routes stand once each has what verified the change; until then nothing."""
        standings = [services.snapshot().standings.get(key) for key in proved_at]
        found = [one for one in standings if one and one.beats[-1].checked_at >= proved_at[one.route_id]]
        return found if len(found) == len(proved_at) else []

    assert {standing.health for standing in eventually(proved)} == {Health.HEALTHY}


def test_what_people_probe_counts_for_the_routes_that_are_watched(house: House) -> None:
    services = house.started()
    eventually(lambda: is_at_rest(services))
    route = next(item for item in routes_of(services.snapshot().choices) if item.agent is AgentId.CODEX)
    ended(services, services.start_probe([route], depth=Depth.FAITHFUL, actor=ADA))
    key = route_id(route)
    eventually(lambda: services.snapshot().standings[key].faithful.last)
    (event,) = (event for event in services.audit() if event.action == "probe.routes")
    assert (event.actor, event.evidence[0].startswith("codex/default")) == ("ada", True)


def test_asking_for_a_sweep_is_in_the_audit(house: House) -> None:
    services = house.started()
    eventually(lambda: is_at_rest(services))
    services.request_sweep(ADA)
    eventually(lambda: [event.actor for event in services.audit() if event.action == "probe.sweep"] == ["ada"])


def test_a_paused_agent_is_asked_now_and_then_and_shown_as_paused(tmp_path: Path, stack: ExitStack) -> None:
    house = House(replace(quick(tmp_path), agent_environment={"ENABLE_CODEX": "false"}), stack)
    services = house.started()
    found = eventually(lambda: result_of(services.snapshot(), AgentId.CODEX, "default"))
    assert found.health is Health.PAUSED
    seen = services.snapshot()
    (choice,) = (choice for choice in seen.choices if choice.agent is AgentId.CODEX)
    assert agent_status(choice, seen.results).health is Health.PAUSED


def test_an_outage_is_told_while_the_sweep_that_found_it_still_hangs_elsewhere(
    tmp_path: Path, stack: ExitStack
) -> None:
    house = House(seldom(tmp_path), stack)
    services = house.started()
    eventually(lambda: is_at_rest(services))
    house.workspace.faults.add(FaultRule(fault=Behaviour.HANG, model="gpt-5-5"))
    house.breaks()
    services.request_sweep(ADA)
    eventually(lambda: the_incident(services), timeout_s=10)
    assert services.snapshot().progress.running
