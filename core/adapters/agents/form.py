"""The form of an agent's own config: which files it has, what they say, and what they say after a change; pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from core.catalog.agents import AGENTS
from core.errors import ChangeError
from core.model.agent import AgentId
from core.model.change import ChangeRequest, DiffEntry
from core.model.choice import StoredRoute
from core.model.secret import Secret

# By file name relative to the agent's home; None: there is no such file.
Contents = Mapping[str, bytes | None]


class UnreadableConfig(Exception):
    """Say in one clause why a config cannot be used as it is ("line 3 is not TOML")."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileEdit:
    """The new bytes of every file that differs, and the values that do; nothing but the bytes holds a token."""

    contents: Mapping[str, bytes]
    before: Mapping[str, str | None]
    after: Mapping[str, str | None]
    diff: tuple[DiffEntry, ...]


class AgentForm(Protocol):
    """One agent's config. `files` are in the order of writing, the first is the one that people are shown.

    `effective` says when the agent takes a new config up, `repair` how a person mends a broken one.
    """

    @property
    def agent(self) -> AgentId: ...

    @property
    def files(self) -> tuple[str, ...]: ...

    @property
    def effective(self) -> str: ...

    @property
    def repair(self) -> str: ...

    def read(self, contents: Contents, environment: Mapping[str, Secret]) -> tuple[StoredRoute, ...]:
        """Return what the config says per slot; raises UnreadableConfig."""
        ...

    def edit(self, contents: Contents, request: ChangeRequest) -> FileEdit:
        """Return the config after a change, absent files made anew.

        Raises ChangeError: target_broken, file_ambiguous, slot_invalid, routing_missing.
        """
        ...


def models_of(request: ChangeRequest) -> dict[str, str | None]:
    """Return the models that a request names, without the route's own switches: a config of an agent has none of them.

    The gateway's switch is in the request's routing already.
    """
    return {name: model for name, model in request.slots.items() if not name.isupper()}


def broken(form: AgentForm, clause: str) -> ChangeError:
    """Return the error for a config that cannot be read as it is."""
    return ChangeError(
        f"{_owner(form)} {form.files[0]} cannot be used: {clause}.", code="target_broken", remedy=form.repair
    )


def ambiguous(form: AgentForm, clause: str) -> ChangeError:
    """Return the error for a config in which the wanted values cannot be changed alone."""
    return ChangeError(
        f"{_owner(form)} {form.files[0]} cannot be changed without touching other values: {clause}.",
        code="file_ambiguous",
        remedy="Change it by hand; nothing was written.",
    )


def routing_missing(form: AgentForm, slot: str) -> ChangeError:
    """Return the error for a new entry of which nobody knows where its requests are to go."""
    return ChangeError(
        f"{_owner(form)} {form.files[0]} names no route for {slot}, and no gateway was resolved to give it one.",
        code="routing_missing",
        remedy="See the resolution trace on the Detection page, then plan again; nothing was written.",
    )


def _owner(form: AgentForm) -> str:
    return AGENTS[form.agent].possessive
