"""What every HistoryStore does: on SQLite, on a real PostgreSQL, and in the memory that other tests stand on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import StoreError
from core.health.buckets import bucket_checks, merge_buckets
from core.model.agent import AgentId
from core.model.check import Check, route_id
from core.model.history import Batch, Bucket, HistoryQuery, Resolution
from core.model.probe import Depth, Health, Tokens
from core.ports.store import HistoryStore
from tests.contract.conftest import INTERVAL_S, opened, place_named
from tests.fakes.history_store import MemoryHistoryStore
from tests.fakes.history_values import (
    START,
    a_batch,
    a_check,
    a_kept_route,
    a_result,
    a_route,
    a_transition,
    an_incident,
)

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
EVERYTHING = HistoryQuery(since=START - 1000 * DAY, until=START + 1000 * DAY)
STORES = ("memory", "sqlite", "postgres")


@pytest.fixture(params=STORES)
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[[], HistoryStore]]:
    """Return a function that makes an empty store."""
    databases = []

    def make() -> HistoryStore:
        if request.param == "memory":
            return MemoryHistoryStore(interval_s=INTERVAL_S)
        databases.append(opened(place_named(request.param, tmp_path / str(len(databases)))))
        return databases[-1].history

    yield make
    for database in databases:
        database.close()


@pytest.fixture
def store(fresh: Callable[[], HistoryStore]) -> HistoryStore:
    return fresh()


def _ids(*numbers: int) -> list[str]:
    return [route_id(a_route(number)) for number in numbers]


def _row_of_checks(number: int, count: int, *, apart: timedelta = 5 * MINUTE, begin: datetime = START) -> list[Check]:
    return [a_check(number, begin + index * apart) for index in range(count)]


def test_a_check_comes_back_as_it_was(store: HistoryStore) -> None:
    full = replace(a_check(), checked_at=START + timedelta(milliseconds=7), http_status=429, simulated=True)
    bare = replace(a_check(1, health=Health.DOWN, depth=Depth.FAITHFUL), http_status=None, tokens=Tokens())
    store.keep(Batch(id="b", checks=(full, bare)))
    found = store.beats(_ids(0, 1), 50)
    assert found == {full.route_id: (full,), bare.route_id: (bare,)}


def test_what_was_never_kept_is_empty(store: HistoryStore) -> None:
    assert list(store.routes()) == []
    assert dict(store.beats(_ids(0), 50)) == {}
    assert list(store.checks(_ids(0), START, START + DAY, 10)) == []
    assert list(store.buckets(_ids(0), START, START + DAY, Resolution.HOUR)) == []
    assert list(store.transitions(EVERYTHING)) == list(store.incidents(EVERYTHING)) == []
    assert store.incident("inc-nowhere") is None
    assert list(store.open_incidents()) == []
    assert store.retain(START) == 0
    assert not any(store.size().rows.values())


def test_nothing_asked_is_nothing_answered(store: HistoryStore) -> None:
    store.keep(a_batch())
    assert dict(store.beats([], 50)) == dict(store.beats(_ids(0), 0)) == {}
    assert list(store.checks([], START, START + DAY, 5)) == list(store.checks(_ids(0), START, START + DAY, 0)) == []
    assert list(store.buckets([], START, START + DAY, Resolution.DAY)) == []


def test_keeping_a_batch_again_changes_nothing(store: HistoryStore) -> None:
    batch = replace(a_batch(), transitions=(a_transition(),), incidents=(an_incident(),))
    store.keep(batch)
    once = (store.beats(_ids(0), 50), list(store.routes()), store.size().rows)
    store.keep(batch)
    assert (store.beats(_ids(0), 50), list(store.routes()), store.size().rows) == once


def test_a_batch_kept_again_after_the_next_one_does_not_bring_the_past_back(store: HistoryStore) -> None:
    older, newer = a_batch(), a_batch(at=START + 5 * MINUTE, health=Health.DOWN)
    older = replace(older, incidents=(an_incident(),))
    newer = replace(newer, incidents=(an_incident(ended_at=START + 5 * MINUTE),))
    for batch in (older, newer, older):
        store.keep(batch)
    (kept,) = store.routes()
    assert kept.standing.health is Health.DOWN
    assert list(store.open_incidents()) == []


def test_beats_are_the_newest_oldest_first(store: HistoryStore) -> None:
    many, few = _row_of_checks(0, 7), _row_of_checks(1, 2)
    store.keep(Batch(id="b", checks=(*reversed(many), *few)))
    assert store.beats(_ids(0, 1, 2), 5) == {many[0].route_id: tuple(many[2:]), few[0].route_id: tuple(few)}


def test_both_depths_at_one_time_are_two_checks(store: HistoryStore) -> None:
    checks = (a_check(depth=Depth.REACH), a_check(depth=Depth.FAITHFUL))
    store.keep(Batch(id="b", checks=checks))
    assert len(store.beats(_ids(0), 50)[checks[0].route_id]) == 2


def test_checks_come_newest_first_within_the_window_up_to_the_limit(store: HistoryStore) -> None:
    zero, one = _row_of_checks(0, 40, apart=HOUR), _row_of_checks(1, 40, apart=HOUR, begin=START + MINUTE)
    store.keep(Batch(id="b", checks=(*zero, *one)))
    window = (START + 10 * HOUR, START + 30 * HOUR)
    inside = [check for check in (*zero, *one) if window[0] <= check.checked_at < window[1]]
    expected = sorted(inside, key=lambda check: check.checked_at, reverse=True)
    assert list(store.checks(_ids(0, 1), *window, 1000)) == expected
    assert list(store.checks(_ids(0, 1), *window, 7)) == expected[:7]
    assert {check.route_id for check in store.checks(_ids(1), *window, 1000)} == set(_ids(1))


def test_a_standing_is_kept_without_beats_and_without_its_token(store: HistoryStore) -> None:
    kept = a_kept_route()
    store.keep(Batch(id="b", routes=(replace(kept, standing=replace(kept.standing, beats=(a_check(),))),)))
    assert list(store.routes()) == [kept]


def test_routes_changed_since_are_those_kept_since(store: HistoryStore) -> None:
    store.keep(a_batch(0))
    now = datetime.now(UTC)
    assert len(store.routes(now - MINUTE)) == 1
    assert list(store.routes(now + MINUTE)) == []


def test_transitions_are_found_newest_first_up_to_the_limit(store: HistoryStore) -> None:
    made = [a_transition(number, START + number * MINUTE) for number in range(5)]
    store.keep(Batch(id="b", transitions=(*made[3:], *made[:3])))
    assert list(store.transitions(EVERYTHING)) == made[::-1]
    assert list(store.transitions(replace(EVERYTHING, limit=2))) == made[:2:-1]
    window = replace(EVERYTHING, since=START + MINUTE, until=START + 3 * MINUTE)
    assert list(store.transitions(window)) == [made[2], made[1]]


CODEX = a_route(1, agent=AgentId.CODEX, model="Odd%_\\Model")


@pytest.mark.parametrize(
    "asked",
    [
        {"agents": (AgentId.CODEX, AgentId.PI)},
        {"models": ("Odd%_\\Model",)},
        {"healths": (Health.DEGRADED,)},
        {"text": " odd%_\\mod "},
        {"text": "STRASSE"},
        {"agents": (AgentId.CODEX,), "text": "chat route"},
    ],
    ids=["agent", "model", "health", "text with signs that databases read", "text in another case", "all of them"],
)
def test_transitions_and_incidents_are_found_by(store: HistoryStore, asked: dict[str, object]) -> None:
    route = replace(CODEX, token=None)
    message = "Down on the chat route in the Straße"
    wanted = a_transition(1, route=route, after=Health.DEGRADED, message=message)
    incident = replace(an_incident(1), routes=(route,), health=Health.DEGRADED, message=message)
    store.keep(Batch(id="b", transitions=(a_transition(0), wanted), incidents=(an_incident(0), incident)))
    query = HistoryQuery(since=START - DAY, until=START + DAY, **asked)
    assert list(store.transitions(query)) == [wanted]
    assert list(store.incidents(query)) == [incident]


@pytest.mark.parametrize("asked", [{"models": ("ODD%_\\MODEL",)}, {"text": "o_d"}, {"agents": (AgentId.PI,)}])
def test_what_does_not_match_is_not_found(store: HistoryStore, asked: dict[str, object]) -> None:
    route = replace(CODEX, token=None)
    incident = replace(an_incident(1), routes=(route,))
    store.keep(Batch(id="b", transitions=(a_transition(1, route=route),), incidents=(incident,)))
    query = HistoryQuery(since=START - DAY, until=START + DAY, **asked)
    assert list(store.transitions(query)) == list(store.incidents(query)) == []


def test_incidents_are_those_that_lasted_in_the_window(store: HistoryStore) -> None:
    before = an_incident(0, START, ended_at=START + HOUR)
    across = an_incident(1, START, ended_at=START + 5 * HOUR)
    lasting = an_incident(2, START + 3 * HOUR)
    after = an_incident(3, START + 9 * HOUR)
    store.keep(Batch(id="b", incidents=(before, across, lasting, after)))
    window = replace(EVERYTHING, since=START + 2 * HOUR, until=START + 8 * HOUR)
    assert list(store.incidents(window)) == [lasting, across]
    assert list(store.incidents(replace(window, limit=1))) == [lasting]
    assert list(store.open_incidents()) == [after, lasting]


def test_an_incident_comes_back_whole(store: HistoryStore) -> None:
    incident = an_incident(ended_at=START + HOUR)
    store.keep(Batch(id="b", incidents=(an_incident(),)))
    store.keep(Batch(id="c", incidents=(incident,)))
    assert store.incident(incident.id) == incident


def test_times_of_other_zones_mean_the_same(store: HistoryStore) -> None:
    east = timezone(timedelta(hours=5, minutes=30))
    store.keep(Batch(id="b", checks=(a_check(at=START.astimezone(east)),)))
    assert store.beats(_ids(0), 1) == {a_check().route_id: (a_check(),)}
    assert len(store.checks(_ids(0), START.astimezone(east), (START + MINUTE).astimezone(east), 5)) == 1


def _found(
    store: HistoryStore, routes: Sequence[str], since: datetime, until: datetime, resolution: Resolution
) -> list[Bucket]:
    """Return buckets that come oldest first, those of one time in the order of `_expected`."""
    found = store.buckets(routes, since, until, resolution)
    assert [bucket.start for bucket in found] == sorted(bucket.start for bucket in found)
    return sorted(found, key=lambda bucket: (bucket.start, bucket.route_id))


def _expected(checks: Sequence[Check], until: datetime, resolution: Resolution) -> list[Bucket]:
    by_route: dict[str, list[Check]] = {}
    for check in sorted(checks, key=lambda check: (check.checked_at, check.depth)):
        by_route.setdefault(check.route_id, []).append(check)
    buckets = [
        bucket
        for some in by_route.values()
        for bucket in bucket_checks(some, resolution=resolution, interval_s=INTERVAL_S, until=until)
    ]
    return sorted(buckets, key=lambda bucket: (bucket.start, bucket.route_id))


@pytest.mark.parametrize("resolution", [Resolution.HOUR, Resolution.DAY])
def test_buckets_mean_the_same_before_and_after_they_are_summed_up(store: HistoryStore, resolution: Resolution) -> None:
    checks = [*_row_of_checks(0, 400), *_row_of_checks(1, 350, begin=START + 7 * MINUTE)]
    store.keep(Batch(id="b", checks=tuple(checks)))
    until = START + 2 * DAY
    expected = _expected(checks, until, resolution)
    first = expected[0].start
    assert _found(store, _ids(0, 1), first, until, resolution) == expected
    assert store.retain(START + 20 * HOUR) == 0
    assert _found(store, _ids(0, 1), first, until, resolution) == expected
    assert _found(store, _ids(0), first, until, resolution) == [
        bucket for bucket in expected if bucket.route_id in _ids(0)
    ]


def test_buckets_begin_within_the_window(store: HistoryStore) -> None:
    store.keep(Batch(id="b", checks=tuple(_row_of_checks(0, 60))))
    for _ in range(2):
        hours = store.buckets(_ids(0), START + HOUR, START + 3 * HOUR, Resolution.HOUR)
        assert [hour.start for hour in hours] == [START + HOUR, START + 2 * HOUR]
        store.retain(START + DAY)


def test_single_checks_are_no_buckets(store: HistoryStore) -> None:
    with pytest.raises(ValueError, match="no buckets"):
        store.buckets(_ids(0), START, START + DAY, Resolution.RAW)


def test_checks_that_arrive_late_are_summed_up_too(store: HistoryStore) -> None:
    checks = _row_of_checks(0, 40)
    late, prompt = checks[5:9], [*checks[:5], *checks[9:]]
    store.keep(Batch(id="b", checks=tuple(prompt)))
    store.retain(START + DAY)
    store.keep(Batch(id="c", checks=tuple(late)))
    until = START + 2 * DAY
    for resolution in (Resolution.HOUR, Resolution.DAY):
        expected = _expected(checks, until, resolution)
        assert _found(store, _ids(0), expected[0].start, until, resolution) == expected


CHECKS = st.lists(
    st.tuples(
        st.integers(0, 1),
        st.integers(0, 36 * 60 * 60),
        st.sampled_from(tuple(Health)),
        st.sampled_from(tuple(Depth)),
        st.booleans(),
    ),
    min_size=1,
    max_size=25,
)


@given(drawn=CHECKS)
@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_summing_up_in_pieces_equals_summing_up_at_once(
    fresh: Callable[[], HistoryStore], drawn: list[tuple[int, int, Health, Depth, bool]]
) -> None:
    store = fresh()
    checks: dict[tuple[str, datetime, Depth], Check] = {}
    for number, seconds, health, depth, summed in drawn:
        check = a_check(number, START + timedelta(seconds=seconds), health, depth=depth)
        checks.setdefault((check.route_id, check.checked_at, check.depth), check)
        store.keep(Batch(id=f"b{number}", checks=(check,)))
        if summed:
            store.retain(START + timedelta(seconds=seconds))
    until = START + 3 * DAY
    for resolution in (Resolution.HOUR, Resolution.DAY):
        hours = _expected(list(checks.values()), until, Resolution.HOUR)
        expected = sorted(merge_buckets(hours, resolution), key=lambda bucket: (bucket.start, bucket.route_id))
        assert _found(store, _ids(0, 1), START - DAY, until, resolution) == expected


def test_old_checks_are_forgotten_and_their_hours_stay(store: HistoryStore) -> None:
    checks = _row_of_checks(0, 40 * 4, apart=6 * HOUR)
    store.keep(Batch(id="b", checks=tuple(checks)))
    now = START + 40 * DAY
    expected = _expected(checks, now, Resolution.HOUR)
    assert store.retain(now) > 100
    beats = store.beats(_ids(0), 1000)[checks[0].route_id]
    assert timedelta(days=6) <= now - beats[0].checked_at <= timedelta(days=8)
    assert _found(store, _ids(0), expected[0].start, now, Resolution.HOUR) == expected


def test_old_hours_are_forgotten_and_their_days_stay(store: HistoryStore) -> None:
    checks = _row_of_checks(0, 120, apart=DAY)
    store.keep(Batch(id="b", checks=tuple(checks)))
    now = START + 120 * DAY
    days = _expected(checks, now, Resolution.DAY)
    store.retain(now)
    hours = store.buckets(_ids(0), START - DAY, now, Resolution.HOUR)
    assert timedelta(days=89) <= now - hours[0].start <= timedelta(days=92)
    assert _found(store, _ids(0), START - DAY, now, Resolution.DAY) == days


def test_forgetting_twice_forgets_once(store: HistoryStore) -> None:
    store.keep(Batch(id="b", checks=tuple(_row_of_checks(0, 50, apart=6 * HOUR))))
    assert store.retain(START + 20 * DAY) > 0
    assert store.retain(START + 20 * DAY) == 0


def test_the_size_counts_what_is_kept(store: HistoryStore) -> None:
    store.keep(Batch(id="b", checks=tuple(_row_of_checks(0, 3)), transitions=(a_transition(),)))
    rows = store.size().rows
    assert (rows["checks"], rows["transitions"], rows["incidents"]) == (3, 1, 0)


def test_a_batch_is_kept_whole_or_not_at_all(store: HistoryStore) -> None:
    if isinstance(store, MemoryHistoryStore):
        store.refusing = True
    broken = replace(a_batch(), transitions=(a_transition(id=None),))
    with pytest.raises(StoreError):
        store.keep(broken)
    if isinstance(store, MemoryHistoryStore):
        store.refusing = False
    assert dict(store.beats(_ids(0), 50)) == {}
    assert list(store.routes()) == []


def test_a_result_with_any_text_comes_back(store: HistoryStore) -> None:
    kept = a_kept_route()
    odd = replace(a_result(kept.result.route), message="é\u2028\U0001f600 '; DROP TABLE checks; -- \0 \ud800 %s {x}")
    store.keep(Batch(id="b", routes=(replace(kept, result=odd),)))
    (found,) = store.routes()
    assert found.result == replace(odd, route=replace(odd.route, token=None))
