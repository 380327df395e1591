"""What each agent does when its model fails: whether it falls back, and what that takes (rule R10).

Measured with the agents' own clients and default settings (agents.md §2 and §3.1). A failure that was not measured has
no row, so that nobody is said to be served by a fallback that may never be asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.model.agent import AgentId
from core.model.probe import Diagnosis as D


class FailureClass(StrEnum):
    """Failures that clients tell apart; only what the client sees counts, not what is behind it."""

    NO_MODEL = "no_model"
    NO_PATH = "no_path"
    BAD_REQUEST = "bad_request"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    OUTPUT_CAP = "output_cap"
    THROTTLED = "throttled"
    SERVER_ERROR = "server_error"
    UNAVAILABLE = "unavailable"
    OVERLOADED = "overloaded"
    NO_CONNECTION = "no_connection"
    EMPTY_ANSWER = "empty_answer"
    STREAM_BROKEN = "stream_broken"

    @property
    def label(self) -> str:
        """Return the failure as people meet it, its status first."""
        return _LABELS[self]


_LABELS = {
    FailureClass.NO_MODEL: "404, no such model",
    FailureClass.NO_PATH: "404, no such path",
    FailureClass.BAD_REQUEST: "400, request rejected",
    FailureClass.UNAUTHENTICATED: "401, token not accepted",
    FailureClass.FORBIDDEN: "403, forbidden",
    FailureClass.OUTPUT_CAP: "400, output cap exceeded",
    FailureClass.THROTTLED: "429, throttled",
    FailureClass.SERVER_ERROR: "500, server error",
    FailureClass.UNAVAILABLE: "503, unavailable",
    FailureClass.OVERLOADED: "529, overloaded",
    FailureClass.NO_CONNECTION: "no connection",
    FailureClass.EMPTY_ANSWER: "empty answer",
    FailureClass.STREAM_BROKEN: "stream breaks off",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Failover:
    """What an agent does on one failure.

    `requests` go to the failing model, and take `seconds` (None: not timed), before the agent falls back or gives up.
    `needs` is the option that it falls back with only, "" when its configuration is enough.
    """

    falls_back: bool
    requests: int
    seconds: float | None = None
    needs: str = ""


def failover_of(agent: AgentId, diagnosis: D, http_status: int | None = None) -> Failover | None:
    """Return what the agent does on this failure, None when that was not measured."""
    failure = failure_class(diagnosis, http_status)
    return None if failure is None else _MEASURED.get(agent, {}).get(failure)


def measured_failures(agent: AgentId) -> Mapping[FailureClass, Failover]:
    """Return every failure that this agent's client was run against, and what it did."""
    return _MEASURED.get(agent, {})


def failure_class(diagnosis: D, http_status: int | None = None) -> FailureClass | None:
    """Return how the agents' clients see this failure, None when it is none or of no measured kind."""
    by_status = _BY_STATUS.get(diagnosis, {})
    return by_status.get(http_status or 0, _USUAL.get(diagnosis))


_F = FailureClass

# How a diagnosis usually looks to a client.
_USUAL: Mapping[D, FailureClass] = {
    D.DNS_FAILED: _F.NO_CONNECTION,
    D.CONNECT_FAILED: _F.NO_CONNECTION,
    D.CREDENTIAL_DEAD: _F.FORBIDDEN,
    D.WRONG_WORKSPACE: _F.FORBIDDEN,
    D.SCOPE_MISSING: _F.FORBIDDEN,
    D.NETWORK_BLOCKED: _F.FORBIDDEN,
    D.RATE_LIMIT_ZERO: _F.FORBIDDEN,
    # A grant that is missing is told as a model that does not exist (databricks.md §4).
    D.GRANT_MISSING: _F.NO_MODEL,
    D.MODEL_NOT_ON_ROUTE: _F.NO_MODEL,
    D.MODEL_ABSENT: _F.NO_MODEL,
    D.SPELLING_RETIRED: _F.FORBIDDEN,
    D.GATEWAY_OFF: _F.NO_PATH,
    D.WRONG_PATH: _F.NO_PATH,
    D.DIALECT_MISMATCH: _F.BAD_REQUEST,
    D.FIELD_REJECTED: _F.BAD_REQUEST,
    D.OUTPUT_CAP: _F.OUTPUT_CAP,
    D.THROTTLED: _F.THROTTLED,
    D.SERVER_ERROR: _F.SERVER_ERROR,
    D.OVERLOADED: _F.UNAVAILABLE,
    D.NOT_READY: _F.UNAVAILABLE,
    D.EMPTY_ANSWER: _F.EMPTY_ANSWER,
    D.STREAM_BROKEN: _F.STREAM_BROKEN,
}

_TOKEN = {400: _F.BAD_REQUEST, 401: _F.UNAUTHENTICATED, 403: _F.FORBIDDEN}
# Where one diagnosis is told with several statuses, the status is what the client goes by.
_BY_STATUS: Mapping[D, Mapping[int, FailureClass]] = {
    D.CREDENTIAL_DEAD: _TOKEN,
    D.WRONG_WORKSPACE: _TOKEN,
    D.SCOPE_MISSING: _TOKEN,
    D.NETWORK_BLOCKED: _TOKEN,
    D.GRANT_MISSING: {403: _F.FORBIDDEN},
    D.RATE_LIMIT_ZERO: {429: _F.THROTTLED},
    D.MODEL_ABSENT: {400: _F.BAD_REQUEST},
    D.WRONG_PATH: {400: _F.BAD_REQUEST},
    D.NOT_READY: {400: _F.BAD_REQUEST},
    D.OVERLOADED: {529: _F.OVERLOADED},
}


def _back(requests: int, seconds: float) -> Failover:
    return Failover(falls_back=True, requests=requests, seconds=seconds)


def _ends(requests: int, seconds: float | None = None) -> Failover:
    return Failover(falls_back=False, requests=requests, seconds=seconds)


def _client(
    *,
    bad: Failover,
    dead: Failover,
    forbidden: Failover,
    missing: Failover,
    throttled: Failover,
    busy: Failover,
    overloaded: Failover,
) -> Mapping[FailureClass, Failover]:
    """One row of agents.md §2: 400, 401, 403, 404, 429, 503 and 529."""
    return {
        _F.BAD_REQUEST: bad,
        _F.UNAUTHENTICATED: dead,
        _F.FORBIDDEN: forbidden,
        _F.NO_MODEL: missing,
        _F.THROTTLED: throttled,
        _F.UNAVAILABLE: busy,
        _F.OVERLOADED: overloaded,
    }


_CLAUDE_OPTION = "--fallback-model"
_ONCE = _ends(1)

_MEASURED: Mapping[AgentId, Mapping[FailureClass, Failover]] = {
    AgentId.HERMES: {
        _F.NO_MODEL: _back(1, 0.2),
        _F.NO_PATH: _back(3, 8.0),
        _F.BAD_REQUEST: _back(1, 0.3),
        _F.UNAUTHENTICATED: _back(1, 0.3),
        _F.FORBIDDEN: _back(1, 0.3),
        # Taken for a prompt that is too long: it ends without asking the fallback.
        _F.OUTPUT_CAP: _ONCE,
        _F.THROTTLED: _back(1, 0.2),
        _F.SERVER_ERROR: _back(3, 8.5),
        _F.UNAVAILABLE: _back(2, 3.3),
        _F.OVERLOADED: _back(2, 3.3),
        _F.NO_CONNECTION: _back(2, 3.0),
        _F.EMPTY_ANSWER: _back(4, 0.4),
        _F.STREAM_BROKEN: _ends(4),
    },
    # Its other slots are other uses of it, not what it falls back to.
    AgentId.CLAUDE: _client(
        bad=_ONCE,
        dead=_ends(11, 173.0),
        forbidden=_ONCE,
        missing=Failover(falls_back=True, requests=2, seconds=0.8, needs=_CLAUDE_OPTION),
        throttled=_ends(11, 181.0),
        busy=_ends(11, 184.0),
        overloaded=Failover(falls_back=True, requests=3, seconds=2.6, needs=_CLAUDE_OPTION),
    ),
    AgentId.CODEX: _client(
        bad=_ONCE,
        dead=_ends(6, 7.0),
        forbidden=_ends(6, 6.0),
        missing=_ends(6, 6.0),
        throttled=_ends(1, 0.4),
        busy=_ends(30, 25.0),
        overloaded=_ends(30, 25.0),
    ),
    AgentId.GEMINI: {
        _F.UNAUTHENTICATED: _ONCE,
        _F.FORBIDDEN: _ONCE,
        _F.NO_MODEL: _ONCE,
        _F.THROTTLED: _ends(10, 228.0),
        _F.UNAVAILABLE: _ends(10, 229.0),
    },
    AgentId.OPENCODE: _client(
        bad=_ONCE,
        dead=_ONCE,
        forbidden=_ONCE,
        missing=_ONCE,
        throttled=_ends(6, 69.0),
        busy=_ends(6, 74.0),
        overloaded=_ends(6, 73.0),
    ),
    AgentId.PI: _client(
        bad=_ONCE,
        dead=_ONCE,
        forbidden=_ONCE,
        missing=_ONCE,
        throttled=_ends(4, 14.7),
        busy=_ends(4, 14.8),
        overloaded=_ends(4, 14.6),
    ),
    AgentId.COPILOT: _client(
        bad=_ONCE,
        dead=_ends(3, 4.0),
        forbidden=_ONCE,
        missing=_ONCE,
        throttled=_ends(6, 63.0),
        busy=_ends(6, 19.0),
        overloaded=_ends(6, 18.0),
    ),
}
