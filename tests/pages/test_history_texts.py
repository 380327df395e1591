"""The pure half of the History page: its address, its tables, its points and its words."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.health.spans import lasting_text
from core.history.export import export_rows
from core.model.agent import AgentId
from core.model.alert import ChannelKind, DeliveryState, NoticeKind
from core.model.history import Cadence, HistoryQuery, Quantiles, Uptime
from core.model.incident import StepKind
from core.model.probe import Health
from pages.ui.cadence import cadence_text, next_text
from pages.ui.formats import every_text, percent, share_text
from pages.ui.history_export import csv_text
from pages.ui.history_query import HistoryAsk, Section, Span, asked_of_store, history_address, parse_history
from pages.ui.history_routes import worst_first
from pages.ui.history_tables import (
    CHANNEL_WORDS,
    DELIVERY_SIGNS,
    NOTICE_WORDS,
    STEP_SIGNS,
    day_text,
    hit_text,
    lasted_text,
    names_of,
    route_words,
    rows_for_timeline,
    rows_for_transitions,
    rows_for_uptime,
    when_text,
)
from pages.ui.latency_chart import latency_chart, latency_points
from pages.ui.route_history import uptime_text
from tests.fakes import histories, snapshots

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
TEXT = st.text(alphabet="abc def-49&=?%", max_size=20).map(str.strip)
ASKED = st.builds(
    HistoryAsk,
    span=st.sampled_from(Span),
    section=st.sampled_from(Section),
    agents=st.lists(st.sampled_from(AgentId), unique=True).map(tuple),
    healths=st.lists(st.sampled_from(Health), unique=True).map(tuple),
    models=st.lists(TEXT.filter(bool), unique=True).map(tuple),
    text=TEXT,
    route=TEXT.map(lambda text: text or None),
    incident=TEXT.map(lambda text: text or None),
)


@given(ASKED)
def test_an_address_means_what_it_was_made_of(asked: HistoryAsk) -> None:
    assert parse_history(history_address(asked)) == asked


@given(st.dictionaries(st.sampled_from(["range", "show", "agents", "health", "models", "q"]), st.lists(st.text())))
def test_no_address_breaks_the_page(query: dict[str, list[str]]) -> None:
    asked = parse_history(query)
    found = asked_of_store(asked, NOW)

    assert found.until - found.since == asked.span.length


def test_what_is_usual_is_not_in_the_address() -> None:
    assert history_address(HistoryAsk()) == {}


@pytest.mark.parametrize(
    ("span", "length"),
    [
        (Span.HOUR, timedelta(hours=1)),
        (Span.DAY, timedelta(hours=24)),
        (Span.WEEK, timedelta(days=7)),
        (Span.MONTH, timedelta(days=30)),
        (Span.QUARTER, timedelta(days=90)),
    ],
)
def test_a_range_is_as_long_as_it_says(span: Span, length: timedelta) -> None:
    assert span.length == length


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59, "59 s"), (60, "1 min"), (2640, "44 min"), (3725, "1 h 2 min"), (90_000, "1 d 1 h")],
)
def test_a_duration_has_at_most_two_units(seconds: int, text: str) -> None:
    assert lasting_text(seconds) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (None, "no data"),
        (0.0, "0 %"),
        (1.0, "100 %"),
        (0.5, "50 %"),
        (0.999999, "99.99 %"),
        (0.0000001, "0.01 %"),
        (0.98765, "98.77 %"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_nothing(share: float | None, text: str) -> None:
    assert share_text(share) == text


@given(st.floats(min_value=0, max_value=1))
def test_only_an_outage_of_nothing_reads_as_a_hundred_percent(share: float) -> None:
    assert (percent(share) == 100) is (share == 1)


@pytest.mark.parametrize(("seconds", "text"), [(2, "2 s"), (60, "1 min"), (90, "90 s"), (1800, "30 min")])
def test_a_pace_reads_as_it_was_set(seconds: float, text: str) -> None:
    assert every_text(seconds) == text


def test_what_is_due_first_is_what_comes_next() -> None:
    cadence = Cadence(next_reach_at=NOW + timedelta(minutes=4), next_settling_at=NOW + timedelta(seconds=4))

    assert next_text(cadence, None, NOW) == "now"
    assert next_text(replace(cadence, next_settling_at=None), None, NOW) == "in 4 min (12:04:00 UTC)"
    assert next_text(Cadence(), NOW + timedelta(minutes=1), NOW) == "in 1 min (12:01:00 UTC)"
    assert next_text(Cadence(), None, NOW) == "–"


def test_a_faithful_sweep_that_never_comes_is_not_announced() -> None:
    assert "what each agent really sends only when somebody asks" in cadence_text(Cadence(faithful_s=0), NOW)


def test_every_word_of_history_has_a_sign() -> None:
    assert set(STEP_SIGNS) == set(StepKind)
    assert set(DELIVERY_SIGNS) == set(DeliveryState)
    assert set(NOTICE_WORDS) == set(NoticeKind)
    assert set(CHANNEL_WORDS) == set(ChannelKind)


def test_many_routes_are_named_in_part() -> None:
    routes = [result.route for result in snapshots.healthy().results]

    assert hit_text(routes[:2]) == "Hermes primary, Hermes fallback"
    assert hit_text(routes).endswith(" more")
    assert hit_text(()) == ""


def test_an_incident_that_lasts_says_so() -> None:
    incident = replace(snapshots.incident().incidents[0], started_at=NOW - timedelta(minutes=44))

    assert lasted_text(incident, NOW) == "lasts 44 min"
    assert lasted_text(replace(incident, ended_at=NOW), NOW + timedelta(days=3)) == "44 min"


def test_moments_of_a_list_do_not_break_and_name_the_day_only_where_it_is_another() -> None:
    assert when_text(NOW - timedelta(minutes=3), NOW) == "11:57:00, 3\u00a0min\u00a0ago"
    assert when_text(NOW - timedelta(days=1), NOW) == "3\u00a0May\u00a012:00:00"
    assert day_text(NOW.replace(year=2025), NOW) == "4\u00a0May\u00a02025\u00a012:00:00"


def test_the_timeline_has_its_day_in_every_line() -> None:
    steps = snapshots.incident().incidents[0].timeline
    rows = rows_for_timeline([replace(steps[0], at=NOW)], NOW)

    assert rows[0]["When (UTC)"] == "4\u00a0May\u00a012:00:00"


def test_what_joins_for_the_same_reason_does_not_repeat_it() -> None:
    opened = snapshots.incident().incidents[0].timeline[0]
    joined = replace(opened, kind=StepKind.JOINED)
    rows = rows_for_timeline([opened, joined, replace(joined, text="Model: another"), joined], NOW)

    assert [row["What"] == "for the same reason" for row in rows] == [False, True, False, False]


def test_routes_that_read_alike_are_told_apart_by_their_base_url() -> None:
    query = HistoryQuery(since=NOW - timedelta(days=400), until=datetime.now(UTC))
    standing = next(iter(snapshots.healthy().standings.values()))
    one = histories.route_history(standing, query)
    other = replace(one, route_id="other", route=replace(one.route, base_url="https://former.example/ai-gateway"))

    assert names_of([one]) == {one.route_id: route_words(one.route)}
    assert "Base URL" not in rows_for_uptime([one])[0]
    assert names_of([one, other])["other"].endswith(" · https://former.example/ai-gateway")
    assert [row["Base URL"] for row in rows_for_uptime([one, other])] == [one.route.base_url, other.route.base_url]


def test_the_table_leaves_out_what_says_nothing() -> None:
    shown = snapshots.incident()
    query = HistoryQuery(since=NOW - timedelta(days=400), until=datetime.now(UTC))
    found = [histories.route_history(standing, query) for standing in shown.standings.values()]
    mine = [item for item in found if item.route.identity is found[0].route.identity]
    paused = replace(found[0], uptime=replace(found[0].uptime, paused=0.5))
    unmeasured = [replace(item, quantiles=Quantiles()) for item in found]

    assert "Credential" in rows_for_uptime(found)[0]
    assert "Credential" not in rows_for_uptime(mine)[0]
    assert "Paused %" not in rows_for_uptime(found)[0]
    assert "Paused %" in rows_for_uptime([*found, paused])[0]
    assert not any("ms" in name for name in rows_for_uptime(unmeasured)[0])


def test_the_uptime_of_a_day_says_of_how_much_of_it() -> None:
    uptime = Uptime(up=0.5, degraded=0.25, down=0.5, no_data=0.9)

    assert uptime_text(uptime) == "up **50 %** of the time known in the last 24 h, degraded 25 %, no data 90 %"
    assert uptime_text(replace(uptime, up=None)) == "uptime not known yet"


def test_a_transition_of_a_real_workspace_is_not_called_simulated() -> None:
    item = snapshots.incident().transitions[0]

    assert "simulated" in rows_for_transitions([item], NOW)[0]["Health"]
    assert "simulated" not in rows_for_transitions([replace(item, simulated=False)], NOW)[0]["Health"]


def test_routes_of_which_nothing_is_known_come_last() -> None:
    shown = snapshots.incident()
    query = HistoryQuery(since=NOW - timedelta(days=400), until=datetime.now(UTC))
    known = [histories.route_history(standing, query) for standing in shown.standings.values()]
    unknown = replace(known[0], uptime=replace(known[0].uptime, up=None))

    assert worst_first([unknown, *known[1:]])[-1] is unknown


def test_few_hours_are_drawn_as_single_checks() -> None:
    standing = next(iter(snapshots.healthy().standings.values()))
    until = datetime.now(UTC)
    short = HistoryQuery(since=until - timedelta(minutes=61), until=until)
    long = HistoryQuery(since=until - timedelta(hours=24), until=until)

    single = latency_points(histories.route_history(standing, short), standing.beats, short.since)
    hours = latency_points(histories.route_history(standing, long), standing.beats, long.since)
    assert list(single[0]) == ["time", "latency", "TTFT"]
    assert len(single) == 13
    assert list(hours[0]) == ["time", "p50", "p95", "TTFT p95"]
    assert len(hours) in (5, 6)


def test_failed_checks_have_no_latency() -> None:
    route = snapshots.healthy().results[0].route
    failing = histories.beats(route, [Health.DOWN] * 5, newest=NOW)
    standing = replace(snapshots.healthy().standings[failing[0].route_id], beats=failing)
    query = HistoryQuery(since=NOW - timedelta(hours=1), until=NOW)

    assert latency_points(histories.route_history(standing, query), failing, query.since) == []


def test_lines_differ_by_their_dashes_and_are_drawn_in_utc() -> None:
    chart = str(latency_chart([{"time": NOW, "p50": 1.0, "p95": 2.0, "TTFT p95": 1.0}]))

    assert "'scale': {'type': 'utc'}" in chart
    assert "'range': [[1, 0], [6, 2], [2, 2]]" in chart


def test_a_line_looks_the_same_whatever_is_drawn_beside_it() -> None:
    chart = str(latency_chart([{"time": NOW, "latency": 1.0, "TTFT": None}]))

    assert "'range': [[1, 0], [2, 2]]" in chart


@pytest.mark.parametrize(
    ("length", "written"),
    [
        (timedelta(minutes=5), "%H:%M:%S"),
        (timedelta(hours=3), "%H:%M"),
        (timedelta(hours=24), "%d %b %H:%M"),
        (timedelta(days=30), "%d %b"),
    ],
)
def test_the_axis_is_as_fine_as_the_range_is_long(length: timedelta, written: str) -> None:
    chart = latency_chart([{"time": NOW, "latency": 1.0}, {"time": NOW + length, "latency": 1.0}])

    assert f"'format': '{written}'" in str(chart)


def test_the_csv_has_a_row_for_everything_that_is_shown() -> None:
    shown = snapshots.incident()
    view = histories.answer(shown, HistoryQuery(since=NOW - timedelta(days=1), until=datetime.now(UTC)))
    rows = list(csv.DictReader(io.StringIO(csv_text(export_rows(view)))))

    assert len(rows) == len(view.incidents) + len(view.transitions) + len(view.routes)
    assert {row["kind"] for row in rows} == {"incident", "transition", "route"}
