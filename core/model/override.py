"""An override: what somebody makes an agent run instead of its own choice, usually for a while."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from core.model.agent import AgentId
from core.model.change import ChangeState


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One override; `id` is that of the change which applied it. None for `expires_at`: until somebody ends it.

    `asks` is why it could not be ended by itself ("the base was changed meanwhile …"): then a person has to decide.
    """

    id: str
    agent: AgentId
    target: str
    slots: Mapping[str, str | None]
    actor: str
    reason: str
    since: datetime
    expires_at: datetime | None = None
    ended_at: datetime | None = None
    asks: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndedOverride:
    """How the end of an override went whose time is over, by the id of the change that applied it."""

    id: str
    state: ChangeState
    detail: str
