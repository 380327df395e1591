"""What a probe saw: the rungs it climbed, the diagnosis, and the evidence behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.model.route import Route


class Rung(StrEnum):
    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"
    HTTP = "http"
    AUTH = "auth"
    ROUTE = "route"
    MODEL = "model"
    STREAM = "stream"
    TOOLS = "tools"

    @property
    def label(self) -> str:
        """Return the rung's name as people read it."""
        return self.value.upper() if self.value in ("dns", "tcp", "tls", "http") else self.value.capitalize()


class RungOutcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    UNPROVEN = "unproven"
    NOT_STARTED = "not_started"
    SKIPPED = "skipped"


class Depth(StrEnum):
    REACH = "reach"
    FAITHFUL = "faithful"


class Health(StrEnum):
    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"
    PAUSED = "paused"


class Diagnosis(StrEnum):
    """The closed set of causes; the codes are a contract: add, never rename."""

    OK = "ok"
    DNS_FAILED = "dns_failed"
    CONNECT_FAILED = "connect_failed"
    TLS_FAILED = "tls_failed"
    TIMED_OUT = "timed_out"
    CONNECTION_LOST = "connection_lost"
    CREDENTIAL_MISSING = "credential_missing"
    CREDENTIAL_DEAD = "credential_dead"
    WRONG_WORKSPACE = "wrong_workspace"
    SCOPE_MISSING = "scope_missing"
    NETWORK_BLOCKED = "network_blocked"
    REDIRECTED = "redirected"
    GATEWAY_OFF = "gateway_off"
    WRONG_PATH = "wrong_path"
    DIALECT_MISMATCH = "dialect_mismatch"
    MODEL_NOT_ON_ROUTE = "model_not_on_route"
    MODEL_ABSENT = "model_absent"
    GRANT_MISSING = "grant_missing"
    SPELLING_RETIRED = "spelling_retired"
    RATE_LIMIT_ZERO = "rate_limit_zero"
    NOT_READY = "not_ready"
    THROTTLED = "throttled"
    OVERLOADED = "overloaded"
    SERVER_ERROR = "server_error"
    FIELD_REJECTED = "field_rejected"
    OUTPUT_CAP = "output_cap"
    GUARDRAIL = "guardrail"
    STREAM_BROKEN = "stream_broken"
    EMPTY_ANSWER = "empty_answer"
    NOT_AN_ANSWER = "not_an_answer"
    NO_TOOL_CALL = "no_tool_call"
    MODEL_SUBSTITUTED = "model_substituted"
    UNCLASSIFIED = "unclassified"


@dataclass(frozen=True, slots=True, kw_only=True)
class RungResult:
    """One rung of one probe; `ms` None means that it was not timed apart."""

    rung: Rung
    outcome: RungOutcome
    ms: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Token counts as the model reported them; None means that it did not say."""

    input: int | None = None
    output: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeEvidence:
    """The exchange behind a verdict, redacted: safe to show and to store."""

    method: str
    url: str
    request_headers: Mapping[str, str] = field(default_factory=dict)
    request_body: str = ""
    response_headers: Mapping[str, str] = field(default_factory=dict)
    response_excerpt: str = ""
    request_id: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """What would work instead, already probed."""

    model: str
    url: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one follow-up request showed: which route was asked, why, and how it answered."""

    route: Route
    question: str
    health: Health
    diagnosis: Diagnosis
    http_status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProbeResult:
    """The verdict on one route from one probe (a confirming retry included).

    `rung` is the first failed one, or the last passed one when none failed. `latency_ms` is the answered request's
    time from send to last byte. `attempts` counts requests sent for this verdict.
    """

    route: Route
    depth: Depth
    health: Health
    rung: Rung
    rungs: tuple[RungResult, ...]
    diagnosis: Diagnosis
    message: str
    remedy: str
    url: str
    checked_at: datetime
    http_status: int | None = None
    answered_model: str | None = None
    latency_ms: float | None = None
    ttft_ms: float | None = None
    tokens: Tokens = Tokens()
    suggestion: Suggestion | None = None
    evidence: ProbeEvidence | None = None
    findings: tuple[Finding, ...] = ()
    attempts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What asking some routes takes at most: distinct requests, model output and time.

    `output_tokens` None means that at least one agent sets no limit of its own. A failing request is asked once more
    and followed up by a few others; those are not counted, because an error costs no output.
    """

    routes: int
    requests: int
    output_tokens: int | None
    seconds: float
