"""The demo from its first step to its last, over the product's own services and a real simulated workspace."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from core.adapters.clock import SystemClock
from core.demo.player import Demo, DemoState, Pace
from core.demo.story import STEPS, hermes_health, hermes_result
from core.errors import ProbeError
from core.model.access import Role
from core.model.change import Actor, ChangeState, DiffOp, Origin
from core.model.probe import Diagnosis, Health, Rung
from core.model.route import Identity
from core.model.sync import SyncState
from core.settings import Settings
from core.simulator.faults import FaultRule
from tests.fakes.waiting import eventually

ADA = Actor(name="ada", origin=Origin.PAGE, role=Role.ADMIN, why="ada is this machine's user.")
EVE = Actor(name="eve", origin=Origin.PAGE, role=Role.OPERATOR, why="You may probe, but not change anything.")
QUICK = Pace(override_s=1.5, patience_s=25.0)


@contextmanager
def begun(folder: Path, pace: Pace = QUICK) -> Iterator[Demo]:
    """Give a demo that stands at its first step."""
    demo = Demo(Settings(scene="demo", state_dir=folder, confirm_delay_s=0.05), SystemClock(), pace)
    demo.start()
    try:
        at_rest(demo)
        yield demo
    finally:
        demo.stop()


@pytest.fixture
def demo(tmp_path: Path) -> Iterator[Demo]:
    with begun(tmp_path) as demo:
        yield demo


@pytest.fixture(scope="module")
def unplayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """Return a demo at its first step, which nobody plays on."""
    with begun(tmp_path_factory.mktemp("unplayed")) as demo:
        yield demo


def at_rest(demo: Demo) -> DemoState:
    """Return where the demo stands when no step is being played, which went well."""
    state = eventually(lambda: demo.state if demo.state.going_to is None else None, timeout_s=60)
    assert state.problem is None
    return state


def played(demo: Demo, step_id: str) -> DemoState:
    demo.go_to(step_id, ADA)
    state = at_rest(demo)
    assert STEPS[state.at].id == step_id
    return state


def test_every_step_in_turn_comes_out_as_it_says(demo: Demo) -> None:
    _everything_works(demo)
    for look in (_hermes_is_out, _two_ladders, _proved, _applied, _verified, _storm, _override, _expired, _undone):
        look(demo)
    assert demo.state.at == len(STEPS) - 1


def _everything_works(demo: Demo) -> None:
    seen = demo.services.snapshot()
    assert {one.health for one in seen.results} == {Health.HEALTHY}
    assert seen.scene == "demo" and seen.workspace is not None and seen.workspace.simulated
    assert hermes_health(seen) is Health.HEALTHY


def _hermes_is_out(demo: Demo) -> None:
    played(demo, "incident")
    seen = demo.services.snapshot()
    primary, fallback = hermes_result(seen, "primary"), hermes_result(seen, "fallback")
    assert primary is not None and fallback is not None
    assert hermes_health(seen) is Health.DOWN
    assert (primary.diagnosis, primary.http_status, primary.rung) == (Diagnosis.MODEL_NOT_ON_ROUTE, 404, Rung.MODEL)
    assert (fallback.diagnosis, fallback.http_status, fallback.rung) == (Diagnosis.CREDENTIAL_DEAD, 403, Rung.AUTH)
    assert {one.health for one in seen.results if one.route.agent != "hermes"} == {Health.HEALTHY}
    eventually(lambda: {agent for one in demo.services.snapshot().incidents for agent in one.agents} == {"hermes"})


def _two_ladders(demo: Demo) -> None:
    old, new = played(demo, "explained").paths
    assert old.route.model == new.route.model == "databricks-claude-opus-4-7"
    assert ("/serving-endpoints/" in old.url, "/ai-gateway/" in new.url) == (True, True)
    assert (old.diagnosis, new.diagnosis) == (Diagnosis.MODEL_NOT_ON_ROUTE, Diagnosis.OK)
    assert old.rungs[-3].rung is new.rungs[-3].rung is Rung.MODEL


def _proved(demo: Demo) -> None:
    plan = played(demo, "preflight").plan
    assert plan is not None
    changed = {entry.field for entry in plan.diff if entry.op is DiffOp.CHANGE}
    assert {"model.base_url", "model.api_key", "fallback_providers[0].model"} <= changed
    assert {one.health for one in plan.preflight} == {Health.HEALTHY}
    assert list(demo.services.changes()) == []
    assert hermes_health(demo.services.snapshot()) is Health.DOWN


def _applied(demo: Demo) -> None:
    state = played(demo, "applied")
    assert state.outcome is not None and state.outcome.confirmed
    assert state.job is not None
    assert [phase.partition(":")[0] for phase in state.job.phases] == [
        "Reading the file",
        "Pre-flight",
        "Writing",
        "Reading back",
        "Verifying",
    ]
    assert [(one.state, one.actor) for one in demo.services.changes()] == [(ChangeState.APPLIED, "ada")]


def _verified(demo: Demo) -> None:
    played(demo, "verified")
    seen = demo.services.snapshot()
    assert hermes_health(seen) is Health.HEALTHY
    eventually(lambda: demo.services.snapshot().incidents == ())
    assert next(one.state for one in seen.syncs if one.agent == "hermes") is SyncState.IN_SYNC


def _storm(demo: Demo) -> None:
    played(demo, "storm")
    seen = demo.services.snapshot()
    primary = hermes_result(seen, "primary", Identity.DASHBOARD)
    fallback = hermes_result(seen, "fallback", Identity.DASHBOARD)
    assert primary is not None and fallback is not None
    assert (hermes_health(seen), primary.diagnosis) == (Health.DEGRADED, Diagnosis.THROTTLED)
    assert fallback.health is Health.HEALTHY


def _override(demo: Demo) -> None:
    state = played(demo, "override")
    assert state.outcome is not None
    record = state.outcome.record
    assert record.state is ChangeState.APPLIED
    assert record.expires_at is not None and record.expires_at > record.at
    assert record.after["primary"] == "databricks-claude-opus-4-6"


def _expired(demo: Demo) -> None:
    played(demo, "expired")
    newest = demo.services.changes()[0]
    assert (newest.origin, newest.state) == (Origin.EXPIRY, ChangeState.ROLLED_BACK)
    assert demo.services.snapshot().overrides == ()
    seen = hermes_result(demo.services.snapshot(), "primary")
    assert seen is not None and seen.route.model == "databricks-claude-opus-4-7"
    assert demo.faults() == ()


def _undone(demo: Demo) -> None:
    config = _config_of_hermes(demo)
    before = config.read_bytes()
    state = played(demo, "rolled_back")
    assert state.outcome is not None and state.plan is not None
    assert {one.health for one in state.plan.preflight} == {Health.HEALTHY}
    assert state.outcome.record.state is ChangeState.ROLLED_BACK
    assert Diagnosis.RATE_LIMIT_ZERO in {one.diagnosis for one in state.outcome.verification}
    assert config.read_bytes() == before
    assert hermes_health(demo.services.snapshot()) is Health.HEALTHY


def _config_of_hermes(demo: Demo) -> Path:
    choice = next(one for one in demo.services.snapshot().choices if one.agent == "hermes")
    assert choice.config is not None
    return Path(choice.config.path)


def test_back_is_the_same_step_again_in_a_new_performance(demo: Demo) -> None:
    first = played(demo, "applied")
    played(demo, "verified")
    former = demo.services
    again = played(demo, "applied")

    assert demo.services is not former and again.round == first.round + 1
    assert first.outcome is not None and again.outcome is not None
    assert again.outcome.record.after == first.outcome.record.after
    assert [record.state for record in demo.services.changes()] == [ChangeState.APPLIED]


def test_a_jump_over_the_override_does_not_wait_for_all_of_it(tmp_path: Path) -> None:
    with begun(tmp_path, Pace(override_s=3600, patience_s=25.0)) as demo:
        played(demo, "rolled_back")
        assert [record.origin for record in reversed(demo.services.changes())] == [
            Origin.PAGE,
            Origin.PAGE,
            Origin.EXPIRY,
            Origin.PAGE,
            Origin.AUTO_ROLLBACK,
        ]


def test_reset_forgets_what_was_played_and_the_faults(demo: Demo) -> None:
    played(demo, "incident")
    demo.put_fault(FaultRule(fault="throttled"), ADA)
    played(demo, "healthy")

    assert demo.faults() == ()
    assert hermes_health(demo.services.snapshot()) is Health.HEALTHY


def test_only_an_admin_plays_and_breaks_things(unplayed: Demo) -> None:
    rule = FaultRule(fault="throttled")
    with pytest.raises(ProbeError) as played_by_eve:
        unplayed.go_to("incident", EVE)
    with pytest.raises(ProbeError) as broken_by_eve:
        unplayed.put_fault(rule, EVE)
    unplayed.put_fault(rule, ADA)
    with pytest.raises(ProbeError) as mended_by_eve:
        unplayed.remove_fault(rule, EVE)

    caught = (played_by_eve, broken_by_eve, mended_by_eve)
    assert {error.value.code for error in caught} == {"not_allowed"}
    assert [found for found, _ in unplayed.faults()] == [rule]
    assert unplayed.state.at == 0


def test_an_unknown_step_is_refused(unplayed: Demo) -> None:
    with pytest.raises(ProbeError) as unknown:
        unplayed.go_to("nowhere", ADA)
    assert unknown.value.code == "unknown_step"


def test_a_step_that_is_being_played_is_not_disturbed(demo: Demo) -> None:
    demo.go_to("incident", ADA)
    with pytest.raises(ProbeError) as busy:
        demo.go_to("healthy", ADA)

    assert busy.value.code == "demo_busy"
    assert STEPS[at_rest(demo).at].id == "incident"


def test_a_claim_that_does_not_come_true_is_told(tmp_path: Path) -> None:
    with begun(tmp_path, Pace(patience_s=1.5)) as demo:
        # With everything throttled the outage does not look as it should.
        demo.put_fault(FaultRule(fault="throttled"), ADA)
        demo.go_to("incident", ADA)
        state = eventually(lambda: demo.state if demo.state.going_to is None else None)
        assert state.problem is not None and state.problem.code == "demo_claim"
        assert state.at == 0


def test_stopping_in_the_middle_of_a_step_ends_at_once(tmp_path: Path) -> None:
    demo = Demo(Settings(scene="demo", state_dir=tmp_path), SystemClock(), QUICK)
    demo.start()
    demo.stop()
    assert demo.services.snapshot() is not None
