"""The apps a simulated workspace can have: how each was deployed, and the app.yaml that it was deployed with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from core.simulator.scenes import Scene

_GIT_URL = "https://git.switchyard.example/platform/coding-agents-databricks-apps"

_APP_YAML = """\
# Coding agents in this workspace (simulated).
command:
  - gunicorn
  - app:app

env:
  # --- agents -------------------------------------------------------------
  - name: ENABLE_HERMES
    value: "true"
  - name: HERMES_MODEL
    value: {primary}          # what a new session starts on
  - name: HERMES_FALLBACK_MODEL
    value: {fallback}
  - name: ANTHROPIC_MODEL
    value: "databricks-claude-opus-4-6"
  - name: CODEX_MODEL
    value: 'databricks-gpt-5-5'
  # --- the rest -----------------------------------------------------------
  - name: MAX_CONCURRENT_SESSIONS
    value: "5"
  - name: CLAUDE_CODE_DISABLE_AUTO_MEMORY
    value: 0
  - name: NPM_TOKEN
    valueFrom: npm-token
"""


_ONE_AGENT = """\
# One coding agent in this workspace (simulated).
env:
  - name: {variable}
    value: {model}
"""
_SONNET, _GEMINI = "databricks-claude-sonnet-4-6", "databricks-gemini-2-5-pro"


class Ending(StrEnum):
    """How a deployment ends: CRASHED succeeds and its app then dies, STALE succeeds on the former files."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    CRASHED = "crashed"
    STALE = "stale"
    NEVER = "never"


class EnvVarsRule(StrEnum):
    """What env_vars of a deployment do to those of app.yaml; public sources disagree (databricks.md §7.2)."""

    MERGED = "merged"
    REPLACED = "replaced"
    IGNORED = "ignored"


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """What the next deployment does: it ends after so many polls, and not before so many seconds of the clock."""

    ending: Ending = Ending.SUCCEEDED
    polls: int = 2
    seconds: float = 0.0
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AppSetup:
    """One app as it was first deployed; without `source` it was deployed from Git, whose files are `files`."""

    name: str
    source: str | None
    files: Mapping[str, bytes] = field(default_factory=dict)
    resources: Mapping[str, str] = field(default_factory=lambda: {"npm-token": "simulated-npm-secret"})
    git_url: str | None = None
    rule: EnvVarsRule = EnvVarsRule.MERGED


def scene_app_yaml(scene: Scene) -> bytes:
    """Return the app.yaml that this scene's coding-agents app was deployed with."""
    return _APP_YAML.format(primary=scene.hermes.primary, fallback=scene.hermes.fallback).encode()


def _home(scene: Scene) -> str:
    return f"/Workspace/Users/{scene.person.user_name}"


def workspace_app(
    scene: Scene, *, name: str = "coda", content: bytes | None = None, file_name: str | None = "app.yaml"
) -> AppSetup:
    """Return an app deployed from a folder of the workspace; `file_name` None leaves its app.yaml out."""
    files = {"app.py": b"print('agents')\n"}
    if file_name is not None:
        files[file_name] = scene_app_yaml(scene) if content is None else content
    folder = "coding-agents" if name == "coda" else name
    return AppSetup(name=name, source=f"{_home(scene)}/apps/{folder}", files=files)


def bundle_app(scene: Scene, *, name: str = "coda-bundle", content: bytes | None = None) -> AppSetup:
    """Return an app that a bundle deploys: its folder is overwritten by the next `bundle deploy`."""
    files = {"app.yaml": content or scene_app_yaml(scene)}
    return AppSetup(name=name, source=f"{_home(scene)}/.bundle/coding-agents/prod/files", files=files)


def git_app(scene: Scene, *, name: str = "coda-git", content: bytes | None = None) -> AppSetup:
    """Return an app that is deployed straight from a Git repository: there is no file in the workspace."""
    files = {"app.yaml": content or scene_app_yaml(scene)}
    return AppSetup(name=name, source=None, files=files, git_url=_GIT_URL)


def scene_apps(scene: Scene) -> tuple[AppSetup, ...]:
    """Return the apps of a scene, if it has any; where its agents are deployed, one for each way of deploying."""
    if not scene.has_app:
        return ()
    if not scene.deployed:
        return (workspace_app(scene),)
    return (
        workspace_app(scene),
        bundle_app(scene, content=_ONE_AGENT.format(variable="PI_MODEL", model=_SONNET).encode()),
        git_app(scene, content=_ONE_AGENT.format(variable="GEMINI_MODEL", model=_GEMINI).encode()),
    )
