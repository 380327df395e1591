"""The Overview in each of its states."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.catalog.agents import AGENTS
from core.model.agent import AgentId
from core.model.change import Origin
from core.model.check import route_id
from core.model.history import Keeping
from core.model.probe import Diagnosis, Health
from core.model.snapshot import Problem, Progress, Snapshot
from core.settings import Settings
from tests.fakes import snapshots
from tests.fakes.histories import with_history
from tests.fakes.services import FakeServices
from tests.pages.conftest import ADMIN, VISITOR, OpenFrame, words


def test_the_strip_names_workspace_cloud_gateway_and_identity(open_frame: OpenFrame) -> None:
    text = words(open_frame(FakeServices(shown=snapshots.healthy())))

    assert "adb-4455667788990011.11.azuredatabricks.net" in text
    assert "**Azure**" in text
    assert f"{snapshots.HOST}/ai-gateway" in text
    assert "an authenticated model list of the right shape" in text
    assert "`switchyard-app`" in text
    assert "Service principal, not a workspace admin" in text


@pytest.mark.parametrize(
    "agent", ["Hermes", "Claude Code", "Codex", "Gemini CLI", "OpenCode", "Pi", "Copilot CLI", "Cursor"]
)
def test_there_is_one_row_per_agent(open_frame: OpenFrame, agent: str) -> None:
    assert f"**{agent}**" in words(open_frame(FakeServices(shown=snapshots.healthy())))


def test_health_is_said_in_words_and_marked_as_simulated(open_frame: OpenFrame) -> None:
    text = words(open_frame(FakeServices(shown=snapshots.healthy())))

    assert "Healthy · simulated" in text
    assert "Healthy 7" in text
    assert "All routes healthy" in text


def test_an_agent_that_can_only_be_informed_about_is_unknown_not_healthy(open_frame: OpenFrame) -> None:
    text = words(open_frame(FakeServices(shown=snapshots.healthy())))

    assert "Unknown · simulated" in text
    assert AGENTS[AgentId.CURSOR].note in text


def test_the_incident_names_rung_and_remedy_for_each_slot_and_credential(open_frame: OpenFrame) -> None:
    text = words(open_frame(FakeServices(shown=snapshots.incident())))

    assert "1 agent down" in text
    assert (
        "primary · `databricks-claude-opus-4-7` · stored token · :red[:material/cancel: **Down**] — Model: 404" in text
    )
    assert (
        "fallback · `databricks-claude-opus-4-6` · stored token · :red[:material/cancel: **Down**] — Auth: 403" in text
    )
    assert "fallback · `databricks-claude-opus-4-6` · dashboard's credential · :green" in text
    assert "Put a new token into the config." in text


def test_before_anything_is_known_the_page_says_that_it_is_looking(open_frame: OpenFrame) -> None:
    text = words(open_frame(FakeServices()))

    assert "**Looking …**" in text
    assert "No check has finished yet." in text


def test_a_problem_is_shown_with_its_remedy_instead_of_an_endless_search(open_frame: OpenFrame) -> None:
    problem = Problem(code="credential_dead", message="The credential is refused.", remedy="Make a new token.")
    text = words(open_frame(FakeServices(shown=Snapshot(problem=problem))))

    assert "**The credential is refused.**" in text
    assert "Make a new token." in text
    assert "Looking" not in text


def test_a_used_up_budget_is_said_above_everything(open_frame: OpenFrame) -> None:
    text = words(open_frame(FakeServices(shown=replace(snapshots.healthy(), budget="Today's budget is used up."))))
    assert "Models are not asked." in text


def test_offline_makes_every_agent_unknown(open_frame: OpenFrame) -> None:
    text = words(open_frame(FakeServices(shown=replace(snapshots.healthy(), offline="No name could be resolved."))))

    assert "The dashboard is offline." in text
    assert "Healthy 0" in text
    assert "Status unknown" in text
    assert "Healthy · simulated" not in text


def test_old_results_say_that_they_are_stale(open_frame: OpenFrame) -> None:
    shown = snapshots.healthy()
    old = datetime.now(UTC) - timedelta(seconds=2 * shown.interval_s + 5)
    results = tuple(replace(item, checked_at=old) for item in shown.results)

    text = words(open_frame(FakeServices(shown=with_history(replace(shown, results=results)))))

    assert ":orange-badge[:material/history_toggle_off: stale]" in text
    assert "Model answers (last pass 10 min ago)" in text


def test_what_was_seen_ten_intervals_ago_is_not_claimed_any_more(open_frame: OpenFrame) -> None:
    shown = snapshots.healthy()
    old = datetime.now(UTC) - timedelta(seconds=10 * shown.interval_s + 5)
    results = tuple(replace(item, checked_at=old) for item in shown.results)
    text = words(open_frame(FakeServices(shown=with_history(replace(shown, results=results)))))

    assert "Healthy 0" in text
    assert "Status unknown" in text


def test_each_row_has_its_newest_checks_as_a_picture_with_words(open_frame: OpenFrame) -> None:
    app = open_frame(FakeServices(shown=snapshots.incident()))

    alts = [image.alt for element in app.get("image") for image in element.proto.imgs]
    assert "Hermes: Last 50 checks: 47 healthy, 3 down; newest just now" in alts
    assert "Codex: Last 50 checks: 50 healthy; newest just now" in alts
    assert len(alts) == 7, "Cursor cannot be probed and has none"
    assert "50 checks: 47 healthy, 3 down" in words(app)


def test_a_route_without_a_check_has_a_grey_bar_that_says_so(open_frame: OpenFrame) -> None:
    app = open_frame(FakeServices(shown=replace(snapshots.healthy(), standings={})))

    alts = {image.alt for element in app.get("image") for image in element.proto.imgs}
    assert "Codex: No check is kept yet." in alts


def test_each_row_says_how_fast_its_last_checks_were(open_frame: OpenFrame) -> None:
    text = words(open_frame(FakeServices(shown=snapshots.healthy())))

    assert "340 ms" in text
    assert "p50 316 ms" in text
    assert "TTFT 132 ms" in text


def test_an_unsettled_route_says_how_far_it_is(open_frame: OpenFrame) -> None:
    shown = snapshots.healthy()
    result = next(r for r in shown.results if r.route.agent is AgentId.CODEX)
    failed = replace(result, health=Health.DEGRADED, diagnosis=Diagnosis.OVERLOADED, http_status=503)
    standing = shown.standings[route_id(result.route)]
    last = replace(standing.beats[-1], health=Health.DEGRADED, diagnosis=Diagnosis.OVERLOADED)
    failing = replace(standing.reach, failures=1, passes=0, last=last, first_failure_at=last.checked_at)
    failing = replace(failing, health=Health.DEGRADED)
    standings = {
        **shown.standings,
        standing.route_id: replace(standing, health=Health.DEGRADED, reach=failing),
    }
    results = tuple(failed if item is result else item for item in shown.results)
    text = words(open_frame(FakeServices(shown=replace(shown, results=results, standings=standings))))

    assert "Model: 503 overloaded (1 of 3 failures)" in text
    assert "Degraded · simulated" in text


def test_a_route_that_is_slow_is_not_said_to_come_back(open_frame: OpenFrame) -> None:
    shown = snapshots.healthy()
    found = route_id(next(r.route for r in shown.results if r.route.agent is AgentId.CODEX))
    standing = shown.standings[found]
    beats = tuple(replace(check, latency_ms=7200.0) for check in standing.beats)
    slow = replace(standing.reach, health=Health.DEGRADED, last=beats[-1])
    standings = {**shown.standings, found: replace(standing, health=Health.DEGRADED, reach=slow, beats=beats)}
    text = words(open_frame(FakeServices(shown=replace(shown, standings=standings))))

    # In the row and in the verdict below it.
    assert text.count("Model answers, but slow: p95 7.2 s") >= 2
    assert "answers again" not in text


def test_a_route_that_comes_back_says_how_far_it_is(open_frame: OpenFrame) -> None:
    shown = snapshots.healthy()
    found = route_id(next(r.route for r in shown.results if r.route.agent is AgentId.CODEX))
    standing = shown.standings[found]
    recovering = replace(
        standing.reach, health=Health.DOWN, passes=1, failures=0, first_failure_at=standing.beats[-2].checked_at
    )
    standings = {**shown.standings, found: replace(standing, health=Health.DOWN, reach=recovering)}
    text = words(open_frame(FakeServices(shown=replace(shown, standings=standings))))

    assert "Model answers again, 1 of 2 passes" in text
    assert "Down · simulated" in text


def test_the_strip_comes_first_then_open_incidents_then_the_agents_then_transitions(open_frame: OpenFrame) -> None:
    app = open_frame(FakeServices(shown=snapshots.incident()))

    # Elements of one kind are in the order of the page.
    text = "\n".join(str(element.value) for element in app.markdown).replace("\\", "")
    marks = (
        "**Azure**",
        "**1 agent down**",
        "Hermes primary · for 10 min",
        "**Hermes**",
        "**Cursor**",
        "| When (UTC) |",
    )
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)


def test_open_incidents_are_a_line_each_and_lead_to_their_details(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = open_frame(services)

    (line,) = [
        str(element.value).replace("\\", "") for element in app.markdown if "Hermes primary · for" in str(element.value)
    ]
    assert line == (
        ":red-badge[:material/cancel: Down · simulated] "
        "**Model: databricks-claude-opus-4-7 is not found on this route** "
        ":small[:gray[Hermes primary · for 10 min]]"
    )
    links = [element.proto for element in app.get("page_link") if element.proto.label == "Details"]
    ids = [incident.id for incident in services.shown.incidents]
    assert [link.query_string for link in links] == [f"incident={found}" for found in ids]


def test_without_an_open_incident_there_is_no_line(open_frame: OpenFrame) -> None:
    app = open_frame(FakeServices(shown=snapshots.healthy()))

    assert [element for element in app.get("page_link") if element.proto.label == "Details"] == []


def test_many_open_incidents_are_counted_below_the_first_five(open_frame: OpenFrame) -> None:
    shown = snapshots.incident()
    many = tuple(replace(shown.incidents[0], id=f"inc-{number}") for number in range(7))
    app = open_frame(FakeServices(shown=replace(shown, incidents=many)))

    labels = [element.proto.label for element in app.get("page_link")]
    assert labels.count("Details") == 5
    assert "2 further open incidents" in labels


def test_the_latest_transitions_are_listed(open_frame: OpenFrame) -> None:
    text = words(open_frame(FakeServices(shown=snapshots.incident())))

    assert "Latest transitions" in text
    assert ":green-badge[:material/check_circle: Healthy] → :red-badge[:material/cancel: Down] · simulated" in text


def test_the_real_cadence_and_the_next_check_are_said(open_frame: OpenFrame) -> None:
    shown = snapshots.healthy()
    cadence = replace(shown.cadence, hosts_s=60, reach_s=2, faithful_s=1800)
    text = words(open_frame(FakeServices(shown=replace(shown, cadence=cadence))))

    assert "Hosts every 1 min · models every 2 s · what each agent really sends every 30 min" in text
    assert "next check in 4 min (" in text


@pytest.mark.parametrize(
    ("keeping", "said"),
    [
        (
            Keeping(problem="The file cannot be written.", remedy="Free some space.", waiting=3),
            "**History is not being kept.** The file cannot be written. Free some space. 3 rounds of checks will be",
        ),
        (
            Keeping(durable=False, place="SQLite on this machine"),
            "History ends with the container: it is kept in SQLite on this machine. To keep it, add a Lakebase",
        ),
        (Keeping(probing=False, prober="app-2"), "Another instance probes: app-2"),
        (Keeping(probing=False), "Who probes is not known yet. Until then this shows what was found last."),
        (Keeping(dropped=7), "7 checks could not be kept"),
    ],
    ids=["not kept", "not durable", "not ours", "nobody known", "dropped"],
)
def test_what_is_wrong_with_keeping_history_is_one_line(keeping: Keeping, said: str, open_frame: OpenFrame) -> None:
    assert said in words(open_frame(FakeServices(shown=replace(snapshots.healthy(), keeping=keeping))))


def test_history_that_is_kept_as_it_should_be_takes_no_line(open_frame: OpenFrame) -> None:
    shown = replace(snapshots.healthy(), keeping=Keeping(place="SQLite on this machine", durable=True))
    text = words(open_frame(FakeServices(shown=shown)))

    assert "History is" not in text
    assert "History ends" not in text


def test_a_running_sweep_shows_how_far_it_is(open_frame: OpenFrame) -> None:
    shown = replace(snapshots.healthy(), progress=Progress(done=3, total=12, running=True))
    app = open_frame(FakeServices(shown=shown))

    assert app.get("progress")[0].proto.text == "Checking routes: 3 of 12"


def test_a_disabled_agent_is_paused(open_frame: OpenFrame) -> None:
    shown = snapshots.healthy()
    choices = (replace(shown.choices[0], enabled=False), *shown.choices[1:])
    text = words(open_frame(FakeServices(shown=replace(shown, choices=choices))))

    assert "Paused · simulated" in text
    assert "Switched off by ENABLE_HERMES" in text


def test_inside_databricks_apps_the_row_shows_the_command_for_the_other_container(open_frame: OpenFrame) -> None:
    shown = snapshots.healthy()
    choices = (replace(shown.choices[0], config=None), *shown.choices[1:])
    services = FakeServices(
        shown=replace(shown, choices=choices), settings=Settings(host="h", inside_databricks_apps=True), target_list=()
    )
    app = open_frame(services, actor=replace(VISITOR, origin=Origin.PAGE))

    assert "which cannot be seen from here" in words(app)
    assert "hermes config show" in words(app)
    assert app.button(key="switch_button_hermes").disabled


def test_probe_now_asks_for_a_sweep_and_does_not_wait(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.healthy())
    app = open_frame(services)

    app.button(key="probe_now").click().run()

    assert services.sweeps == 1
    assert services.askers == [ADMIN]
    assert not app.exception


def test_contradicting_sources_are_shown(open_frame: OpenFrame) -> None:
    shown = snapshots.healthy()
    assert shown.workspace is not None
    workspace = replace(shown.workspace, contradictions=("DATABRICKS_WORKSPACE_ID says 1, the host name says 2.",))

    assert "Sources disagree" in words(open_frame(FakeServices(shown=replace(shown, workspace=workspace))))


def test_upstream_text_cannot_become_markup(open_frame: OpenFrame) -> None:
    shown = snapshots.incident()
    hostile = replace(shown.results[0], message="[click](http://evil.example) :red[**boo**] $x$", remedy="`a`")
    app = open_frame(FakeServices(shown=replace(shown, results=(hostile, *shown.results[1:]))))

    raw = "\n".join(str(element.value) for element in app.markdown)
    assert "[click](" not in raw
    assert r"\[click\]" in raw
