"""What somebody may do: the role, and the actions that each role includes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Action(StrEnum):
    SEE = "see"
    PROBE = "probe"
    CHANGE = "change"
    ALERT_TEST = "alert_test"
    TRUST = "trust"


class Role(StrEnum):
    """Who sees, who also probes, who also changes."""

    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"

    def includes(self, action: Action) -> bool:
        """Say whether this role may do that."""
        return action in _INCLUDED[self]


_INCLUDED = {
    Role.VIEWER: frozenset({Action.SEE}),
    Role.OPERATOR: frozenset({Action.SEE, Action.PROBE}),
    Role.ADMIN: frozenset(Action),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Membership:
    """What the workspace says about a person: groups, and the targets that the person manages there.

    `groups` None means that it could not be asked, which is not the same as none; `problem` says why, also where only
    a part of it is not known.
    """

    groups: frozenset[str] | None = None
    manages: frozenset[str] = frozenset()
    problem: str = ""
