"""The history bar: what is drawn, and the same in words."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.check import Check
from core.model.probe import Health
from core.model.standing import KEPT_BEATS
from pages.ui.bars import bar_picture, bar_words, short_words
from tests.fakes import snapshots
from tests.fakes.histories import beats

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
ROUTE = snapshots.healthy().results[0].route
SVG = "{http://www.w3.org/2000/svg}"
LIGHT, DARK = "#FFFFFF", "#10161C"


def checks(*healths: Health) -> tuple[Check, ...]:
    return beats(ROUTE, healths, newest=NOW - timedelta(minutes=2))


def paths(healths: tuple[Health, ...]) -> list[ElementTree.Element]:
    svg = ElementTree.fromstring(b64decode(bar_picture(healths).partition("base64,")[2]))
    return svg.findall(f"{SVG}path")


def luminance(color: str) -> float:
    parts = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_the_words_count_every_health_and_date_the_newest() -> None:
    found = checks(*[Health.HEALTHY] * 47, *[Health.DOWN] * 3)

    assert bar_words(found, NOW) == "Last 50 checks: 47 healthy, 3 down; newest 2 min ago"
    assert short_words(found) == "50 checks: 47 healthy, 3 down"


def test_one_check_is_not_called_several() -> None:
    assert bar_words(checks(Health.UNKNOWN), NOW) == "Last check: 1 unknown; newest 2 min ago"


def test_nothing_but_unknown_is_never_called_healthy() -> None:
    assert "healthy" not in short_words(checks(Health.UNKNOWN, Health.UNKNOWN))


def test_no_check_at_all_says_so_and_is_drawn_faint() -> None:
    (faint,) = paths(())

    assert bar_words((), NOW) == "No check is kept yet."
    assert faint.get("opacity") == ".45"
    assert (faint.get("d") or "").count("M") == KEPT_BEATS


def test_the_newest_check_stands_at_the_right_end() -> None:
    down, whole = paths((Health.DOWN, Health.HEALTHY)), paths((Health.HEALTHY, Health.DOWN))

    assert (down[1].get("d") or "").startswith("M201 ")
    assert (whole[1].get("d") or "").startswith("M197 ")


def test_each_health_has_a_shape_of_its_own_besides_its_colour() -> None:
    shapes = {(paths((health,) * KEPT_BEATS)[0].get("d") or "").split("M")[1] for health in Health}
    broken = paths((Health.DOWN,) * KEPT_BEATS)[0].get("d") or ""

    assert len(shapes) == len(Health)
    assert broken.count("M") == 2 * KEPT_BEATS


@pytest.mark.parametrize("health", list(Health))
@pytest.mark.parametrize("background", [LIGHT, DARK])
def test_each_colour_stands_out_from_either_theme(health: Health, background: str) -> None:
    color = paths((health,) * KEPT_BEATS)[0].get("fill") or ""

    assert contrast(color, background) >= 3


@given(st.lists(st.sampled_from(list(Health)), max_size=KEPT_BEATS))
def test_any_history_is_a_small_picture_that_can_be_read(healths: list[Health]) -> None:
    assert sum(len((path.get("d") or "").split("M")) - 1 for path in paths(tuple(healths))) >= KEPT_BEATS
    assert len(bar_picture(tuple(healths))) < 4096
