"""What the journal shows as results land, what a round leaves to be kept, and that a restart changes nothing of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.adapters.database import Sqlite, open_database
from core.model.alert import NoticeKind
from core.model.check import route_id
from core.model.history import Batch
from core.model.incident import StepKind
from core.model.probe import Depth, Diagnosis, Health, ProbeResult
from core.model.secret import Secret
from tests.core.health.checks import START, at, result, route
from tests.core.history.hands import a_journal, id_of, journal_from
from tests.fakes.history_store import MemoryHistoryStore
from tests.fakes.network import FakeClock

OTHER = route("fallback")
ABSENT = Diagnosis.MODEL_ABSENT


def unasked(seconds: float) -> ProbeResult:
    """Return what a used-up budget or an offline dashboard leaves: nothing is known of the route."""
    return replace(result(seconds, Diagnosis.DNS_FAILED, attempts=0), health=Health.UNKNOWN)


def test_the_first_pass_is_healthy_at_once_and_nobody_is_told() -> None:
    journal = a_journal()
    shown = journal.take(result(0))
    ended = journal.end_round(None)
    assert shown.health is Health.HEALTHY
    assert [check.standing for check in ended.batch.checks] == [Health.HEALTHY]
    assert (ended.batch.transitions, ended.batch.incidents, ended.changed) == ((), (), ())


def test_what_is_shown_is_how_the_route_stands_not_what_one_probe_says() -> None:
    journal = a_journal()
    journal.take(result(0, ABSENT))
    first_pass = journal.take(result(10))
    second_pass = journal.take(result(20))
    assert (first_pass.health, first_pass.diagnosis) == (Health.DOWN, Diagnosis.OK)
    assert second_pass.health is Health.HEALTHY


def test_a_verified_change_is_healthy_at_once() -> None:
    journal = a_journal()
    journal.take(result(0, ABSENT))
    assert journal.take(result(10), proved=True).health is Health.HEALTHY


def test_a_pass_of_the_short_question_does_not_hide_why_the_faithful_one_fails() -> None:
    journal = a_journal()
    faithful = result(0, Diagnosis.FIELD_REJECTED, depth=Depth.FAITHFUL)
    journal.take(faithful)
    shown = journal.take(result(10))
    assert (shown.depth, shown.health, shown.diagnosis) == (Depth.FAITHFUL, Health.DOWN, Diagnosis.FIELD_REJECTED)
    assert journal.result(id_of(faithful)) == faithful


def test_when_both_depths_agree_the_newest_speaks() -> None:
    journal = a_journal()
    journal.take(result(0, depth=Depth.FAITHFUL))
    assert journal.take(result(10)).checked_at == at(10)


def test_what_says_nothing_of_its_route_is_shown_as_it_is_and_leaves_no_trace() -> None:
    journal = a_journal()
    journal.take(result(0))
    journal.end_round(None)
    shown = journal.take(unasked(10))
    assert shown == unasked(10)
    assert journal.end_round(None).is_empty
    assert [found.health for found in journal.results([id_of(shown)])] == [Health.HEALTHY]


def test_an_incident_carries_its_routes_and_names_itself_on_their_transitions() -> None:
    journal = a_journal()
    for seconds, of in ((0, route()), (1, OTHER)):
        journal.take(result(seconds, of=of))
        journal.take(result(10 + seconds, ABSENT, of=of))
    ended = journal.end_round(None)
    (incident,) = ended.batch.incidents
    assert [kind for kind, _ in ended.changed] == [NoticeKind.OPENED]
    assert journal.incidents == (incident,)
    assert set(incident.open_routes) == {route_id(route()), route_id(OTHER)}
    assert {transition.incident_id for transition in ended.batch.transitions} == {incident.id}
    assert {transition.incident_id for transition in journal.transitions} == {incident.id}
    assert [transition.at for transition in journal.transitions] == [at(11), at(10)]


def test_an_incident_that_merely_grows_is_kept_though_nobody_is_told() -> None:
    journal = a_journal()
    journal.take(result(0, ABSENT))
    journal.end_round(None)
    journal.take(result(10, ABSENT, of=OTHER))
    ended = journal.end_round(None)
    assert ended.changed == ()
    assert [step.kind for step in ended.batch.incidents[0].timeline] == [StepKind.OPENED, StepKind.JOINED]


def test_an_incident_that_stays_as_it_is_is_not_kept_again() -> None:
    journal = a_journal()
    journal.take(result(0, ABSENT))
    journal.end_round(None)
    journal.take(result(10, ABSENT))
    ended = journal.end_round(None)
    assert (ended.batch.incidents, len(ended.batch.checks)) == ((), 1)


def test_a_resolved_incident_is_kept_with_its_end() -> None:
    journal = a_journal()
    for seconds, diagnosis in ((0, ABSENT), (10, Diagnosis.OK), (20, Diagnosis.OK)):
        journal.take(result(seconds, diagnosis))
    ended = journal.end_round(None)
    assert [incident.ended_at for incident in ended.batch.incidents] == [at(20)]
    assert NoticeKind.RESOLVED in {kind for kind, _ in ended.changed}
    assert journal.incidents == ()


def test_only_what_landed_since_the_last_round_is_kept() -> None:
    journal = a_journal()
    journal.take(result(0))
    journal.take(result(0, of=OTHER))
    first = journal.end_round(None).batch
    journal.take(result(10, of=OTHER))
    second = journal.end_round(None).batch
    assert (len(first.checks), [check.route_id for check in second.checks]) == (2, [route_id(OTHER)])
    assert [kept.standing.route_id for kept in second.routes] == [route_id(OTHER)]
    assert first.id != second.id
    assert journal.end_round(None).is_empty


def test_a_kept_route_holds_what_is_shown_without_its_beats() -> None:
    journal = a_journal()
    journal.take(result(0, ABSENT))
    journal.take(result(10))
    (kept,) = journal.end_round(None).batch.routes
    assert (kept.result.health, kept.result.checked_at, kept.standing.beats) == (Health.DOWN, at(10), ())
    assert len(journal.standings[kept.standing.route_id].beats) == 2


def test_no_token_is_kept() -> None:
    journal = a_journal()
    journal.take(result(0, ABSENT, of=replace(route(), token=Secret("dapi-fictional"))))
    batch = journal.end_round(None).batch
    (kept,) = batch.routes
    (incident,) = batch.incidents
    routes = (kept.result.route, kept.standing.route, incident.routes[0], batch.transitions[0].route)
    assert [found.token for found in routes] == [None] * 4


def test_a_route_that_is_gone_leaves_its_incident_and_the_picture() -> None:
    journal = a_journal()
    journal.take(result(0, ABSENT))
    journal.take(result(0, of=OTHER))
    journal.end_round(None)
    ended = journal.end_round(frozenset({route_id(OTHER)}))
    assert [kind for kind, _ in ended.changed] == [NoticeKind.RESOLVED]
    assert set(journal.standings) == {route_id(OTHER)}


def test_a_route_that_comes_back_goes_on_where_it_stood() -> None:
    journal = a_journal()
    journal.take(result(0, ABSENT))
    journal.end_round(frozenset())
    assert journal.standings == {}
    assert journal.take(result(10)).health is Health.DOWN


def test_a_picture_of_the_standings_does_not_change_any_more() -> None:
    journal = a_journal()
    journal.take(result(0))
    before = journal.standings
    journal.take(result(0, of=OTHER))
    assert (len(before), len(journal.standings)) == (1, 2)


def test_what_nobody_checked_for_long_reads_as_unknown() -> None:
    clock = FakeClock(START)
    journal = a_journal(clock)
    journal.take(result(0))
    clock.move(10 * 300.0 + 1)
    assert [found.health for found in journal.results([route_id(route())])] == [Health.UNKNOWN]


def test_a_paused_route_and_one_without_a_credential_show_what_was_seen_last() -> None:
    journal = a_journal()
    journal.take(result(0))
    journal.take(result(5, depth=Depth.FAITHFUL))
    assert journal.take(replace(result(10), health=Health.PAUSED)).health is Health.PAUSED
    unasked_for = journal.take(result(20, Diagnosis.CREDENTIAL_MISSING, depth=Depth.FAITHFUL, attempts=0))
    assert (unasked_for.health, unasked_for.diagnosis) == (Health.UNKNOWN, Diagnosis.CREDENTIAL_MISSING)


def test_after_a_restart_a_cause_that_was_not_shown_then_is_told_from_its_check() -> None:
    store = kept_with(result(0, Diagnosis.FIELD_REJECTED, depth=Depth.FAITHFUL), result(10, ABSENT))
    journal = journal_from(store)
    journal.take(result(20))
    shown = journal.take(result(30))
    assert (shown.health, shown.diagnosis, shown.checked_at) == (Health.DOWN, Diagnosis.FIELD_REJECTED, at(0))
    assert shown.message == "databricks-claude-opus-4-6 rejects a field of the request"


def test_a_database_takes_a_standing_although_the_result_that_explains_it_is_older(tmp_path: Path) -> None:
    place = Sqlite(path=tmp_path / "switchyard.db")
    database = open_database(place, limit_bytes=None, raw_days=7, hourly_days=90, interval_s=300.0)
    journal = a_journal()
    rounds = [(ABSENT, Depth.REACH), (ABSENT, Depth.FAITHFUL), (Diagnosis.OK, Depth.REACH), (Diagnosis.OK, Depth.REACH)]
    for number, (diagnosis, depth) in enumerate(rounds):
        shown = journal.take(result(10 * number, diagnosis, depth=depth))
        database.history.keep(journal.end_round(None).batch)
    (kept,) = database.history.routes()
    database.close()
    assert (shown.depth, shown.checked_at) == (Depth.FAITHFUL, at(10))
    assert (kept.standing.reach.passes, kept.result.checked_at) == (2, at(10))


def test_a_picture_is_the_same_one_until_something_lands() -> None:
    journal = a_journal()
    journal.take(result(0))
    assert journal.standings is journal.standings


def test_a_route_that_was_never_checked_has_no_result() -> None:
    journal = a_journal()
    assert journal.result("0000000000000000") is None
    assert journal.results(["0000000000000000"]) == ()


def test_of_routes_that_are_gone_only_the_newest_are_remembered() -> None:
    journal = a_journal()
    first = route("slot-0")
    journal.take(result(0, ABSENT, of=first))
    journal.end_round(frozenset())
    for number in range(1, 2001):
        journal.take(result(1, of=route(f"slot-{number}")))
    journal.end_round(frozenset())
    assert journal.take(result(10, of=first)).health is Health.HEALTHY
    assert journal.take(result(10, ABSENT, of=route("slot-2000"))).health is Health.DOWN


def test_only_the_newest_transitions_are_held() -> None:
    journal = a_journal()
    for number in range(60):
        journal.take(result(number * 10, ABSENT))
        journal.take(result(number * 10 + 5), proved=True)
    journal.end_round(None)
    assert len(journal.transitions) == 50
    assert journal.transitions[0].at == at(595)


def test_a_simulated_journal_marks_all_it_keeps() -> None:
    journal = a_journal(simulated=True)
    journal.take(result(0, ABSENT))
    batch = journal.end_round(None).batch
    marked = [check.simulated for check in batch.checks] + [one.simulated for one in batch.transitions]
    marked += [one.simulated for one in batch.incidents] + [one.standing.simulated for one in batch.routes]
    assert marked == [True] * 4


# A database that comes back, or another process that kept something meanwhile.


def kept_with(*results: ProbeResult) -> MemoryHistoryStore:
    journal, store = a_journal(), MemoryHistoryStore()
    for found in results:
        journal.take(found)
    store.keep(journal.end_round(None).batch)
    return store


def test_what_landed_here_is_newer_than_what_was_kept_before() -> None:
    store = kept_with(result(0, ABSENT))
    journal = a_journal()
    journal.take(result(100))
    kept = store.routes()
    journal.load(kept, {}, ())
    assert journal.standings[route_id(route())].health is Health.HEALTHY


def test_what_others_kept_later_is_taken_up() -> None:
    store = kept_with(result(100, ABSENT))
    journal = a_journal()
    journal.take(result(0))
    journal.adopt(store.routes(), store.beats([route_id(route())], 50), store.open_incidents())
    assert journal.standings[route_id(route())].health is Health.DOWN
    assert len(journal.incidents) == 1
    assert journal.end_round(None).is_empty


def test_an_incident_that_the_process_that_probes_has_ended_is_over_here_too() -> None:
    store = kept_with(result(0, ABSENT))
    journal = journal_from(store)
    assert len(journal.incidents) == 1
    journal.adopt((), {}, ())
    assert not journal.incidents


def test_an_incident_kept_from_before_ends_in_the_one_that_goes_on_here() -> None:
    store = kept_with(result(0, ABSENT))
    (before,) = store.open_incidents()
    journal = a_journal()
    journal.take(result(100, ABSENT))
    (own,) = journal.end_round(None).batch.incidents
    journal.load(store.routes(), {}, store.open_incidents())
    assert journal.incidents == (own,)
    (closed,) = journal.end_round(None).batch.incidents
    assert (closed.id, closed.open_routes) == (before.id, ())
    assert closed.timeline[-1].text == f"continues as {own.id}"


def test_an_incident_kept_from_before_goes_on_without_the_routes_that_are_in_one_of_ours() -> None:
    store = kept_with(result(0, ABSENT), result(0, ABSENT, of=OTHER))
    journal = a_journal()
    journal.take(result(100, Diagnosis.CREDENTIAL_DEAD))
    journal.end_round(None)
    journal.load(store.routes(), {}, store.open_incidents())
    assert [incident.open_routes for incident in journal.incidents] == [(route_id(route()),), (route_id(OTHER),)]


def test_an_incident_that_is_known_already_stays_as_it_is_here() -> None:
    store = kept_with(result(0, ABSENT))
    journal = journal_from(store)
    journal.take(result(100, ABSENT, of=OTHER))
    journal.end_round(None)
    journal.load(store.routes(), {}, store.open_incidents())
    assert [len(incident.routes) for incident in journal.incidents] == [2]


def test_an_incident_goes_on_after_a_restart_and_ends_after_two_passes() -> None:
    store = kept_with(result(0, ABSENT))
    journal = journal_from(store)
    journal.take(result(100))
    journal.take(result(110))
    ended = journal.end_round(None)
    assert [(kind, incident.ended_at) for kind, incident in ended.changed] == [(NoticeKind.RESOLVED, at(110))]


SEEN = st.tuples(
    st.sampled_from([route(), OTHER, route(host="other.example.com")]),
    st.sampled_from([Diagnosis.OK, Diagnosis.OK, ABSENT, Diagnosis.THROTTLED, Diagnosis.FIELD_REJECTED]),
    st.sampled_from([Depth.REACH, Depth.REACH, Depth.FAITHFUL]),
)


def _results(seen: Sequence[Any]) -> list[ProbeResult]:
    return [
        result(10 * place, diagnosis, of=of, depth=depth, attempts=1 if diagnosis is ABSENT else 2)
        for place, (of, diagnosis, depth) in enumerate(seen)
    ]


def _kept(results: Sequence[ProbeResult], *, restart_each: bool) -> tuple[MemoryHistoryStore, list[Batch]]:
    store, clock = MemoryHistoryStore(), FakeClock(START)
    journal = a_journal(clock)
    for found in results:
        clock.move(10.0)
        journal = journal_from(store, clock) if restart_each else journal
        journal.take(found)
        store.keep(journal.end_round(None).batch)
    return store, store.batches


@settings(max_examples=60, deadline=None)
@given(st.lists(SEEN, min_size=1, max_size=25))
def test_a_restart_after_every_round_changes_nothing(seen: list[Any]) -> None:
    results = _results(seen)
    once, batches = _kept(results, restart_each=False)
    anew, batches_anew = _kept(results, restart_each=True)
    assert [kept.standing for kept in anew.routes()] == [kept.standing for kept in once.routes()]
    assert anew.open_incidents() == once.open_incidents()
    assert [batch.transitions for batch in batches_anew] == [batch.transitions for batch in batches]
    assert [batch.incidents for batch in batches_anew] == [batch.incidents for batch in batches]


@pytest.mark.parametrize("cut", [1, 3, 6])
def test_a_round_that_is_split_ends_in_the_same_standings(cut: int) -> None:
    results = _results([(route(), ABSENT, Depth.REACH), (OTHER, Diagnosis.OK, Depth.REACH)] * 4)
    whole, split = a_journal(), a_journal()
    for place, found in enumerate(results):
        whole.take(found)
        split.take(found)
        if place == cut:
            split.end_round(None)
    whole.end_round(None)
    split.end_round(None)
    assert split.standings == whole.standings
    assert split.incidents == whole.incidents
