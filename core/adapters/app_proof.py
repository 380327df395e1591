"""Say what a deployment of an app really brought: what its snapshot holds and whether the app is up."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from core.adapters.app_errors import TRANSIENT
from core.adapters.app_now import deployed_name, revision_of, unread_name
from core.adapters.app_values import Values
from core.adapters.app_wait import DeployEnd, Waited
from core.adapters.app_yaml import EnvEntry, read_env
from core.adapters.apps import DatabricksApps
from core.errors import ChangeError
from core.ports import Written

# A proof that cannot be read for the moment is worth a second look before the change counts as unconfirmed.
_LOOKS = 3
_BETWEEN_LOOKS_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AppWritten(Written):
    """What a write to an app did, and by which deployment."""

    deployment: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a deployment is started with: the file, all that is sent along, and what of that is not in the file."""

    content: bytes
    variables: Mapping[str, EnvEntry] | None
    overrides: Mapping[str, str]

    def revision(self) -> str:
        """Return the revision that it leaves behind when everything goes well and can be read."""
        return revision_of(self.content, self.name_of(self.content))

    def name_of(self, found: bytes) -> str:
        """Return the name of what is deployed, when this was found in its snapshot."""
        return deployed_name(found, tuple(self.variables or ()), self.overrides)


class Proof:
    """Look where the app runs from; nothing that comes back masked counts."""

    def __init__(self, apps: DatabricksApps, pause: Callable[[float], None]) -> None:
        self._apps = apps
        self._pause = pause

    def of_file(self, waited: Waited, start: Start, wanted: Values, backup: str) -> AppWritten:
        """Look for the wanted values in the snapshot."""
        found = self._snapshot_of(waited)
        deployment = waited.deployment.id if waited.deployment else ""
        problem = None if waited.end is DeployEnd.RUNNING else waited.message
        if problem is None and found is not None:
            there = {entry.name: entry.value for entry in read_env(found)}
            if any(there.get(name) != value for name, value in wanted.items()):
                problem = "The app runs, but its deployed snapshot does not hold the new values."
        name, note = start.name_of(start.content), problem or ""
        if problem is None and found is None:
            name, note = unread_name(deployment), "Applied, not confirmed in the app: its snapshot cannot be read."
        elif problem is None and found is not None:
            name = start.name_of(found)
        if problem and waited.end is not DeployEnd.TIMED_OUT:
            # Nothing that stands is ever called so: whoever reads back must not take this for applied.
            name += ".unproven"
        return AppWritten(
            revision=revision_of(start.content, name),
            backup=backup,
            deployment=deployment,
            proven=problem is None and found is not None,
            problem=problem,
            note=note or "The deployed snapshot holds the values, and the app is running.",
        )

    def of_sent(self, waited: Waited, start: Start, deployment: str, backup: str) -> AppWritten:
        """Say what was sent: that the app runs with it cannot be read back."""
        found = self._snapshot_of(waited)
        return AppWritten(
            revision=revision_of(start.content, unread_name(deployment) if found is None else start.name_of(found)),
            backup=backup,
            deployment=deployment,
            problem=None if waited.end is DeployEnd.RUNNING else waited.message,
            note="Applied, not confirmed in the app: values that were sent cannot be read back.",
        )

    def _snapshot_of(self, waited: Waited) -> bytes | None:
        snapshot = waited.deployment.snapshot if waited.deployment else None
        if waited.end is not DeployEnd.RUNNING or not snapshot:
            return None
        for left in reversed(range(_LOOKS)):
            try:
                found = self._apps.file_in(snapshot)
            except ChangeError as exc:
                if exc.code not in TRANSIENT or not left:
                    return None
                self._pause(_BETWEEN_LOOKS_S)
            else:
                return found.content if found else None
        return None
