"""History kept in memory: the smallest honest HistoryStore, with the precision that a database keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.adapters.database.check_rows import as_kept
from core.adapters.database.search import incident_words, transition_words
from core.errors import StoreError
from core.health.buckets import bucket_checks, merge_buckets
from core.model.check import Check
from core.model.history import Batch, Bucket, HistoryQuery, KeptRoute, Resolution, StoreSize
from core.model.incident import Incident
from core.model.standing import Transition

_FUTURE = datetime(9999, 1, 1, tzinfo=UTC)


class MemoryHistoryStore:
    """Keep everything in dicts. While `refusing` holds, every call raises StoreError; `batches` is what was kept."""

    def __init__(
        self,
        *,
        interval_s: float = 300.0,
        raw_days: int = 7,
        hourly_days: int = 90,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.refusing = False
        self.batches: list[Batch] = []
        self._interval_s = interval_s
        self._raw_days, self._hourly_days = raw_days, hourly_days
        self._now = now
        self._checks: dict[tuple[str, datetime, str], Check] = {}
        self._routes: dict[str, tuple[datetime, KeptRoute]] = {}
        self._transitions: dict[str, Transition] = {}
        self._incidents: dict[str, Incident] = {}
        self._hours: dict[tuple[str, datetime], Bucket] = {}
        self._days: dict[tuple[str, datetime], Bucket] = {}

    def keep(self, batch: Batch) -> None:
        self._answer()
        self.batches.append(batch)
        for check in map(as_kept, batch.checks):
            self._checks.setdefault((check.route_id, check.checked_at, check.depth), check)
        for kept in batch.routes:
            known = self._routes.get(kept.standing.route_id)
            if known is None or known[1].checked_at <= kept.checked_at:
                bare = replace(kept, standing=replace(kept.standing, beats=()))
                self._routes[kept.standing.route_id] = (self._now(), bare)
        self._transitions |= {transition.id: transition for transition in batch.transitions}
        for incident in batch.incidents:
            present = self._incidents.get(incident.id)
            if present is None or _moved(present) <= _moved(incident):
                self._incidents[incident.id] = incident

    def routes(self, changed_since: datetime | None = None) -> Sequence[KeptRoute]:
        self._answer()
        return tuple(kept for at, kept in self._routes.values() if changed_since is None or at >= changed_since)

    def beats(self, route_ids: Sequence[str], limit: int) -> Mapping[str, tuple[Check, ...]]:
        self._answer()
        found = {route: self._of([route])[-limit:] for route in route_ids} if limit > 0 else {}
        return {route: tuple(checks) for route, checks in found.items() if checks}

    def checks(self, route_ids: Sequence[str], since: datetime, until: datetime, limit: int) -> Sequence[Check]:
        self._answer()
        found = [check for check in self._of(route_ids) if since <= check.checked_at < until]
        return tuple(found[::-1][: max(limit, 0)])

    def buckets(
        self, route_ids: Sequence[str], since: datetime, until: datetime, resolution: Resolution
    ) -> Sequence[Bucket]:
        self._answer()
        if resolution is Resolution.RAW:
            raise ValueError("single checks are no buckets")
        kept = self._hours if resolution is Resolution.HOUR else self._days
        found = {key: bucket for key, bucket in kept.items() if key[0] in route_ids}
        found |= self._summed(route_ids, until, resolution)
        inside = [bucket for bucket in found.values() if since <= bucket.start < until]
        return tuple(sorted(inside, key=lambda bucket: (bucket.start, bucket.route_id)))

    def transitions(self, query: HistoryQuery) -> Sequence[Transition]:
        self._answer()
        found = [
            transition
            for transition in self._transitions.values()
            if query.since <= transition.at < query.until
            and (not query.agents or transition.route.agent in query.agents)
            and (not query.models or transition.route.model in query.models)
            and (not query.healths or transition.after in query.healths)
            and query.text.strip().casefold() in transition_words(transition)
        ]
        return tuple(sorted(found, key=lambda one: (one.at, one.id), reverse=True)[: max(query.limit, 0)])

    def incidents(self, query: HistoryQuery) -> Sequence[Incident]:
        self._answer()
        found = [
            incident
            for incident in self._incidents.values()
            if incident.started_at < query.until
            and (incident.ended_at is None or incident.ended_at >= query.since)
            and (not query.agents or set(incident.agents) & set(query.agents))
            and (not query.models or {route.model for route in incident.routes} & set(query.models))
            and (not query.healths or incident.health in query.healths)
            and query.text.strip().casefold() in incident_words(incident)
        ]
        return _newest_first(found)[: max(query.limit, 0)]

    def incident(self, incident_id: str) -> Incident | None:
        self._answer()
        return self._incidents.get(incident_id)

    def open_incidents(self) -> Sequence[Incident]:
        self._answer()
        return _newest_first(incident for incident in self._incidents.values() if incident.ended_at is None)

    def retain(self, now: datetime) -> int:
        self._answer()
        routes = {check.route_id for check in self._checks.values()}
        self._hours |= self._summed(routes, _FUTURE, Resolution.HOUR)
        self._days |= self._summed(routes, _FUTURE, Resolution.DAY)
        oldest, oldest_hour = now - timedelta(days=self._raw_days), now - timedelta(days=self._hourly_days)
        before = len(self._checks) + len(self._hours)
        # Whole days, as a day is only summed up anew from all of its checks.
        self._checks = {key: check for key, check in self._checks.items() if check.checked_at.date() >= oldest.date()}
        self._hours = {key: hour for key, hour in self._hours.items() if hour.start.date() >= oldest_hour.date()}
        return before - len(self._checks) - len(self._hours)

    def size(self) -> StoreSize:
        self._answer()
        rows = {
            "checks": len(self._checks),
            "hours": len(self._hours),
            "days": len(self._days),
            "transitions": len(self._transitions),
            "incidents": len(self._incidents),
        }
        return StoreSize(bytes=0, limit_bytes=0, rows=rows)

    def _answer(self) -> None:
        if self.refusing:
            raise StoreError("The database cannot be used.", code="store_unavailable", remedy="Start it.")

    def _of(self, route_ids: Iterable[str]) -> list[Check]:
        some = set(route_ids)
        found = [check for check in self._checks.values() if check.route_id in some]
        return sorted(found, key=lambda check: (check.checked_at, check.route_id, check.depth))

    def _summed(
        self, route_ids: Iterable[str], until: datetime, resolution: Resolution
    ) -> dict[tuple[str, datetime], Bucket]:
        sums: dict[tuple[str, datetime], Bucket] = {}
        for route in route_ids:
            hours = bucket_checks(
                self._of([route]), resolution=Resolution.HOUR, interval_s=self._interval_s, until=until
            )
            sums |= {(route, bucket.start): bucket for bucket in merge_buckets(hours, resolution)}
        return sums


def _moved(incident: Incident) -> datetime:
    moved = incident.timeline[-1].at if incident.timeline else incident.started_at
    return max(moved, incident.ended_at or moved)


def _newest_first(incidents: Iterable[Incident]) -> tuple[Incident, ...]:
    return tuple(sorted(incidents, key=lambda one: (one.started_at, one.id), reverse=True))
