"""Open a database with everything that is kept in it; each part fulfils one port."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

from core.adapters.database.access import Access
from core.adapters.database.audit import SqlAuditStore
from core.adapters.database.changes import SqlChangeStore
from core.adapters.database.deliveries import SqlDeliveryStore
from core.adapters.database.forgetting import Forgetting
from core.adapters.database.history import SqlHistoryStore
from core.adapters.database.leases import SqlLeaseStore
from core.adapters.database.overrides import SqlOverrideStore
from core.adapters.database.places import DatabasePlace
from core.adapters.database.trusted_hosts import SqlTrustStore


class Database:
    """One database. Nothing is connected before the first use, and one that was away is used again when it is back."""

    def __init__(self, access: Access, history: SqlHistoryStore) -> None:
        self._access = access
        self.history = history
        self.leases = SqlLeaseStore(access)
        self.audit = SqlAuditStore(access)
        self.deliveries = SqlDeliveryStore(access)
        self.changes = SqlChangeStore(access)
        self.overrides = SqlOverrideStore(access)
        self.trusted_hosts = SqlTrustStore(access)

    @property
    def place(self) -> str:
        """Name for people where it is; never a password."""
        return self._access.place.words

    @property
    def durable(self) -> bool:
        """Say whether what is kept outlives this machine."""
        return self._access.place.durable

    def ready(self) -> None:
        """Connect and migrate now instead of at the first use; raises StoreError."""
        self._access.ready()

    def close(self) -> None:
        """Give back what the database driver holds."""
        self._access.close()


def open_database(
    place: DatabasePlace,
    *,
    limit_bytes: int | None,
    raw_days: int,
    hourly_days: int,
    interval_s: float,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
    monotonic: Callable[[], float] = time.monotonic,
) -> Database:
    """Return the database of this place; `interval_s` is how far apart the checks of a route are meant to be."""
    access = Access(place, limit_bytes=limit_bytes, now=now, monotonic=monotonic)
    forgetting = Forgetting(access, raw_days=raw_days, hourly_days=hourly_days, interval_s=interval_s)
    return Database(access, SqlHistoryStore(access, forgetting, interval_s=interval_s))
