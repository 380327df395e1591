"""A change: what is asked for, the plan, the decision, and how it ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from core.model.access import Action, Role
from core.model.agent import AgentId, Dialect
from core.model.choice import LintFinding
from core.model.probe import ProbeResult


class TargetKind(StrEnum):
    FILE = "file"
    APP = "app"
    EXPORT = "export"


class DiffOp(StrEnum):
    ADD = "add"
    CHANGE = "change"
    DELETE = "delete"


class Decision(StrEnum):
    READY = "ready"
    BLOCKED = "blocked"
    NO_OP = "no_op"
    CONFLICT = "conflict"


class ChangeState(StrEnum):
    APPLYING = "applying"
    APPLIED = "applied"
    NO_OP = "no_op"
    BLOCKED = "blocked"
    CONFLICT = "conflict"
    CANCELLED = "cancelled"
    ROLLED_BACK = "rolled_back"
    ROLLBACK_FAILED = "rollback_failed"
    NEEDS_PERSON = "needs_person"


# A record in one of these states, or with a backup, touched its target or is about to.
WRITTEN = frozenset(
    {
        ChangeState.APPLYING,
        ChangeState.APPLIED,
        ChangeState.ROLLED_BACK,
        ChangeState.ROLLBACK_FAILED,
        ChangeState.NEEDS_PERSON,
    }
)


class Origin(StrEnum):
    PAGE = "page"
    COMMAND_LINE = "command_line"
    EXPIRY = "expiry"
    AUTO_ROLLBACK = "auto_rollback"


class CredentialUse(StrEnum):
    """What a change does with the agent's credential: leave it, or refer to an environment variable."""

    KEEP = "keep"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts, from where and in which role; `why` is the sentence that tells the person the reason for it.

    `targets` are those that this person may change although the role does not include it. `address` is where the
    connection came from as far as that is known; it goes into the audit and decides nothing.
    """

    name: str
    origin: Origin
    role: Role
    why: str
    targets: frozenset[str] = frozenset()
    address: str = ""

    @property
    def may_change(self) -> bool:
        """Say whether this person may change what agents run on, at one target at least."""
        return self.role.includes(Action.CHANGE) or bool(self.targets)

    def may_change_at(self, target: str) -> bool:
        """Say whether this person may change what agents run on at this target."""
        return self.role.includes(Action.CHANGE) or target in self.targets

    @property
    def may_probe(self) -> bool:
        """Say whether this person may have requests sent."""
        return self.role.includes(Action.PROBE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TargetInfo:
    """One place where a choice can take effect."""

    id: str
    kind: TargetKind
    agents: tuple[AgentId, ...]
    writable: bool
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotRouting:
    """Where a slot's requests go and in which dialect: written together with its model, as one value."""

    base_url: str
    dialect: Dialect


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRequest:
    """What somebody wants an agent to run: new model per slot, None to remove the slot; what is not named stays.

    `slots` also takes the two switches of the route by their variables: DATABRICKS_GATEWAY_HOST (None automatic, ""
    off, else a URL) and the variable that enables the agent ("true" or "false"). `routing` is worked out by the plan
    for every slot whose base URL or dialect has to change with it; people leave it empty.
    """

    agent: AgentId
    target: str
    slots: Mapping[str, str | None]
    credential: CredentialUse = CredentialUse.KEEP
    routing: Mapping[str, SlotRouting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportFile:
    """One file to hand over: where it goes, its mode ("0600"), and its text, in which tokens are only named."""

    path: str
    mode: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffEntry:
    op: DiffOp
    field: str
    old: str | None
    new: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A change worked out to the end, nothing written yet.

    `base_revision` names the exact content the plan was made against (None: the target did not exist or keeps none),
    `after_revision` what the write would leave, where that can be said; `snippet` is what to hand over where the target
    itself is not written. `routing` is where the slots' requests will go, for those that are sent elsewhere.
    """

    request: ChangeRequest
    before: Mapping[str, str | None]
    after: Mapping[str, str | None]
    diff: tuple[DiffEntry, ...]
    lint: tuple[LintFinding, ...]
    decision: Decision
    reason: str
    affects: str
    effective: str
    preflight: tuple[ProbeResult, ...] = ()
    base_revision: str | None = None
    after_revision: str | None = None
    snippet: str | None = None
    routing: Mapping[str, SlotRouting] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeRecord:
    """One attempt to change something, as kept: blocked, no-op and conflict attempts too."""

    change_id: str
    at: datetime
    actor: str
    agent: AgentId
    target: str
    reason: str
    before: Mapping[str, str | None]
    after: Mapping[str, str | None]
    state: ChangeState
    origin: Origin
    detail: str = ""
    expires_at: datetime | None = None
    before_revision: str | None = None
    after_revision: str | None = None
    backup: str | None = None
    rolls_back: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeOutcome:
    """How an apply or a rollback ended; `confirmed` says whether a probe with the agent's own credential proved it."""

    plan: Plan
    record: ChangeRecord
    confirmed: bool = False
    verification: tuple[ProbeResult, ...] = field(default=())
