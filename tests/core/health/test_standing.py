"""How results become the health of a route, in sequences as they happen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from cattrs.preconf.json import make_converter
from hypothesis import given
from hypothesis import strategies as st

from core.health.one_shot import PARTIAL, TRANSIENT, health_of
from core.health.standing import (
    Folded,
    Shown,
    as_shown,
    fold,
    is_recorded,
    is_settled,
    new_standing,
    rules_of,
    shown,
    unsettled_depths,
)
from core.model.check import route_id
from core.model.probe import Depth, Diagnosis, Health, ProbeResult, Rung
from core.model.standing import KEPT_BEATS, HealthRules, Standing
from core.settings import Settings
from tests.core.health.checks import at, result, route

HEALTHY, DEGRADED, DOWN, UNKNOWN, PAUSED = (
    Health.HEALTHY,
    Health.DEGRADED,
    Health.DOWN,
    Health.UNKNOWN,
    Health.PAUSED,
)
OK, THROTTLED, BUSY, ABSENT = Diagnosis.OK, Diagnosis.THROTTLED, Diagnosis.OVERLOADED, Diagnosis.MODEL_ABSENT
NO_TOOLS, NO_TOKEN = Diagnosis.NO_TOOL_CALL, Diagnosis.CREDENTIAL_MISSING
RULES = HealthRules()
NEW = new_standing(route(), simulated=False)
REACH, FAITHFUL = Depth.REACH, Depth.FAITHFUL


def folded(results: Sequence[ProbeResult], standing: Standing = NEW, rules: HealthRules = RULES) -> Folded:
    """Return what the last of these results leads to."""
    last = Folded(standing=standing, check=fold(standing, results[0], rules).check)
    for one in results:
        last = fold(last.standing, one, rules)
    return last


def stands(*results: ProbeResult, rules: HealthRules = RULES) -> Standing:
    return folded(results, rules=rules).standing if results else NEW


def every_minute(*diagnoses: Diagnosis, depth: Depth = REACH, attempts: int = 2) -> tuple[ProbeResult, ...]:
    return tuple(result(60.0 * n, one, depth=depth, attempts=attempts) for n, one in enumerate(diagnoses))


SEQUENCES: dict[str, tuple[Sequence[Diagnosis], Sequence[Health]]] = {
    "the first pass ever is healthy at once": ([OK], [HEALTHY]),
    "three transient failures are down": ([OK, BUSY, BUSY, BUSY], [HEALTHY, DEGRADED, DEGRADED, DOWN]),
    "three of different kinds are down": ([BUSY, THROTTLED, BUSY], [DEGRADED, DEGRADED, DOWN]),
    "a pass between failures starts the count anew": (
        [BUSY, BUSY, OK, BUSY, BUSY],
        [DEGRADED, DEGRADED, DEGRADED, DEGRADED, DEGRADED],
    ),
    "a confirmed final failure is down at once": ([OK, ABSENT], [HEALTHY, DOWN]),
    "two passes end a Down": ([ABSENT, OK, OK], [DOWN, DOWN, HEALTHY]),
    "two passes end a single failure too": ([OK, BUSY, OK, OK], [HEALTHY, DEGRADED, DEGRADED, HEALTHY]),
    "a failure between two passes keeps it down": ([ABSENT, OK, BUSY, OK, OK], [DOWN, DOWN, DOWN, DOWN, HEALTHY]),
    "throttled stays degraded while something passed in the last hour": (
        [OK, *[THROTTLED] * 6],
        [HEALTHY, *[DEGRADED] * 6],
    ),
    "throttled with no success is down at the third": ([THROTTLED] * 3, [DEGRADED, DEGRADED, DOWN]),
    "an answer without the tool call never becomes down": ([OK, *[NO_TOOLS] * 5], [HEALTHY, *[DEGRADED] * 5]),
    "busy after answers without tool calls needs three of its own": (
        [NO_TOOLS, NO_TOOLS, BUSY, BUSY, BUSY],
        [DEGRADED, DEGRADED, DEGRADED, DEGRADED, DOWN],
    ),
    "a missing credential is unknown at once": ([OK, NO_TOKEN], [HEALTHY, UNKNOWN]),
    "a credential that is back finds the word as it was": ([ABSENT, NO_TOKEN, OK, OK], [DOWN, UNKNOWN, DOWN, HEALTHY]),
    "a missing credential does not end a streak of failures": (
        [BUSY, BUSY, NO_TOKEN, BUSY],
        [DEGRADED, DEGRADED, UNKNOWN, DOWN],
    ),
}


@pytest.mark.parametrize(("diagnoses", "expected"), SEQUENCES.values(), ids=SEQUENCES)
def test_results_in_a_row(diagnoses: Sequence[Diagnosis], expected: Sequence[Health]) -> None:
    results = every_minute(*diagnoses)
    assert [stands(*results[: n + 1]).health for n in range(len(results))] == list(expected)


def test_throttled_is_down_once_the_last_success_is_an_hour_ago() -> None:
    results = [result(0), *(result(n * 900, THROTTLED) for n in range(1, 6))]
    assert [stands(*results[:n]).health for n in range(1, 7)] == [HEALTHY, *[DEGRADED] * 4, DOWN]


def test_a_success_of_the_other_depth_speaks_for_a_throttled_one() -> None:
    results = [result(0), *(result(60 * n, THROTTLED, depth=FAITHFUL) for n in range(1, 5))]
    assert stands(*results).health is DEGRADED


def test_an_unconfirmed_final_failure_is_down_at_the_next_one() -> None:
    first, second = every_minute(ABSENT, ABSENT, attempts=1)
    assert (stands(first).health, stands(first, second).health) == (DEGRADED, DOWN)


def test_an_unconfirmed_final_failure_after_a_transient_one_is_not_down_yet() -> None:
    assert stands(result(0, BUSY), result(60, ABSENT, attempts=1)).health is DEGRADED


@pytest.mark.parametrize(
    ("diagnosis", "rung"), [(Diagnosis.DNS_FAILED, Rung.DNS), (Diagnosis.TLS_FAILED, Rung.TLS)], ids=["dns", "tls"]
)
@pytest.mark.parametrize("attempts", [0, 1])
def test_a_host_that_cannot_be_reached_needs_no_second_request(diagnosis: Diagnosis, rung: Rung, attempts: int) -> None:
    assert stands(result(0, diagnosis, rung=rung, attempts=attempts)).health is DOWN


def test_a_proved_change_is_healthy_with_one_pass() -> None:
    down = stands(result(0, ABSENT))
    proved = fold(down, result(60), RULES, proved=True).standing
    assert (proved.health, is_settled(proved, RULES)) == (HEALTHY, True)


def test_a_proved_change_does_not_turn_a_failure_into_something_better() -> None:
    assert fold(stands(result(0, ABSENT)), result(60, BUSY), RULES, proved=True).standing.health is DOWN


def test_the_numbers_are_settings() -> None:
    eager = rules_of(Settings(down_after=1, recover_after=1))
    assert stands(result(0, BUSY), rules=eager).health is DOWN
    assert stands(result(0, BUSY), result(1), rules=eager).health is HEALTHY


def test_rules_come_from_the_settings() -> None:
    given_settings = Settings(latency_limit_s=2, ttft_limit_s=1, sweep_interval_s=7, faithful_interval_s=0)
    seen = rules_of(given_settings)
    assert (seen.latency_limit_ms, seen.ttft_limit_ms, seen.reach_interval_s) == (2000, 1000, 7)
    assert seen.faithful_interval_s == 1800


# The two depths.


def test_a_route_that_fails_its_agents_own_request_is_down_whatever_the_short_question_says() -> None:
    down = stands(result(0), result(60, ABSENT, depth=FAITHFUL), result(120), result(180))
    assert (down.health, down.decisive) == (DOWN, FAITHFUL)


def test_a_healthy_faithful_request_does_not_hide_a_failing_short_one() -> None:
    standing = stands(result(0, depth=FAITHFUL), result(60, ABSENT))
    assert (standing.health, standing.decisive) == (DOWN, REACH)


def test_a_faithful_verdict_counts_for_two_of_its_intervals() -> None:
    down = stands(result(0, ABSENT, depth=FAITHFUL))
    assert fold(down, result(3600), RULES).standing.health is DOWN
    assert fold(down, result(3601), RULES).standing.health is HEALTHY


def test_a_failure_says_nothing_better_even_when_the_other_depth_grows_too_old() -> None:
    down = stands(result(0, ABSENT, depth=FAITHFUL))
    assert fold(down, result(3601, BUSY), RULES).standing.health is DOWN


def test_of_two_depths_that_agree_the_one_checked_last_decides() -> None:
    assert stands(result(0), result(60, depth=FAITHFUL)).decisive is FAITHFUL
    assert stands(result(0, depth=FAITHFUL), result(60)).decisive is REACH
    assert NEW.decisive is REACH


# Slow answers.


def slow(n: int, **times: float) -> tuple[ProbeResult, ...]:
    return tuple(result(60.0 * i, latency_ms=times.get("latency", 800), ttft_ms=times.get("ttft")) for i in range(n))


def test_slow_answers_are_degraded_from_the_fifth_on() -> None:
    assert [stands(*slow(n, latency=7200)).health for n in (4, 5)] == [HEALTHY, DEGRADED]


def test_slow_first_tokens_are_degraded_too() -> None:
    standing = stands(*slow(5, ttft=4100))
    assert (standing.health, shown(standing, at(240), RULES).qualifier) == (
        DEGRADED,
        "slow: p95 to the first token 4.1 s",
    )


def test_a_limit_that_is_just_met_is_fast_enough() -> None:
    assert stands(*slow(9, latency=6000, ttft=4000)).health is HEALTHY


def test_one_slow_answer_of_twenty_is_not_slow() -> None:
    outlier = result(1200, latency_ms=60_000)
    assert stands(*slow(19), outlier).health is HEALTHY
    assert stands(*slow(18), result(1140, latency_ms=60_000), outlier).health is DEGRADED


def test_a_slow_route_that_answers_fast_again_is_healthy_at_once() -> None:
    tired = stands(*slow(5, latency=7000))
    fast = [result(300.0 + n, latency_ms=500) for n in range(20)]
    assert folded(fast, tired).standing.health is HEALTHY


def test_a_slow_route_is_settled_and_says_so() -> None:
    folds = folded(slow(5, latency=7200))
    assert is_settled(folds.standing, RULES)
    assert folds.transition is not None
    assert folds.transition.message == "The model answers, but slow: p95 7.2 s"


def test_answers_of_the_two_depths_are_not_timed_together() -> None:
    faithful = [result(60.0 * n, depth=FAITHFUL, latency_ms=9000) for n in range(4)]
    assert stands(*faithful, *(result(300.0 + n) for n in range(5))).health is HEALTHY


# What is not recorded.

NOT_ABOUT_THE_ROUTE = {
    "the dashboard is offline": (Diagnosis.DNS_FAILED, 0),
    "the budget is used up": (Diagnosis.UNCLASSIFIED, 0),
}


def unknown(seconds: float, diagnosis: Diagnosis, attempts: int) -> ProbeResult:
    return with_health(result(seconds, diagnosis, attempts=attempts), UNKNOWN)


def with_health(seen: ProbeResult, health: Health) -> ProbeResult:
    return replace(seen, health=health)


@pytest.mark.parametrize(("diagnosis", "attempts"), NOT_ABOUT_THE_ROUTE.values(), ids=NOT_ABOUT_THE_ROUTE)
def test_what_is_not_about_the_route_changes_nothing(diagnosis: Diagnosis, attempts: int) -> None:
    healthy = stands(result(0))
    seen = unknown(60, diagnosis, attempts)
    assert not is_recorded(seen)
    assert fold(healthy, seen, RULES).standing is healthy


def test_a_host_that_may_not_be_given_the_token_is_unknown() -> None:
    refused = unknown(60, Diagnosis.UNCLASSIFIED, 1)
    assert is_recorded(refused)
    assert stands(result(0), refused).health is UNKNOWN


def test_a_result_that_knows_nothing_is_never_shown_as_healthy() -> None:
    seen = unknown(60, Diagnosis.DNS_FAILED, 0)
    assert as_shown(seen, stands(result(0)), at(60), RULES).health is UNKNOWN


def test_a_paused_route_keeps_its_streaks_for_later() -> None:
    failing = stands(result(0, BUSY), result(60, BUSY))
    paused = fold(failing, with_health(result(120), PAUSED), RULES)
    assert (paused.standing.health, paused.check.standing) == (PAUSED, PAUSED)
    assert (paused.standing.reach, is_settled(paused.standing, RULES)) == (failing.reach, True)
    assert fold(paused.standing, result(180, BUSY), RULES).standing.health is DOWN


# What is kept of it.


def test_a_check_keeps_both_its_own_health_and_the_routes() -> None:
    check = folded([result(0, ABSENT), result(60)]).check
    assert (check.health, check.standing, check.route_id) == (HEALTHY, DOWN, route_id(route()))


def test_the_last_check_of_a_streak_is_the_newest_beat() -> None:
    standing = stands(result(0, ABSENT), result(60), result(120, depth=FAITHFUL))
    assert standing.faithful.last == standing.beats[-1]
    assert standing.reach.last == standing.beats[-2]


def test_only_the_newest_beats_are_kept() -> None:
    standing = stands(*(result(60.0 * n) for n in range(KEPT_BEATS + 5)))
    assert (len(standing.beats), standing.beats[0].checked_at) == (KEPT_BEATS, at(300))


def test_the_beginning_of_a_failure_is_its_first_failed_check() -> None:
    standing = stands(result(0), result(60, BUSY), result(120), result(180, BUSY))
    assert standing.reach.first_failure_at == at(60)
    assert standing.reach.last_success_at == at(120)


def test_since_is_when_the_word_changed() -> None:
    assert stands(result(0), result(60)).since == at(0)
    assert stands(result(0), result(60, ABSENT), result(120, ABSENT)).since == at(60)


def test_simulated_standings_leave_simulated_checks_and_transitions() -> None:
    seen = fold(new_standing(route(), simulated=True), result(0, ABSENT), RULES)
    assert seen.check.simulated
    assert seen.transition is not None and seen.transition.simulated


def test_a_transition_tells_what_brought_it() -> None:
    transition = folded([result(0), result(60.25, ABSENT)]).transition
    assert transition is not None
    assert transition.id == f"20260821T090100.250000-{route_id(route())}"
    assert (transition.before, transition.after, transition.diagnosis) == (HEALTHY, DOWN, ABSENT)
    assert (transition.http_status, transition.rung, transition.at) == (404, Rung.MODEL, at(60.25))
    assert transition.message == "It says model_absent."


@pytest.mark.parametrize("results", [every_minute(OK), every_minute(OK, OK), every_minute(NO_TOKEN)])
def test_there_is_no_transition_where_nothing_changed(results: Sequence[ProbeResult]) -> None:
    assert folded(results).transition is None


def test_a_route_that_was_never_seen_and_fails_is_a_transition() -> None:
    transition = folded(every_minute(ABSENT)).transition
    assert transition is not None and transition.before is UNKNOWN


def test_a_route_that_could_not_be_asked_at_first_is_told_when_it_answers() -> None:
    transition = folded(every_minute(NO_TOKEN, OK)).transition
    assert transition is not None and transition.after is HEALTHY


# Settled or not.

SETTLING: dict[str, tuple[Sequence[ProbeResult], tuple[Depth, ...]]] = {
    "never checked": ((), ()),
    "healthy": (every_minute(OK), ()),
    "one transient failure": (every_minute(OK, BUSY), (REACH,)),
    "two of three": (every_minute(BUSY, BUSY), (REACH,)),
    "down after three": (every_minute(BUSY, BUSY, BUSY), ()),
    "down at once": (every_minute(ABSENT), ()),
    "not confirmed": (every_minute(ABSENT, attempts=1), (REACH,)),
    "recovering": (every_minute(ABSENT, OK), (REACH,)),
    "recovered": (every_minute(ABSENT, OK, OK), ()),
    "throttled for good": (every_minute(OK, THROTTLED, THROTTLED, THROTTLED), ()),
    "the faithful one only": ((result(0), result(60, BUSY, depth=FAITHFUL)), (FAITHFUL,)),
    "both": ((result(0, BUSY), result(60, BUSY, depth=FAITHFUL)), (REACH, FAITHFUL)),
    "no credential": (every_minute(BUSY, NO_TOKEN), ()),
}


@pytest.mark.parametrize(("results", "expected"), SETTLING.values(), ids=SETTLING)
def test_what_is_unsettled(results: Sequence[ProbeResult], expected: tuple[Depth, ...]) -> None:
    standing = stands(*results)
    assert unsettled_depths(standing, RULES) == expected
    assert is_settled(standing, RULES) is (expected == ())


# As it reads.

READINGS: dict[str, tuple[Sequence[ProbeResult], float, Shown]] = {
    "never checked": ((), 0, Shown(health=UNKNOWN)),
    "healthy": (every_minute(OK), 60, Shown(health=HEALTHY)),
    "the first failure": (every_minute(BUSY), 1, Shown(health=DEGRADED, qualifier="1 of 3 failures")),
    "not confirmed": (
        every_minute(ABSENT, attempts=1),
        1,
        Shown(health=DEGRADED, qualifier="1 of 2 failures"),
    ),
    "recovering": (every_minute(ABSENT, OK), 60, Shown(health=DOWN, qualifier="1 of 2 passes")),
    "slow": (slow(5, latency=7200), 240, Shown(health=DEGRADED, qualifier="slow: p95 7.2 s")),
    "down": (every_minute(OK, ABSENT), 845, Shown(health=DOWN, stale=True, qualifier="last pass 14 min ago")),
    "down just now": (every_minute(OK, ABSENT), 70, Shown(health=DOWN, qualifier="last pass 1 min ago")),
    "down from the beginning": (every_minute(ABSENT), 1, Shown(health=DOWN, qualifier="never passed")),
    "without a tool call": (
        (result(0), result(30, NO_TOOLS)),
        31,
        Shown(health=DEGRADED, qualifier="last pass 31 s ago"),
    ),
    "two intervals old": (every_minute(OK), 600, Shown(health=HEALTHY)),
    "older": (every_minute(OK), 601, Shown(health=HEALTHY, stale=True, qualifier="last pass 10 min ago")),
    "ten intervals old": (
        every_minute(OK),
        3000,
        Shown(health=HEALTHY, stale=True, qualifier="last pass 50 min ago"),
    ),
    "older than ten": (
        every_minute(OK),
        7300,
        Shown(health=UNKNOWN, stale=True, qualifier="last pass 2 h ago"),
    ),
    "days old": (every_minute(OK), 2e5, Shown(health=UNKNOWN, stale=True, qualifier="last pass 2 d ago")),
    "no credential": (every_minute(OK, NO_TOKEN), 9999, Shown(health=UNKNOWN)),
    "a faithful failure": (
        (result(0), result(60, BUSY, depth=FAITHFUL)),
        61,
        Shown(health=DEGRADED, qualifier="1 of 3 failures"),
    ),
}


@pytest.mark.parametrize(("results", "now_s", "expected"), READINGS.values(), ids=READINGS)
def test_how_it_reads(results: Sequence[ProbeResult], now_s: float, expected: Shown) -> None:
    assert shown(stands(*results), at(now_s), RULES) == expected


def test_a_slow_route_whose_beats_were_not_loaded_still_says_slow() -> None:
    standing = stands(*slow(5, latency=7200))
    forgetful = Standing(route_id=standing.route_id, route=standing.route, health=standing.health, reach=standing.reach)
    assert shown(forgetful, at(240), RULES).qualifier == "slow"


def test_a_result_is_shown_with_its_routes_health() -> None:
    standing = stands(result(0, ABSENT), result(60))
    assert as_shown(result(60), standing, at(60), RULES).health is DOWN
    assert as_shown(result(60), standing, at(99_999), RULES).health is UNKNOWN


# What holds for any sequence.

GOOD = {DOWN: 0, DEGRADED: 1, HEALTHY: 2}
RESULTS = st.builds(
    lambda seconds, diagnosis, depth, attempts, latency: result(
        seconds, diagnosis, depth=depth, attempts=attempts, latency_ms=latency
    ),
    st.integers(0, 20_000),
    st.sampled_from([OK, OK, OK, *Diagnosis]),
    st.sampled_from(Depth),
    st.sampled_from([0, 1, 2]),
    st.none() | st.sampled_from([500.0, 9000.0]),
)
ODD_RESULTS = st.builds(with_health, RESULTS, st.sampled_from([UNKNOWN, PAUSED]))
ANY = st.lists(RESULTS | ODD_RESULTS, max_size=25)
IN_ORDER = ANY.map(lambda results: sorted(results, key=lambda seen: seen.checked_at))
AS_JSON = make_converter()
FAILURES = RESULTS.filter(lambda seen: seen.health in (DEGRADED, DOWN))


@given(ANY, FAILURES)
def test_a_failure_never_improves_a_route(results: list[ProbeResult], failure: ProbeResult) -> None:
    before = stands(*results)
    after = fold(before, failure, RULES).standing
    assert after.health in (DEGRADED, DOWN)
    assert GOOD[after.health] <= GOOD.get(before.health, 2)


@given(IN_ORDER)
def test_only_a_pass_makes_a_route_healthy(results: list[ProbeResult]) -> None:
    standing = NEW
    for seen in results:
        standing = fold(standing, seen, RULES).standing
        if standing.health is HEALTHY and is_recorded(seen):
            assert seen.diagnosis is OK


@given(ANY)
def test_what_is_shown_is_never_better_than_what_stands(results: list[ProbeResult]) -> None:
    standing = stands(*results)
    for later_s in (0, 700, 4000):
        reading = shown(standing, at(20_000) + timedelta(seconds=later_s), RULES)
        assert reading.health in (standing.health, UNKNOWN)


@given(IN_ORDER, st.integers(0, 25))
def test_folding_in_pieces_equals_folding_at_once(results: list[ProbeResult], cut: int) -> None:
    resumed = AS_JSON.loads(AS_JSON.dumps(stands(*results[:cut])), Standing)
    for seen in results[cut:]:
        resumed = fold(resumed, seen, RULES).standing
    assert resumed == stands(*results)


@given(IN_ORDER)
def test_a_word_that_changed_left_a_transition(results: list[ProbeResult]) -> None:
    standing = NEW
    for seen in results:
        one = fold(standing, seen, RULES)
        changed = one.standing.health is not standing.health
        assert changed or one.transition is None
        if one.transition is not None:
            assert (one.transition.before, one.transition.after) == (standing.health, one.standing.health)
        elif changed:
            assert standing.since is None and one.standing.health in (HEALTHY, PAUSED)
        standing = one.standing


def test_every_cause_has_a_place_in_the_rules() -> None:
    for diagnosis in set(Diagnosis) - {OK, NO_TOKEN}:
        expected = DEGRADED if diagnosis in TRANSIENT | PARTIAL else DOWN
        assert (health_of(diagnosis), stands(result(0, diagnosis)).health) == (expected, expected)


def test_the_agents_own_request_that_verifies_a_change_ends_the_failure_of_the_short_one_too() -> None:
    down = stands(result(0, ABSENT))
    own = result(60, depth=FAITHFUL)
    assert (down.health, fold(down, own, RULES).standing.health) == (DOWN, DOWN)
    assert fold(down, own, RULES, proved=True).standing.health is HEALTHY
