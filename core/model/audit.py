"""An audit event: who did what to what, why, and how it ended; append-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """One thing that somebody did or was refused; `action` is a stable word such as `change.apply`.

    `origin` is where it came from (page, command_line, api, expiry, auto_rollback). `before` and `after` hold plain
    values, never a token. `evidence` names what proves it: change ids, result ids.
    """

    id: str
    at: datetime
    actor: str
    origin: str
    action: str
    target: str
    outcome: str
    reason: str = ""
    before: Mapping[str, str | None] = field(default_factory=dict)
    after: Mapping[str, str | None] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
