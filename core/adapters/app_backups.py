"""What the dashboard keeps in its own workspace folder: backups of an app's file, and what it sent with deployments."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.adapters.app_facts import Deployment
from core.adapters.apps import DatabricksApps
from core.errors import ChangeError
from core.ports import Clock

_CHANGE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_OWN_NAME = re.compile(r"[0-9]{8}T[0-9]{12}Z-[A-Za-z0-9_-]{1,64}\.(app\.yaml|env\.json)")
FILE_SUFFIX = ".app.yaml"
SENT_SUFFIX = ".env.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What was sent with one deployment over its app.yaml; `former` is what the one before had, `base` its id.

    `deployment` is None while its id is not known yet; `names` are all names that were sent with it.
    """

    overrides: Mapping[str, str]
    former: Mapping[str, str]
    names: tuple[str, ...]
    base: str
    deployment: str | None = None

    def is_of(self, active: Deployment, own_name: str) -> bool:
        """Say whether this tells what an active deployment was sent."""
        if self.deployment is not None:
            return self.deployment == active.id
        # Interrupted before the id came back: nobody else sends these names as this identity right after `base`.
        names = {variable.name for variable in active.variables}
        return active.creator == own_name and active.id != self.base and names == set(self.names)


class AppBackups:
    """The folder of one app's backups; it lies outside the source folder, whose files get deployed."""

    def __init__(self, apps: DatabricksApps, name: str, *, clock: Clock, folder: str | None = None) -> None:
        self._apps = apps
        self._name = name
        self._clock = clock
        self._folder = folder

    @property
    def folder(self) -> str:
        """Return the folder's path."""
        root = self._folder or f"/Workspace/Users/{self._apps.own_name}/.switchyard/backups"
        return f"{root.rstrip('/')}/{self._name}"

    def keep(self, content: bytes, change_id: str, *, source: str, suffix: str = FILE_SUFFIX) -> str:
        """Keep bytes under a name that tells when and for which change, and return the path."""
        if not _CHANGE_ID.fullmatch(change_id):
            raise ValueError("a change id holds only letters, digits, _ and -")
        folder = self.folder
        if f"{folder}/".startswith(source.rstrip("/") + "/"):
            raise ChangeError(
                f"The app {self._name} is deployed from the folder that holds the dashboard's backups.",
                code="backup_impossible",
                remedy="Deploy the app from a folder of its own; nothing was written.",
            )
        path = f"{folder}/{self._clock.now():%Y%m%dT%H%M%S%fZ}-{change_id}{suffix}"
        self._apps.write_new(path, content)
        return path

    def read(self, path: str) -> bytes:
        """Return a backup's bytes, refusing whatever a changed database could point us to."""
        folder, _, name = path.rpartition("/")
        content = self._apps.read(path) if folder == self.folder and _OWN_NAME.fullmatch(name) else None
        if content is None:
            raise ChangeError(
                f"The recorded backup of the app {self._name} is not in the dashboard's folder.",
                code="backup_unreadable",
                remedy="Put the former values back by hand in the app's source folder, and deploy.",
            )
        return content

    def of_change(self, change_id: str) -> str | None:
        """Return the backup that a change made, None when it made none."""
        ends = tuple(f"-{change_id}{suffix}" for suffix in (FILE_SUFFIX, SENT_SUFFIX))
        return next((path for path in self._apps.names_in(self.folder) if path.endswith(ends)), None)

    def keep_sent(self, sent: Sent, change_id: str, *, source: str) -> str:
        """Keep what is about to be sent with a deployment."""
        return self.keep(_as_bytes(sent), change_id, source=source, suffix=SENT_SUFFIX)

    def complete_sent(self, path: str, sent: Sent) -> None:
        """Write down which deployment it was sent with."""
        self._apps.write(path, _as_bytes(sent))

    def sent_with(self, active: Deployment | None) -> Sent | None:
        """Return what we sent with the active deployment; None when it has nothing of ours."""
        if active is None or not active.variables:
            return None
        paths = [path for path in self._apps.names_in(self.folder) if path.endswith(SENT_SUFFIX)]
        found = (read_sent(self.read(path)) for path in reversed(paths))
        return next((sent for sent in found if sent.is_of(active, self._apps.own_name)), None)


def _as_bytes(sent: Sent) -> bytes:
    kept = {
        "schema": 1,
        "overrides": dict(sent.overrides),
        "former": dict(sent.former),
        "names": list(sent.names),
        "base": sent.base,
        "deployment": sent.deployment,
    }
    return json.dumps(kept, indent=1).encode()


def read_sent(content: bytes) -> Sent:
    """Return what was written down; raises ChangeError (backup_unreadable)."""
    try:
        kept = json.loads(content)
        return Sent(
            overrides={str(name): str(value) for name, value in kept["overrides"].items()},
            former={str(name): str(value) for name, value in kept["former"].items()},
            names=tuple(str(name) for name in kept["names"]),
            base=str(kept["base"]),
            deployment=None if kept["deployment"] is None else str(kept["deployment"]),
        )
    except (ValueError, KeyError, TypeError, AttributeError) as exc:
        raise ChangeError(
            "What the dashboard wrote down about a deployment cannot be read.",
            code="backup_unreadable",
            remedy="Remove the broken .env.json file from the dashboard's folder of backups.",
        ) from exc
