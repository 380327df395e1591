"""How a deployment of a simulated app goes on and ends, and what the app then really has in its environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from core.simulator.answers import Json
from core.simulator.app_setups import AppSetup, Ending, EnvVarsRule, Script
from core.simulator.workspace_files import WorkspaceFiles


@dataclass(slots=True)
class Deployment:
    """One deployment as asked for, with the script that says how it ends."""

    number: int
    asked: Json
    creator: str
    script: Script
    ready_at: float
    polls_left: int
    state: str = "IN_PROGRESS"
    message: str = "Preparing source code."
    snapshot: str = ""

    @property
    def id(self) -> str:
        """Return its id."""
        return f"01f0simulated{self.number:04d}"


@dataclass(slots=True)
class App:
    """One app: its deployments, the active one, and its process' environment (None when it does not run)."""

    setup: AppSetup
    deployments: list[Deployment] = field(default_factory=list)
    active: Deployment | None = None
    scripts: list[Script] = field(default_factory=list)
    environment: Mapping[str, str] | None = None
    app_state: str = "RUNNING"
    message: str = "App has status: App is running"
    compute: str = "ACTIVE"
    refused: frozenset[str] = frozenset()

    @property
    def pending(self) -> Deployment | None:
        """Return the deployment in progress."""
        return next((one for one in reversed(self.deployments) if one.state == "IN_PROGRESS"), None)

    @property
    def service_principal(self) -> str:
        """Return the client id under which this app runs and keeps its snapshots."""
        return f"c0da0000-0000-4000-8000-{sum(self.setup.name.encode()):012d}"


class Deployer:
    """Carry deployments on, one step each time somebody looks."""

    def __init__(self, files: WorkspaceFiles) -> None:
        self._files = files
        self.clock: Callable[[], float] = lambda: 0.0

    def begin(self, app: App, asked: Json, creator: str, script: Script) -> Deployment:
        """Start a deployment: its files are copied now, whatever happens to them later."""
        begun = Deployment(
            number=len(app.deployments),
            asked=asked,
            creator=creator,
            script=script,
            ready_at=self.clock() + script.seconds,
            polls_left=script.polls,
        )
        begun.snapshot = f"/Workspace/Users/{app.service_principal}/src/{begun.id}"
        self._files.remove(begun.snapshot)
        former = self._files.below(app.active.snapshot) if app.active else {}
        files = former if script.ending is Ending.STALE else self._source_files(app, asked)
        for path, content in files.items():
            self._files.put(f"{begun.snapshot}/{path}", content)
        app.deployments.append(begun)
        return begun

    def _source_files(self, app: App, asked: Json) -> Mapping[str, bytes]:
        source = asked.get("source_code_path")
        return app.setup.files if source is None else self._files.below(source)

    def advance(self, app: App) -> None:
        """Take the deployment in progress, if any, one step on."""
        pending = app.pending
        if pending is None:
            return
        ending = pending.script.ending
        if pending.polls_left > 0:
            pending.polls_left -= 1
            pending.message = "Installing dependencies."
        elif ending is not Ending.NEVER and self.clock() >= pending.ready_at:
            self._end(app, pending, ending)

    def _end(self, app: App, ended: Deployment, ending: Ending) -> None:
        told = ended.script.message
        if ending is Ending.CANCELLED:
            ended.state, ended.message = "CANCELLED", told or "Deployment was cancelled."
            return
        environment = self.environment(app, ended)
        if ending is Ending.FAILED or environment is None:
            broken = "Error reading app.yaml." if environment is None else "Error installing requirements."
            ended.state, ended.message = "FAILED", told or broken
            return
        ended.state, ended.message = "SUCCEEDED", "App started successfully"
        app.active = ended
        if ending is Ending.CRASHED:
            app.environment = None
            app.app_state, app.message = "CRASHED", told or "App crashed: exit code 1."
        else:
            app.environment = environment
            app.app_state, app.message = "RUNNING", "App has status: App is running"

    def environment(self, app: App, deployment: Deployment) -> Mapping[str, str] | None:
        """Return what a deployment's process gets; None when its app.yaml cannot be read."""
        stated: dict[str, str] = {}
        for name in ("app.yaml", "app.yml"):
            content = self._files.read(f"{deployment.snapshot}/{name}")
            if content is not None:
                read = _env_of(content)
                if read is None:
                    return None
                stated = {name: _resolved(app, entry, "valueFrom") for name, entry in read.items()}
                break
        given = {one["name"]: _resolved(app, one, "value_from") for one in deployment.asked.get("env_vars") or ()}
        if app.setup.rule is EnvVarsRule.REPLACED and given:
            return given
        return stated if app.setup.rule is EnvVarsRule.IGNORED else {**stated, **given}


def _env_of(content: bytes) -> Mapping[str, Mapping[str, str]] | None:
    try:
        # Every scalar as its text, as Go reads a number into a text field.
        read = YAML(typ="base", pure=True).load(content.decode()) or {}
        return {str(entry["name"]): entry for entry in (read.get("env") or ())}
    except (YAMLError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _resolved(app: App, entry: Mapping[str, str], reference: str) -> str:
    if reference in entry:
        return app.setup.resources.get(entry[reference], "")
    return str(entry.get("value") or "")
