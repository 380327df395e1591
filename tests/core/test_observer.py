"""One look at a running simulated workspace: what is detected, asked and published, and what an outage makes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest

from core.choice.routes import routes_of
from core.detection import first_snapshot
from core.errors import UpstreamError
from core.model.agent import AgentId
from core.model.change import ChangeRequest
from core.model.check import route_id
from core.model.gateway import GatewaySource, Generation
from core.model.probe import Diagnosis, Health, ProbeResult, Rung
from core.model.route import Identity
from core.model.snapshot import Snapshot
from core.observer import Observer, open_observer
from core.probe.sweep import SweepReport
from core.settings import Settings
from core.simulator.app_setups import workspace_app
from core.simulator.faults import FaultRule
from core.simulator.server import SimulatedWorkspace
from core.wiring import Wiring, wire_simulated
from tests.fakes.network import FakeCredentials

T = TypeVar("T")


def silent(_: Snapshot) -> None:
    """Publish to nobody."""


@pytest.fixture
def workspace(request: pytest.FixtureRequest) -> Iterator[SimulatedWorkspace]:
    with SimulatedWorkspace(getattr(request, "param", "healthy")) as running:
        yield running


@pytest.fixture
def wiring(workspace: SimulatedWorkspace, tmp_path: Path) -> Wiring:
    settings = Settings(scene=workspace.scene.name, state_dir=tmp_path, confirm_delay_s=0)
    return wire_simulated(settings, workspace)


def observed(wiring: Wiring, work: Callable[[Observer], Awaitable[T]]) -> T:
    """Run work with an observer in a loop of its own."""

    async def whole() -> T:
        async with open_observer(wiring) as observer:
            return await work(observer)

    return asyncio.run(whole())


def look(wiring: Wiring, publish: Callable[[Snapshot], None] = silent) -> Snapshot:
    """Return the picture of one look from nothing."""
    return observed(wiring, lambda observer: observer.look(first_snapshot(wiring), publish))


def in_scene(name: str) -> pytest.MarkDecorator:
    """Run the test in this scene."""
    return pytest.mark.parametrize("workspace", [name], indirect=True)


def test_before_anything_is_sent_the_name_of_the_workspace_is_known(
    wiring: Wiring, workspace: SimulatedWorkspace
) -> None:
    seen = first_snapshot(wiring)
    assert seen.workspace is not None
    assert (seen.workspace.host, seen.workspace.simulated) == (workspace.scene.host, True)
    assert (seen.scene, seen.credential) == ("healthy", "token from the simulated workspace")
    assert workspace.requests.all() == ()


def test_a_healthy_workspace_is_seen_whole(wiring: Wiring, workspace: SimulatedWorkspace) -> None:
    seen = look(wiring)
    assert seen.workspace is not None and seen.identity is not None and seen.gateway is not None
    assert seen.workspace.workspace_id == workspace.scene.workspace_id
    assert (seen.identity.name, seen.identity.is_admin) == (workspace.scene.person.user_name, True)
    assert (seen.gateway.generation, seen.gateway.source) == (Generation.WORKSPACE, GatewaySource.DISCOVERED)
    assert seen.catalogue.models
    assert {result.health for result in seen.results} == {Health.HEALTHY}
    assert (seen.offline, seen.problem, seen.progress.running) == (None, None, False)


def test_every_route_has_its_verdict_in_the_order_of_the_routes(wiring: Wiring) -> None:
    seen = look(wiring)
    assert [result.route for result in seen.results] == [
        replace(route, token=None) for route in routes_of(seen.choices)
    ]
    assert {Identity.DASHBOARD, Identity.STORED} == {result.route.identity for result in seen.results}


def test_a_healthy_sweep_asks_each_distinct_request_once(wiring: Wiring, workspace: SimulatedWorkspace) -> None:
    seen = look(wiring)
    asked = [(post.host, post.path, post.token, post.body_sha256) for post in workspace.requests.posts()]
    assert len(asked) == len(set(asked)) < len(seen.results)


def test_what_was_found_carries_its_age(wiring: Wiring) -> None:
    before = wiring.clock.now()
    seen = look(wiring)
    assert seen.gateway is not None and seen.detected_at is not None and seen.swept_at is not None
    assert before <= seen.detected_at <= seen.gateway.resolved_at <= seen.swept_at <= wiring.clock.now()


def test_results_land_in_pictures_that_grow(wiring: Wiring) -> None:
    published: list[Snapshot] = []
    seen = look(wiring, published.append)
    first, *landing = published
    assert (first.progress.running, first.results) == (True, ())
    done = [item.progress.done for item in landing]
    assert done[0] == 0 and done == sorted(set(done))
    assert [len(item.results) for item in landing] == done
    assert {item.progress.total for item in landing} == {len(seen.results)}
    assert all(item.progress.running and item.gateway for item in landing)


@in_scene("incident")
def test_the_outage_is_seen_as_it_was(wiring: Wiring) -> None:
    hermes = {
        (result.route.slot, result.route.identity): (result.health, result.rung, result.http_status)
        for result in look(wiring).results
        if result.route.agent is AgentId.HERMES
    }
    assert hermes == {
        ("primary", Identity.DASHBOARD): (Health.DOWN, Rung.MODEL, 404),
        ("primary", Identity.STORED): (Health.DOWN, Rung.MODEL, 404),
        ("fallback", Identity.DASHBOARD): (Health.HEALTHY, Rung.MODEL, 200),
        ("fallback", Identity.STORED): (Health.DOWN, Rung.AUTH, 403),
    }


@in_scene("incident")
def test_in_the_outage_everybody_else_is_fine(wiring: Wiring) -> None:
    others = [result for result in look(wiring).results if result.route.agent is not AgentId.HERMES]
    assert others
    assert {result.health for result in others} == {Health.HEALTHY}


def test_no_verdict_holds_a_token(wiring: Wiring, workspace: SimulatedWorkspace) -> None:
    seen = look(wiring)
    assert all(result.route.token is None for result in seen.results)
    assert not any(secret.reveal() in repr(seen) for secret in workspace.scene.tokens.values())


def test_an_outage_makes_everything_unknown_and_nothing_down(wiring: Wiring, workspace: SimulatedWorkspace) -> None:
    async def story(observer: Observer) -> tuple[Snapshot, Snapshot, Snapshot]:
        healthy = await observer.look(first_snapshot(wiring), silent)
        await asyncio.to_thread(workspace.stop)
        offline = await observer.look(healthy, silent)
        await asyncio.to_thread(workspace.start)
        return healthy, offline, await observer.look(offline, silent)

    healthy, offline, again = observed(wiring, story)
    assert offline.offline is not None
    assert len(offline.results) == len(healthy.results)
    assert {result.health for result in offline.results} == {Health.UNKNOWN}
    assert (offline.gateway, offline.catalogue) == (healthy.gateway, healthy.catalogue)
    assert again.offline is None
    assert {result.health for result in again.results} == {Health.HEALTHY}


def test_a_workspace_that_was_never_there_leaves_its_name_to_show(
    wiring: Wiring, workspace: SimulatedWorkspace
) -> None:
    workspace.stop()
    seen = look(wiring)
    assert seen.offline is not None and seen.workspace is not None
    assert (seen.workspace.host, seen.gateway) == (workspace.scene.host, None)
    assert [choice.agent for choice in seen.choices] == list(AgentId)
    assert not any(result.health is Health.DOWN for result in seen.results)


def test_without_a_credential_the_problem_is_named_and_its_routes_are_unknown(
    wiring: Wiring, workspace: SimulatedWorkspace
) -> None:
    refused = UpstreamError("No.", code="credential_dead", remedy="Renew it.")
    seen = look(replace(wiring, credentials=FakeCredentials(error=refused)))
    assert seen.problem is not None
    assert (seen.problem.code, seen.offline) == ("credential_dead", None)
    own = [result for result in seen.results if result.route.identity is Identity.DASHBOARD]
    assert {(result.health, result.diagnosis) for result in own} <= {(Health.UNKNOWN, Diagnosis.CREDENTIAL_MISSING)}
    assert not any(post.token == "none" for post in workspace.requests.posts())


def test_a_verdict_on_a_model_that_the_slot_no_longer_has_is_not_kept(wiring: Wiring) -> None:
    async def story(observer: Observer) -> list[Snapshot]:
        before = await observer.look(first_snapshot(wiring), silent)
        config = wiring.settings.state_dir / "simulated" / "healthy" / "home" / ".hermes" / "config.yaml"
        text = config.read_text()
        config.write_text(text.replace('default: "databricks-claude-opus-4-6"', 'default: "databricks-gpt-5-5"'))
        published: list[Snapshot] = []
        await observer.look(before, published.append)
        return published[1:]

    for seen in observed(wiring, story):
        models = {(choice.agent, slot.slot): slot.model for choice in seen.choices for slot in choice.slots}
        assert all(models[result.route.agent, result.route.slot] == result.route.model for result in seen.results)


def test_what_proved_a_change_outlasts_a_sweep_that_began_before_it(
    wiring: Wiring, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every round forgets the routes that are configured no more; one that began earlier cannot know the new ones."""
    config = wiring.settings.state_dir / "simulated" / "healthy" / "home" / ".hermes" / "config.yaml"

    async def story(observer: Observer) -> tuple[Snapshot, set[str]]:
        before = await observer.look(first_snapshot(wiring), silent)
        probe, asked, may_end = observer.probe, asyncio.Event(), asyncio.Event()

        async def held(*args: Any, **kwargs: Any) -> SweepReport:
            report = await probe(*args, **kwargs)
            asked.set()
            await may_end.wait()
            return report

        monkeypatch.setattr(observer, "probe", held)
        sweep = asyncio.create_task(observer.look(before, silent))
        await asked.wait()
        text = config.read_text()
        config.write_text(
            text.replace('default: "databricks-claude-opus-4-6"', 'default: "databricks-claude-haiku-4-5"')
        )
        routes = [route for route in routes_of([observer.choice_of(AgentId.HERMES)]) if route.slot == "primary"]
        proof: list[ProbeResult] = []
        await probe(routes, proof.append)
        await observer.prove(proof)
        may_end.set()
        return await sweep, {route_id(result.route) for result in proof}

    seen, proved = observed(wiring, story)
    assert proved and {seen.standings[key].health for key in proved} == {Health.HEALTHY}


def test_a_choice_is_read_anew_each_time(wiring: Wiring) -> None:
    async def story(observer: Observer) -> tuple[str | None, ...]:
        await observer.detect()
        before = observer.choice_of(AgentId.HERMES).slots[0].model
        config = wiring.settings.state_dir / "simulated" / "healthy" / "home" / ".hermes" / "config.yaml"
        config.write_text(config.read_text().replace(f'default: "{before}"', 'default: "databricks-unheard-of"'))
        changed = observer.choice_of(AgentId.HERMES)
        findings = observer.lint(changed)
        return before, changed.slots[0].model, *(finding.code for finding in findings)

    before, after, *codes = observed(wiring, story)
    assert (before, after) == ("databricks-claude-opus-4-6", "databricks-unheard-of")
    assert codes == ["model_unknown"]


def test_a_model_that_breaks_between_two_looks_is_down_in_the_second(
    wiring: Wiring, workspace: SimulatedWorkspace
) -> None:
    async def story(observer: Observer) -> Snapshot:
        healthy = await observer.look(first_snapshot(wiring), silent)
        workspace.faults.add(FaultRule(fault="model_not_found", model="claude-haiku-4-5"))
        return await observer.look(healthy, silent)

    seen = observed(wiring, story)
    down = {(result.route.agent, result.route.slot) for result in seen.results if result.health is Health.DOWN}
    assert down == {(AgentId.CLAUDE, "haiku")}


def test_reachability_costs_no_request(wiring: Wiring, workspace: SimulatedWorkspace) -> None:
    assert observed(wiring, lambda observer: observer.unreachable()) is None
    assert workspace.requests.all() == ()
    workspace.stop()
    assert observed(wiring, lambda observer: observer.unreachable())


def test_a_request_for_an_app_leads_to_the_gateway_that_the_app_states(
    workspace: SimulatedWorkspace, wiring: Wiring
) -> None:
    content = b'env:\n  - name: PI_MODEL\n    value: m\n  - name: DATABRICKS_GATEWAY_HOST\n    value: ""\n'
    workspace.apps.add(workspace_app(workspace.scene, content=content))

    async def bases(observer: Observer) -> list[str | None]:
        await observer.detect()
        asked = [
            ChangeRequest(agent=AgentId.PI, target="app:coda", slots={"default": "databricks-gpt-5-5"}),
            ChangeRequest(agent=AgentId.PI, target="app:coda", slots={"DATABRICKS_GATEWAY_HOST": None}),
            ChangeRequest(agent=AgentId.PI, target="export", slots={"default": "databricks-gpt-5-5"}),
        ]
        gateways = [await observer.gateway_for(request) for request in asked]
        return [gateway.base_url if gateway else None for gateway in gateways]

    stated, automatic, present = observed(wiring, bases)
    assert stated is not None and stated.endswith("/serving-endpoints")
    assert automatic == present and automatic is not None and automatic.endswith("/ai-gateway")
