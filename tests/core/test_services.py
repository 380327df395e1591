"""Pages' services over a running simulated workspace: the watch through an outage, and jobs from start to end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from core.adapters.database.changes import SqlChangeStore
from core.errors import ConfigurationError, ProbeError
from core.health.agent_status import agent_status, overall_line
from core.model.access import Role
from core.model.agent import AgentId
from core.model.change import Actor, ChangeRequest, ChangeState, CredentialUse, Decision, Origin
from core.model.probe import Depth, Health
from core.model.snapshot import Job, JobKind, Snapshot
from core.services import Services, build_services
from core.settings import Settings
from core.simulator.faults import Behaviour, FaultRule
from core.simulator.server import SimulatedWorkspace
from core.wiring import wire_simulated
from tests.fakes.waiting import eventually

ADA = Actor(name="ada", origin=Origin.PAGE, role=Role.ADMIN, why="ada is this machine's user.")
EVE = Actor(name="eve", origin=Origin.PAGE, role=Role.VIEWER, why="Nobody may change anything from there.")
CURE = ChangeRequest(
    agent=AgentId.HERMES,
    target="file:hermes",
    slots={"primary": "databricks-claude-opus-4-6", "fallback": "databricks-claude-sonnet-4-6"},
)

OTHER = replace(CURE, slots={"primary": "databricks-claude-haiku-4-5"})


class House:
    """Services in a scene, and the workspace and the file behind them."""

    def __init__(self, scene: str, state_dir: Path, stack: ExitStack) -> None:
        self.workspace = stack.enter_context(SimulatedWorkspace(scene))
        settings = Settings(scene=scene, state_dir=state_dir, confirm_delay_s=0, host_interval_s=0.05)
        self.wiring = wire_simulated(settings, self.workspace)
        self.services = Services(self.wiring, ExitStack())
        stack.callback(self.services.stop)
        self.config = state_dir / "simulated" / scene / "home" / ".hermes" / "config.yaml"

    def started(self) -> House:
        """Start watching, and wait for the first picture."""
        self.services.start()
        self.swept()
        return self

    def swept(self) -> Snapshot:
        """Return the picture of a sweep that has ended."""
        return eventually(lambda: self._at_rest(self.services.snapshot()))

    def ended(self, job_id: str) -> Job:
        """Return a job when it is done."""
        return eventually(lambda: self._done(self.services.job(job_id)))

    @staticmethod
    def _at_rest(seen: Snapshot) -> Snapshot | None:
        return seen if seen.swept_at and not seen.progress.running else None

    @staticmethod
    def _done(job: Job | None) -> Job | None:
        return job if job and job.done else None


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def healthy(tmp_path: Path, stack: ExitStack) -> House:
    return House("healthy", tmp_path, stack).started()


@pytest.fixture
def incident(tmp_path: Path, stack: ExitStack) -> House:
    return House("incident", tmp_path, stack).started()


def line_over(seen: Snapshot) -> str:
    """Return the line over all agents."""
    return overall_line([agent_status(choice, seen.results) for choice in seen.choices])


def primary_of(seen: Snapshot) -> str | None:
    """Return the model that is shown for Hermes."""
    hermes = next(choice for choice in seen.choices if choice.agent is AgentId.HERMES)
    return next(slot.model for slot in hermes.slots if slot.slot == "primary")


def asked_of_primary(seen: Snapshot) -> set[str]:
    """Return the models that the verdicts on Hermes' primary are about."""
    routes = [result.route for result in seen.results]
    return {route.model for route in routes if (route.agent, route.slot) == (AgentId.HERMES, "primary")}


# The watch.


def test_before_the_start_the_workspace_has_its_name(tmp_path: Path, stack: ExitStack) -> None:
    house = House("aws", tmp_path, stack)
    seen = house.services.snapshot()
    assert seen.workspace is not None
    assert (seen.workspace.host, seen.results, seen.swept_at) == (house.workspace.scene.host, (), None)


def test_a_healthy_workspace_is_healthy(healthy: House) -> None:
    assert line_over(healthy.services.snapshot()) == "All routes healthy"


def test_an_outage_is_noticed_without_asking_and_nothing_is_down(healthy: House) -> None:
    healthy.workspace.stop()
    eventually(lambda: healthy.services.snapshot().offline)
    seen = healthy.swept()
    assert {result.health for result in seen.results} == {Health.UNKNOWN}
    assert line_over(seen) == "Status unknown"


def test_after_an_outage_it_is_healthy_again_when_asked(healthy: House) -> None:
    healthy.workspace.stop()
    eventually(lambda: healthy.services.snapshot().offline)
    healthy.workspace.start()
    healthy.swept()
    healthy.services.request_sweep(ADA)
    eventually(lambda: healthy.services.snapshot().offline is None)
    assert line_over(healthy.swept()) == "All routes healthy"


def test_asking_for_a_sweep_asks_each_distinct_request_once_more(healthy: House) -> None:
    before = len(healthy.workspace.requests.posts())
    healthy.services.request_sweep(ADA)
    healthy.swept()
    assert len(healthy.workspace.requests.posts()) == 2 * before


def test_stopping_twice_does_no_harm(healthy: House) -> None:
    healthy.services.stop()
    healthy.services.stop()


def test_services_of_a_scene_bring_their_own_workspace(tmp_path: Path) -> None:
    services = build_services(Settings(scene="gcp", state_dir=tmp_path))
    services.start()
    eventually(lambda: services.snapshot().gateway)
    services.stop()


def test_settings_that_cannot_be_meant_are_refused_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError):
        build_services(Settings(host="http://example.com", state_dir=tmp_path))
    with pytest.raises(ConfigurationError) as raised:
        build_services(Settings(state_dir=tmp_path))
    assert raised.value.code == "host_missing"


def test_a_state_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(ConfigurationError) as raised:
        build_services(Settings(scene="healthy", state_dir=tmp_path / "file"))
    assert raised.value.code == "state_dir_unwritable"


# Jobs.


def test_targets_are_the_files_here_the_app_that_was_found_and_the_export(healthy: House) -> None:
    ids = eventually(lambda: _with_app([target.id for target in healthy.services.targets()]))
    assert ids[0] == "file:hermes" and ids[-2:] == ["app:coda", "export"]


def _with_app(ids: list[str]) -> list[str]:
    return ids if "app:coda" in ids else []


def test_a_job_that_nobody_started_is_none(healthy: House) -> None:
    assert healthy.services.job("never-started") is None


def test_a_plan_is_a_job_with_phases_and_writes_nothing(incident: House) -> None:
    before = incident.config.read_bytes()
    job = incident.ended(incident.services.start_plan(CURE, actor=ADA))
    assert (job.kind, job.problem, job.outcome) == (JobKind.PLAN, None, None)
    assert job.phases
    assert job.plan is not None
    assert job.plan.after == CURE.slots != job.plan.before
    assert incident.config.read_bytes() == before


def test_the_outage_ends_with_a_switch_and_comes_back_with_the_rollback(incident: House) -> None:
    services, before = incident.services, incident.config.read_bytes()
    request = ChangeRequest(
        agent=CURE.agent, target=CURE.target, slots=CURE.slots, credential=CredentialUse.ENVIRONMENT
    )
    planned = incident.ended(services.start_plan(request, actor=ADA)).plan
    assert planned is not None and planned.decision is Decision.READY
    job = incident.ended(
        services.start_apply(request, actor=ADA, reason="outage", expected_revision=planned.base_revision)
    )
    assert job.outcome is not None
    assert (job.outcome.record.state, job.outcome.confirmed) == (ChangeState.APPLIED, True)
    eventually(lambda: line_over(incident.swept()) == "All routes healthy")
    job = incident.ended(services.start_rollback(job.outcome.record.change_id, actor=ADA, reason="drill"))
    assert job.outcome is not None
    assert job.kind is JobKind.ROLL_BACK
    assert incident.config.read_bytes() == before
    assert [record.reason for record in services.changes()] == ["drill", "outage"]


def test_a_page_that_may_not_change_anything_changes_nothing(incident: House) -> None:
    before = incident.config.read_bytes()
    job = incident.ended(incident.services.start_apply(CURE, actor=EVE, reason="mine", expected_revision=None))
    assert job.problem is not None or (job.outcome and job.outcome.record.state is ChangeState.BLOCKED)
    assert incident.config.read_bytes() == before


def test_a_broken_file_is_a_problem_in_words(healthy: House) -> None:
    healthy.config.write_text("model: [never closed")
    job = healthy.ended(healthy.services.start_plan(CURE, actor=ADA))
    assert job.problem is not None
    assert (job.plan, job.problem.remedy != "") == (None, True)
    assert "Traceback" not in job.problem.message


def test_an_unknown_change_cannot_be_rolled_back(healthy: House) -> None:
    job = healthy.ended(healthy.services.start_rollback("chg-unknown", actor=ADA, reason="try"))
    assert job.problem is not None


def test_a_fault_of_ours_ends_the_job_in_words(
    healthy: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(self: SqlChangeStore, change_id: str) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(SqlChangeStore, "get", broken)
    job = healthy.ended(healthy.services.start_rollback("chg-any", actor=ADA, reason="try"))
    assert job.problem is not None and job.problem.code == "internal_error"
    assert "a bug" not in job.problem.message
    assert any("failed" in message for message in caplog.messages)


def test_a_job_runs_while_a_sweep_is_held_up(healthy: House) -> None:
    healthy.workspace.faults.add(FaultRule(fault=Behaviour.HANG, model="gpt-5-5"))
    healthy.services.request_sweep(ADA)
    job = healthy.ended(
        healthy.services.start_plan(
            ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots=CURE.slots), actor=ADA
        )
    )
    assert job.plan is not None and job.plan.decision is Decision.NO_OP
    assert healthy.services.snapshot().progress.running


def test_a_change_made_while_a_sweep_is_held_up_is_shown_once_that_has_ended(
    healthy: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = healthy.services
    # A look at the apps would choose anew as well, and may come at any moment.
    eventually(lambda: _with_app([target.id for target in services.snapshot().targets]))
    monkeypatch.setattr(healthy.wiring.apps, "ask", lambda **_: None)
    healthy.workspace.faults.add(FaultRule(fault=Behaviour.DELAY, model="gpt-5-5", delay_s=2, times=2))
    services.request_sweep(ADA)
    eventually(lambda: services.snapshot().progress.total)
    job = healthy.ended(services.start_apply(OTHER, actor=ADA, reason="try", expected_revision=None))
    assert job.outcome is not None and job.outcome.record.state is ChangeState.APPLIED
    assert services.snapshot().progress.running
    eventually(lambda: asked_of_primary(services.snapshot()) == {OTHER.slots["primary"]})
    assert primary_of(services.snapshot()) == OTHER.slots["primary"]


def test_what_an_override_gives_back_is_shown_as_soon_as_it_has_ended(healthy: House) -> None:
    services, former = healthy.services, primary_of(healthy.services.snapshot())
    job = healthy.ended(
        services.start_apply(OTHER, actor=ADA, reason="try", expected_revision=None, lasts=timedelta(minutes=5))
    )
    assert job.outcome is not None
    eventually(lambda: primary_of(healthy.swept()) == OTHER.slots["primary"])
    # Time is not waited for: the end that somebody set is moved to now, where it is kept.
    (override,) = healthy.wiring.database.overrides.active()
    healthy.wiring.database.overrides.put(replace(override, expires_at=healthy.wiring.clock.now()))
    eventually(lambda: primary_of(services.snapshot()) == former)


def test_only_the_newest_jobs_are_kept(healthy: House) -> None:
    # Of several people, none of whom asks for too much.
    people = [replace(ADA, name=f"person {number % 4}") for number in range(51)]
    first, *others = [healthy.services.start_rollback("chg-unknown", actor=who, reason="try") for who in people]
    assert healthy.services.job(first) is None
    assert all(healthy.ended(job_id).problem for job_id in others)


def test_a_viewer_has_nothing_sent_and_each_attempt_is_in_the_audit(healthy: House) -> None:
    services = healthy.services
    route = healthy.swept().results[0].route
    with pytest.raises(ProbeError) as sweep:
        services.request_sweep(EVE)
    with pytest.raises(ProbeError) as probe:
        services.start_probe([route], depth=Depth.REACH, actor=EVE)
    with pytest.raises(ProbeError) as test:
        services.start_alert_test("pager", EVE)

    assert {caught.value.code for caught in (sweep, probe, test)} == {"not_allowed"}
    refused = {"probe.sweep", "probe.routes", "alert.test"}
    eventually(
        lambda: {e.action for e in services.audit() if (e.actor, e.outcome) == ("eve", "not_allowed")} == refused
    )
