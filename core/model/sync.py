"""Sync of an agent: what each layer says it should run, side by side, and whether they agree."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from core.model.agent import AgentId


class SyncState(StrEnum):
    IN_SYNC = "in_sync"
    DRIFTED = "drifted"
    OVERRIDE = "override"
    PENDING_RESTART = "pending_restart"
    UNKNOWN = "unknown"


class SyncLayer(StrEnum):
    """Where a value was read, from what was asked for to what is true."""

    APP_FILE = "app_file"
    DEPLOYED = "deployed"
    AGENT_FILE = "agent_file"
    ANSWERED = "answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerValue:
    """What one layer says about one slot; `value` None: the slot is not set there. `where` is for people."""

    layer: SyncLayer
    slot: str
    value: str | None
    where: str
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSync:
    """How an agent's layers stand; `why` is one sentence that names the layer which differs."""

    agent: AgentId
    state: SyncState
    why: str
    target: str | None = None
    layers: tuple[LayerValue, ...] = ()
