"""Decide the role of a person whom the proxy of Databricks Apps names; what cannot be established is a viewer."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from core.model.access import Membership, Role

# The workspace's own group of its admins (databricks.md, "Is this caller an admin?").
WORKSPACE_ADMINS = "admins"
_UNNAMED = "You are a viewer because the sign-in of Databricks Apps did not say who you are."
_NEITHER = (
    "You are a viewer because {name} is listed neither in SWITCHYARD_ADMINS nor in SWITCHYARD_OPERATORS, "
    "is no workspace admin and manages none of the targets. Somebody who may deploy this app can add you there."
)
_NOT_ASKED = (
    "You are a viewer because {name} is not listed in SWITCHYARD_ADMINS or SWITCHYARD_OPERATORS "
    "and your groups are not known: {problem}"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """Whom the settings name: an entry with @ is a person's e-mail address, any other a group of the workspace."""

    admins: Collection[str] = ()
    operators: Collection[str] = ()


NOBODY_LISTED = Listed()
NOT_LOOKED_UP = Membership()


def role_of(email: str | None, listed: Listed, membership: Membership) -> tuple[Role, str]:
    """Return the role of the person of this address, and the sentence that says why."""
    if not email or not email.strip():
        return Role.VIEWER, _UNNAMED
    if _names(listed.admins, email):
        return Role.ADMIN, "You are an admin because SWITCHYARD_ADMINS lists you."
    for group in _shared(listed.admins, membership):
        return Role.ADMIN, f"You are an admin because SWITCHYARD_ADMINS lists your group {group}."
    if WORKSPACE_ADMINS in (membership.groups or ()):
        return Role.ADMIN, f"You are an admin because you are in the workspace's group {WORKSPACE_ADMINS}."
    return _lesser_role(email, listed, membership)


def _lesser_role(email: str, listed: Listed, membership: Membership) -> tuple[Role, str]:
    beside = _beside(membership)
    if _names(listed.operators, email):
        return Role.OPERATOR, f"You are an operator because SWITCHYARD_OPERATORS lists you: you may probe{beside}."
    for group in _shared(listed.operators, membership):
        why = f"You are an operator because SWITCHYARD_OPERATORS lists your group {group}: you may probe{beside}."
        return Role.OPERATOR, why
    if membership.manages:
        where = ", ".join(sorted(membership.manages))
        return Role.OPERATOR, f"You are an operator because you manage {where}: you may probe{beside}."
    text = _NOT_ASKED if membership.groups is None else _NEITHER
    return Role.VIEWER, text.format(name=email.strip(), problem=membership.problem or "they were not looked up.")


def _beside(membership: Membership) -> str:
    if not membership.manages:
        return ", not change"
    return f", and change {', '.join(sorted(membership.manages))} only"


def _names(entries: Collection[str], email: str) -> bool:
    return email.strip().casefold() in {entry.strip().casefold() for entry in entries if "@" in entry}


def _shared(entries: Collection[str], membership: Membership) -> Iterator[str]:
    """Give the listed groups that the person is in; the names of groups are compared to the letter."""
    yield from (entry for entry in entries if "@" not in entry and entry in (membership.groups or ()))
