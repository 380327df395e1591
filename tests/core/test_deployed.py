"""Agents in deployed apps, from the watch to the switch: what is seen of them, asked, changed and put back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from core.adapters.apps import DatabricksApps, connection
from core.adapters.credentials import StaticToken
from core.apps import Apps
from core.model.access import Role
from core.model.agent import AgentId
from core.model.change import Actor, ChangeOutcome, ChangeRequest, ChangeState, Decision, Origin, Plan
from core.model.choice import Layer
from core.model.probe import Diagnosis, Health, ProbeResult
from core.model.snapshot import Job, Snapshot
from core.model.sync import AgentSync, SyncState
from core.services import Services
from core.settings import Settings
from core.simulator.app_setups import Ending, Script, workspace_app
from core.simulator.faults import FaultRule
from core.simulator.scenes import scene_named
from core.simulator.server import SimulatedWorkspace
from core.wiring import wire_simulated
from tests.fakes.waiting import eventually

BROKEN = ("databricks-claude-opus-4-8", "databricks-gpt-5-5-pro")
GOOD = ("databricks-claude-opus-4-6", "databricks-claude-sonnet-4-6")
ADA = Actor(name="ada", origin=Origin.PAGE, role=Role.ADMIN, why="ada is an admin.")


class Deployed:
    """Services beside a workspace whose agents run in apps; deployments are looked at without a pause."""

    def __init__(self, stack: ExitStack, state_dir: Path, *, named: str | None = None) -> None:
        scene = replace(scene_named("deployed-incident"), deploy_s=0.0)
        self.workspace = stack.enter_context(SimulatedWorkspace(scene))
        settings = Settings(scene=scene.name, state_dir=state_dir, confirm_delay_s=0, agents_app=named)
        wiring = wire_simulated(settings, self.workspace)
        api = DatabricksApps(connection(self.workspace.http_origin, StaticToken(scene.token, "the scene")))
        self.apps = Apps(api, clock=wiring.clock, pause=lambda _: None)
        self.services = Services(replace(wiring, apps=self.apps), ExitStack())
        stack.callback(self.services.stop)

    def started(self) -> Deployed:
        self.services.start()
        return self

    @property
    def seen(self) -> Snapshot:
        return self.services.snapshot()

    def hermes(self) -> list[ProbeResult]:
        return [result for result in self.seen.results if result.route.agent is AgentId.HERMES]

    def healths(self) -> list[tuple[str, Health]]:
        return [(result.route.model, result.health) for result in self.hermes()]

    def sync(self) -> AgentSync | None:
        return next((sync for sync in self.seen.syncs if sync.agent is AgentId.HERMES), None)

    def until(self, models: tuple[str, str], health: Health) -> None:
        eventually(lambda: self.healths() == [(model, health) for model in models])

    def plan(self, models: tuple[str, str]) -> Plan:
        plan = self._ended(self.services.start_plan(asked(models), actor=ADA)).plan
        assert plan is not None
        return plan

    def apply(self, models: tuple[str, str], revision: str | None = None) -> ChangeOutcome:
        revision = revision or self.plan(models).base_revision
        job = self.services.start_apply(asked(models), actor=ADA, reason="it is down", expected_revision=revision)
        return self._outcome(job)

    def roll_back(self, change_id: str) -> ChangeOutcome:
        return self._outcome(self.services.start_rollback(change_id, actor=ADA, reason="was the grant"))

    def _outcome(self, job_id: str) -> ChangeOutcome:
        outcome = self._ended(job_id).outcome
        assert outcome is not None
        return outcome

    def _ended(self, job_id: str) -> Job:
        job = eventually(lambda: self._done(job_id), timeout_s=60)
        assert job is not None and job.problem is None
        return job

    def _done(self, job_id: str) -> Job | None:
        job = self.services.job(job_id)
        return job if job and job.done else None

    def runs(self) -> tuple[str | None, str | None]:
        environment = self.workspace.apps.environment("coda") or {}
        return environment.get("HERMES_MODEL"), environment.get("HERMES_FALLBACK_MODEL")


def asked(models: tuple[str, str]) -> ChangeRequest:
    slots = {"primary": models[0], "fallback": models[1]}
    return ChangeRequest(agent=AgentId.HERMES, target="app:coda", slots=slots)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.fixture
def deployed(stack: ExitStack, tmp_path: Path) -> Deployed:
    return Deployed(stack, tmp_path).started()


def test_what_the_apps_run_is_what_is_asked_and_nothing_else_is_ever_shown(deployed: Deployed) -> None:
    shown: set[str] = set()

    def is_down() -> bool:
        shown.update(result.route.model for result in deployed.hermes())
        return {result.diagnosis for result in deployed.hermes()} == {
            Diagnosis.GRANT_MISSING,
            Diagnosis.RATE_LIMIT_ZERO,
        }

    eventually(is_down)
    assert shown == set(BROKEN)
    assert [result.http_status for result in deployed.hermes()] == [404, 403]
    deployed.until(BROKEN, Health.DOWN)
    others = [result for result in deployed.seen.results if result.route.agent is not AgentId.HERMES]
    assert {result.health for result in others} == {Health.HEALTHY}
    choices = {choice.agent: choice for choice in deployed.seen.choices}
    assert {slot.source for slot in choices[AgentId.HERMES].slots} == {Layer.TARGET}
    targets = {agent: choice.target for agent, choice in choices.items()}
    assert (targets[AgentId.HERMES], targets[AgentId.GEMINI]) == ("app:coda", "app:coda-git")
    assert (targets[AgentId.PI], targets[AgentId.COPILOT]) == ("app:coda-bundle", None)


def test_every_way_of_deploying_is_recognised_with_what_lasts(deployed: Deployed) -> None:
    eventually(lambda: any(target.id == "app:coda" for target in deployed.seen.targets))
    apps = {target.id: target for target in deployed.services.targets() if target.id.startswith("app:")}
    assert {name: target.writable for name, target in apps.items()} == {
        "app:coda": True,
        "app:coda-bundle": False,
        "app:coda-git": False,
    }
    assert "databricks bundle deploy" in apps["app:coda-bundle"].reason
    assert "only a commit there lasts" in apps["app:coda-git"].reason
    assert deployed.seen.targets[-1].id == "export" and deployed.seen.apps_problem is None


def test_an_app_is_switched_proved_and_rolled_back_and_the_watch_follows(deployed: Deployed) -> None:
    deployed.until(BROKEN, Health.DOWN)
    plan = deployed.plan(GOOD)
    assert plan.decision is Decision.READY and "redeploy" in plan.effective
    outcome = deployed.apply(GOOD, plan.base_revision)
    assert (outcome.record.state, outcome.confirmed, deployed.runs()) == (ChangeState.APPLIED, True, GOOD)
    assert outcome.record.after_revision == plan.after_revision
    deployed.until(GOOD, Health.HEALTHY)
    eventually(lambda: (sync := deployed.sync()) and sync.state is SyncState.IN_SYNC and len(sync.layers) == 6)
    assert deployed.plan(GOOD).decision is Decision.NO_OP

    undone = deployed.roll_back(outcome.record.change_id)
    assert (undone.record.state, deployed.runs()) == (ChangeState.ROLLED_BACK, BROKEN)
    deployed.until(BROKEN, Health.DOWN)


def test_a_model_that_does_not_answer_is_blocked_before_anything_restarts(deployed: Deployed) -> None:
    deployed.until(BROKEN, Health.DOWN)
    outcome = deployed.apply((GOOD[0], BROKEN[1]))
    assert outcome.record.state is ChangeState.BLOCKED and deployed.runs() == BROKEN
    assert deployed.workspace.apps.state()["coda"]["deployments"] == 1


@pytest.mark.parametrize("ending", [Ending.FAILED, Ending.CRASHED])
def test_a_deployment_that_fails_goes_back_by_itself(ending: Ending, deployed: Deployed) -> None:
    deployed.until(BROKEN, Health.DOWN)
    deployed.workspace.apps.script("coda", Script(ending=ending))
    outcome = deployed.apply(GOOD)
    assert (outcome.record.state, deployed.runs()) == (ChangeState.ROLLED_BACK, BROKEN)


def test_a_value_that_changed_behind_the_plan_is_a_conflict(deployed: Deployed) -> None:
    revision = deployed.plan(GOOD).base_revision
    path = f"/Workspace/Users/{deployed.workspace.scene.person.user_name}/apps/coding-agents/app.yaml"
    theirs = (deployed.workspace.files.read(path) or b"").replace(b'"5"', b'"6"')
    deployed.workspace.files.put(path, theirs)
    assert deployed.apply(GOOD, revision).record.state is ChangeState.CONFLICT
    assert deployed.workspace.files.read(path) == theirs and deployed.runs() == BROKEN


def test_a_file_that_somebody_edited_waits_for_a_deployment(deployed: Deployed) -> None:
    deployed.until(BROKEN, Health.DOWN)
    path = f"/Workspace/Users/{deployed.workspace.scene.person.user_name}/apps/coding-agents/app.yaml"
    content = (deployed.workspace.files.read(path) or b"").replace(BROKEN[0].encode(), GOOD[0].encode())
    deployed.workspace.files.put(path, content)
    deployed.services.refresh_targets(ADA)
    eventually(lambda: (sync := deployed.sync()) and sync.state is SyncState.PENDING_RESTART)
    assert deployed.healths()[0] == (BROKEN[0], Health.DOWN)


def test_several_apps_decide_nothing_and_are_named(stack: ExitStack, tmp_path: Path) -> None:
    deployed = Deployed(stack, tmp_path)
    deployed.workspace.apps.add(workspace_app(deployed.workspace.scene, name="coda-two"))
    deployed.started()
    sync = eventually(lambda: found if (found := deployed.sync()) and "could each" in found.why else None)
    assert sync is not None and sync.state is SyncState.UNKNOWN
    assert sync.why == "coda and coda-two could each be the app of Hermes: name one in SWITCHYARD_APP."
    hermes = next(choice for choice in deployed.seen.choices if choice.agent is AgentId.HERMES)
    assert {slot.source for slot in hermes.slots} == {Layer.DEFAULT}
    # A change still goes to the app that is named.
    assert deployed.plan(GOOD).before == {"primary": BROKEN[0], "fallback": BROKEN[1]}


def test_one_of_several_apps_is_named_by_the_setting(stack: ExitStack, tmp_path: Path) -> None:
    deployed = Deployed(stack, tmp_path, named="coda")
    deployed.workspace.apps.add(workspace_app(deployed.workspace.scene, name="coda-two"))
    deployed.started().until(BROKEN, Health.DOWN)


def test_without_leave_to_list_apps_the_page_says_so_and_the_agents_are_asked_all_the_same(
    stack: ExitStack, tmp_path: Path
) -> None:
    deployed = Deployed(stack, tmp_path)
    deployed.workspace.faults.add(FaultRule(fault="permission_denied", path="/api/2.0/apps"))
    deployed.started().until(GOOD, Health.HEALTHY)
    problem = eventually(lambda: deployed.seen.apps_problem)
    assert problem is not None and problem.code == "app_forbidden"
    assert [target.id for target in deployed.seen.targets if target.id.startswith("app:")] == []
    deployed.workspace.faults.clear()
    deployed.services.refresh_targets(ADA)
    deployed.until(BROKEN, Health.DOWN)
