"""A host that an admin trusts with bearer tokens, and one that was refused them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedHost:
    """An origin that may receive bearer tokens because an admin said so, with the reason.

    `private` says that its addresses may be those of a private network; without it only public ones are connected to.
    """

    origin: str
    private: bool
    reason: str
    actor: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedHost:
    """An origin to which a token was not sent, why, how often since the start, and when last."""

    origin: str
    reason: str
    count: int
    last_at: datetime
