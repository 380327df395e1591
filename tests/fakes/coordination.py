"""Leases and overrides in memory, for changes that need no database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from core.model.override import Override
from core.ports.store import Lease


class MemoryLeases:
    """One holder per name, until it is released; time never ends a lease here."""

    def __init__(self) -> None:
        self.held: dict[str, str] = {}

    def take(self, name: str, holder: str, ttl_s: float) -> Lease:
        holds = self.held.setdefault(name, holder)
        return Lease(name=name, holder=holds, left_s=ttl_s, since=datetime(2030, 1, 2, 3, 4, tzinfo=UTC))

    def release(self, name: str, holder: str) -> None:
        if self.held.get(name) == holder:
            del self.held[name]


class MemoryOverrides:
    """Overrides by their id."""

    def __init__(self) -> None:
        self.kept: dict[str, Override] = {}

    def put(self, override: Override) -> None:
        self.kept[override.id] = override

    def get(self, override_id: str) -> Override | None:
        return self.kept.get(override_id)

    def active(self) -> Sequence[Override]:
        return [override for override in self.kept.values() if override.ended_at is None]
