"""What is kept between two looks, as Protocols; every method raises StoreError when the database cannot be used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.model.alert import Delivery
from core.model.audit import AuditEvent, AuditLink, ChainHead
from core.model.check import Check
from core.model.history import Batch, Bucket, HistoryQuery, KeptRoute, Resolution, StoreSize
from core.model.incident import Incident
from core.model.override import Override
from core.model.standing import Transition
from core.model.trust import TrustedHost


class HistoryStore(Protocol):
    """Checks, how routes stand, transitions and incidents."""

    def keep(self, batch: Batch) -> None:
        """Keep a batch, all of it or nothing; keeping it again changes nothing."""
        ...

    def routes(self, changed_since: datetime | None = None) -> Sequence[KeptRoute]:
        """Return the newest of every route; a standing's beats are empty, see `beats`."""
        ...

    def beats(self, route_ids: Sequence[str], limit: int) -> Mapping[str, tuple[Check, ...]]:
        """Return the newest checks of each route, oldest first."""
        ...

    def checks(self, route_ids: Sequence[str], since: datetime, until: datetime, limit: int) -> Sequence[Check]:
        """Return checks newest first."""
        ...

    def buckets(
        self, route_ids: Sequence[str], since: datetime, until: datetime, resolution: Resolution
    ) -> Sequence[Bucket]:
        """Return hours or days that begin in this time, oldest first; the newest ones are summed up from raw checks."""
        ...

    def transitions(self, query: HistoryQuery) -> Sequence[Transition]:
        """Return the transitions that match, newest first."""
        ...

    def incidents(self, query: HistoryQuery) -> Sequence[Incident]:
        """Return the incidents that lasted in this time and match, newest first."""
        ...

    def incident(self, incident_id: str) -> Incident | None:
        """Return one incident whole."""
        ...

    def open_incidents(self) -> Sequence[Incident]:
        """Return the incidents that last."""
        ...

    def retain(self, now: datetime) -> int:
        """Sum up old checks into hours and days, forget what is too old or too much; return how many rows went."""
        ...

    def size(self) -> StoreSize:
        """Return how much is kept."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """Who holds a lease, and for how much longer by the database's own clock."""

    name: str
    holder: str
    left_s: float
    since: datetime


class LeaseStore(Protocol):
    """At most one holder per name at any time, by the database's clock."""

    def take(self, name: str, holder: str, ttl_s: float) -> Lease:
        """Take or renew the lease when it is free, ended or ours; return who holds it now."""
        ...

    def release(self, name: str, holder: str) -> None:
        """Give the lease back if it is ours."""
        ...


class AuditStore(Protocol):
    """Audit events, each chained to the one before; nothing is ever changed or removed."""

    def append(self, event: AuditEvent) -> None:
        """Keep an event; it is on the disk when this returns. The same id again changes nothing."""
        ...

    def links(self, after: AuditLink | None = None, limit: int = 1000) -> Sequence[AuditLink]:
        """Return events as they are kept, in the order of their numbers, those that come after this one."""
        ...

    def link(self, sequence: int) -> AuditLink | None:
        """Return the event of this number as it is kept."""
        ...

    def head(self) -> ChainHead | None:
        """Return the newest number and hash as they are noted beside the events, None before the first."""
        ...

    def events(
        self, *, since: datetime | None = None, until: datetime | None = None, limit: int = 200
    ) -> Sequence[AuditEvent]:
        """Return the newest events first."""
        ...


class TrustStore(Protocol):
    """The hosts that admins trust with tokens, beside those of the settings."""

    def put(self, host: TrustedHost) -> None:
        """Keep a host, in place of what was kept of its origin; it is on the disk when this returns."""
        ...

    def remove(self, origin: str) -> None:
        """Forget a host; it is off the disk when this returns."""
        ...

    def all(self) -> Sequence[TrustedHost]:
        """Return every host that is trusted, by its origin."""
        ...


class DeliveryStore(Protocol):
    """How the sending of alerts stands, so that a restart neither forgets nor repeats one."""

    def put(self, delivery: Delivery) -> None:
        """Keep how a delivery stands now."""
        ...

    def get(self, notice_id: str) -> Delivery | None:
        """Return a delivery by its notice."""
        ...

    def latest(self, limit: int = 50) -> Sequence[Delivery]:
        """Return the newest deliveries first."""
        ...


class OverrideStore(Protocol):
    """Overrides, so that a restart still ends them in time."""

    def put(self, override: Override) -> None:
        """Keep an override, or how it stands now; it is on the disk when this returns."""
        ...

    def get(self, override_id: str) -> Override | None:
        """Return an override by its id."""
        ...

    def active(self) -> Sequence[Override]:
        """Return the overrides that were not ended yet, oldest first; those whose time is over too."""
        ...
