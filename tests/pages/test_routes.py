"""The Routes page in each of its states."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import StoreError
from core.model.agent import AgentId
from core.model.probe import Depth, Finding, Health, ProbeEvidence, ProbeResult, Suggestion
from core.model.route import Identity
from core.model.secret import Secret
from core.model.snapshot import Job, JobKind, Progress, Snapshot
from core.settings import Settings
from pages.ui.route_drawer import VERDICT_KEY
from pages.ui.route_query import evidence_query
from tests.fakes import snapshots
from tests.fakes.histories import with_history
from tests.fakes.services import FakeServices
from tests.pages.conftest import ADMIN, OpenFrame, words

TOKEN = "dapi-not-a-real-token"


@pytest.fixture
def open_routes(open_frame: OpenFrame) -> OpenFrame:
    def opened(services: FakeServices, **query: str | list[str]) -> AppTest:
        app = open_frame(services, page="routes.py")
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return opened


def labels(app: AppTest) -> dict[str, str]:
    """Return what the cells say, by their keys."""
    return {str(button.key): button.label for button in app.button if str(button.key).startswith("open_")}


def stored_failure(shown: Snapshot) -> ProbeResult:
    return next(item for item in shown.results if item.route.identity is Identity.STORED)


def test_before_anything_is_known_nothing_is_claimed(open_routes: OpenFrame) -> None:
    app = open_routes(FakeServices())

    assert labels(app) == {}
    assert "No check has finished yet." in words(app)
    assert app.button(key="probe_all").disabled


def test_cells_say_health_in_words_and_name_the_slot_in_use(open_routes: OpenFrame) -> None:
    app = open_routes(FakeServices(shown=snapshots.healthy()))

    assert labels(app)["open_codex_gpt-5-5_dashboard"] == ":green[:material/check_circle: Healthy]"
    assert "Not probed" in labels(app)["open_copilot_claude-haiku-4-5"]
    assert ":blue-badge[primary]" in words(app)


def test_the_incident_is_two_words_in_one_cell(open_routes: OpenFrame) -> None:
    found = labels(open_routes(FakeServices(shown=snapshots.incident())))

    assert "Healthy" in found["open_hermes_claude-opus-4-6_dashboard"]
    assert found["open_hermes_claude-opus-4-6_stored"] == ":material/key: :red[:material/cancel: Down]"


def test_an_impossible_combination_is_grey_with_its_reason(open_routes: OpenFrame) -> None:
    app = open_routes(FakeServices(shown=snapshots.healthy()))
    button = app.button(key="open_claude_gpt-5-5")

    assert button.label == ":small[:gray[:material/block: Other dialect]]"
    assert "this model is listed for openai" in button.help.replace("\\", "")


def test_filters_come_from_the_address_and_bad_ones_are_ignored(open_routes: OpenFrame) -> None:
    app = open_routes(FakeServices(shown=snapshots.incident()), health="down", agents=["hermes", "nobody"])

    assert app.multiselect(key="filter_agents").value == [AgentId.HERMES]
    assert set(labels(app)) == {
        "open_hermes_claude-opus-4-6_dashboard",
        "open_hermes_claude-opus-4-6_stored",
        "open_hermes_databricks-claude-opus-4-7_dashboard",
        "open_hermes_databricks-claude-opus-4-7_stored",
    }


def test_filters_go_to_the_address_and_leave_it_again(open_routes: OpenFrame) -> None:
    app = open_routes(FakeServices(shown=snapshots.healthy()))

    app.text_input(key="filter_text").input("haiku").run()
    assert app.query_params["q"] == "haiku"
    app.text_input(key="filter_text").input("").run()
    assert "q" not in app.query_params


def test_filters_that_match_nothing_say_so(open_routes: OpenFrame) -> None:
    assert "No combination matches" in words(open_routes(FakeServices(shown=snapshots.healthy()), q="no such model"))


def test_the_cost_is_said_before_anything_is_asked(open_routes: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.healthy())
    app = open_routes(services)

    count = int(app.button(key="probe_all").label.removeprefix("Probe all (").removesuffix(")"))
    assert f"{count} requests · at most {16 * count} output tokens · at most 28 s" in words(app)
    assert app.button(key="probe_selected").disabled
    assert services.probed == []


def test_ticked_models_are_what_probe_selected_asks(open_routes: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.healthy())
    app = open_routes(services, agents="copilot")

    app.checkbox(key="tick_claude-haiku-4-5").check().run()
    assert app.query_params["models"] == "claude-haiku-4-5"
    app.button(key="probe_selected").click().run()

    ((routes, depth, tokens),) = services.probed
    assert [(route.agent, route.model) for route in routes] == [(AgentId.COPILOT, "databricks-claude-haiku-4-5")]
    assert (depth, tokens) == (Depth.REACH, {})
    assert app.get("progress")[0].proto.text == "Probing: 1 of 1 route"


def test_a_faithful_probe_of_everything_leaves_out_what_cannot_work(open_routes: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.healthy())
    app = open_routes(services)

    app.button_group(key="bar_depth").set_value(Depth.FAITHFUL).run()
    app.button(key="probe_all").click().run()

    ((routes, depth, _),) = services.probed
    assert depth is Depth.FAITHFUL
    assert AgentId.CURSOR not in {route.agent for route in routes}
    assert not [route for route in routes if route.agent is AgentId.CLAUDE and "gpt" in route.model]


def test_who_asks_again_too_soon_reads_when(open_routes: OpenFrame) -> None:
    app = open_routes(FakeServices(shown=snapshots.healthy(), cooling=True))

    app.button(key="probe_all").click().run()

    assert "It may be asked again in 7 s." in words(app)


def test_a_token_for_one_probe_is_used_and_forgotten(open_routes: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.healthy())
    app = open_routes(services)

    app.selectbox(key="bar_credential").set_value(Identity.ONE_PROBE).run()
    app.text_input(key="bar_token").input(TOKEN).run()
    app.button(key="probe_all").click().run()

    assert services.probed[0][2] == {Identity.ONE_PROBE: Secret(TOKEN)}
    assert app.text_input(key="bar_token").value == ""
    assert TOKEN not in str(app.session_state) + words(app) + str(app.query_params)


def test_a_probe_without_the_token_it_wants_is_not_sent(open_routes: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.healthy())
    app = open_routes(services)

    app.selectbox(key="bar_credential").set_value(Identity.ONE_PROBE).run()
    app.button(key="probe_all").click().run()

    assert services.probed == []
    assert "No token was given." in words(app)


@pytest.mark.parametrize("inside", [True, False], ids=["inside Databricks Apps", "anywhere else"])
def test_a_forwarded_token_counts_only_behind_the_proxy(
    inside: bool, open_routes: OpenFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    headers = {"X-Forwarded-Access-Token": TOKEN}
    monkeypatch.setattr("streamlit.runtime.context.ContextProxy.headers", headers)
    settings = Settings(host="h", inside_databricks_apps=inside)
    services = FakeServices(shown=snapshots.healthy(), settings=settings)
    app = open_routes(services)

    assert ("My own token" in app.selectbox(key="bar_credential").options) is inside
    if inside:
        app.selectbox(key="bar_credential").set_value(Identity.USER).run()
        app.button(key="probe_all").click().run()
        assert services.probed[0][2] == {Identity.USER: Secret(TOKEN)}


def test_the_address_of_a_verdict_opens_its_ladder_remedy_and_evidence(open_routes: OpenFrame) -> None:
    shown = snapshots.incident()
    result = replace(
        stored_failure(shown),
        suggestion=Suggestion(model="databricks-claude-opus-4-6", url="u", reason="it answered just now"),
        evidence=ProbeEvidence(
            method="POST",
            url="https://host.example/x",
            request_headers={"x-api-key": "[redacted]"},
            request_body='{"model":"m"}',
            response_excerpt='{"error":"no"}',
            request_id="req-77",
        ),
    )
    finding = Finding(
        route=result.route, question="the same on its own route", health=Health.HEALTHY, diagnosis=result.diagnosis
    )
    result = replace(result, findings=(finding,))
    results = tuple(result if item.route == result.route else item for item in shown.results)
    app = open_routes(FakeServices(shown=replace(shown, results=results)), **evidence_query(result))

    text = words(app)
    for expected in (
        "Down · simulated",
        "Choose another model for HERMES_MODEL.",
        "Works already: `databricks-claude-opus-4-6`",
        "| Model | :red[:material/close: failed]",
        "the same on its own route",
        "req-77",
        "x-api-key: [redacted]",
        '{"error":"no"}',
        "Bearer $DATABRICKS_TOKEN",
        "x-api-key: $DATABRICKS_TOKEN",
        "?agent=hermes&model=databricks-claude-opus-4-7&slot=primary&identity=stored&depth=reach",
    ):
        assert expected in text


def test_a_refresh_takes_no_choice_of_a_verdict_back_and_still_says_which_is_chosen(open_routes: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = open_routes(services, **evidence_query(stored_failure(services.shown)))
    first = app.button_group(key=VERDICT_KEY)
    app.run()
    again = app.button_group(key=VERDICT_KEY)

    assert again.value == first.value and "identity=stored" in str(first.value)
    # What sets the value in the browser would undo a click that came after the browser had asked for this refresh.
    assert not again.proto.set_value
    assert ["stored token" in again.proto.options[number].content for number in again.proto.default] == [True]


def test_a_verdict_that_is_gone_is_not_passed_off_as_another(open_routes: OpenFrame) -> None:
    shown = snapshots.incident()
    query = {**evidence_query(stored_failure(shown)), "identity": "user"}

    assert "no longer kept" in words(open_routes(FakeServices(shown=shown), **query))


def test_one_cell_can_be_probed_from_its_drawer(open_routes: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.healthy())
    app = open_routes(services, agent="copilot", model="claude-haiku-4-5")

    assert "Nothing has been asked yet" in words(app)
    app.button(key="probe_cell").click().run()

    assert [(route.agent, route.model) for route in services.probed[0][0]] == [
        (AgentId.COPILOT, "databricks-claude-haiku-4-5")
    ]


def test_a_cell_that_does_not_exist_opens_nothing(open_routes: OpenFrame) -> None:
    app = open_routes(FakeServices(shown=snapshots.healthy()), agent="copilot", model="no-such-model")

    assert "The address of exactly this evidence" not in words(app)


def test_upstream_text_cannot_become_markup(open_routes: OpenFrame) -> None:
    shown = snapshots.incident()
    first = replace(shown.results[0], message="[click](http://evil.example) :red[**boo**]", remedy="<b>x</b>")
    services = FakeServices(shown=replace(shown, results=(first, *shown.results[1:])))
    app = open_routes(services, **evidence_query(first))

    raw = "\n".join(str(element.value) for element in app.markdown)
    assert "[click](" not in raw
    assert r"\[click\]" in raw


def test_a_finished_probe_says_how_it_ended(open_routes: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.healthy())
    app = open_routes(services)
    app.button(key="probe_all").click().run()
    services.jobs["probe-1"] = Job(
        id="probe-1", kind=JobKind.PROBE, done=True, progress=Progress(done=3, total=3), phases=("1 was left out",)
    )

    assert "3 routes probed · 1 was left out" in words(app.run())


def test_the_drawer_has_the_routes_own_history(open_routes: OpenFrame) -> None:
    shown = snapshots.incident()
    app = open_routes(FakeServices(shown=shown), **evidence_query(shown.results[0]))

    alts = [image.alt for element in app.get("image") for image in element.proto.imgs]
    text = words(app)
    assert alts == ["Last 50 checks: 47 healthy, 3 down; newest just now"]
    assert "last pass 15 min ago" in text
    assert "p50 320 ms, **p95 340 ms**, TTFT 132 ms · up **9" in text
    assert ", no data 8" in text
    assert "→ :red-badge[:material/cancel: Down]" in text
    (link,) = [element.proto for element in app.get("page_link") if element.proto.label == "All of it in History"]
    assert link.query_string.startswith("show=routes&agents=hermes&models=databricks-claude-opus-4-7&route=")


def test_the_drawer_goes_on_when_history_cannot_be_read(open_routes: OpenFrame) -> None:
    shown = snapshots.incident()
    broken = StoreError("The database does not answer.", code="store_unavailable", remedy="Start it.")
    app = open_routes(FakeServices(shown=shown, broken=broken), **evidence_query(shown.results[0]))

    text = words(app)
    assert "The database does not answer." in text
    assert "50 checks: 47 healthy, 3 down" in text
    assert "The address of exactly this evidence" in text


def test_a_route_that_is_not_watched_claims_no_history(open_routes: OpenFrame) -> None:
    shown = replace(snapshots.incident(), standings={})
    text = words(open_routes(FakeServices(shown=shown), **evidence_query(shown.results[0])))

    assert "only checked when somebody asks" in text


def test_a_cell_tells_its_past_where_a_bar_does_not_fit(open_routes: OpenFrame) -> None:
    app = open_routes(FakeServices(shown=snapshots.healthy()))

    assert "Last 50 checks: 50 healthy" in app.button(key="open_codex_gpt-5-5_dashboard").help


def test_cells_say_their_latency_when_asked_and_keep_the_icon_of_their_health(open_routes: OpenFrame) -> None:
    app = open_routes(FakeServices(shown=snapshots.healthy()), cells="latency")

    assert labels(app)["open_codex_gpt-5-5_dashboard"].startswith(":green[:material/check_circle:] :gray-badge[▂ ")
    assert "p95 of the last 50 checks" in words(app)


def test_what_is_wrong_keeps_its_word_among_latencies(open_routes: OpenFrame) -> None:
    app = open_routes(FakeServices(shown=snapshots.incident()), cells="latency", health="down")

    assert labels(app)["open_hermes_claude-opus-4-6_stored"] == ":material/key: :red[:material/cancel: Down]"


def test_what_the_cells_say_goes_to_the_address(open_routes: OpenFrame) -> None:
    app = open_routes(FakeServices(shown=snapshots.healthy()))

    app.segmented_control(key="cells_say").select("latency").run()

    assert app.query_params["cells"] == "latency"


def test_an_agent_that_cannot_be_probed_has_a_line_and_no_column_of_its_own(open_routes: OpenFrame) -> None:
    app = open_routes(FakeServices(shown=snapshots.healthy()))

    assert not [key for key in labels(app) if "cursor" in key]
    assert "Cursor: inform only, so nothing can be asked" in words(app)
    assert [key for key in labels(open_routes(FakeServices(shown=snapshots.healthy()), agents="cursor"))]


def test_a_verdict_seen_ten_intervals_ago_is_unknown(open_routes: OpenFrame) -> None:
    shown = snapshots.healthy()
    old = datetime.now(UTC) - timedelta(seconds=10 * shown.interval_s + 5)
    shown = with_history(replace(shown, results=tuple(replace(item, checked_at=old) for item in shown.results)))
    app = open_routes(FakeServices(shown=shown))

    assert labels(app)["open_codex_gpt-5-5_dashboard"] == ":gray[:material/help: Unknown] · stale"


def test_a_probe_is_asked_in_the_persons_name(open_routes: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.healthy())
    app = open_routes(services)

    app.button(key="probe_all").click().run()

    assert services.askers == [ADMIN]
