"""The History page in each of its sections and states."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.errors import StoreError
from core.history.audit_export import AuditForm
from core.model.agent import AgentId
from core.model.alert import Channel, ChannelKind, Delivery, DeliveryState, NoticeKind
from core.model.audit import AuditEvent
from core.model.change import ChangeRequest
from core.model.history import HistoryQuery, Keeping
from core.model.incident import Incident
from core.model.probe import Health
from core.model.secret import Secret
from core.model.snapshot import Snapshot
from pages.ui.history_query import Section, Span
from tests.fakes import snapshots
from tests.fakes.audit import MemoryAudit
from tests.fakes.histories import incident_of
from tests.fakes.services import FakeServices, record
from tests.pages.conftest import ADMIN, VISITOR, OpenFrame, words

HOSTILE = "[click](http://evil.example) :red[**boo**]"
BROKEN = StoreError("The database does not answer.", code="store_unavailable", remedy="Start it; history catches up.")


@pytest.fixture
def open_history(open_frame: OpenFrame) -> OpenFrame:
    def opened(services: FakeServices, actor: object = ADMIN, **query: str | list[str]) -> AppTest:
        app = open_frame(services, page="history.py", actor=actor)
        for name, value in query.items():
            app.query_params[name] = value
        app.run()
        assert not app.exception
        return app

    return opened


def ended(message: str = "databricks-gpt-5-5 is throttled") -> Incident:
    """Return an incident of seven hours ago that lasted 54 minutes."""
    failing = next(item for item in snapshots.incident().results if item.health is Health.DOWN)
    at = datetime.now(UTC) - timedelta(hours=7)
    return incident_of([replace(failing, checked_at=at, message=message)], ended_at=at + timedelta(minutes=44))


def columns(app: AppTest) -> dict[str, list[object]]:
    """Return the only grid of the page by its columns."""
    (grid,) = app.dataframe
    return {str(name): list(grid.value[name]) for name in grid.value.columns}


def test_incidents_say_severity_cause_routes_times_and_duration(open_history: OpenFrame) -> None:
    text = words(open_history(FakeServices(shown=snapshots.incident(), past=(ended(),))))

    assert ":red-badge[:material/cancel: Down]  \n:small[simulated]" in text
    assert "**Model: databricks-claude-opus-4-7 is not found on this route**" in text
    assert "2 routes: Hermes primary" in text
    assert "lasts 10 min" in text
    assert "**Model: databricks-gpt-5-5 is throttled**" in text
    assert "54 min" in text
    assert "not ended" in text


def test_transitions_are_listed_with_both_words(open_history: OpenFrame) -> None:
    text = words(open_history(FakeServices(shown=snapshots.incident())))

    assert ":green-badge[:material/check_circle: Healthy] → :red-badge[:material/cancel: Down]" in text


def test_everything_simulated_says_so(open_history: OpenFrame) -> None:
    assert "**Simulated**: everything here" in words(open_history(FakeServices(shown=snapshots.healthy())))


def test_history_says_how_it_is_being_kept(open_history: OpenFrame) -> None:
    keeping = Keeping(problem="The file cannot be written.", waiting=1, durable=False, probing=False, prober="app-2")
    text = words(open_history(FakeServices(shown=replace(snapshots.healthy(), keeping=keeping))))

    assert "**History is not being kept.** The file cannot be written. 1 round of checks will be caught up." in text
    assert "History ends with the container" in text
    assert "Another instance probes: app-2." in text


def test_range_and_filters_of_the_address_are_what_the_store_is_asked(open_history: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = open_history(
        services, range="7d", agents="codex", health=["down", "nonsense"], models="databricks-gpt-5-5", q="oops"
    )

    query = services.queries[-1]
    assert query.until - query.since == timedelta(days=7)
    assert (query.agents, query.healths, query.models, query.text) == (
        (AgentId.CODEX,),
        (Health.DOWN,),
        ("databricks-gpt-5-5",),
        "oops",
    )
    assert app.multiselect(key="history_agents").value == [AgentId.CODEX]
    assert app.text_input(key="history_text").value == "oops"


def test_what_is_picked_goes_to_the_address_and_leaves_it_again(open_history: OpenFrame) -> None:
    app = open_history(FakeServices(shown=snapshots.incident()))

    app.multiselect(key="history_agents").select(AgentId.HERMES).run()
    assert app.query_params["agents"] == "hermes"
    app.button_group(key="history_span").set_value(Span.MONTH).run()
    assert (app.query_params["range"], app.query_params["agents"]) == ("30d", "hermes")
    app.multiselect(key="history_agents").unselect(AgentId.HERMES).run()
    assert "agents" not in app.query_params


def test_filters_outlive_a_section_that_does_not_show_them(open_history: OpenFrame) -> None:
    app = open_history(FakeServices(shown=snapshots.incident()), agents="hermes", range="7d")

    app.button_group(key="history_section").set_value(Section.ALERTS).run()
    assert "history_agents" not in [element.key for element in app.multiselect]
    app.button_group(key="history_section").set_value(Section.INCIDENTS).run()

    assert (app.query_params["agents"], app.query_params["range"]) == ("hermes", "7d")
    assert app.multiselect(key="history_agents").value == [AgentId.HERMES]


def test_a_rerun_does_not_ask_the_store_again(open_history: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = open_history(services)
    asked = len(services.queries)

    app.run()
    app.run()

    assert len(services.queries) == asked


def test_another_question_is_asked_at_once(open_history: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = open_history(services)
    asked = len(services.queries)

    app.text_input(key="history_text").input("opus").run()

    assert [query.text for query in services.queries[asked:]] == ["opus"]


def test_a_quiet_day_says_so_and_where_to_look(open_history: OpenFrame) -> None:
    text = words(open_history(FakeServices(shown=snapshots.healthy())))

    assert "No incident in the last 24 h. Look further back with *How far back*." in text
    assert "No route changed its health in the last 24 h." in text


def test_filters_that_match_nothing_say_which_way_out(open_history: OpenFrame) -> None:
    text = words(open_history(FakeServices(shown=snapshots.incident()), agents="codex"))

    assert "No incident in the last 24 h matches these filters. Take a filter away." in text


@pytest.mark.parametrize("section", ["incidents", "routes", "audit", "alerts"])
def test_a_database_that_is_down_is_one_sentence_and_the_page_goes_on(section: str, open_history: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident(), broken=BROKEN)
    app = open_history(services, show=section)

    assert len(app.error) == 1
    assert app.error[0].value == "**The database does not answer\\.**  \nStart it; history catches up\\."
    assert app.button_group(key="history_section")


def test_without_its_database_the_page_shows_what_the_process_remembers(open_history: OpenFrame) -> None:
    text = words(open_history(FakeServices(shown=snapshots.incident(), broken=BROKEN)))

    assert "Below is what this process remembers without its database" in text
    assert "**Model: databricks-claude-opus-4-7 is not found on this route**" in text
    assert "lasts 10 min" in text


def test_without_its_database_the_page_does_not_claim_that_nothing_happened(open_history: OpenFrame) -> None:
    text = words(open_history(FakeServices(shown=snapshots.healthy(), broken=BROKEN)))

    assert "No incident is remembered; whether there was one is not known." in text
    assert "No transition is remembered; whether there was one is not known." in text
    assert "No incident in the last" not in text


def test_a_database_that_is_down_is_not_asked_with_every_run(open_history: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident(), broken=BROKEN)
    app = open_history(services)
    asked = len(services.queries)

    app.run()

    assert len(services.queries) == asked


def test_upstream_text_in_incidents_cannot_become_markup(open_history: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident(), past=(ended(HOSTILE),))
    app = open_history(services, incident=services.past[0].id)

    raw = "\n".join(str(element.value) for element in app.markdown)
    assert "[click](" not in raw
    assert r"\[click\]" in raw


def test_the_address_of_an_incident_opens_its_details(open_history: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    incident = services.shown.incidents[0]
    app = open_history(services, incident=incident.id)

    text = words(app)
    for expected in (
        "Down · simulated",
        "Choose another model for HERMES_MODEL.",
        "**Timeline**",
        ":red-badge[:material/error: opened]",
        "still hit",
        f"# Incident {incident.id}",
        f"?incident={incident.id}",
        "lasts 10 min",
    ):
        assert expected in text
    assert snapshots.HOST.removeprefix("https://") in app.code[-1].value


def test_a_report_for_others_names_no_host(open_history: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = open_history(services, incident=services.shown.incidents[0].id)

    app.checkbox(key="mask_report").check().run()

    assert "4455667788990011" not in app.code[-1].value
    assert app.code[-1].value.startswith("# Incident")


def test_details_write_the_address_and_closing_keeps_the_filters(open_history: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    incident = services.shown.incidents[0]
    app = open_history(services, range="7d")

    app.button(key=f"details_{incident.id}").click().run()

    assert (app.query_params["incident"], app.query_params["range"]) == (incident.id, "7d")
    assert "**Timeline**" in words(app)


def test_an_incident_that_is_not_kept_says_so(open_history: OpenFrame) -> None:
    text = words(open_history(FakeServices(shown=snapshots.healthy()), incident="inc-20200101-000000-abcdef"))

    assert "This incident is not kept any more" in text


def test_an_incident_opens_without_the_database_while_it_lasts(open_history: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident(), broken=BROKEN)
    text = words(open_history(services, incident=services.shown.incidents[0].id))

    assert "**Timeline**" in text
    assert "# Incident" in text


def test_uptime_is_listed_worst_first_with_no_data_apart(open_history: OpenFrame) -> None:
    app = open_history(FakeServices(shown=snapshots.incident()), show="routes")
    found = columns(app)

    assert found["Agent"][0] == "Hermes"
    ups = [float(str(up)) for up in found["Up %"]]
    assert ups == sorted(ups)
    assert ups[0] < 100
    assert all(80 < float(str(share)) < 90 for share in found["No data %"])
    assert "lowest" in words(app)
    assert "**Simulated**" in words(app)


def test_latency_is_drawn_for_the_route_of_the_address(open_history: OpenFrame) -> None:
    shown = snapshots.healthy()
    codex = next(key for key, standing in shown.standings.items() if standing.route.agent is AgentId.CODEX)
    app = open_history(FakeServices(shown=shown), show="routes", route=codex)

    assert app.selectbox(key="history_route").value == codex
    assert len(app.get("vega_lite_chart")) == 2


def test_picking_a_route_writes_the_address(open_history: OpenFrame) -> None:
    app = open_history(FakeServices(shown=snapshots.healthy()), show="routes")
    picked = app.selectbox(key="history_route")

    picked.select_index(3).run()

    assert app.query_params["route"] == app.selectbox(key="history_route").value


def test_no_check_in_the_range_says_so(open_history: OpenFrame) -> None:
    shown = replace(snapshots.healthy(), standings={})

    assert "No check is kept of the last 24 h" in words(open_history(FakeServices(shown=shown), show="routes"))


def test_changes_are_listed_with_the_way_back(open_history: OpenFrame) -> None:
    request = ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots={"primary": "databricks-new"})
    services = FakeServices(shown=snapshots.healthy(), records=[record(request, ADMIN, "outage")])
    app = open_history(services, show="changes")

    assert "`databricks-new`" in words(app)
    app.button(key="roll_back_chg-000000000001").click().run()
    assert "goes back to exactly what it was" in words(app)


def test_no_change_yet_says_how_to_make_one(open_history: OpenFrame) -> None:
    text = words(open_history(FakeServices(shown=snapshots.healthy()), show="changes"))

    assert "Nothing was changed from here yet." in text


def audit_event(number: int, actor: str = "riley", age: timedelta = timedelta(0)) -> AuditEvent:
    return AuditEvent(
        id=f"evt-{number}",
        at=datetime.now(UTC) - age,
        actor=actor,
        origin="page",
        action="change.apply",
        target="file:hermes",
        outcome="applied",
        reason="outage",
        before={"primary": "databricks-old"},
        after={"primary": "databricks-new"},
    )


def test_audit_events_of_the_range_say_who_did_what(open_history: OpenFrame) -> None:
    services = FakeServices(
        shown=snapshots.healthy(), events=(audit_event(1), audit_event(2, actor="old", age=timedelta(days=2)))
    )
    app = open_history(services, show="audit")
    found = columns(app)

    assert found["Who"] == ["riley"]
    assert found["Before → after"] == ["primary: databricks-old → databricks-new"]


def test_the_search_narrows_the_audit(open_history: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.healthy(), events=(audit_event(1), audit_event(2, actor="sam")))
    app = open_history(services, show="audit", q="SAM")

    assert columns(app)["Who"] == ["sam"]


def test_the_audit_says_role_address_and_plainly_what_was_refused(open_history: OpenFrame) -> None:
    refused = replace(audit_event(1, actor="sam"), role="viewer", address="192.0.2.7", outcome="not_allowed")
    services = FakeServices(shown=snapshots.healthy(), events=(audit_event(2), refused))
    found = columns(open_history(services, show="audit"))

    by_actor = dict(zip(found["Who"], zip(found["Role"], found["Address"], found["Outcome"], strict=True), strict=True))
    assert by_actor == {
        "riley": ("–", "–", "applied"),
        "sam": ("viewer", "192.0.2.7", "✕ refused: not allowed"),
    }
    assert columns(open_history(services, show="audit", q="refused"))["Who"] == ["sam"]


def test_an_audit_as_it_was_recorded_says_so_with_its_head(open_history: OpenFrame) -> None:
    events = (audit_event(1), audit_event(2, age=timedelta(minutes=1)))
    app = open_history(FakeServices(shown=snapshots.healthy(), events=events), show="audit")
    head = MemoryAudit(events).head()

    assert "Intact: 2 events in all" in words(app).replace("*", "")
    assert str(head) in words(app)


def test_an_audit_that_was_edited_is_an_error_on_the_page(open_history: OpenFrame) -> None:
    services = FakeServices(
        shown=snapshots.healthy(),
        events=(audit_event(1), audit_event(2)),
        link_changed=lambda link: replace(link, event=audit_event(9, actor="nobody")),
    )
    app = open_history(services, show="audit")

    assert "Event 1 is not what was recorded." in words(app)
    assert "Intact" not in words(app)


def test_the_audit_can_be_taken_away(open_history: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.healthy(), events=(audit_event(1),))
    app = open_history(services, show="audit")

    assert [button.proto.label for button in app.get("download_button")] == ["All events as JSONL", "All events as CSV"]
    assert services.audit_trail.export(AuditForm.JSONL).count("\n") == 1


def test_an_empty_audit_says_so(open_history: OpenFrame) -> None:
    text = words(open_history(FakeServices(shown=snapshots.healthy()), show="audit"))

    assert "Nobody changed or probed anything in the last 24 h" in text


def test_without_channels_the_page_says_how_to_get_one(open_history: OpenFrame) -> None:
    text = words(open_history(FakeServices(shown=snapshots.healthy()), show="alerts"))

    assert "`SWITCHYARD_ALERTS`" in text
    assert "Nothing was sent yet." in text


CHANNELS = (
    Channel(name="ops", kind=ChannelKind.SLACK, secret=Secret("https://hooks.example.com/services/T0/secret")),
    Channel(name="tickets", kind=ChannelKind.WEBHOOK, url="https://hooks.example.com/hidden-path?key=hidden"),
)


def test_channels_never_show_the_secret_part_of_their_address(open_history: OpenFrame) -> None:
    text = words(open_history(FakeServices(shown=snapshots.healthy(), channels=CHANNELS), show="alerts"))

    assert "**ops** · Slack webhook" in text
    assert "hooks.example.com" in text.replace("\u2060", "")
    assert "secret" not in text
    assert "hidden" not in text


def test_failed_deliveries_are_shown_with_their_reason(open_history: OpenFrame) -> None:
    failed = Delivery(
        notice_id="n",
        kind=NoticeKind.OPENED,
        channel="ops",
        rule="all",
        incident_id="inc-1",
        at=datetime.now(UTC),
        state=DeliveryState.FAILED,
        attempts=5,
        detail="The webhook answered 410.",
    )
    text = words(open_history(FakeServices(shown=snapshots.healthy(), delivered=[failed]), show="alerts"))

    assert ":red-badge[:material/cancel: Failed] | 5 | The webhook answered 410." in text


def test_a_test_goes_to_one_channel_in_the_persons_name_and_its_end_is_shown(open_history: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.healthy(), channels=CHANNELS)
    app = open_history(services, show="alerts")

    app.button(key="test_tickets").click().run()

    assert services.tested == [("tickets", ADMIN)]
    assert ":red-badge[:material/cancel: Failed] Test of `tickets`. The webhook answered 410." in words(app)


def test_who_may_not_change_things_cannot_send_a_test(open_history: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.healthy(), channels=CHANNELS)
    app = open_history(services, actor=VISITOR, show="alerts")

    assert app.button(key="test_ops").disabled
    assert services.tested == []


def test_what_is_shown_can_be_taken_away_as_csv_and_json(open_history: OpenFrame) -> None:
    app = open_history(FakeServices(shown=snapshots.incident()))

    names = [element.proto.label for element in app.get("download_button")]
    assert names == ["Export as CSV", "Export as JSON"]


def test_a_page_before_anything_is_known_claims_nothing(open_history: OpenFrame) -> None:
    text = words(open_history(FakeServices(shown=Snapshot())))

    assert "Healthy" not in text
    assert "No incident in the last 24 h" in text


def test_the_fake_answers_what_is_asked() -> None:
    services = FakeServices(shown=snapshots.incident(), past=(ended(),))
    now = datetime.now(UTC)
    view = services.history(HistoryQuery(since=now - timedelta(hours=1), until=now))

    assert len(view.incidents) == 2, "the one of seven hours ago is too long ago"
