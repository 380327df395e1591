"""Deployed apps that run agents, as they were seen at one moment: values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from core.model.agent import AgentId
from core.model.change import TargetInfo
from core.model.gateway import Gateway
from core.model.snapshot import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSeen:
    """One app: what it is as a target, and the agents' variables in its app.yaml and where it runs.

    `file` and `running` are None where they cannot be read. `hidden` are variables that somebody sent with the
    deployment: their values come back masked, so nothing is said about them. `sent` are those that the dashboard sent.
    `folder` is where its files lie in the workspace, None where that is not known or they lie elsewhere.
    """

    info: TargetInfo
    seen_at: datetime
    file: Mapping[str, str] | None = None
    running: Mapping[str, str] | None = None
    hidden: frozenset[str] = frozenset()
    sent: frozenset[str] = frozenset()
    is_up: bool = False
    folder: str | None = None

    @property
    def name(self) -> str:
        """Return the app's name."""
        return self.info.id.partition(":")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class AppsSeen:
    """The apps that were found, when, and what stands in the way of knowing more.

    `seen_at` None: nobody has looked yet; `pending` says that somebody is looking for the first time.
    """

    apps: tuple[AppSeen, ...] = ()
    problem: Problem | None = None
    seen_at: datetime | None = None
    pending: bool = False

    def app(self, target_id: str) -> AppSeen | None:
        """Return the app of this target id, None when it was not found."""
        return next((app for app in self.apps if app.info.id == target_id), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunningApp:
    """What one app gives an agent: the values it runs with, and the gateway they lead to."""

    target: str
    values: Mapping[str, str]
    hidden: frozenset[str] = frozenset()
    gateway: Gateway | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """Which app configures each agent, and for which agents several could."""

    by_agent: Mapping[AgentId, AppSeen] = field(default_factory=dict)
    undecided: Mapping[AgentId, tuple[str, ...]] = field(default_factory=dict)
