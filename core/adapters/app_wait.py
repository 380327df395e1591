"""Wait for a deployment to end, and for its app to stay up, until a deadline; what follows from it is for others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from core.adapters.app_errors import TRANSIENT
from core.adapters.app_facts import AppFacts, AppState, Deployment, DeploymentState
from core.errors import ChangeError
from core.ports import Clock, PhaseListener

# Databricks gives an app ten minutes to start (databricks.md §6.5); the build comes before that.
DEADLINE_S = 900.0
_LONGEST_PAUSE_S = 10.0
# A process that dies at start is reported as running for a moment (an app is up once it was seen so twice).
_STEADY = 2


class DeployEnd(StrEnum):
    """How the wait ended; everything but RUNNING is bad news."""

    RUNNING = "running"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CRASHED = "crashed"
    REPLACED = "replaced"
    TIMED_OUT = "timed_out"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """The end of a wait in words, with the deployment as it was seen last."""

    end: DeployEnd
    message: str
    deployment: Deployment | None = None


class Polled(Protocol):
    """What the wait asks."""

    def get(self, name: str) -> AppFacts: ...

    def deployment(self, name: str, deployment_id: str) -> Deployment: ...


class DeploymentWait:
    """One wait. `pause` sleeps in production; a call that fails for the moment is asked again at the next poll."""

    def __init__(
        self, apps: Polled, *, clock: Clock, pause: Callable[[float], None], deadline_s: float = DEADLINE_S
    ) -> None:
        self._apps = apps
        self._clock = clock
        self._pause = pause
        self._deadline_s = deadline_s

    def until_ended(self, name: str, deployment_id: str, progress: PhaseListener) -> Waited:
        """Return how it ended; raises ChangeError when the workspace refuses to say."""
        deadline = self._clock.monotonic() + self._deadline_s
        polls = steady = 0
        last: Deployment | None = None
        told = ""
        while True:
            try:
                last = self._apps.deployment(name, deployment_id)
                ended, text = self._judge(name, last)
            except ChangeError as exc:
                if exc.code not in TRANSIENT:
                    raise
                ended, text = None, "The workspace does not answer; asking again"
            steady = steady + 1 if ended is DeployEnd.RUNNING else 0
            if ended is not None and (ended is not DeployEnd.RUNNING or steady >= _STEADY):
                return Waited(end=ended, message=text, deployment=last)
            if text != told:
                progress(text)
                told = text
            if self._clock.monotonic() >= deadline:
                text = f"The deployment had not ended after {self._deadline_s:.0f} s; it goes on without us."
                return Waited(end=DeployEnd.TIMED_OUT, message=text, deployment=last)
            polls += 1
            self._pause(min(_LONGEST_PAUSE_S, float(polls)))

    def _judge(self, name: str, deployment: Deployment) -> tuple[DeployEnd | None, str]:
        said = deployment.message.rstrip(".")
        if deployment.state is DeploymentState.FAILED:
            return DeployEnd.FAILED, f"The deployment failed: {said or 'no reason was given'}."
        if deployment.state is DeploymentState.CANCELLED:
            return DeployEnd.CANCELLED, "The deployment was cancelled."
        if deployment.state is not DeploymentState.SUCCEEDED:
            return None, f"Deploying: {said}" if said else "Deploying"
        return _judge_app(self._apps.get(name), deployment)


def _judge_app(app: AppFacts, deployment: Deployment) -> tuple[DeployEnd | None, str]:
    if app.active is not None and app.active.id != deployment.id:
        return DeployEnd.REPLACED, "Another deployment has taken the place of this one."
    if app.state is AppState.CRASHED:
        return (
            DeployEnd.CRASHED,
            f"The app crashed after its start: {app.message.rstrip('.') or 'no reason was given'}.",
        )
    if app.is_stopped:
        return DeployEnd.CRASHED, "The app was stopped."
    if app.state is AppState.RUNNING:
        return DeployEnd.RUNNING, "The app is running"
    return None, "Waiting for the app to start"
