"""What each agent should run: the winning value per slot, who set it, and what it shadows."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.model.agent import AgentId, Dialect
from core.model.gateway import Generation
from core.model.secret import Secret


class Layer(StrEnum):
    """Where a value comes from; a later layer wins over an earlier one."""

    DEFAULT = "default"
    ENVIRONMENT = "environment"
    TARGET = "target"
    OVERRIDE = "override"


class Severity(StrEnum):
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shadowed:
    """A value that lost against a later layer."""

    source: Layer
    value: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRoute:
    """What an agent's own config says about one slot.

    `token` is None when the config names a credential that cannot be read from here; `token_from` says in words where
    the credential is ("api_key in config.yaml", "environment variable DATABRICKS_TOKEN"). `dialect` is what the config
    itself makes the agent speak, None where the agent goes by the model.
    """

    slot: str
    model: str
    base_url: str | None
    token: Secret | None
    token_from: str | None
    dialect: Dialect | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentConfig:
    """An agent's own config file as read: its slots in order, or why it could not be read.

    `path` is for people (home shortened to ~); `problem` is one sentence when the file is there but not usable.
    """

    agent: AgentId
    path: str
    exists: bool
    slots: tuple[StoredRoute, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotChoice:
    """The model of one slot and who decided it."""

    slot: str
    model: str | None
    source: Layer
    variable: str | None = None
    shadowed: tuple[Shadowed, ...] = ()
    base_url: str | None = None
    dialect: Dialect | None = None
    generation: Generation | None = None
    stored_token: Secret | None = None
    stored_token_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LintFinding:
    """One thing about a choice that is or will be a problem."""

    code: str
    severity: Severity
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentChoice:
    """What one agent runs, slot by slot, with the lint of the whole chain.

    `target` is the target whose values count, None where there is none and defaults or the environment stand.
    """

    agent: AgentId
    enabled: bool
    dialect: Dialect | None
    base_url: str | None
    slots: tuple[SlotChoice, ...]
    lint: tuple[LintFinding, ...] = ()
    config: AgentConfig | None = None
    target: str | None = None

    def slot(self, name: str) -> SlotChoice | None:
        """Return the slot of this name, if the agent has it."""
        return next((slot for slot in self.slots if slot.slot == name), None)
