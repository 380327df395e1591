"""Answer what somebody asks of history, as fine as can be read at once: from single checks, from hours or from days.

The store decides how each is kept, `core.health` what they amount to.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.health.buckets import STANDS_INTERVALS, bucket_checks, length_s, quantiles_of_buckets, quantiles_of_checks
from core.health.uptime import uptime_of
from core.model.check import Check
from core.model.history import Bucket, HistoryQuery, HistoryView, KeptRoute, Resolution, RouteHistory
from core.model.probe import Health
from core.model.route import Route
from core.model.standing import HealthRules
from core.ports.store import HistoryStore

# Read within a page's 200 ms. Single checks are kept for some days only, so that a longer time would begin half empty.
_MOST_CHECKS = 6_000
_MOST_BUCKETS = 7_000
# Days say nothing of a shorter time.
_SHORTEST_OF_DAYS = timedelta(days=2)
_TROUBLE = (Health.DOWN, Health.DEGRADED, Health.UNKNOWN, Health.HEALTHY, Health.PAUSED)
_LONGEST_RAW = timedelta(days=1)


def read_history(store: HistoryStore, query: HistoryQuery, *, rules: HealthRules, simulated: bool) -> HistoryView:
    """Return what the store knows of the asked time; what was simulated is never among what is real."""
    asked = replace(query, limit=query.limit + 1)
    incidents, transitions = store.incidents(asked), store.transitions(asked)
    kept = [route for route in store.routes() if route.standing.simulated is simulated and _matches(route, query)]
    # Those in trouble now are what somebody looks for; the others are found by narrowing the question.
    shown = sorted(kept, key=lambda route: _TROUBLE.index(route.standing.health))[: _most_routes(query)]
    return HistoryView(
        query=query,
        incidents=tuple(one for one in incidents[: query.limit] if one.simulated is simulated),
        transitions=tuple(one for one in transitions[: query.limit] if one.simulated is simulated),
        routes=_read_routes(store, shown, query.since, query.until, rules),
        left_out=len(kept) - len(shown),
        cut=len(incidents) > query.limit or len(transitions) > query.limit,
    )


def read_route(
    store: HistoryStore, route_id: str, since: datetime, until: datetime, *, rules: HealthRules | None = None
) -> RouteHistory | None:
    """Return one route over this time; None when the store does not know it, or nothing of it in that time."""
    kept = [route for route in store.routes() if route.standing.route_id == route_id]
    return next(iter(_read_routes(store, kept, since, until, rules or HealthRules())), None)


def _most_routes(query: HistoryQuery) -> int:
    window = query.until - query.since
    bucket = timedelta(hours=1) if window < _SHORTEST_OF_DAYS else timedelta(days=1)
    return max(1, int(_MOST_BUCKETS / max(1.0, window / bucket)))


def resolution_for(routes: int, since: datetime, until: datetime, interval_s: float) -> Resolution:
    """Return the finest resolution at which so many routes can be read over this time."""
    window = until - since
    hours = window.total_seconds() / length_s(Resolution.HOUR)
    if window <= _LONGEST_RAW and routes * window.total_seconds() / interval_s <= _MOST_CHECKS:
        return Resolution.RAW
    return Resolution.HOUR if routes * hours <= _MOST_BUCKETS else Resolution.DAY


def _read_routes(
    store: HistoryStore, kept: Sequence[KeptRoute], since: datetime, until: datetime, rules: HealthRules
) -> tuple[RouteHistory, ...]:
    """Return the routes that something is known of in this time, in the order of agents and slots."""
    routes = {one.standing.route_id: one.standing.route for one in kept}
    if not routes or until <= since:
        return ()
    resolution = resolution_for(len(routes), since, until, rules.reach_interval_s)
    histories: tuple[RouteHistory, ...] = ()
    if resolution is Resolution.RAW:
        histories = _from_checks(store, routes, since, until, rules)
    if not histories and resolution is not Resolution.DAY:
        histories = _from_buckets(store, routes, since, until, Resolution.HOUR)
    if not histories:
        histories = _from_buckets(store, routes, since, until, Resolution.DAY)
    return tuple(sorted(histories, key=lambda one: _place(one.route)))


def _from_checks(
    store: HistoryStore, routes: Mapping[str, Route], since: datetime, until: datetime, rules: HealthRules
) -> tuple[RouteHistory, ...]:
    """Read single checks, with those before the window that still stand in it."""
    earlier = timedelta(seconds=STANDS_INTERVALS * rules.reach_interval_s)
    checks = store.checks(list(routes), since - earlier, until, 2 * _MOST_CHECKS)
    if len(checks) == 2 * _MOST_CHECKS:
        return ()
    of_route: dict[str, list[Check]] = defaultdict(list)
    for check in reversed(checks):
        of_route[check.route_id].append(check)
    histories = [_of_checks(routes[key], found, since, until, rules) for key, found in of_route.items()]
    return tuple(one for one in histories if one.buckets)


def _of_checks(
    route: Route, checks: Sequence[Check], since: datetime, until: datetime, rules: HealthRules
) -> RouteHistory:
    buckets = bucket_checks(
        checks, resolution=Resolution.HOUR, interval_s=rules.reach_interval_s, until=until, since=since
    )
    return RouteHistory(
        route=route,
        route_id=checks[0].route_id,
        uptime=uptime_of(buckets, since, until),
        quantiles=quantiles_of_checks([check for check in checks if check.checked_at >= since]),
        buckets=buckets,
    )


def _from_buckets(
    store: HistoryStore, routes: Mapping[str, Route], since: datetime, until: datetime, resolution: Resolution
) -> tuple[RouteHistory, ...]:
    """Read hours or days, the one in which the window begins among them."""
    of_route: dict[str, list[Bucket]] = defaultdict(list)
    for bucket in store.buckets(list(routes), _begin_of(since, resolution), until, resolution):
        of_route[bucket.route_id].append(bucket)
    return tuple(
        RouteHistory(
            route=routes[key],
            route_id=key,
            uptime=uptime_of(buckets, since, until),
            quantiles=quantiles_of_buckets(buckets),
            buckets=tuple(buckets),
        )
        for key, buckets in of_route.items()
    )


def _begin_of(moment: datetime, resolution: Resolution) -> datetime:
    length = length_s(resolution)
    return datetime.fromtimestamp(moment.timestamp() // length * length, UTC)


def _matches(kept: KeptRoute, query: HistoryQuery) -> bool:
    route, standing = kept.standing.route, kept.standing
    words = "\n".join((route.agent, route.slot, route.model, route.base_url)).casefold()
    return (
        (not query.agents or route.agent in query.agents)
        and (not query.models or route.model in query.models)
        and (not query.healths or standing.health in query.healths)
        and query.text.strip().casefold() in words
    )


def _place(route: Route) -> tuple[int, str, str, str, str]:
    return (list(type(route.agent)).index(route.agent), route.slot, route.identity, route.model, route.base_url)
