"""Databricks Apps and their files through the databricks-sdk; the only place that calls `apps` and `workspace` of it.

Every call is tried once, within small timeouts: the SDK would retry for five minutes, sleep as long as a Retry-After
says, and send a deployment twice when the first answer got lost.
"""

from __future__ import annotations

import functools
import io
import logging
import posixpath
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from core.adapters.app_errors import ABOUT_LIST, about_app, about_file, translated
from core.adapters.app_facts import AppFacts, Deployment, SourceKind, app_facts, deployment_facts
from core.adapters.app_yaml import EnvEntry, read_env
from core.adapters.loopback import spare_loopback
from core.adapters.side_threads import in_threads
from core.catalog.agents import AGENTS
from core.detect.hosts import parse_host
from core.errors import ChangeError
from core.ports import Credentials

if TYPE_CHECKING:
    from databricks.sdk import WorkspaceClient

_TIMEOUT_S = 10
_LARGEST_APP_YAML = 1024 * 1024
_MOST_APPS = 200
_FIND_S = 30.0
_AT_ONCE = 8
FILE_NAMES = ("app.yaml", "app.yml")
_EDIT = frozenset({"CAN_EDIT", "CAN_MANAGE"})
_KNOWN_SOURCE = "coding-agents"
AGENT_VARIABLES = frozenset(name for spec in AGENTS.values() for slot in spec.slots for name in slot.variables)


@dataclass(frozen=True, slots=True, kw_only=True)
class AppFile:
    """An app.yaml as it lies in a folder of the workspace."""

    path: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundApp:
    """A coding-agents app; `problem` says why its environment could not be read, where it could not."""

    facts: AppFacts
    env: tuple[EnvEntry, ...] = ()
    problem: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What a look for apps found; an empty one does not mean that there are none."""

    listed: int
    looked_at: int
    found: tuple[FoundApp, ...]


def runs_agents(facts: AppFacts, env: Sequence[EnvEntry] = ()) -> bool:
    """Say whether an app is one of coding agents: by where it comes from, or by what its app.yaml states."""
    known = _KNOWN_SOURCE in f"{facts.name} {facts.source} {facts.origin}"
    return known or any(entry.name in AGENT_VARIABLES for entry in env)


def connection(origin: str, credentials: Credentials) -> Callable[[], WorkspaceClient]:
    """Return a function that gives the SDK's client for a workspace, made on first use with our own credential."""

    @functools.cache
    def connect() -> WorkspaceClient:
        from databricks.sdk import WorkspaceClient
        from databricks.sdk.clock import Clock
        from databricks.sdk.config import Config
        from databricks.sdk.credentials_provider import CredentialsStrategy

        from core.adapters.sdk_answers import bounded

        class OurCredentials(CredentialsStrategy):
            def auth_type(self) -> str:
                return "switchyard"

            def __call__(self, cfg: Config) -> Callable[[], dict[str, str]]:
                return lambda: {"Authorization": f"Bearer {credentials.token().reveal()}"}

        class OneTry(Clock):
            def time(self) -> float:
                return time.time()

            def sleep(self, seconds: float) -> None:
                """End the SDK's retry loop, which sleeps only while it handles the error that it would retry."""
                raise sys.exception() or TimeoutError("the SDK wanted to wait")

        logging.getLogger("databricks.sdk").setLevel(logging.ERROR)
        if parse_host(origin).is_loopback:
            spare_loopback()
        config = Config(
            host=origin,
            # Named, so that the credentials of the environment are not counted as a second way to sign in.
            auth_type="switchyard",
            credentials_strategy=OurCredentials(),
            clock=OneTry(),
            http_timeout_seconds=_TIMEOUT_S,
            # For the metadata of the host, which is asked for without our clock.
            retry_timeout_seconds=1,
        )
        return bounded(WorkspaceClient(config=config))

    return connect


class DatabricksApps:
    """Ask and change the apps of one workspace; every method raises ChangeError, and nothing else."""

    def __init__(self, connect: Callable[[], WorkspaceClient]) -> None:
        self._connect = connect

    def get(self, name: str) -> AppFacts:
        """Return an app as it stands."""
        with translated(about_app(name, "read")):
            return app_facts(self._connect().apps.get(name))

    def find(self, deadline_s: float = _FIND_S) -> Listing:
        """Look for the coding-agents apps among all that this credential may see."""
        with translated(ABOUT_LIST):
            # A listing may leave out where the files are, so every app is asked for by itself.
            listed = self._connect().apps.list(page_size=100)
            names = sorted(app.name for app, _ in zip(listed, range(_MOST_APPS + 1), strict=False) if app.name)
        looked = in_threads(self._look_at, names[:_MOST_APPS], at_once=_AT_ONCE, deadline_s=deadline_s)
        found = tuple(one for one in looked if one is not None)
        return Listing(listed=len(names), looked_at=len(looked), found=found)

    def _look_at(self, name: str) -> FoundApp | None:
        try:
            facts = self.get(name)
        except ChangeError as exc:
            # Whether it runs agents is not known, so only a name that says so counts.
            unknown = AppFacts(name=name, kind=SourceKind.NONE)
            return FoundApp(facts=unknown, problem=exc.message) if _KNOWN_SOURCE in name else None
        try:
            file = self.file_of(facts)
            env = read_env(file.content) if file else ()
        except ChangeError as exc:
            return FoundApp(facts=facts, problem=exc.message) if runs_agents(facts) else None
        if not runs_agents(facts, env):
            return None
        return FoundApp(facts=facts, env=env, problem=None if file else "It has no app.yaml.")

    def file_of(self, facts: AppFacts) -> AppFile | None:
        """Return the app.yaml of an app's source, or of its snapshot where the source is not in the workspace."""
        folder = facts.source or (facts.active.snapshot if facts.active else None)
        return self.file_in(folder) if folder else None

    def file_in(self, folder: str) -> AppFile | None:
        """Return a folder's app.yaml or app.yml, None when it has neither."""
        found = [AppFile(path=path, content=content) for path, content in self._read_all(folder) if content is not None]
        if len(found) > 1:
            raise ChangeError(
                f"{folder} holds both an app.yaml and an app.yml.",
                code="file_ambiguous",
                remedy="Remove the one that does not count, then plan again; nothing was written.",
            )
        return found[0] if found else None

    def _read_all(self, folder: str) -> Sequence[tuple[str, bytes | None]]:
        paths = [f"{folder.rstrip('/')}/{name}" for name in FILE_NAMES]
        return [(path, self.read(path)) for path in paths]

    def read(self, path: str) -> bytes | None:
        """Return a workspace file's bytes, None when there is none."""
        from databricks.sdk.errors import NotFound
        from databricks.sdk.service.workspace import ExportFormat

        with translated(about_file(path, "read")):
            try:
                with self._connect().workspace.download(path, format=ExportFormat.AUTO) as stream:
                    content = stream.read(_LARGEST_APP_YAML + 1)
            except NotFound:
                return None
        if len(content) > _LARGEST_APP_YAML:
            raise ChangeError(
                f"{path} is larger than 1 MB.", code="app_yaml_broken", remedy="Check that it is the app's own file."
            )
        return bytes(content)

    def write(self, path: str, content: bytes) -> None:
        """Write a workspace file, whatever was there."""
        from databricks.sdk.service.workspace import ImportFormat

        with translated(about_file(path, "write")):
            stream = io.BytesIO(content)
            self._connect().workspace.upload(path, stream, format=ImportFormat.AUTO, overwrite=True)

    def write_new(self, path: str, content: bytes) -> None:
        """Write a workspace file that is not there yet, with the folders above it."""
        from databricks.sdk.service.workspace import ImportFormat

        with translated(about_file(path, "write")):
            workspace = self._connect().workspace
            workspace.mkdirs(posixpath.dirname(path))
            workspace.upload(path, io.BytesIO(content), format=ImportFormat.AUTO)

    def names_in(self, folder: str) -> tuple[str, ...]:
        """Return the paths in a folder, sorted; none when there is no such folder."""
        from databricks.sdk.errors import NotFound

        with translated(about_file(folder, "read")):
            try:
                return tuple(sorted(one.path for one in self._connect().workspace.list(folder) if one.path))
            except NotFound:
                return ()

    def deploy(
        self, name: str, *, source: str, like: Deployment | None, variables: Mapping[str, EnvEntry] | None = None
    ) -> str:
        """Start a deployment of a source folder in the manner of another one, and return its id."""
        from databricks.sdk.service.apps import AppDeployment, AppDeploymentMode, EnvVar

        with translated(about_app(name, "deploy")):
            asked = AppDeployment.from_dict(dict(like.asked) if like else {})
            asked.mode = asked.mode or AppDeploymentMode.SNAPSHOT
            asked.source_code_path = source
            if variables:
                sent = [EnvVar(name=one.name, value=one.value, value_from=one.value_from) for one in variables.values()]
                asked.env_vars = sent
            return str(self._connect().apps.deploy(name, asked).bind()["deployment_id"])

    def deployment(self, name: str, deployment_id: str) -> Deployment:
        """Return a deployment as it stands."""
        with translated(about_app(name, "read a deployment of")):
            return deployment_facts(self._connect().apps.get_deployment(name, deployment_id))

    def may_manage(self, name: str) -> bool:
        """Say whether this credential may manage an app, as far as being shown its permissions tells."""
        try:
            with translated(about_app(name, "manage")):
                self._connect().apps.get_permissions(name)
        except ChangeError as exc:
            if exc.code == "app_forbidden":
                return False
            raise
        return True

    def may_edit(self, folder: str) -> bool | None:
        """Say whether this credential may edit what is in a folder; None where its permissions are not shown."""
        with translated(about_file(folder, "read")):
            number = self._connect().workspace.get_status(folder).object_id
        try:
            with translated(about_file(folder, "read")):
                shown = self._connect().workspace.get_permissions("directories", str(number))
        except ChangeError as exc:
            if exc.code in ("app_forbidden", "app_missing"):
                return None
            raise
        return any(
            (one.user_name or one.service_principal_name or one.group_name) in self._own_names
            for one in shown.access_control_list or ()
            if _EDIT & {right.permission_level.value for right in one.all_permissions or () if right.permission_level}
        )

    @functools.cached_property
    def _own_names(self) -> frozenset[str]:
        """Return under which names this credential can be given a right: its own, and its groups'."""
        with translated(ABOUT_LIST):
            me = self._connect().current_user.me()
        groups = {group.display for group in me.groups or () if group.display}
        return frozenset({name for name in (me.user_name, me.id) if name} | groups | {"users"})

    @functools.cached_property
    def own_name(self) -> str:
        """Return the user name of this credential, below which its own workspace folder lies."""
        with translated(ABOUT_LIST):
            return str(self._connect().current_user.me().user_name)
