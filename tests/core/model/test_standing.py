"""Which of the two depths a standing speaks of."""

from __future__ import annotations

import pytest

from core.model.probe import Depth, Health
from core.model.standing import Standing, Streak
from tests.core.health.checks import check, route

REACH, FAITHFUL = Depth.REACH, Depth.FAITHFUL
HEALTHY, DOWN, UNKNOWN = Health.HEALTHY, Health.DOWN, Health.UNKNOWN


def standing(health: Health, reach: Streak, faithful: Streak) -> Standing:
    return Standing(route_id="r", route=route(), health=health, reach=reach, faithful=faithful)


def streak(seconds: float, health: Health) -> Streak:
    return Streak(health=health, last=check(seconds, health))


DECISIVE: dict[str, tuple[Standing, Depth]] = {
    "nothing was checked": (standing(UNKNOWN, Streak(), Streak()), REACH),
    "only the short question fails": (standing(DOWN, streak(0, DOWN), streak(9, HEALTHY)), REACH),
    "only the agent's own request fails": (standing(DOWN, streak(9, HEALTHY), streak(0, DOWN)), FAITHFUL),
    "both fail, the short question last": (standing(DOWN, streak(9, DOWN), streak(0, DOWN)), REACH),
    "both pass, the agent's own request last": (standing(HEALTHY, streak(0, HEALTHY), streak(9, HEALTHY)), FAITHFUL),
    "only the agent's own request was sent": (standing(HEALTHY, Streak(), streak(0, HEALTHY)), FAITHFUL),
    "neither says it": (standing(UNKNOWN, streak(0, HEALTHY), streak(9, DOWN)), REACH),
}


@pytest.mark.parametrize(("given_standing", "expected"), DECISIVE.values(), ids=DECISIVE)
def test_the_decisive_depth(given_standing: Standing, expected: Depth) -> None:
    assert given_standing.decisive is expected
    of_it = given_standing.faithful if expected is FAITHFUL else given_standing.reach
    assert given_standing.decisive_streak is of_it
