"""Uptime of one route by day, or by hour where the range is short: a column each, stacked by health; pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

from core.health.uptime import uptime_of
from core.model.history import Bucket, RouteHistory, Uptime
from core.model.probe import Health
from pages.ui.bars import HEALTH_COLORS
from pages.ui.charts import time_axis
from pages.ui.formats import HEALTH_SIGNS, plural, share_text

_DAY, _HOUR = timedelta(days=1), timedelta(hours=1)
_BY_HOUR_UP_TO = timedelta(days=2)
_NO_DATA, _NO_DATA_COLOR = "No data", "#7F8A95"
# From the bottom of a column to its top.
_STACK = {HEALTH_SIGNS[health].word: HEALTH_COLORS[health] for health in (Health.HEALTHY, Health.DEGRADED, Health.DOWN)}
_STACK |= {HEALTH_SIGNS[Health.PAUSED].word: HEALTH_COLORS[Health.PAUSED], _NO_DATA: _NO_DATA_COLOR}
_FAINT = 0.3
# So many columns with an outage are named in the words below the chart.
_MOST_NAMED = 6

Column = dict[str, datetime | float | str]
Spec = dict[str, object]


def step_of(since: datetime, until: datetime) -> timedelta:
    """Return how much time one column is."""
    return _HOUR if until - since <= _BY_HOUR_UP_TO else _DAY


def unit_of(since: datetime, until: datetime) -> str:
    """Return the name of that time."""
    return "hour" if step_of(since, until) == _HOUR else "day"


def uptimes_by_step(buckets: Sequence[Bucket], since: datetime, until: datetime) -> list[tuple[datetime, Uptime]]:
    """Return the uptime of each hour or day of the range, in UTC."""
    return [(start, uptime_of(_within(buckets, start, end), start, end)) for start, end in _steps(since, until)]


def uptime_columns(history: RouteHistory, since: datetime, until: datetime) -> list[Column]:
    """Return the parts of all columns."""
    columns: list[Column] = []
    for start, uptime in uptimes_by_step(history.buckets, since, until):
        for rank, (state, share) in enumerate(_parts(uptime).items()):
            if share > 0:
                columns.append({"time": start, "state": state, "share": share, "rank": rank})
    return columns


def uptime_words(history: RouteHistory, since: datetime, until: datetime) -> str:
    """Return what the chart shows in words: the first columns that were not up all the time."""
    unit = unit_of(since, until)
    found = uptimes_by_step(history.buckets, since, until)
    moment = "%d %b %H:%M" if unit == "hour" else "%d %b"
    bad = [f"{start:{moment}} {share_text(uptime.up)}" for start, uptime in found if uptime.up not in (None, 1.0)]
    more = f" and {plural(len(bad) - _MOST_NAMED, f'more {unit}')}" if len(bad) > _MOST_NAMED else ""
    told = f"{', '.join(bad[:_MOST_NAMED])}{more}" if bad else f"no {unit} with an outage"
    unknown = sum(uptime.up is None for _, uptime in found)
    return f"Uptime by {unit}: {told}" + (f" · {unknown} of {len(found)} without data" if unknown else "")


def uptime_chart(columns: Sequence[Column], since: datetime, until: datetime) -> Spec:
    """Return how the columns are drawn: in UTC, stacked in one order."""
    step = step_of(since, until)
    unit = "utcyearmonthdatehours" if step == _HOUR else "utcyearmonthdate"
    moments = [time for time in (column["time"] for column in columns) if isinstance(time, datetime)]
    x = {"field": "time", "timeUnit": unit, "type": "temporal", "axis": time_axis(moments)}
    return {"mark": {"type": "bar"}, "encoding": {"x": x, **_parts_encoding()}}


def _parts_encoding() -> Spec:
    return {
        "y": {
            "field": "share",
            "type": "quantitative",
            "stack": True,
            "title": None,
            "scale": {"domain": [0, 1]},
            "axis": {"format": "%", "values": [0, 0.5, 1]},
        },
        "order": {"field": "rank", "type": "quantitative"},
        "color": {
            "field": "state",
            "type": "nominal",
            "scale": {"domain": list(_STACK), "range": list(_STACK.values())},
            "legend": {"title": None, "orient": "top"},
        },
        "opacity": {"condition": {"test": f"datum.state === '{_NO_DATA}'", "value": _FAINT}, "value": 1},
        "tooltip": [
            {"field": "time", "type": "temporal", "timeUnit": "utcyearmonthdatehours", "title": "from (UTC)"},
            {"field": "state", "type": "nominal", "title": "state"},
            {"field": "share", "type": "quantitative", "format": ".2%", "title": "share"},
        ],
    }


def _steps(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    step = step_of(since, until)
    start = since.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if step == _DAY:
        start = start.replace(hour=0)
    while start < until:
        yield start, min(start + step, until)
        start += step


def _within(buckets: Sequence[Bucket], start: datetime, end: datetime) -> list[Bucket]:
    return [bucket for bucket in buckets if start <= bucket.start < end]


def _parts(uptime: Uptime) -> dict[str, float]:
    """Return the shares of the whole step, which make one together."""
    known = max(0.0, 1.0 - uptime.no_data - uptime.paused)
    up = (uptime.up or 0.0) * known
    parts = (up - uptime.degraded * known, uptime.degraded * known, uptime.down * known, uptime.paused, uptime.no_data)
    return dict(zip(_STACK, (round(max(0.0, part), 6) for part in parts), strict=True))
