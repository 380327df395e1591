"""What is known of a deployed Databricks App, read out of the databricks-sdk's answers; every part may be missing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from databricks.sdk.service.apps import App, AppDeployment

_E = TypeVar("_E", bound=StrEnum)

# `bundle deploy` puts an app's files here, and overwrites them the next time (databricks.md §7.2).
_BUNDLE = re.compile(r"/\.bundle/([^/]+)/([^/]+)/files(?:/|$)")


class SourceKind(StrEnum):
    """Where an app's files come from: only those of a workspace folder stay when they are edited there."""

    WORKSPACE = "workspace"
    BUNDLE = "bundle"
    GIT = "git"
    NONE = "none"


class DeploymentState(StrEnum):
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    IN_PROGRESS = "in_progress"
    UNKNOWN = "unknown"


class AppState(StrEnum):
    RUNNING = "running"
    DEPLOYING = "deploying"
    CRASHED = "crashed"
    UNAVAILABLE = "unavailable"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class SentVariable:
    """A variable that was sent with a deployment. Its value comes back masked, so it is not even kept."""

    name: str
    value_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """One deployment; `snapshot` is the folder with the files as they were taken, `asked` what to send again."""

    id: str
    state: DeploymentState
    message: str = ""
    source: str | None = None
    snapshot: str | None = None
    variables: tuple[SentVariable, ...] = ()
    creator: str = ""
    asked: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppFacts:
    """One app as it stands. `origin` names the Git repository or the bundle and its target, for people."""

    name: str
    kind: SourceKind
    source: str | None = None
    origin: str = ""
    active: Deployment | None = None
    pending: Deployment | None = None
    state: AppState = AppState.UNKNOWN
    message: str = ""
    is_stopped: bool = False
    service_principal: str = ""


def app_facts(app: App) -> AppFacts:
    """Return what the SDK's answer says about an app."""
    active = _deployment(app.active_deployment) if app.active_deployment else None
    source = (active.source if active else None) or app.default_source_code_path or app.source_code_path or None
    bundle = _BUNDLE.search(source or "")
    status, compute = app.app_status, app.compute_status
    return AppFacts(
        name=str(app.name),
        kind=_kind(app, source, is_bundle=bundle is not None),
        source=source,
        origin=f"bundle {bundle.group(1)}, target {bundle.group(2)}" if bundle else _git_origin(app),
        active=active,
        pending=_deployment(app.pending_deployment) if app.pending_deployment else None,
        state=_named(AppState, status.state if status else None, AppState.UNKNOWN),
        message=(status.message if status else None) or "",
        is_stopped=compute is not None and compute.state is not None and compute.state.value in ("STOPPED", "STOPPING"),
        service_principal=app.service_principal_client_id or "",
    )


def deployment_facts(deployment: AppDeployment) -> Deployment:
    """Return what the SDK's answer says about a deployment."""
    return _deployment(deployment)


def _deployment(one: AppDeployment) -> Deployment:
    status, artifacts = one.status, one.deployment_artifacts
    again = {name: value for name, value in one.as_dict().items() if name in ("command", "mode", "health_check")}
    return Deployment(
        id=one.deployment_id or "",
        state=_named(DeploymentState, status.state if status else None, DeploymentState.UNKNOWN),
        message=(status.message if status else None) or "",
        source=one.source_code_path or None,
        snapshot=(artifacts.source_code_path if artifacts else None) or None,
        variables=tuple(SentVariable(name=var.name or "", value_from=var.value_from) for var in one.env_vars or ()),
        creator=one.creator or "",
        asked=again,
    )


def _kind(app: App, source: str | None, *, is_bundle: bool) -> SourceKind:
    if is_bundle:
        return SourceKind.BUNDLE
    if source:
        return SourceKind.WORKSPACE
    return SourceKind.GIT if app.git_repository or app.default_git_source or app.git_source else SourceKind.NONE


def _git_origin(app: App) -> str:
    git = app.default_git_source or app.git_source
    place = (git.branch or git.tag or git.commit or "") if git else ""
    url = (app.git_repository.url if app.git_repository else None) or ""
    return f"{url} ({place})" if url and place else url or place


def _named(kind: type[_E], state: object, otherwise: _E) -> _E:
    name = str(getattr(state, "value", state or "")).lower()
    return kind(name) if name in tuple(kind) else otherwise
