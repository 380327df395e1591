"""The Apps API as the databricks-sdk speaks it: apps that run what their app.yaml says, deployments to script."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from core.model.workspace import Cloud
from core.simulator.answers import Json
from core.simulator.app_setups import AppSetup, Ending, Script, scene_apps
from core.simulator.deployments import App, Deployer, Deployment
from core.simulator.exchange import Answer, Exchange, json_answer, refusal_answer
from core.simulator.scenes import Scene
from core.simulator.workspace_files import WorkspaceFiles

_APPS = "/api/2.0/apps"
_PERMISSIONS = "/api/2.0/permissions/apps/"
_FIRST = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)
_MASK = "********"


class AppRefused(Exception):
    """One refusal of the Apps API."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class SimulatedApps:
    """The apps of one workspace. A deployment goes on each time somebody looks at it, and ends as it was scripted."""

    def __init__(self, scene: Scene, files: WorkspaceFiles) -> None:
        self._scene = scene
        self.files = files
        self._deployer = Deployer(files)
        self._lock = threading.RLock()
        self._apps: dict[str, App] = {}
        if scene.deploy_s:
            self._deployer.clock = time.monotonic
        for setup in scene_apps(scene):
            self.add(setup)

    def add(self, setup: AppSetup) -> None:
        """Add an app, deployed and running; one of the same name is replaced."""
        with self._lock:
            if setup.source:
                self.files.remove(setup.source)
            for name, content in (setup.files if setup.source else {}).items():
                self.files.put(f"{setup.source}/{name}", content)
            app = self._apps[setup.name] = App(setup)
            self._deployer.begin(app, self._first_request(setup), self._scene.person.user_name, Script(polls=0))
            self._deployer.advance(app)

    def set_clock(self, clock: Callable[[], float]) -> None:
        """Measure the seconds of scripts by this clock."""
        with self._lock:
            self._deployer.clock = clock

    def script(self, name: str, *scripts: Script) -> None:
        """Say how the next deployments of an app go; those without a script succeed in the scene's time."""
        with self._lock:
            self._apps[name].scripts += scripts

    def refuse(self, name: str, *rights: str) -> None:
        """Take rights ("view", "manage") on an app away from whoever asks; none gives them back."""
        with self._lock:
            self._apps[name].refused = frozenset(rights)

    def deploy_as_another(self, name: str, script: Script | None = None) -> str:
        """Start a deployment as somebody else would, and return its id."""
        with self._lock:
            app = self._apps[name]
            asked = self._first_request(app.setup)
            return self._deployer.begin(app, asked, "kim.sol@switchyard.example", script or Script()).id

    def crash(self, name: str) -> None:
        """Let an app's process die, as a bad start does a moment after it was up."""
        with self._lock:
            app = self._apps[name]
            app.environment, app.app_state, app.message = None, "CRASHED", "App crashed: exit code 1."

    def environment(self, name: str) -> Mapping[str, str] | None:
        """Return what the app's process really has in its environment; None when it does not run."""
        with self._lock:
            return self._apps[name].environment

    def snapshot(self, name: str) -> str:
        """Return the folder that the active deployment runs from."""
        with self._lock:
            active = self._apps[name].active
            return active.snapshot if active else ""

    def state(self) -> Json:
        """Return what stands, for the simulator's own paths."""
        with self._lock:
            return {
                name: {"environment": app.environment, "app": app.app_state, "deployments": len(app.deployments)}
                for name, app in self._apps.items()
            }

    def answer(self, exchange: Exchange) -> Answer | None:
        """Return what the Apps API says to this request; None when it is about something else."""
        path = exchange.path
        if not (path == _APPS or path.startswith((_APPS + "/", _PERMISSIONS))):
            return None
        with self._lock:
            try:
                if path == _APPS:
                    return self._list(exchange) if exchange.method == "GET" else None
                if path.startswith(_PERMISSIONS):
                    return self._permissions(exchange, path.removeprefix(_PERMISSIONS))
                name, _, rest = path.removeprefix(_APPS + "/").partition("/")
                return self._one(exchange, name, rest)
            except AppRefused as refused:
                return json_answer({"error_code": refused.code, "message": str(refused)}, refused.status)

    def _one(self, exchange: Exchange, name: str, rest: str) -> Answer | None:
        if name not in self._apps:
            return refusal_answer("app_not_found", exchange, model=name)
        app = self._app(name, "view")
        match (exchange.method, rest):
            case ("GET", ""):
                self._deployer.advance(app)
                return json_answer(self._described(app))
            case ("GET", "deployments"):
                self._deployer.advance(app)
                newest = [self._deployment(one) for one in reversed(app.deployments)]
                return json_answer({"app_deployments": newest, "next_page_token": ""})
            case ("GET", _) if rest.startswith("deployments/"):
                return self._one_deployment(app, rest.removeprefix("deployments/"))
            case ("POST", "deployments"):
                return self._deploy(self._app(name, "manage"), exchange)
            case ("POST", "start" | "stop"):
                return self._switch(self._app(name, "manage"), on=rest == "start")
        return None

    def _app(self, name: str, right: str) -> App:
        app = self._apps[name]
        if right in app.refused or (right == "manage" and "view" in app.refused):
            needed = "CAN_MANAGE" if right == "manage" else "CAN_USE"
            raise AppRefused(403, "PERMISSION_DENIED", f"User does not have {needed} permission on app {name}.")
        return app

    def _list(self, exchange: Exchange) -> Answer:
        shown = [app for app in self._apps.values() if "view" not in app.refused]
        start, size = _number(exchange, "page_token", 0), _number(exchange, "page_size", 20) or 20
        # A listing leaves the heavy fields out; whoever needs them asks for each app (databricks.md §7.4).
        light = [_without(self._described(app), "active_deployment", "pending_deployment") for app in shown]
        end = start + size
        return json_answer({"apps": light[start:end], "next_page_token": str(end) if end < len(light) else ""})

    def _permissions(self, exchange: Exchange, name: str) -> Answer | None:
        if name not in self._apps:
            return refusal_answer("app_not_found", exchange, model=name)
        self._app(name, "manage")
        level = {"permission_level": "CAN_MANAGE", "inherited": False}
        entries = [
            {"user_name": self._scene.person.user_name, "all_permissions": [level]},
            {"group_name": "agents-on-call", "all_permissions": [level]},
            {"group_name": "users", "all_permissions": [{"permission_level": "CAN_USE", "inherited": True}]},
        ]
        return json_answer({"object_id": f"/apps/{name}", "object_type": "apps", "access_control_list": entries})

    def _one_deployment(self, app: App, number: str) -> Answer:
        self._deployer.advance(app)
        found = next((one for one in app.deployments if one.id == number), None)
        if found is None:
            raise AppRefused(404, "RESOURCE_DOES_NOT_EXIST", f"Deployment {number} does not exist.")
        return json_answer(self._deployment(found))

    def _deploy(self, app: App, exchange: Exchange) -> Answer:
        name = app.setup.name
        try:
            asked = json.loads(exchange.body)
        except ValueError as exc:
            raise AppRefused(400, "MALFORMED_REQUEST", "Could not parse request object") from exc
        if app.pending is not None:
            text = f"Cannot deploy app {name} as there is an active deployment in progress."
            raise AppRefused(409, "ABORTED", text)
        if app.compute != "ACTIVE":
            text = f"Cannot deploy app {name}: its compute is {app.compute}. Start the app first."
            raise AppRefused(400, "INVALID_STATE", text)
        source = asked.get("source_code_path")
        if source is None and not asked.get("git_source"):
            raise AppRefused(400, "INVALID_PARAMETER_VALUE", "Either source_code_path or git_source is required.")
        if source is not None and not self.files.below(source):
            raise AppRefused(404, "RESOURCE_DOES_NOT_EXIST", f"Path ({source}) doesn't exist.")
        script = app.scripts.pop(0) if app.scripts else Script(seconds=self._scene.deploy_s)
        return json_answer(self._deployment(self._deployer.begin(app, asked, self._scene.person.user_name, script)))

    def _switch(self, app: App, *, on: bool) -> Answer:
        app.compute = "ACTIVE" if on else "STOPPED"
        app.app_state, app.message = ("RUNNING", "App is running") if on else ("UNAVAILABLE", "App is stopped")
        app.environment = self._deployer.environment(app, app.active) if on and app.active else None
        return json_answer(self._described(app))

    def _first_request(self, setup: AppSetup) -> Json:
        place = {"source_code_path": setup.source} if setup.source else {"git_source": {"branch": "main"}}
        return {"mode": "SNAPSHOT", **place}

    def _deployment(self, one: Deployment) -> Json:
        began = _FIRST + timedelta(minutes=5 * one.number)
        asked = {name: value for name, value in one.asked.items() if name != "env_vars"}
        if git := asked.get("git_source"):
            asked["git_source"] = {**git, "resolved_commit": "c0ffee" + "0" * 34}
        if one.asked.get("env_vars"):
            # Values that were sent never come back (databricks.md §7.1).
            masked = [{**var, "value": _MASK} if "value" in var else var for var in one.asked["env_vars"]]
            asked["env_vars"] = masked
        return {
            **asked,
            "deployment_id": one.id,
            "deployment_artifacts": {"source_code_path": one.snapshot},
            "status": {"state": one.state, "message": one.message},
            "creator": one.creator,
            "create_time": began.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "update_time": (began + timedelta(minutes=3)).strftime("%Y-%m-%dT%H:%M:%SZ"),
        }

    def _described(self, app: App) -> Json:
        author, setup = self._scene.person.user_name, app.setup
        described: Json = {
            "name": setup.name,
            "id": "c0da0000-0000-4000-8000-000000000001",
            "url": _app_url(self._scene, setup.name),
            "creator": author,
            "updater": author,
            "app_status": {"state": app.app_state, "message": app.message},
            "compute_status": {"state": app.compute, "message": f"App compute is {app.compute.lower()}."},
            "compute_size": "MEDIUM",
            "service_principal_client_id": app.service_principal,
            "service_principal_id": 111,
            "service_principal_name": f"app-1a2b3c {setup.name}",
            "resources": [{"name": name} for name in setup.resources],
        }
        if setup.source:
            described["default_source_code_path"] = setup.source
        if setup.git_url:
            described["git_repository"] = {"url": setup.git_url, "provider": "gitHub"}
            described["default_git_source"] = {"branch": "main", "resolved_commit": "c0ffee" + "0" * 34}
        if app.active:
            described["active_deployment"] = self._deployment(app.active)
        if app.pending:
            described["pending_deployment"] = self._deployment(app.pending)
        return described


def script_from_json(value: Mapping[str, Any]) -> Script:
    """Return the script that this object describes; raises ValueError or TypeError when it describes none."""
    unknown = set(value) - set(asdict(Script()))
    if unknown:
        raise ValueError(f"a script has no {sorted(unknown)[0]}")
    return Script(
        ending=Ending(value.get("ending", Ending.SUCCEEDED)),
        polls=int(value.get("polls", 2)),
        seconds=float(value.get("seconds", 0.0)),
        message=str(value.get("message", "")),
    )


def _app_url(scene: Scene, name: str) -> str:
    if scene.cloud is Cloud.AZURE:
        number = scene.workspace_host.split(".")[1]
        return f"https://{name}-{scene.workspace_id}.{number}.azure.databricksapps.com"
    return f"https://{name}-{scene.workspace_id}.{scene.cloud.value}.databricksapps.com"


def _number(exchange: Exchange, name: str, default: int) -> int:
    text = exchange.query.get(name, "")
    return int(text) if text.isascii() and text.isdigit() else default


def _without(described: Json, *names: str) -> Json:
    return {name: value for name, value in described.items() if name not in names}
