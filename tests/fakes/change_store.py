"""Changes kept in memory: the smallest honest ChangeStore."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from core.errors import StoreError
from core.model.change import WRITTEN, ChangeRecord


class MemoryChangeStore:
    """Keep records in a dict; `refuse` decides which records cannot be kept; `history` holds every version kept."""

    def __init__(self, refuse: Callable[[ChangeRecord], bool] = lambda _: False) -> None:
        self._records: dict[str, ChangeRecord] = {}
        self._refuse = refuse
        self.history: list[ChangeRecord] = []

    def record(self, record: ChangeRecord) -> None:
        if self._refuse(record):
            raise StoreError("The changes database cannot be written.", code="store_unavailable", remedy="Make room.")
        self._records[record.change_id] = record
        self.history.append(record)

    def get(self, change_id: str) -> ChangeRecord | None:
        return self._records.get(change_id)

    def latest(self, limit: int = 50, *, written: bool = False) -> Sequence[ChangeRecord]:
        asked = [one for one in self._records.values() if not written or one.backup is not None or one.state in WRITTEN]
        newest = sorted(asked, key=lambda record: (record.at, record.change_id), reverse=True)
        return tuple(newest[: max(limit, 0)])
