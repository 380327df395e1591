"""Turn what is watched and what was counted into Prometheus metrics, at each scrape anew; docs/operate.md lists them.

What is unknown has no sample in `switchyard_route_up`: neither 1 nor 0 would be true.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector

from core.history.totals import Asked, AskedTotals, Counted, Spread
from core.model.probe import Health
from core.surfaces.status import age_s
from core.surfaces.watched import Watched, WatchedRoute

CONTENT_TYPE = CONTENT_TYPE_LATEST

_ROUTE = ("agent", "slot", "model", "dialect", "generation", "identity")
_ASKED = ("agent", "model", "dialect", "depth")
# Degraded still answers; as in uptime (rule R12) it counts as up, and is told apart by its health.
_UP = {Health.HEALTHY: 1, Health.DEGRADED: 1, Health.DOWN: 0}


def metrics_text(seen: Watched, counted: Counted) -> bytes:
    """Return the text of one scrape."""
    return generate_latest(WatchCollector(seen, counted))


class WatchCollector(Collector):
    """The families of one scrape; each is there even while it has no sample, so that its name can be relied on."""

    def __init__(self, seen: Watched, counted: Counted) -> None:
        self._seen = seen
        self._counted = counted

    def collect(self) -> Iterator[Metric]:
        """Return all families."""
        yield from self._routes()
        yield from self._agents()
        yield from self._probes()
        yield from self._sweeps()
        yield from self._spending()
        yield from self._incidents()
        yield from self._store()
        yield from self._watch()

    def _routes(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("switchyard_route_up", "1 when the route answers, 0 when it is Down", labels=_ROUTE)
        health = GaugeMetricFamily(
            "switchyard_route_health", "1 for the health the route has, 0 for the others", labels=(*_ROUTE, "health")
        )
        checked = GaugeMetricFamily(
            "switchyard_route_last_check_age_seconds", "Time since the route was last asked", labels=_ROUTE
        )
        passed = GaugeMetricFamily(
            "switchyard_route_last_success_age_seconds", "Time since the route last answered well", labels=_ROUTE
        )
        # A dict, because one label set may be told only once.
        for labels, route in {_route_labels(route): route for route in self._seen.routes}.items():
            if route.result.health in _UP:
                up.add_metric(labels, _UP[route.result.health])
            _state(health, labels, route.result.health)
            _age(checked, labels, route.result.checked_at, self._seen.at)
            _age(passed, labels, route.last_success_at, self._seen.at)
        yield from (up, health, checked, passed)

    def _agents(self) -> Iterator[Metric]:
        health = GaugeMetricFamily(
            "switchyard_agent_health", "1 for the health the agent has, 0 for the others", labels=("agent", "health")
        )
        for agent, told in self._seen.agents.items():
            _state(health, (agent,), told.status.health)
        yield health

    def _probes(self) -> Iterator[Metric]:
        results = CounterMetricFamily(
            "switchyard_probe_results", "Verdicts, by diagnosis", labels=(*_ASKED, "diagnosis")
        )
        requests = CounterMetricFamily(
            "switchyard_probe_requests", "Requests behind the verdicts; a shared one counts for each", labels=_ASKED
        )
        tokens = CounterMetricFamily(
            "switchyard_probe_tokens", "Tokens behind the verdicts, in and out", labels=(*_ASKED, "direction")
        )
        latency = HistogramMetricFamily(
            "switchyard_probe_latency_seconds", "Time of answers, from sending to the last byte", labels=_ASKED
        )
        ttft = HistogramMetricFamily(
            "switchyard_probe_ttft_seconds", "Time to the first token of answers", labels=_ASKED
        )
        for kind, totals in self._counted.asked.items():
            labels = _asked_labels(kind)
            for diagnosis, count in totals.results.items():
                results.add_metric((*labels, diagnosis), count)
            requests.add_metric(labels, totals.requests)
            for direction, count in _directions(totals):
                tokens.add_metric((*labels, direction), count)
            _spread(latency, labels, totals.latency)
            _spread(ttft, labels, totals.ttft)
        yield from (results, requests, tokens, latency, ttft)

    def _sweeps(self) -> Iterator[Metric]:
        duration = HistogramMetricFamily(
            "switchyard_sweep_duration_seconds", "How long the sweeps of this process took"
        )
        _spread(duration, (), self._counted.sweeps)
        age = GaugeMetricFamily(
            "switchyard_sweep_last_age_seconds", "Time since the last sweep ended, whoever made it", labels=()
        )
        _age(age, (), self._seen.snapshot.swept_at, self._seen.at)
        yield from (duration, age)

    def _spending(self) -> Iterator[Metric]:
        requests = GaugeMetricFamily("switchyard_day_requests", "Requests really sent on this UTC day", labels=())
        tokens = GaugeMetricFamily(
            "switchyard_day_tokens", "Tokens that probing used on this UTC day", labels=("direction",)
        )
        usage = self._seen.snapshot.usage
        if usage is not None:
            requests.add_metric((), usage.requests)
            tokens.add_metric(("in",), usage.tokens.input or 0)
            tokens.add_metric(("out",), usage.tokens.output or 0)
        yield from (requests, tokens)

    def _incidents(self) -> Iterator[Metric]:
        family = GaugeMetricFamily("switchyard_incidents_open", "Incidents that last", labels=("health",))
        lasting = [incident.health for incident in self._seen.snapshot.incidents if incident.ended_at is None]
        for health in (Health.DOWN, Health.DEGRADED):
            family.add_metric((health,), lasting.count(health))
        yield family

    def _store(self) -> Iterator[Metric]:
        keeping = self._seen.snapshot.keeping
        yield _one("switchyard_store_up", "1 while history is being kept", float(keeping.problem is None))
        yield _one("switchyard_store_waiting_batches", "Rounds of checks that wait to be kept", keeping.waiting)
        dropped = CounterMetricFamily(
            "switchyard_store_dropped_checks", "Checks lost because too many waited", labels=()
        )
        dropped.add_metric((), keeping.dropped)
        yield dropped
        yield _one("switchyard_store_size_bytes", "Size of the database when last measured", keeping.size_bytes)
        yield _one("switchyard_store_limit_bytes", "Size that it never exceeds", keeping.limit_bytes)

    def _watch(self) -> Iterator[Metric]:
        snapshot, workspace = self._seen.snapshot, self._seen.snapshot.workspace
        yield _one("switchyard_leader", "1 while this process is the one that probes", float(snapshot.keeping.probing))
        yield _one("switchyard_offline", "1 while the workspace cannot be reached from here", bool(snapshot.offline))
        info = InfoMetricFamily("switchyard_workspace", "Which workspace is watched, and whether it is simulated")
        if workspace is not None:
            about = {
                "host": _text(workspace.host),
                "workspace_id": _text(workspace.workspace_id or ""),
                "cloud": workspace.cloud,
                "simulated": str(workspace.simulated).lower(),
            }
            info.add_metric((), about)
        yield info


def _route_labels(route: WatchedRoute) -> tuple[str, ...]:
    key = route.result.route
    return (key.agent, _text(key.slot), _text(key.model), key.dialect, key.generation or "", key.identity)


def _asked_labels(kind: Asked) -> tuple[str, ...]:
    return (kind.agent, _text(kind.model), kind.dialect, kind.depth)


def _text(value: str) -> str:
    """Half a character from somebody's JSON would make the whole scrape fail."""
    return value.encode("utf-8", "replace").decode("utf-8")


def _directions(totals: AskedTotals) -> Iterable[tuple[str, int]]:
    return (("in", totals.tokens_in), ("out", totals.tokens_out))


def _state(family: GaugeMetricFamily, labels: Sequence[str], current: Health) -> None:
    for health in Health:
        family.add_metric((*labels, health), float(health is current))


def _age(family: GaugeMetricFamily, labels: Sequence[str], moment: datetime | None, now: datetime) -> None:
    seconds = age_s(moment, now)
    if seconds is not None:
        family.add_metric(labels, seconds)


def _one(name: str, meaning: str, value: float | None) -> GaugeMetricFamily:
    family = GaugeMetricFamily(name, meaning, labels=())
    if value is not None:
        family.add_metric((), float(value))
    return family


def _spread(family: HistogramMetricFamily, labels: Sequence[str], spread: Spread) -> None:
    below, buckets = 0, []
    for bound, count in zip((*map(str, spread.bounds_s), "+Inf"), spread.counts, strict=True):
        below += count
        buckets.append((bound, float(below)))
    family.add_metric(labels, buckets, sum_value=spread.sum_s)
