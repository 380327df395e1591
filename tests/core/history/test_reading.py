"""What a query is answered with: the finest resolution that is readable at once, and nothing of another kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from core.history.reading import read_history, read_route, resolution_for
from core.model.agent import AgentId
from core.model.check import Check, route_id
from core.model.history import Bucket, HistoryQuery, HistoryView, Resolution
from core.model.probe import Diagnosis, Health
from core.model.route import Route
from tests.core.health.checks import START, at, check, result, route
from tests.core.history.hands import RULES, a_journal
from tests.fakes.history_store import MemoryHistoryStore

CODEX = route("default", agent=AgentId.CODEX)
OTHER = route("fallback")
HOUR = timedelta(hours=1)
UNTIL = START + 2 * HOUR


class Watched(MemoryHistoryStore):
    """A store that remembers at which resolution it was asked."""

    def __init__(self) -> None:
        super().__init__(now=lambda: UNTIL)
        self.asked: list[Resolution] = []

    def checks(self, route_ids: Sequence[str], since: datetime, until: datetime, limit: int) -> Sequence[Check]:
        self.asked.append(Resolution.RAW)
        return super().checks(route_ids, since, until, limit)

    def buckets(
        self, route_ids: Sequence[str], since: datetime, until: datetime, resolution: Resolution
    ) -> Sequence[Bucket]:
        self.asked.append(resolution)
        return super().buckets(route_ids, since, until, resolution)


@pytest.fixture
def store() -> Watched:
    """Return an hour of checks every five minutes: one route well, one down from the half hour on, one of Codex."""
    journal, found = a_journal(), Watched()
    for minute in range(0, 60, 5):
        seconds = minute * 60.0
        journal.take(result(seconds, latency_ms=500.0 + minute))
        journal.take(result(seconds, Diagnosis.OK if minute < 30 else Diagnosis.MODEL_ABSENT, of=OTHER))
        journal.take(result(seconds, of=CODEX))
    found.keep(journal.end_round(None).batch)
    return found


def ask(since: datetime = START, until: datetime = START + HOUR, **filters: object) -> HistoryQuery:
    return replace(HistoryQuery(since=since, until=until), **filters)


def read(store: Watched, query: HistoryQuery, *, simulated: bool = False) -> HistoryView:
    return read_history(store, query, rules=RULES, simulated=simulated)


def up_of(view: HistoryView, of: Route) -> float | None:
    return next(one.uptime.up for one in view.routes if one.route_id == route_id(of))


def test_a_route_that_was_down_half_the_time_was_up_half_the_time(store: Watched) -> None:
    view = read(store, ask())
    assert (up_of(view, route()), up_of(view, OTHER)) == (1.0, 0.5)
    assert store.asked == [Resolution.RAW]


def test_routes_come_in_the_order_of_agents_and_slots(store: Watched) -> None:
    view = read(store, ask())
    assert [(one.route.agent, one.route.slot) for one in view.routes] == [
        (AgentId.HERMES, "fallback"),
        (AgentId.HERMES, "primary"),
        (AgentId.CODEX, "default"),
    ]


def test_single_checks_give_exact_quantiles_and_an_exact_edge(store: Watched) -> None:
    view = read(store, ask(since=at(45 * 60), until=START + HOUR))
    own = next(one for one in view.routes if one.route == route())
    assert (own.quantiles.samples, own.quantiles.p50_ms) == (3, 550.0)
    assert (own.uptime.no_data, up_of(view, OTHER)) == (0.0, 0.0)


def test_the_check_before_the_window_still_stands_in_it(store: Watched) -> None:
    view = read(store, ask(since=at(57 * 60), until=at(60 * 60)))
    own = next(one for one in view.routes if one.route == route())
    assert (own.uptime.up, own.uptime.no_data, own.quantiles.samples) == (1.0, 0.0, 0)


def test_what_nobody_watched_is_no_data_and_not_down(store: Watched) -> None:
    view = read(store, ask(until=UNTIL))
    own = next(one for one in view.routes if one.route == route())
    # The last check stands for two intervals.
    assert own.uptime.up == 1.0
    assert own.uptime.no_data == pytest.approx(55 / 120)


def test_a_longer_time_is_read_from_hours(store: Watched) -> None:
    view = read(store, ask(since=START - timedelta(days=3)))
    assert store.asked == [Resolution.HOUR]
    assert up_of(view, OTHER) == 0.5


def test_the_hour_in_which_the_window_begins_is_read_too(store: Watched) -> None:
    history = read_route(store, route_id(route()), at(45 * 60), START + timedelta(days=2))
    assert history is not None
    assert [bucket.start for bucket in history.buckets] == [START, START + HOUR]


def test_where_single_checks_are_forgotten_hours_and_days_still_tell(store: Watched) -> None:
    later = START + timedelta(days=30)
    store.retain(later)
    assert up_of(read(store, ask()), OTHER) == 0.5
    assert store.asked == [Resolution.RAW, Resolution.HOUR]
    store.retain(START + timedelta(days=200))
    store.asked.clear()
    # A day holds the five minutes too that the last check stands beyond the asked hour.
    assert up_of(read(store, ask()), OTHER) == pytest.approx(30 / 65)
    assert store.asked == [Resolution.RAW, Resolution.HOUR, Resolution.DAY]


def test_more_checks_than_were_meant_are_read_from_hours() -> None:
    store = Watched()
    checks = tuple(check(second / 10, standing=Health.HEALTHY) for second in range(20_000))
    journal = a_journal()
    journal.take(result(0))
    store.keep(replace(journal.end_round(None).batch, checks=checks))
    view = read(store, ask())
    assert store.asked == [Resolution.RAW, Resolution.HOUR]
    assert up_of(view, route()) == 1.0


@pytest.mark.parametrize(
    ("routes", "window", "interval_s", "expected"),
    [
        (30, timedelta(hours=1), 300.0, Resolution.RAW),
        (20, timedelta(days=1), 300.0, Resolution.RAW),
        (480, timedelta(hours=1), 300.0, Resolution.RAW),
        (290, timedelta(days=1), 300.0, Resolution.HOUR),
        (30, timedelta(days=7), 300.0, Resolution.HOUR),
        (1, timedelta(days=90), 300.0, Resolution.HOUR),
        (480, timedelta(days=7), 300.0, Resolution.DAY),
        (30, timedelta(days=90), 300.0, Resolution.DAY),
        (30, timedelta(hours=6), 2.0, Resolution.HOUR),
    ],
)
def test_the_finest_resolution_that_is_readable_at_once(
    routes: int, window: timedelta, interval_s: float, expected: Resolution
) -> None:
    assert resolution_for(routes, START, START + window, interval_s) is expected


@pytest.mark.parametrize(
    ("filters", "slots"),
    [
        ({"agents": (AgentId.CODEX,)}, ["default"]),
        ({"healths": (Health.DOWN,)}, ["fallback"]),
        ({"models": ("another",)}, []),
        ({"text": "FALLback "}, ["fallback"]),
        ({"text": "opus"}, ["fallback", "primary", "default"]),
        ({}, ["fallback", "primary", "default"]),
    ],
)
def test_filters_choose_routes(store: Watched, filters: dict[str, object], slots: list[str]) -> None:
    assert [one.route.slot for one in read(store, ask(**filters)).routes] == slots


def test_incidents_and_transitions_of_the_time_come_with_it(store: Watched) -> None:
    view = read(store, ask())
    assert [transition.after for transition in view.transitions] == [Health.DOWN]
    assert [incident.open_routes for incident in view.incidents] == [(route_id(OTHER),)]
    assert not view.cut


def test_more_than_the_limit_is_cut_and_said(store: Watched) -> None:
    journal = a_journal()
    for minute in (70, 75, 80):
        journal.take(result(minute * 60.0, Diagnosis.CREDENTIAL_DEAD, of=CODEX))
        journal.take(result(minute * 60.0 + 60, of=CODEX), proved=True)
    store.keep(journal.end_round(None).batch)
    whole, cut = read(store, ask(until=UNTIL)), read(store, ask(until=UNTIL, limit=2))
    assert (cut.cut, len(cut.transitions)) == (True, 2)
    assert cut.transitions == whole.transitions[:2]
    assert not whole.cut


def test_so_long_a_time_of_so_many_routes_shows_those_in_trouble_and_counts_the_others() -> None:
    journal, store = a_journal(), Watched()
    for number in range(40):
        one = replace(route(), model=f"m-{number:02}")
        journal.take(result(0, Diagnosis.MODEL_ABSENT if number == 33 else Diagnosis.OK, of=one))
    store.keep(journal.end_round(None).batch)
    since = UNTIL - timedelta(days=300)
    view = read_history(store, ask(since, UNTIL), rules=RULES, simulated=False)
    assert (len(view.routes), view.left_out) == (23, 17)
    assert "m-33" in {one.route.model for one in view.routes}
    narrowed = read_history(store, ask(since, UNTIL, text="m-39"), rules=RULES, simulated=False)
    assert (len(narrowed.routes), narrowed.left_out) == (1, 0)


def test_what_was_simulated_is_never_among_what_is_real(store: Watched) -> None:
    journal = a_journal(simulated=True)
    demo = route("demo", host="simulated.example.com")
    journal.take(result(0.0, Diagnosis.MODEL_ABSENT, of=demo))
    store.keep(journal.end_round(None).batch)
    real, simulated = read(store, ask()), read(store, ask(), simulated=True)
    assert "demo" not in {one.route.slot for one in real.routes}
    assert [one.route.slot for one in simulated.routes] == ["demo"]
    assert [one.simulated for one in (*real.transitions, *real.incidents)] == [False, False]
    assert [one.simulated for one in (*simulated.transitions, *simulated.incidents)] == [True, True]


def test_one_route_alone(store: Watched) -> None:
    history = read_route(store, route_id(OTHER), START, START + HOUR)
    assert history is not None
    assert (history.route, history.uptime.up) == (OTHER, 0.5)


def test_a_route_that_nobody_knows_or_that_was_not_watched_then_has_no_history(store: Watched) -> None:
    assert read_route(store, "0000000000000000", START, UNTIL) is None
    assert read_route(store, route_id(OTHER), START - timedelta(days=2), START - timedelta(days=1)) is None


def test_a_time_that_ends_before_it_begins_holds_nothing(store: Watched) -> None:
    assert read(store, ask(since=UNTIL, until=START)).routes == ()
