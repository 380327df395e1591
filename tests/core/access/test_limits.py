"""Nobody starts more than so much in a minute, and nobody's starts count for anybody else."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.access.limits import MOST, WINDOW_S, Limits
from core.model.access import Action


class SetClock:
    seconds = 0.0

    def now(self) -> datetime:
        return datetime(2030, 1, 2, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.mark.parametrize("action", MOST)
def test_the_start_after_the_last_allowed_one_waits_until_the_first_is_a_minute_old(
    clock: SetClock, action: Action
) -> None:
    limits = Limits(clock)
    for second in range(MOST[action]):
        clock.seconds = second / 10
        assert limits.wait_s(action, "ada") == 0

    clock.seconds = 30
    assert limits.wait_s(action, "ada") == 30
    clock.seconds = WINDOW_S
    assert limits.wait_s(action, "ada") == 0
    assert limits.wait_s(action, "ada") == pytest.approx(0.1)


def test_people_and_actions_are_counted_apart(clock: SetClock) -> None:
    limits = Limits(clock)
    for _ in range(MOST[Action.PROBE] + 1):
        limits.wait_s(Action.PROBE, "ada")

    assert limits.wait_s(Action.PROBE, "ada") > 0
    assert limits.wait_s(Action.PROBE, "olly") == 0
    assert limits.wait_s(Action.CHANGE, "ada") == 0


def test_looking_has_no_limit(clock: SetClock) -> None:
    limits = Limits(clock)

    assert {limits.wait_s(Action.SEE, "ada") for _ in range(1000)} == {0.0}


def test_a_refusal_is_news_once_in_a_minute(clock: SetClock) -> None:
    limits = Limits(clock)

    assert limits.is_news(Action.PROBE, "ada")
    clock.seconds = WINDOW_S - 1
    assert not limits.is_news(Action.PROBE, "ada")
    assert limits.is_news(Action.PROBE, "olly")
    clock.seconds = WINDOW_S
    assert limits.is_news(Action.PROBE, "ada")
