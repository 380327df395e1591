"""The history bar of a route: its newest checks as a picture, and the same in words for whoever cannot see it."""

from __future__ import annotations

from base64 import b64encode
from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache

import streamlit as st

from core.model.check import Check
from core.model.probe import Health
from core.model.standing import KEPT_BEATS
from pages.ui.formats import age_text, plural

# The theme rounds the corners of pictures; the margin keeps the newest bar out of them.
_MARGIN = 5
_HEIGHT = 22
_PITCH = 4
BAR_WIDTH = KEPT_BEATS * _PITCH + 2 * _MARGIN
# Each reaches 3 : 1 on the background of either theme, so that one picture serves both: what an image holds cannot
# follow the theme that a person picks.
HEALTH_COLORS = {
    Health.HEALTHY: "#1F9A55",
    Health.DEGRADED: "#C27700",
    Health.DOWN: "#E0414D",
    Health.UNKNOWN: "#7F8A95",
    Health.PAUSED: "#8B6FD0",
}
# From top to bottom, as (y, height): Healthy is whole, Degraded lower, Down broken, the others are low marks; so the
# shape says the same as the colour.
_SHAPES: dict[Health, tuple[tuple[int, int], ...]] = {
    Health.HEALTHY: ((0, 22),),
    Health.DEGRADED: ((9, 13),),
    Health.DOWN: ((0, 8), (14, 8)),
    Health.UNKNOWN: ((18, 4),),
    Health.PAUSED: ((12, 3), (19, 3)),
}
LEGEND = (
    "History bars: the newest 50 checks, newest right · whole: Healthy · lower: Degraded · broken: Down · "
    "low: Unknown · two dots: Paused · faint: no data"
)


def show_bar(beats: Sequence[Check], now: datetime, *, whose: str = "") -> None:
    """Show the bar of the newest checks, oldest left; `whose` begins the words for screen readers."""
    shown = tuple(beats[-KEPT_BEATS:])
    words = bar_words(shown, now)
    st.image(bar_picture(tuple(check.standing for check in shown)), width=BAR_WIDTH, alt=f"{whose}{words}")


def bar_words(beats: Sequence[Check], now: datetime) -> str:
    """Return what the bar shows in words."""
    if not beats:
        return "No check is kept yet."
    checks = f"{len(beats)} checks" if len(beats) > 1 else "check"
    return f"Last {checks}: {_counts(beats)}; newest {age_text(beats[-1].checked_at, now)}"


def short_words(beats: Sequence[Check]) -> str:
    """Return what stands below the bar: only what is not healthy is counted."""
    if not beats:
        return "no check is kept yet"
    kinds = {check.standing for check in beats}
    if kinds == {Health.HEALTHY}:
        return f"{plural(len(beats), 'check')}, all healthy"
    return f"{plural(len(beats), 'check')}: {_counts(beats)}"


@lru_cache(maxsize=512)
def bar_picture(healths: tuple[Health, ...]) -> str:
    """Return the picture as an address with its content in it; one path per colour keeps it below 2 kB."""
    first = KEPT_BEATS - len(healths)
    paths = _drawn(Health.UNKNOWN, range(first), ' opacity=".45"')
    for kind in Health:
        paths += _drawn(kind, [first + place for place, health in enumerate(healths) if health is kind])
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{BAR_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {BAR_WIDTH} {_HEIGHT}">{paths}</svg>'
    )
    return f"data:image/svg+xml;base64,{b64encode(svg.encode()).decode()}"


def _drawn(kind: Health, places: Sequence[int], more: str = "") -> str:
    if not places:
        return ""
    path = "".join(f"M{_MARGIN + place * _PITCH} {y}h3v{height}h-3z" for place in places for y, height in _SHAPES[kind])
    return f'<path fill="{HEALTH_COLORS[kind]}"{more} d="{path}"/>'


def _counts(beats: Sequence[Check]) -> str:
    counted = Counter(check.standing for check in beats)
    return ", ".join(f"{counted[health]} {health}" for health in Health if counted[health])
