"""Hours and days hold the seconds of each health, and adding pieces up is the same as summing up at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.health.buckets import bucket_checks, merge_buckets, nearest_rank, quantiles_of_buckets, quantiles_of_checks
from core.model.check import Check
from core.model.history import LATENCY_BOUNDS_MS, Bucket, Quantiles, Resolution
from core.model.probe import Health, Tokens
from tests.core.health.checks import START, at, check

HOUR, DAY = Resolution.HOUR, Resolution.DAY
HEALTHY, DEGRADED, DOWN, UNKNOWN, PAUSED = (
    Health.HEALTHY,
    Health.DEGRADED,
    Health.DOWN,
    Health.UNKNOWN,
    Health.PAUSED,
)


def hours(*checks: Check, until_s: float = 7200, since_s: float | None = None) -> tuple[Bucket, ...]:
    since = None if since_s is None else at(since_s)
    return bucket_checks(checks, resolution=HOUR, interval_s=300, until=at(until_s), since=since)


def test_a_check_stands_until_the_next_one() -> None:
    (bucket,) = hours(check(0), check(300, DOWN), check(400), until_s=500)
    assert (bucket.healthy_s, bucket.down_s, bucket.checks, bucket.failures) == (400, 100, 3, 1)


def test_a_check_stands_for_two_intervals_at_most() -> None:
    (bucket,) = hours(check(0, DOWN), check(2000), until_s=3600)
    assert (bucket.down_s, bucket.healthy_s) == (600, 600)


def test_a_check_stands_no_longer_than_the_present() -> None:
    (bucket,) = hours(check(0), until_s=42)
    assert bucket.healthy_s == 42


def test_a_check_before_the_full_hour_stands_in_both_hours() -> None:
    first, second = hours(check(3500, DEGRADED))
    assert (first.degraded_s, second.degraded_s) == (100, 500)
    assert (first.checks, second.checks) == (1, 0)
    assert second.start == START + timedelta(hours=1)


def test_a_check_that_stands_to_the_full_hour_leaves_nothing_in_the_next() -> None:
    assert [bucket.start for bucket in hours(check(3000))] == [START]


def test_a_standing_of_days_is_spread_over_all_of_them() -> None:
    buckets = bucket_checks([check(0)], resolution=DAY, interval_s=86_400, until=at(10 * 86_400))
    assert [bucket.healthy_s for bucket in buckets] == [15 * 3600, 86_400, 9 * 3600]


def test_unknown_and_paused_time_is_kept_apart() -> None:
    (bucket,) = hours(check(0, UNKNOWN), check(100, PAUSED), until_s=150)
    assert (bucket.unknown_s, bucket.paused_s, bucket.failures) == (100, 50, 0)


def test_what_stands_is_the_routes_health_and_what_failed_the_checks_own() -> None:
    (bucket,) = hours(check(0, DOWN, health=HEALTHY), check(60, HEALTHY, health=DEGRADED), until_s=100)
    assert (bucket.down_s, bucket.healthy_s, bucket.failures) == (60, 40, 1)


def test_tokens_are_added_up_and_those_not_told_count_nothing() -> None:
    (bucket,) = hours(check(0, tokens=Tokens(input=5, output=2)), check(9, tokens=Tokens(input=1)), check(20))
    assert (bucket.tokens_in, bucket.tokens_out) == (6, 2)


def test_checks_from_the_end_of_the_window_on_do_not_count() -> None:
    (bucket,) = hours(check(0), check(100, DOWN), check(200), until_s=100)
    assert (bucket.checks, bucket.healthy_s, bucket.down_s) == (1, 100, 0)


def test_a_check_before_the_window_gives_its_seconds_and_nothing_else() -> None:
    (bucket,) = hours(check(3500, DOWN, tokens=Tokens(input=9)), since_s=3600)
    assert (bucket.down_s, bucket.checks, bucket.failures, bucket.tokens_in) == (500, 0, 0, 0)


def test_a_check_long_before_the_window_gives_nothing() -> None:
    assert hours(check(0), since_s=3600) == ()


def test_no_checks_make_no_buckets() -> None:
    assert hours() == ()
    assert merge_buckets([], DAY) == ()


def test_two_checks_of_one_moment_stand_once() -> None:
    (bucket,) = hours(check(0, DOWN), check(0), until_s=100)
    assert (bucket.checks, bucket.down_s, bucket.healthy_s) == (2, 0, 100)


def test_hours_of_two_routes_are_not_added_to_each_other() -> None:
    (bucket,) = hours(check(0), until_s=60)
    merged = merge_buckets([bucket, replace(bucket, route_id="another")], DAY)
    assert [(one.checks, one.healthy_s, one.resolution) for one in merged] == [(1, 60, DAY), (1, 60, DAY)]


def test_a_day_is_not_taken_apart() -> None:
    (day,) = bucket_checks([check(0)], resolution=DAY, interval_s=300, until=at(10))
    with pytest.raises(ValueError, match="taken apart"):
        merge_buckets([day], HOUR)


def test_single_checks_are_no_buckets() -> None:
    with pytest.raises(ValueError, match="no buckets"):
        bucket_checks([check(0)], resolution=Resolution.RAW, interval_s=300, until=at(10))


# Quantiles.


def test_quantiles_are_those_of_the_passed_checks() -> None:
    checks = [check(n, latency_ms=100.0 * n, ttft_ms=10.0 * n) for n in range(1, 21)]
    slow = check(21, DOWN, latency_ms=9e9, ttft_ms=9e9)
    expected = Quantiles(p50_ms=1000, p95_ms=1900, ttft_p50_ms=100, ttft_p95_ms=190, samples=20)
    assert quantiles_of_checks([*checks, slow]) == expected


def test_there_are_no_quantiles_of_nothing() -> None:
    assert quantiles_of_checks([check(0), check(1, DOWN, latency_ms=5)]) == Quantiles()
    assert quantiles_of_buckets(hours(check(0), until_s=60)) == Quantiles()


def test_the_quantile_of_one_is_that_one() -> None:
    assert nearest_rank([7.0], 0.95) == 7.0


def test_an_answer_slower_than_every_bound_is_counted_too() -> None:
    (bucket,) = hours(check(0, latency_ms=1e9), until_s=60)
    assert bucket.latency[-1] == 1
    assert (quantiles_of_buckets([bucket]).p95_ms or 0) > LATENCY_BOUNDS_MS[-1]


@given(st.lists(st.floats(10, 60_000), min_size=1, max_size=60))
def test_quantiles_from_hours_are_within_thirteen_percent(latencies: list[float]) -> None:
    checks = [check(60.0 * n, latency_ms=ms, ttft_ms=ms) for n, ms in enumerate(latencies)]
    exact, told = quantiles_of_checks(checks), quantiles_of_buckets(hours(*checks))
    assert told.samples == exact.samples
    for true, seen in zip(
        (exact.p50_ms, exact.p95_ms, exact.ttft_p50_ms, exact.ttft_p95_ms),
        (told.p50_ms, told.p95_ms, told.ttft_p50_ms, told.ttft_p95_ms),
        strict=True,
    ):
        assert seen == pytest.approx(true, rel=0.13)


# What holds for any checks.

TIMES = st.lists(st.integers(0, 4 * 86_400_000), max_size=40).map(sorted)
CHECKS = TIMES.flatmap(
    lambda times: st.tuples(
        *(
            st.builds(
                lambda health, ms, seconds=time / 1000: check(
                    seconds, health, latency_ms=ms, tokens=Tokens(input=3, output=1)
                ),
                st.sampled_from(Health),
                st.none() | st.floats(1, 90_000),
            )
            for time in times
        )
    )
)
CUTS = st.integers(0, 5 * 86_400_000)


@given(CHECKS, CUTS, st.sampled_from([60, 300, 1800, 86_400]), st.sampled_from([HOUR, DAY]))
def test_two_windows_that_touch_add_up_to_the_whole(
    checks: tuple[Check, ...], cut_ms: int, interval_s: int, resolution: Resolution
) -> None:
    cut, until = at(cut_ms / 1000), at(6 * 86_400)
    whole = bucket_checks(checks, resolution=resolution, interval_s=interval_s, until=until)
    before = [one for one in checks if one.checked_at < cut]
    after = [one for one in checks if one.checked_at >= cut]
    one = bucket_checks(before, resolution=resolution, interval_s=interval_s, until=cut)
    other = bucket_checks([*before[-1:], *after], resolution=resolution, interval_s=interval_s, until=until, since=cut)
    assert merge_buckets([*one, *other], resolution) == whole


@given(CHECKS, st.sampled_from([60, 300, 86_400]))
def test_hours_add_up_to_days(checks: tuple[Check, ...], interval_s: int) -> None:
    until = at(6 * 86_400)
    by_hour = bucket_checks(checks, resolution=HOUR, interval_s=interval_s, until=until)
    by_day = bucket_checks(checks, resolution=DAY, interval_s=interval_s, until=until)
    assert merge_buckets(by_hour, DAY) == by_day


@given(CHECKS)
def test_no_hour_holds_more_than_its_seconds(checks: tuple[Check, ...]) -> None:
    for bucket in bucket_checks(checks, resolution=HOUR, interval_s=900, until=at(6 * 86_400)):
        held = bucket.healthy_s + bucket.degraded_s + bucket.down_s + bucket.unknown_s + bucket.paused_s
        assert 0 <= held <= 3600.001
