"""A simulated workspace with a deployed coding-agents app, the real SDK, and a clock that only pauses move."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from databricks.sdk import WorkspaceClient

from core.adapters.app_target import AppTarget
from core.adapters.app_way import Way
from core.adapters.apps import DatabricksApps, connection
from core.adapters.credentials import StaticToken
from core.model.agent import AgentId
from core.model.change import ChangeRequest
from core.simulator.scenes import Scene, TokenState, scene_named
from core.simulator.server import SimulatedWorkspace

OLD, FALLBACK, NEW = "databricks-claude-opus-4-6", "databricks-claude-sonnet-4-6", "databricks-claude-opus-4-8"
SOURCE = "/Workspace/Users/robin.vale@switchyard.example/apps/coding-agents"
FILE = f"{SOURCE}/app.yaml"
BACKUPS = "/Workspace/Users/robin.vale@switchyard.example/.switchyard/backups"


class PausedClock:
    """Tell a time that moves only when somebody pauses, and by a microsecond per look."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.pauses: list[float] = []
        self._looks = 0

    def now(self) -> datetime:
        self._looks += 1
        return datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC) + timedelta(seconds=self.seconds, microseconds=self._looks)

    def monotonic(self) -> float:
        return self.seconds

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.seconds += seconds


class AppWorkspace:
    """Hold what a test looks at."""

    def __init__(self, running: SimulatedWorkspace) -> None:
        self.running = running
        self.clock = PausedClock()
        self.sdk = WorkspaceClient(host=running.http_origin, token=running.scene.token.reveal(), auth_type="pat")
        self.apps = apps_of(running)
        self.phases: list[str] = []

    def target(
        self,
        name: str = "coda",
        *,
        way: Way | None = None,
        deadline_s: float = 60,
        apps: DatabricksApps | None = None,
    ) -> AppTarget:
        return AppTarget(
            apps or self.apps, name, clock=self.clock, way=way, pause=self.clock.pause, deadline_s=deadline_s
        )

    @property
    def content(self) -> bytes:
        return self.running.files.read(FILE) or b""

    def runs(self, variable: str = "HERMES_MODEL", name: str = "coda") -> str | None:
        """Return what the app's process really has in its environment."""
        return (self.running.apps.environment(name) or {}).get(variable)

    def backups(self, name: str = "coda") -> list[str]:
        return sorted(self.running.files.below(f"{BACKUPS}/{name}"))


def apps_of(running: SimulatedWorkspace, token: TokenState = TokenState.LIVE) -> DatabricksApps:
    """Return the apps as this token sees them."""
    return DatabricksApps(connection(running.http_origin, StaticToken(running.scene.tokens[token], "a test")))


@contextmanager
def app_workspace(scene: Scene | None = None) -> Iterator[AppWorkspace]:
    """Start a workspace of its own."""
    with SimulatedWorkspace(scene or scene_named("healthy")) as running:
        yield AppWorkspace(running)


def request(**slots: str | None) -> ChangeRequest:
    """Return a request for Hermes in the app."""
    return ChangeRequest(agent=AgentId.HERMES, target="app:coda", slots=slots)
