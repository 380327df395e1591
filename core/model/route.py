"""A route: agent, slot, model, base URL, dialect and identity, which change and are tested as one value."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.model.agent import AgentId, Dialect
from core.model.gateway import Generation
from core.model.secret import Secret


class Identity(StrEnum):
    """Whose credential a probe uses."""

    DASHBOARD = "dashboard"
    STORED = "stored"
    USER = "user"
    ONE_PROBE = "one_probe"

    @property
    def is_personal(self) -> bool:
        """Say whether the credential is one person's own, so that what it is answered is for that person only."""
        return self in (Identity.USER, Identity.ONE_PROBE)

    @property
    def label(self) -> str:
        """Return the identity as people read it."""
        return {
            Identity.DASHBOARD: "dashboard's credential",
            Identity.STORED: "stored token",
            Identity.USER: "your own token",
            Identity.ONE_PROBE: "one-probe token",
        }[self]


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One way an agent reaches a model. `base_url` is what the agent is configured with, without a trailing slash.

    `token` None on identity `dashboard` means that the process' own credential is fetched when the probe is sent;
    on any other identity it means that there is none to use.
    """

    agent: AgentId
    slot: str
    model: str
    base_url: str
    dialect: Dialect
    identity: Identity
    generation: Generation | None = None
    token: Secret | None = None
