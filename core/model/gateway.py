"""The AI gateway of a workspace, and the trace of how it was found."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Generation(StrEnum):
    """Which family of URLs serves the agents (databricks.md §1)."""

    WORKSPACE = "workspace"
    DEDICATED = "dedicated"
    SERVING_ENDPOINTS = "serving_endpoints"


class GatewaySource(StrEnum):
    EXPLICIT = "explicit"
    DISABLED = "disabled"
    DISCOVERED = "discovered"
    DERIVED = "derived"
    NONE = "none"


class TraceOutcome(StrEnum):
    CHOSEN = "chosen"
    REJECTED = "rejected"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True, kw_only=True)
class TraceStep:
    """One candidate of the resolution and why it was taken or not; `latency_ms` None means nothing was sent."""

    step: str
    candidate: str | None
    outcome: TraceOutcome
    reason: str
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gateway:
    """The resolved base of all agent routes; `base_url` None means that no generation answered as one."""

    base_url: str | None
    generation: Generation | None
    source: GatewaySource
    trace: tuple[TraceStep, ...]
    resolved_at: datetime
