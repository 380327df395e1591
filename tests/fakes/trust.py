"""Trusted hosts in memory; a test may take the store away."""

from __future__ import annotations

from collections.abc import Sequence

from core.errors import StoreError
from core.model.trust import TrustedHost


class MemoryTrust:
    """Fulfil the TrustStore port; while `away`, nothing can be read or written."""

    def __init__(self) -> None:
        self.kept: dict[str, TrustedHost] = {}
        self.away = False

    def put(self, host: TrustedHost) -> None:
        self._reached()
        self.kept[host.origin] = host

    def remove(self, origin: str) -> None:
        self._reached()
        self.kept.pop(origin, None)

    def all(self) -> Sequence[TrustedHost]:
        self._reached()
        return [self.kept[origin] for origin in sorted(self.kept)]

    def _reached(self) -> None:
        if self.away:
            raise StoreError("The database does not answer.", code="store_unavailable", remedy="Look at it.")
