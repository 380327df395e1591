"""What is due next, as a decision alone: no thread, no time that passes."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.probe import Depth
from core.probe.cadence import (
    MOST_TRIES,
    PAUSED_EVERY,
    Agenda,
    Intervals,
    Kind,
    Look,
    Unsettled,
    after,
    at_once,
    cadence_of,
    due,
    first_agenda,
    next_at,
    urgent,
)

NOW = datetime(2030, 1, 2, tzinfo=UTC)
INTERVALS = Intervals()
ONE = frozenset({"route-1"})


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def ended(
    agenda: Agenda,
    kind: Kind,
    at: datetime = NOW,
    *,
    unsettled: Unsettled | None = None,
    offline: bool = False,
    factor: float = 1.0,
    intervals: Intervals = INTERVALS,
) -> Agenda:
    """Return the agenda after a look of this kind."""
    return after(
        agenda,
        kind,
        now=at,
        intervals=intervals,
        unsettled=unsettled or {},
        offline=offline,
        jitter=lambda: factor,
    )


def begun() -> Agenda:
    """Return the agenda right after the first sweep."""
    return ended(first_agenda(INTERVALS, NOW), Kind.REACH)


def kinds(agenda: Agenda, at: datetime) -> list[Kind]:
    return [look.kind for look in due(agenda, at)]


def test_a_start_sweeps_at_once() -> None:
    agenda = first_agenda(INTERVALS, NOW)
    assert (next_at(agenda), kinds(agenda, NOW)) == (NOW, [Kind.REACH])


@pytest.mark.parametrize("factor", [0.8, 1.0, 1.2])
def test_the_next_sweep_is_due_after_its_interval_and_jitter(factor: float) -> None:
    agenda = ended(first_agenda(INTERVALS, NOW), Kind.REACH, factor=factor)
    assert agenda.reach_at == later(300 * factor)


def test_hosts_are_due_every_minute_between_the_sweeps() -> None:
    agenda = begun()
    assert (kinds(agenda, later(59)), kinds(agenda, later(60))) == ([], [Kind.HOSTS])
    assert ended(agenda, Kind.HOSTS, later(60)).hosts_at == later(120)


def test_what_agents_really_send_comes_first_after_half_its_interval_and_then_after_a_whole_one() -> None:
    agenda = replace(begun(), reach_at=later(9000), hosts_at=later(9000))
    assert (kinds(agenda, later(899)), kinds(agenda, later(900))) == ([], [Kind.FAITHFUL])
    assert due(agenda, later(900))[0].depth is Depth.FAITHFUL
    assert ended(agenda, Kind.FAITHFUL, later(900), factor=0.8).faithful_at == later(900 + 0.8 * 1800)


def test_an_interval_of_zero_never_sends_what_agents_really_send() -> None:
    never = Intervals(faithful_s=0)
    agenda = ended(first_agenda(never, NOW), Kind.REACH, intervals=never)
    assert agenda.faithful_at is None
    assert Kind.FAITHFUL not in kinds(replace(agenda, reach_at=later(1e8), hosts_at=later(1e8)), later(1e7))


def test_an_unsettled_route_is_asked_again_within_five_seconds_and_only_that_one() -> None:
    agenda = ended(begun(), Kind.REACH, unsettled={Depth.FAITHFUL: ONE})
    assert agenda.settling_at is not None and agenda.settling_at <= later(5)
    assert due(agenda, later(5)) == (Look(kind=Kind.SETTLING, depth=Depth.FAITHFUL, only=ONE),)


def test_both_depths_are_settled_in_one_go() -> None:
    agenda = ended(begun(), Kind.REACH, unsettled={Depth.REACH: ONE, Depth.FAITHFUL: frozenset({"route-2"})})
    assert {(look.depth, look.only) for look in due(agenda, later(5))} == {
        (Depth.REACH, ONE),
        (Depth.FAITHFUL, frozenset({"route-2"})),
    }


def test_a_settled_route_is_left_alone() -> None:
    agenda = ended(begun(), Kind.REACH, unsettled={Depth.REACH: ONE})
    agenda = ended(agenda, Kind.SETTLING, later(5))
    assert (agenda.settling_at, dict(agenda.tries)) == (None, {})


def test_a_route_that_never_settles_falls_back_to_the_sweeps() -> None:
    agenda, moment = ended(begun(), Kind.REACH, unsettled={Depth.REACH: ONE}), NOW
    tries = 0
    while agenda.settling_at is not None:
        moment, tries = agenda.settling_at, tries + 1
        agenda = ended(agenda, Kind.SETTLING, moment, unsettled={Depth.REACH: ONE})
    assert tries == MOST_TRIES
    agenda = ended(agenda, Kind.REACH, moment, unsettled={Depth.REACH: ONE})
    assert agenda.settling_at is None
    # Once it had settled, its next failure is followed up anew.
    agenda = ended(agenda, Kind.REACH, moment)
    assert ended(agenda, Kind.REACH, moment, unsettled={Depth.REACH: ONE}).settling_at is not None


def test_a_look_in_between_does_not_put_off_what_is_to_be_settled() -> None:
    agenda = ended(begun(), Kind.REACH, unsettled={Depth.REACH: ONE})
    agenda = ended(agenda, Kind.HOSTS, later(4), unsettled={Depth.REACH: ONE})
    assert agenda.settling_at == later(5)


def test_short_intervals_settle_no_slower_than_they_sweep() -> None:
    short = Intervals(reach_s=2)
    agenda = ended(first_agenda(short, NOW), Kind.REACH, unsettled={Depth.REACH: ONE}, intervals=short)
    assert agenda.settling_at == later(2)


def test_paused_agents_are_asked_with_every_sixth_sweep() -> None:
    agenda, with_paused = first_agenda(INTERVALS, NOW), []
    for _ in range(2 * PAUSED_EVERY):
        (look,) = due(agenda, agenda.reach_at)
        with_paused.append(look.with_paused)
        agenda = ended(agenda, Kind.REACH, agenda.reach_at)
    assert with_paused == 2 * [True, *(PAUSED_EVERY - 1) * [False]]


def test_an_offline_dashboard_tries_again_soon_and_settles_nothing() -> None:
    agenda = ended(begun(), Kind.REACH, offline=True, unsettled={Depth.REACH: ONE})
    assert agenda.reach_at <= later(5)
    assert agenda.settling_at is None


def test_checks_of_the_hosts_do_not_put_off_the_next_try_of_an_offline_dashboard() -> None:
    agenda = ended(begun(), Kind.REACH, offline=True)
    assert ended(agenda, Kind.HOSTS, later(4), offline=True).reach_at == later(5)


def test_an_offline_dashboard_does_not_go_round_and_round_at_the_faithful_depth() -> None:
    agenda = replace(begun(), faithful_at=NOW)
    agenda = ended(agenda, Kind.FAITHFUL, offline=True)
    assert due(agenda, NOW) == ()


def test_somebody_who_asks_is_served_at_once() -> None:
    assert kinds(at_once(begun(), later(1)), later(1)) == [Kind.REACH]


def test_routes_whose_host_is_gone_are_asked_at_once_and_no_others() -> None:
    agenda = urgent(begun(), later(60), ONE)
    assert due(agenda, later(60)) == (Look(kind=Kind.SETTLING, depth=Depth.REACH, only=ONE),)
    assert urgent(begun(), later(60), frozenset()) == begun()


def test_the_cadence_that_is_shown_is_the_real_one() -> None:
    agenda = ended(begun(), Kind.REACH, unsettled={Depth.REACH: ONE}, factor=1.1)
    shown = cadence_of(agenda, INTERVALS)
    assert (shown.hosts_s, shown.reach_s, shown.faithful_s) == (60, 300, 1800)
    assert shown.next_reach_at == agenda.reach_at == later(330)
    assert shown.next_hosts_at == later(60)
    assert shown.next_faithful_at == later(900)
    assert shown.next_settling_at == later(5)


@given(
    st.lists(
        st.tuples(st.sampled_from(Kind), st.booleans(), st.floats(0.8, 1.2), st.floats(0, 100)),
        max_size=30,
    )
)
def test_whatever_happens_something_else_is_due_within_a_minute(
    steps: list[tuple[Kind, bool, float, float]],
) -> None:
    agenda, moment = first_agenda(INTERVALS, NOW), NOW
    for kind, offline, factor, pause_s in steps:
        moment += timedelta(seconds=pause_s)
        agenda = ended(agenda, kind, moment, offline=offline, factor=factor)
        assert next_at(agenda) <= moment + timedelta(seconds=60)
        assert kind not in kinds(agenda, moment)
