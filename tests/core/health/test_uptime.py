"""Uptime weighs by time, and what is not known neither helps nor harms it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.health.buckets import bucket_checks
from core.health.uptime import uptime_of
from core.model.history import Bucket, Resolution, Uptime
from core.model.probe import Health
from tests.core.health.checks import START, at, check


def hour(number: int = 0, route_id: str = "r", **seconds: float) -> Bucket:
    return replace(
        Bucket(route_id=route_id, start=at(3600 * number), resolution=Resolution.HOUR),
        healthy_s=seconds.get("healthy", 0.0),
        degraded_s=seconds.get("degraded", 0.0),
        down_s=seconds.get("down", 0.0),
        unknown_s=seconds.get("unknown", 0.0),
        paused_s=seconds.get("paused", 0.0),
    )


def test_degraded_counts_as_up_and_is_shown_apart() -> None:
    seen = uptime_of([hour(healthy=1800, degraded=900, down=900)], START, at(3600))
    assert seen == Uptime(up=0.75, degraded=0.25, down=0.25, no_data=0.0)


def test_unknown_time_is_no_data_and_never_up() -> None:
    seen = uptime_of([hour(healthy=900, unknown=1800)], START, at(3600))
    assert seen == Uptime(up=1.0, degraded=0.0, down=0.0, no_data=0.75)


def test_paused_time_is_left_out_and_told() -> None:
    seen = uptime_of([hour(healthy=900, down=900, paused=1800)], START, at(3600))
    assert seen == Uptime(up=0.5, degraded=0.0, down=0.5, no_data=0.0, paused=0.5)


def test_nothing_known_is_not_up_at_all() -> None:
    assert uptime_of([], START, at(3600)) == Uptime(up=None, degraded=0.0, down=0.0, no_data=1.0)
    assert uptime_of([hour(unknown=3600)], START, at(3600)).up is None


def test_a_window_without_length_knows_nothing() -> None:
    assert uptime_of([hour(healthy=60)], START, START) == Uptime(up=None, degraded=0.0, down=0.0, no_data=1.0)


def test_the_hour_at_the_windows_edge_counts_for_what_it_shares_with_it() -> None:
    seen = uptime_of([hour(0, down=3600), hour(1, healthy=3600)], at(1800), at(7200))
    assert seen.up == pytest.approx(2 / 3)


def test_the_hour_under_way_counts_whole() -> None:
    seen = uptime_of([hour(0, healthy=900)], START, at(900))
    assert (seen.up, seen.no_data) == (1.0, 0.0)


def test_a_bucket_outside_the_window_counts_for_nothing() -> None:
    assert uptime_of([hour(5, healthy=3600)], START, at(3600)).up is None


def test_two_routes_share_one_figure() -> None:
    seen = uptime_of([hour(healthy=3600), hour(route_id="other", down=1800)], START, at(3600))
    assert seen.up == pytest.approx(2 / 3)
    assert seen.no_data == 0.25


UNKNOWN_OR_PAUSED = (Health.UNKNOWN, Health.PAUSED)
TIMELINES = st.lists(st.tuples(st.integers(1, 2000), st.sampled_from(Health)), max_size=20)


def uptime(timeline: list[tuple[int, Health]]) -> Uptime:
    now, checks = 0, []
    for seconds, health in timeline:
        now += seconds
        checks.append(check(now, health))
    until = at(now + 600)
    return uptime_of(bucket_checks(checks, resolution=Resolution.HOUR, interval_s=300, until=until), START, until)


@given(TIMELINES)
def test_every_share_is_between_nothing_and_all(timeline: list[tuple[int, Health]]) -> None:
    seen = uptime(timeline)
    for share in (seen.degraded, seen.down, seen.no_data, seen.paused, seen.up or 0.0):
        assert 0 <= share <= 1
    if seen.up is not None:
        assert seen.up + seen.down == pytest.approx(1)


@given(TIMELINES.filter(lambda timeline: all(health in UNKNOWN_OR_PAUSED for _, health in timeline)))
def test_unknown_or_paused_time_alone_is_never_up(timeline: list[tuple[int, Health]]) -> None:
    assert uptime(timeline).up is None


@given(TIMELINES, st.integers(0, 19))
def test_a_check_that_says_down_instead_never_raises_uptime(timeline: list[tuple[int, Health]], index: int) -> None:
    worse = [(s, Health.DOWN if n == index else h) for n, (s, h) in enumerate(timeline)]
    before, after = uptime(timeline).up, uptime(worse).up
    assert before is None or (after is not None and after <= before + 1e-9)
