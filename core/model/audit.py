"""An audit event: who did what to what, why, and how it ended; append-only, each chained to the one before it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

STARTED = "started"

# Outcomes that mean: this person may not, or not so soon. Whatever else went wrong is a failure.
REFUSALS = frozenset({"not_allowed", "not_signed_in", "cooling_down", "rate_limited"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One thing that somebody did or was refused; `action` is a stable word such as `change.apply`.

    `origin` is where it came from (page, command_line, api, expiry, auto_rollback); `role` and `address` are those of
    the person at that time, empty for what the product does by itself. `before` and `after` hold plain values, never a
    token. `evidence` names what proves it: change ids, result ids.
    """

    id: str
    at: datetime
    actor: str
    origin: str
    action: str
    target: str
    outcome: str
    role: str = ""
    address: str = ""
    reason: str = ""
    before: Mapping[str, str | None] = field(default_factory=dict)
    after: Mapping[str, str | None] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()

    @property
    def is_refused(self) -> bool:
        """Say whether somebody was not let do it."""
        return self.outcome in REFUSALS


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainHead:
    """How far the chain of audit events has come: the number and the hash of its newest one."""

    sequence: int
    hash: str

    def __str__(self) -> str:
        return f"{self.sequence}:{self.hash}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditLink:
    """An event as it is kept: its number, the hash of the one before it, and its own over all of that.

    `event` is None where what is kept is no event any more.
    """

    id: str
    sequence: int
    previous: str
    hash: str
    event: AuditEvent | None

    @property
    def head(self) -> ChainHead:
        """Return how far the chain has come with this event."""
        return ChainHead(sequence=self.sequence, hash=self.hash)


class Breach(StrEnum):
    """What was done to audit events past the product."""

    EDITED = "edited"
    REMOVED = "removed"
    INSERTED = "inserted"
    FORKED = "forked"
    REWRITTEN = "rewritten"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainVerdict:
    """Whether the chain is whole: how many events were looked at, from which number on, and where it breaks first."""

    count: int
    first: int
    head: ChainHead | None
    breach: Breach | None = None
    at: int | None = None
    message: str = ""

    @property
    def is_intact(self) -> bool:
        """Say whether nothing was found."""
        return self.breach is None
