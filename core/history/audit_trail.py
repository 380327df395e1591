"""Read the audit from its store: check it as a whole or its newest part, and take it away."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from core.history.audit_export import AuditForm, audit_lines
from core.history.chain import verify_chain
from core.model.audit import AuditLink, ChainHead, ChainVerdict
from core.ports.store import AuditStore

# A page checks this many of the newest ones, so that it never waits long.
RECENT = 2_000
_STEP = 1_000


class AuditTrail:
    """What a page shows of the audit besides its events; each raises StoreError."""

    def __init__(self, store: AuditStore) -> None:
        self._store = store

    def verdict(self) -> ChainVerdict:
        """Return whether the newest events are as they were recorded."""
        return verify_recent(self._store)

    def export(self, form: AuditForm) -> str:
        """Return all events as one text."""
        return export_text(self._store, form)


def verify_all(store: AuditStore, *, known: Sequence[ChainHead] = ()) -> ChainVerdict:
    """Check every event, against the noted head and other heads that are known; raises StoreError."""
    noted = store.head()
    return verify_chain(every_link(store), known=_with(noted, known))


def verify_recent(store: AuditStore, *, limit: int = RECENT) -> ChainVerdict:
    """Check the newest events, all of them where there are no more; raises StoreError."""
    noted = store.head()
    after = store.link(noted.sequence - limit) if noted is not None and noted.sequence > limit else None
    return verify_chain(
        every_link(store, after), known=_with(noted, ()), after=after.head if after is not None else None
    )


def export_text(store: AuditStore, form: AuditForm) -> str:
    """Return all events as one text; raises StoreError."""
    end = "\n" if form is AuditForm.JSONL else "\r\n"
    return "".join(f"{line}{end}" for line in audit_lines(every_link(store), form))


def every_link(store: AuditStore, after: AuditLink | None = None) -> Iterator[AuditLink]:
    """Read events in the order of their numbers, a bounded number at a time; raises StoreError."""
    while links := store.links(after, _STEP):
        yield from links
        after = links[-1]


def _with(noted: ChainHead | None, known: Sequence[ChainHead]) -> tuple[ChainHead, ...]:
    return (*known, noted) if noted is not None else tuple(known)
