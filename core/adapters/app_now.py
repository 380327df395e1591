"""One reading of a deployed app: its file, what is deployed, and what was sent over it; nothing here writes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from core.adapters.app_backups import AppBackups, Sent
from core.adapters.app_facts import AppFacts, AppState, DeploymentState, SourceKind
from core.adapters.app_values import values_in
from core.adapters.app_yaml import EnvEntry, read_env
from core.adapters.apps import AppFile, DatabricksApps
from core.errors import ChangeError

_CRASHED = ".crashed"


@dataclass(frozen=True, kw_only=True)
class AppNow:
    """What stands. `deployed` is the active snapshot's app.yaml, None when it cannot be read; `sent` is ours only."""

    facts: AppFacts
    file: AppFile
    deployed: bytes | None
    sent: Sent | None

    @cached_property
    def env(self) -> tuple[EnvEntry, ...]:
        """Return what the source's app.yaml states."""
        return read_env(self.file.content)

    @cached_property
    def file_values(self) -> Mapping[str, str]:
        """Return the values of the file, without what was sent with the deployment."""
        return values_in(self.env, {})

    @cached_property
    def running_values(self) -> Mapping[str, str]:
        """Return the values that the active deployment was given, as far as can be known; never from masked ones."""
        stated = self.env if self.deployed is None else read_env(self.deployed)
        return values_in(stated, self.sent.overrides if self.sent else {})

    @cached_property
    def hidden(self) -> frozenset[str]:
        """Return the variables that others sent with the active deployment: their values come back masked."""
        if self.facts.active is None or self.sent is not None:
            return frozenset()
        return frozenset(one.name for one in self.facts.active.variables if one.value_from is None)

    def runs(self, content: bytes) -> bool:
        """Say whether the app is up on exactly this file, with nothing sent over it."""
        active = self.facts.active
        if active is None or active.state is not DeploymentState.SUCCEEDED or active.variables:
            return False
        return self.facts.state is AppState.RUNNING and self.deployed == content

    @property
    def revision(self) -> str:
        """Name what stands: the file, what is deployed, and whether it crashed. The same content has the same name."""
        crashed = _CRASHED if self.facts.state is AppState.CRASHED else ""
        return revision_of(self.file.content, self._deployed_name) + crashed

    @property
    def _deployed_name(self) -> str:
        active = self.facts.active
        if active is None or self.deployed is None:
            return unread_name(active.id if active else "")
        names = tuple(variable.name for variable in active.variables)
        return deployed_name(self.deployed, names, self.sent.overrides if self.sent else {})


def revision_of(file: bytes, deployed: str) -> str:
    """Return the revision of a file together with the name of what is deployed."""
    return f"{hashlib.sha256(file).hexdigest()[:32]}.{deployed}"


def deployed_name(content: bytes, names: tuple[str, ...] = (), sent: Mapping[str, str] | None = None) -> str:
    """Return a name for a deployed app.yaml with what was sent over it, the same for the same content."""
    over = repr((sorted(names), sorted((sent or {}).items()))) if names else ""
    return hashlib.sha256(content + b"\0" + over.encode()).hexdigest()[:32]


def unread_name(deployment_id: str) -> str:
    """Return a name for a deployment whose files cannot be read."""
    return f"unread-{deployment_id}"


def read_app(apps: DatabricksApps, name: str, backups: AppBackups) -> AppNow:
    """Read an app; raises ChangeError (app_yaml_missing, and what reading raises)."""
    facts = apps.get(name)
    file = apps.file_of(facts)
    if file is None:
        place = facts.source or "its source"
        raise ChangeError(
            f"The app {name} has no app.yaml in {place}.",
            code="app_yaml_missing",
            remedy="Add an app.yaml there and deploy it once, then plan again.",
        )
    snapshot = facts.active.snapshot if facts.active else None
    return AppNow(
        facts=facts,
        file=file,
        deployed=_deployed(apps, snapshot) if snapshot else None,
        sent=backups.sent_with(facts.active),
    )


def _deployed(apps: DatabricksApps, snapshot: str) -> bytes | None:
    try:
        found = apps.file_in(snapshot)
    except ChangeError as exc:
        if exc.code != "app_forbidden":
            raise
        return None
    return found.content if found else None


def why_not_writable(facts: AppFacts, *, may_manage: bool) -> str | None:
    """Return the sentence that says why a change would not last or cannot be made, with what would."""
    name = facts.name
    if facts.kind is SourceKind.GIT:
        return (
            f"{name} is deployed from Git ({facts.origin or 'its repository'}): only a commit there lasts. "
            "Commit the snippet, then deploy."
        )
    if facts.kind is SourceKind.BUNDLE:
        return (
            f"{name} is deployed by a bundle ({facts.origin}), and the next bundle deploy would overwrite its files. "
            "Apply the snippet to the bundle's own app.yaml, then run databricks bundle deploy."
        )
    if facts.kind is SourceKind.NONE or facts.active is None:
        return f"{name} has never been deployed: deploy it once."
    if facts.is_stopped:
        return f"{name} is stopped: start it, then plan again."
    if not may_manage:
        return f"The dashboard's identity may not deploy {name}: grant it CAN_MANAGE on the app."
    return None
