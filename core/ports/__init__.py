"""What the pure rooms need from the outside, as Protocols; the adapters fulfil them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from core.model.access import Membership
from core.model.agent import AgentId
from core.model.change import ChangeRecord, ChangeRequest, DiffEntry, TargetInfo
from core.model.choice import AgentConfig
from core.model.secret import Secret


class Clock(Protocol):
    def now(self) -> datetime:
        """Return the current time, aware, in UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds of a clock that never goes back."""
        ...


class FailureKind(StrEnum):
    """Why no HTTP answer came; `refused` means that we did not send at all (trust, scheme, port)."""

    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT = "timeout"
    LOST = "lost"
    REFUSED = "refused"


class StreamReader(Protocol):
    """Reads a streamed answer while it arrives, so that the sender can note the first token and stop at the proof."""

    def feed(self, chunk: bytes) -> None:
        """Take the next bytes; never raises, whatever they are."""
        ...

    @property
    def has_token(self) -> bool:
        """Say whether the model has said anything yet."""
        ...

    @property
    def is_done(self) -> bool:
        """Say whether nothing that still comes could change the verdict."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpRequest:
    """One request; `token` None sends no Authorization header. `total_s` bounds it from connect to last byte.

    With `reader` a 2xx answer is read through it and left as soon as it is done. It is made anew for every send.
    `token_headers` names the headers that carry the token besides Authorization, so that its text stays in `token`.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None
    token: Secret | None = None
    token_headers: tuple[str, ...] = ()
    total_s: float = 15.0
    max_bytes: int = 64 * 1024
    reader: Callable[[], StreamReader] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpAnswer:
    """An HTTP answer as it came, its body cut at the request's `max_bytes`; header names are lower case.

    `first_token_ms` is when the reader first had a token; `stopped` says that we left before the end on purpose.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool
    elapsed_ms: float
    first_byte_ms: float
    first_token_ms: float | None = None
    stopped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpFailure:
    """No answer: what kind, in one clause for people, and after how long."""

    kind: FailureKind
    detail: str
    elapsed_ms: float


class HttpSender(Protocol):
    async def send(self, request: HttpRequest) -> HttpAnswer | HttpFailure:
        """Send one request; never raises for anything the network or the other side does, never follows redirects."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class HostCheck:
    """How far one host let us in. A step's ms is None when it was not reached; `tls_ms` is None for plain http too."""

    dns_ms: float | None = None
    tcp_ms: float | None = None
    tls_ms: float | None = None
    failure: HttpFailure | None = None


class HostChecker(Protocol):
    async def check(self, origin: str) -> HostCheck:
        """Resolve, connect and shake hands with an origin once, timing each step."""
        ...


class Credentials(Protocol):
    def token(self) -> Secret:
        """Return a bearer token that is valid now; raises UpstreamError or ConfigurationError when there is none."""
        ...

    @property
    def description(self) -> str:
        """Say what kind of credential this is, for people ("token from DATABRICKS_TOKEN")."""
        ...


class People(Protocol):
    def look_up(self, email: str, token: Secret | None, targets: Sequence[str]) -> Membership:
        """Return the person's groups and which of these targets the person manages; never raises.

        `token` is the person's own where it was forwarded: believed only when it is of the person of this address.
        """
        ...


class AgentConfigSource(Protocol):
    def read(self, agent: AgentId) -> AgentConfig | None:
        """Return the agent's own config, or None when this agent's config cannot be read from here at all."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetPlan:
    """What writing a request to a target would do: content stays inside the target, only values come out.

    `revision_after` names the content that the write would leave, None where that cannot be said beforehand.
    """

    before: Mapping[str, str | None]
    after: Mapping[str, str | None]
    diff: tuple[DiffEntry, ...]
    revision: str | None
    effective: str
    affects: str
    snippet: str | None = None
    revision_after: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What a write did: the revision it left behind, and where the former content is kept.

    With `problem` it did not come into force and has to be undone. `proven` says whether the target showed that the new
    values are in force; without it the change ends as applied, not confirmed. `note` says which of these in words.
    """

    revision: str
    backup: str
    proven: bool = False
    problem: str | None = None
    note: str = ""


class Stands(StrEnum):
    """What an interrupted change left behind; what is MIXED can be put back, what is MOVING has not ended yet."""

    OLD = "old"
    NEW = "new"
    MIXED = "mixed"
    MOVING = "moving"
    UNCLEAR = "unclear"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What stands at a target against the record of an interrupted change.

    `revision` is what a restore takes as the expected one, `backup` what it takes as the content; `by_hand` is the
    command with which a person puts that back.
    """

    stands: Stands
    detail: str
    revision: str | None
    backup: str | None = None
    by_hand: str = ""


# Takes the phases of a write, in words.
PhaseListener = Callable[[str], None]


def no_listener(_: str) -> None:
    """Take a phase and tell nobody."""


class Target(Protocol):
    """A place where a choice takes effect. All methods raise ChangeError when the target cannot be read or written."""

    @property
    def info(self) -> TargetInfo: ...

    def plan(self, request: ChangeRequest) -> TargetPlan:
        """Read the live target and work out the request against it; writes nothing."""
        ...

    def revision(self) -> str | None:
        """Return a name for the exact present content, None when there is no content."""
        ...

    def write(
        self,
        request: ChangeRequest,
        *,
        expected_revision: str | None,
        change_id: str,
        progress: PhaseListener = no_listener,
    ) -> Written | None:
        """Write the request if the content is still the expected one; None means that it was not (a conflict)."""
        ...

    def restore(
        self,
        backup: str,
        *,
        expected_revision: str | None,
        change_id: str,
        progress: PhaseListener = no_listener,
    ) -> Written | None:
        """Put a backup back to the identical bytes, under the same rule."""
        ...

    def found(self, record: ChangeRecord) -> Found:
        """Read what an interrupted change left behind; writes nothing."""
        ...


class ChangeStore(Protocol):
    """Keep every attempt to change something. Raises StoreError when it cannot be kept or read."""

    def record(self, record: ChangeRecord) -> None:
        """Insert a record, or replace the one of the same change_id."""
        ...

    def get(self, change_id: str) -> ChangeRecord | None: ...

    def latest(self, limit: int = 50, *, written: bool = False) -> Sequence[ChangeRecord]:
        """Return the newest records first; with `written` only those that touched their target or are about to.

        Any number of attempts may lie between two of those: refused ones, and those of a schedule.
        """
        ...
