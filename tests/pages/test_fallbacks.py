"""The Fallbacks page: chains, the drill, and the table of what was measured."""

from __future__ import annotations

from dataclasses import replace

import pytest
from streamlit.testing.v1 import AppTest

from core.catalog.failover import FailureClass, measured_failures
from core.model.agent import AgentId
from core.model.probe import Depth, Diagnosis, Health, ProbeResult
from core.model.snapshot import Snapshot
from pages.ui.fallback_drill import RUN_KEY
from pages.ui.fallback_query import FallbackAsk, ask_address, parse_ask
from tests.fakes import snapshots
from tests.fakes.services import FakeServices
from tests.pages.conftest import OpenFrame, words


@pytest.fixture
def open_fallbacks(open_frame: OpenFrame) -> OpenFrame:
    def opened(services: FakeServices, **query: str) -> AppTest:
        app = open_frame(services, page="fallbacks.py")
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return opened


def fallback_of(snapshot: Snapshot, health: Health, diagnosis: Diagnosis) -> tuple[ProbeResult, ...]:
    """Return the snapshot's results with Hermes' fallback in this state."""
    return tuple(
        replace(result, health=health, diagnosis=diagnosis, http_status=None)
        if (result.route.agent, result.route.slot) == (AgentId.HERMES, "fallback")
        else result
        for result in snapshot.results
    )


def run_drill(app: AppTest, services: FakeServices) -> AppTest:
    """Press the button, and let the probe that it starts end."""
    app.button(key=RUN_KEY).click().run()
    services.jobs = {name: replace(job, done=True) for name, job in services.jobs.items()}
    return app.run()


def test_each_agents_chain_names_its_models_and_what_they_share(open_fallbacks: OpenFrame) -> None:
    text = words(open_fallbacks(FakeServices(shown=snapshots.incident())))
    assert "**Hermes**" in text and "**Claude Code**" in text and "**Cursor**" not in text
    assert "goes the primary's way" in text and "of the primary's family (claude)" in text
    assert "Never falls back" in text and "only when started with --fallback-model" in text
    assert "Healthy, simulated" in text


def test_without_a_choice_there_is_nothing_to_drill(open_fallbacks: OpenFrame) -> None:
    app = open_fallbacks(FakeServices())
    assert not [button for button in app.button if button.key == RUN_KEY]


def test_a_drill_probes_the_fallbacks_as_the_agent_asks_them_and_says_how_it_ends(open_fallbacks: OpenFrame) -> None:
    healthy = snapshots.healthy()
    services = FakeServices(shown=healthy)
    app = run_drill(open_fallbacks(services, failure="throttled"), services)
    ((routes, depth, tokens),) = services.probed
    assert {route.slot for route in routes} == {"fallback"} and depth is Depth.FAITHFUL and not tokens
    text = words(app)
    assert "429, throttled" in text and "got an answer from" in text and "waits about 0.2 s" in text


def test_a_drill_with_two_faults_ends_down(open_fallbacks: OpenFrame) -> None:
    shown = snapshots.healthy()
    shown = replace(shown, results=fallback_of(shown, Health.DOWN, Diagnosis.CREDENTIAL_DEAD), standings={})
    services = FakeServices(shown=shown)
    app = run_drill(open_fallbacks(services), services)
    assert "does not show the primary's" in words(app)
    assert any(str(box.value).startswith("Down:") for box in app.error)


def test_an_agent_without_a_fallback_is_drilled_without_sending_anything(open_fallbacks: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.healthy())
    app = open_fallbacks(services, agent="codex", failure="unavailable")
    app.button(key=RUN_KEY).click().run()
    assert services.probed == []
    assert "it has no fallback" in words(app) and "waits about 25.0 s" in words(app)


def test_a_drill_of_routes_that_were_asked_just_now_takes_those_verdicts(open_fallbacks: OpenFrame) -> None:
    app = open_fallbacks(FakeServices(shown=snapshots.healthy(), cooling=True), failure="throttled")
    app.button(key=RUN_KEY).click().run()
    assert "got an answer from" in words(app)


def test_another_failure_asks_for_another_drill(open_fallbacks: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.healthy())
    app = run_drill(open_fallbacks(services), services)
    assert "got an answer from" in words(app)
    app.selectbox(key="drill_failure").set_value(FailureClass.OUTPUT_CAP).run()
    assert "got an answer from" not in words(app)
    assert app.query_params["failure"] == "output_cap"


def test_the_table_has_every_measured_failure(open_fallbacks: OpenFrame) -> None:
    (grid,) = open_fallbacks(FakeServices(shown=snapshots.healthy()), agent="claude").dataframe
    measured = measured_failures(AgentId.CLAUDE)
    assert list(grid.value["Failure"]) == [failure.label for failure in measured]
    assert "falls back, only with --fallback-model" in list(grid.value["Then it"])


@pytest.mark.parametrize("agent", [agent for agent in AgentId if measured_failures(agent)])
def test_an_address_comes_back_as_it_was_meant(agent: AgentId) -> None:
    for failure in measured_failures(agent):
        asked = FallbackAsk(agent=agent, failure=failure)
        assert parse_ask(ask_address(asked)) == asked


@pytest.mark.parametrize(
    "query",
    [{"agent": ["cursor"]}, {"agent": ["<b>"]}, {"failure": ["x"]}, {"agent": ["gemini"], "failure": ["empty_answer"]}],
)
def test_an_address_that_cannot_be_meant_is_ignored(query: dict[str, list[str]]) -> None:
    assert parse_ask(query).failure is FailureClass.NO_MODEL


def test_a_verdict_on_the_way_that_the_agent_was_switched_from_is_past(open_fallbacks: OpenFrame) -> None:
    shown = snapshots.healthy()
    primary = next(one for one in shown.results if (one.route.agent, one.route.slot) == (AgentId.HERMES, "primary"))
    former = replace(
        primary,
        route=replace(primary.route, base_url="https://adb-4455667788990011.11.azuredatabricks.net/former"),
        health=Health.DOWN,
        diagnosis=Diagnosis.MODEL_NOT_ON_ROUTE,
        http_status=404,
    )

    text = words(open_fallbacks(FakeServices(shown=shown, extra=(former,))))

    assert "404" not in text.partition("**Claude Code**")[0]
