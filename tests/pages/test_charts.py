"""The charts as plain values: what they are drawn from, that no colour is needed, and what they say in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from core.model.agent import AgentId
from core.model.change import ChangeRecord, ChangeState, Origin
from core.model.history import Bucket, HistoryQuery, Resolution, RouteHistory
from core.model.incident import Incident
from core.model.probe import Health
from pages.ui.latency_chart import failure_marks, latency_chart, latency_points, latency_words
from pages.ui.timeline_chart import (
    MOST_INCIDENTS,
    timeline_chart,
    timeline_height,
    timeline_spans,
    timeline_words,
    worst_incidents,
)
from pages.ui.uptime_chart import unit_of, uptime_chart, uptime_columns, uptime_words
from tests.fakes import histories, snapshots

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def history_of(healths: list[Health], since: datetime = NOW - HOUR) -> tuple[RouteHistory, datetime]:
    standing = next(iter(snapshots.healthy().standings.values()))
    standing = replace(standing, beats=histories.beats(standing.route, healths, newest=NOW))
    return histories.route_history(standing, HistoryQuery(since=since, until=NOW)), since


def bucket(hours_ago: int, **seconds: float) -> Bucket:
    return Bucket(route_id="r", start=NOW - hours_ago * HOUR, resolution=Resolution.HOUR, checks=12, **seconds)


def with_buckets(*buckets: Bucket) -> RouteHistory:
    history, _ = history_of([Health.HEALTHY])
    return replace(history, buckets=buckets)


def incident(health: Health, started: datetime, ended: datetime | None = None) -> Incident:
    first = histories.incident_of(snapshots.incident().results[:1], ended_at=ended)
    return replace(first, id=f"inc-{started:%d%H%M}", health=health, started_at=started)


def change(at: datetime) -> ChangeRecord:
    return ChangeRecord(
        change_id="chg-1",
        at=at,
        actor="riley",
        agent=AgentId.HERMES,
        target="file:hermes",
        reason="outage",
        before={"primary": "old", "fallback": "same"},
        after={"primary": "new", "fallback": "same"},
        state=ChangeState.APPLIED,
        origin=Origin.PAGE,
    )


def test_a_failed_check_is_marked_with_its_cause_and_no_latency() -> None:
    history, since = history_of([Health.HEALTHY, Health.HEALTHY, Health.DOWN])
    beats = histories.beats(history.route, [Health.HEALTHY, Health.HEALTHY, Health.DOWN], newest=NOW)

    (mark,) = failure_marks(history, beats, since)

    assert mark["time"] == NOW
    assert str(mark["what"]).startswith("Model: ")
    assert len(latency_points(history, beats, since)) == 2


def test_hours_are_marked_with_how_many_of_their_checks_failed() -> None:
    history = with_buckets(bucket(4), bucket(3, failures=3), bucket(2))

    assert failure_marks(history, (), NOW - DAY) == [
        {"time": NOW - 3 * HOUR, "failed": 3, "what": "3 of 12 checks"},
    ]


def test_failures_are_told_by_their_shape_in_the_legend_and_the_tooltip() -> None:
    chart = str(latency_chart([{"time": NOW, "latency": 1.0, "TTFT": None}], [{"time": NOW, "failed": 1}]))

    assert "'range': ['cross']" in chart
    assert "'domain': ['failed check']" in chart
    assert "'title': 'failed'" in chart


def test_a_route_that_never_passed_is_drawn_as_its_failures_alone() -> None:
    chart = str(latency_chart([], [{"time": NOW, "failed": 1}]))

    assert "'cross'" in chart
    assert "fold" not in chart


def test_the_words_of_the_latency_count_the_failures() -> None:
    history, _ = history_of([Health.HEALTHY])

    assert latency_words(history, [{"failed": 2}, {"failed": 1}]).endswith("3 failed checks marked")
    assert latency_words(history, []).endswith("no failed check")


def test_the_parts_of_an_hour_make_one_and_stand_in_one_order() -> None:
    history = with_buckets(bucket(1, healthy_s=1800, degraded_s=600, down_s=600))

    columns = uptime_columns(history, NOW - HOUR, NOW)

    assert [column["state"] for column in columns] == ["Healthy", "Degraded", "Down", "No data"]
    assert sum(float(str(column["share"])) for column in columns) == pytest.approx(1.0, abs=1e-5)


def test_days_without_a_check_are_no_data_and_never_up() -> None:
    columns = uptime_columns(with_buckets(), NOW - 3 * DAY, NOW)

    assert {column["state"] for column in columns} == {"No data"}


@pytest.mark.parametrize(("length", "unit"), [(HOUR, "hour"), (DAY, "hour"), (7 * DAY, "day"), (90 * DAY, "day")])
def test_long_ranges_are_drawn_by_day(length: timedelta, unit: str) -> None:
    assert unit_of(NOW - length, NOW) == unit


def test_the_words_of_the_uptime_name_what_was_not_up() -> None:
    history = with_buckets(bucket(2, healthy_s=3600), bucket(1, healthy_s=1800, down_s=1800))

    assert uptime_words(history, NOW - 2 * HOUR, NOW) == "Uptime by hour: 23 Nov 11:00 50 %"


def test_the_words_of_the_uptime_never_become_a_list_without_end() -> None:
    history = with_buckets(*(bucket(number, down_s=3600) for number in range(1, 25)))

    assert "and 18 more hours" in uptime_words(history, NOW - DAY, NOW)


def test_the_uptime_is_drawn_in_utc_with_every_state_in_the_legend() -> None:
    history = with_buckets(bucket(1, healthy_s=3600))
    chart = str(uptime_chart(uptime_columns(history, NOW - HOUR, NOW), NOW - HOUR, NOW))

    assert "utcyearmonthdatehours" in chart
    for state in ("Healthy", "Degraded", "Down", "Paused", "No data"):
        assert f"'{state}'" in chart


def test_the_worst_incident_has_the_first_line_and_its_word_before_it() -> None:
    mild, bad = incident(Health.DEGRADED, NOW - HOUR), incident(Health.DOWN, NOW - 2 * HOUR)

    spans = timeline_spans([mild, bad], [], since=NOW - DAY, now=NOW)

    assert [str(span["line"]).partition(" · ")[0] for span in spans] == ["1. Down", "2. Degraded"]


def test_an_incident_that_lasts_is_drawn_up_to_now_and_one_from_before_from_the_edge() -> None:
    (span,) = timeline_spans([incident(Health.DOWN, NOW - 3 * DAY)], [], since=NOW - DAY, now=NOW)

    assert (span["from"], span["to"]) == (NOW - DAY, NOW)


def test_changes_stand_on_a_line_of_their_own_with_what_they_moved() -> None:
    spans = timeline_spans([], [change(NOW - HOUR), change(NOW - 2 * DAY)], since=NOW - DAY, now=NOW)

    assert [(span["line"], span["what"], span["more"]) for span in spans] == [
        ("Changes", "Hermes: primary old → new", "Applied, by riley")
    ]


def test_more_incidents_than_there_is_room_for_leave_the_worst() -> None:
    many = [incident(Health.DEGRADED, NOW - number * HOUR) for number in range(1, 20)]
    bad = incident(Health.DOWN, NOW - 20 * HOUR)

    left = worst_incidents([*many, bad])

    assert len(left) == MOST_INCIDENTS
    assert left[0] is bad


def test_the_timeline_is_as_high_as_it_has_lines() -> None:
    one = timeline_spans([incident(Health.DOWN, NOW - HOUR)], [], since=NOW - DAY, now=NOW)
    two = timeline_spans([incident(Health.DOWN, NOW - HOUR)], [change(NOW)], since=NOW - DAY, now=NOW)

    assert timeline_height(two) > timeline_height(one)


def test_the_timeline_tells_each_kind_by_a_shape_and_keeps_the_order() -> None:
    spans = timeline_spans([incident(Health.DOWN, NOW - HOUR)], [change(NOW)], since=NOW - DAY, now=NOW)
    chart = str(timeline_chart(spans, since=NOW - DAY, now=NOW))

    assert "'range': ['cross', 'triangle-up', 'square', 'diamond']" in chart
    assert f"'sort': {[str(span['line']) for span in spans]}" in chart


def test_the_words_of_the_timeline_say_who_is_hit_since_when() -> None:
    words = timeline_words([incident(Health.DOWN, NOW - HOUR)], 2, NOW)

    assert words.startswith("Timeline, the worst first: Down, Hermes primary, from 2026-11-23 11:00:00 UTC, lasts 1 h")
    assert words.endswith("2 changes")
