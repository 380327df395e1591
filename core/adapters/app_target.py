"""The target `app:<name>`: a deployed coding-agents app, changed in its app.yaml and redeployed, with proof.

A change of the file goes through these steps, and whatever ends the process between two of them leaves a state of
its own, which `settle_state` tells apart from the recorded change:

    nothing yet            file old, deployed old, no backup      untouched
    backup kept            file old, deployed old, a backup       untouched
    file written           file new, deployed old, none pending   written: deploy it, or put the backup back
    deployment started     file new, deployed old, one pending    deploying: wait, its id stands in the app
    deployment ended badly file new, deployed old, none pending   written, as above
    app crashed            file new, deployed new, not running    crashed: put the backup back
    app running            file new, deployed new, running        applied

A redeployment with sent variables leaves the file alone: its `.env.json` is kept before the deployment starts and
completed with the deployment's id afterwards.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from core.adapters.app_backups import SENT_SUFFIX, AppBackups, Sent, read_sent
from core.adapters.app_errors import TRANSIENT, UNANSWERED
from core.adapters.app_now import (
    AppNow,
    deployed_name,
    read_app,
    revision_of,
    unread_name,
    why_not_writable,
)
from core.adapters.app_resend import (
    merged_env,
    refuse_removal,
    refuse_what_was_sent,
    sent_before,
    to_resend,
    to_resend_references,
)
from core.adapters.app_values import agents_in, diff_of, family_of, patch_of, slots_in, variables_of
from core.adapters.app_wait import DEADLINE_S, DeployEnd, DeploymentWait, Progress, Waited
from core.adapters.app_yaml import EnvEntry, edit_env, read_env
from core.adapters.apps import DatabricksApps
from core.catalog.agents import AGENTS
from core.errors import ChangeError
from core.model.change import ChangeRequest, TargetInfo, TargetKind
from core.ports import Clock, TargetPlan, Written

PREFIX = "app:"
# A proof that cannot be read for the moment is worth a second look before the change counts as unconfirmed.
_LOOKS = 3
_BETWEEN_LOOKS_S = 2.0
Values = Mapping[str, str | None]


class Way(StrEnum):
    """How a value gets into the app: in its file, or sent along with one deployment, which the next one drops."""

    FILE = "file"
    ENVIRONMENT = "environment"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppWritten(Written):
    """What a write to an app did; with `problem` it has to be undone, without `proven` it is not confirmed."""

    deployment: str
    proven: bool
    problem: str | None = None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Start:
    """What a deployment is started with: the file, all that is sent along, and what of that is not in the file."""

    content: bytes
    variables: Mapping[str, EnvEntry] | None
    overrides: Mapping[str, str]


def silent(text: str) -> None:
    """Take a phase and tell nobody."""


class AppTarget:
    """Fulfil the Target port for one app; `folder` is where backups lie instead of the identity's own home."""

    def __init__(
        self,
        apps: DatabricksApps,
        name: str,
        *,
        clock: Clock,
        way: Way = Way.FILE,
        pause: Callable[[float], None] = time.sleep,
        deadline_s: float = DEADLINE_S,
        folder: str | None = None,
    ) -> None:
        self._apps = apps
        self._name = name
        self._way = way
        self._pause = pause
        self._wait = DeploymentWait(apps, clock=clock, pause=pause, deadline_s=deadline_s)
        self.backups = AppBackups(apps, name, clock=clock, folder=folder)

    @property
    def info(self) -> TargetInfo:
        """Say whether the app can be changed right now so that it lasts, and if not, why not and what would."""
        agents = tuple(agent for agent, spec in AGENTS.items() if any(slot.variables for slot in spec.slots))
        try:
            now = self.read()
            agents = agents_in(now.env) or agents
            reason = why_not_writable(now.facts, may_manage=self._apps.may_manage(self._name))
        except ChangeError as exc:
            reason = f"{exc.message} {exc.remedy}"
        return TargetInfo(
            id=PREFIX + self._name,
            kind=TargetKind.APP,
            agents=agents,
            writable=reason is None,
            reason=reason or f"{self._name} can be changed and redeployed.",
        )

    def read(self) -> AppNow:
        """Read what stands."""
        return read_app(self._apps, self._name, self.backups)

    def plan(self, request: ChangeRequest) -> TargetPlan:
        """Read the live app and work out the request against it; writes nothing."""
        now, wanted = self.read(), variables_of(request)
        changed = self._edited(now, request, wanted)
        before = slots_in(request, now.running_values)
        running_after = {**now.running_values, **wanted}
        differs = {name: value for name, value in wanted.items() if self._old(now, name, value) != value}
        return TargetPlan(
            before=before,
            after=slots_in(request, running_after),
            diff=diff_of({name: self._old(now, name, value) for name, value in differs.items()}, differs),
            revision=now.revision,
            effective="after the redeploy; every terminal in the app restarts",
            affects=f"everyone who works in the app {self._name}: it restarts, and what runs in its terminals ends",
            snippet=patch_of(now.file.path, now.file.content, changed) if changed != now.file.content else None,
        )

    def _old(self, now: AppNow, name: str, wanted: str | None) -> str | None:
        """Return what stands against a wanted value: what runs, else what the file would bring at the next deploy."""
        running = now.running_values.get(name)
        return running if running != wanted or self._way is Way.ENVIRONMENT else now.file_values.get(name)

    def _edited(self, now: AppNow, request: ChangeRequest, wanted: Values) -> bytes:
        return edit_env(now.file.content, wanted, beside=family_of(request.agent))

    def revision(self) -> str | None:
        """Return a name for what stands: the file, what is deployed, and whether it crashed."""
        return self.read().revision

    def write(
        self, request: ChangeRequest, *, expected_revision: str | None, change_id: str, progress: Progress = silent
    ) -> AppWritten | None:
        """Write the request, redeploy, wait and prove it; None when what stands is not the expected any more.

        Raises ChangeError when nothing was changed, and file_left_changed when the file could not be put back.
        """
        wanted = variables_of(request)
        now = self._ready()
        if now.revision != expected_revision:
            return None
        if self._way is Way.ENVIRONMENT:
            refuse_removal(now, wanted)
            kept = {name: value for name, value in sent_before(now).items() if name not in wanted}
            given = {name: value for name, value in wanted.items() if value is not None}
            return self._send(now, kept | given, change_id, progress)
        refuse_what_was_sent(now, wanted)
        return self._replace(now, self._edited(now, request, wanted), wanted, change_id, progress)

    def restore(
        self, backup: str, *, expected_revision: str | None, change_id: str, progress: Progress = silent
    ) -> AppWritten | None:
        """Put a backup back to the identical bytes and redeploy where that is needed, under the same rule.

        A deployment that never took effect does not count as a change by others: only the file decides then.
        """
        content = self.backups.read(backup)
        now = self._ready()
        if backup.endswith(SENT_SUFFIX):
            sent = read_sent(content)
            is_ours = now.facts.active is not None and now.facts.active.id in (sent.deployment, sent.base)
            return self._send(now, sent.former, change_id, progress) if is_ours or now.sent == sent else None
        if now.revision.partition(".")[0] != (expected_revision or "").partition(".")[0]:
            return None
        wanted = {entry.name: entry.value for entry in read_env(content)}
        return self._replace(now, content, wanted, change_id, progress)

    def _ready(self) -> AppNow:
        now = self.read()
        reason = why_not_writable(now.facts, may_manage=True)
        if reason:
            raise ChangeError(reason, code="target_not_writable", remedy="Nothing was written.")
        if now.facts.pending is not None:
            raise ChangeError(
                f"Another deployment of {self._name} is in progress.",
                code="app_busy",
                remedy="Wait until it has ended, then plan again; nothing was written.",
            )
        return now

    def _replace(
        self, now: AppNow, content: bytes, wanted: Values, change_id: str, progress: Progress
    ) -> AppWritten | None:
        path, source = now.file.path, now.facts.source or ""
        start = _Start(content=content, variables=to_resend(now, read_env(content)), overrides=sent_before(now))
        progress("Keeping a backup")
        backup = self.backups.keep(now.file.content, change_id, source=source)
        # Between this look and the write nothing can be locked; a later one is seen when it is read back.
        if self._apps.read(path) != now.file.content:
            return None
        progress(f"Writing {path}")
        self._apps.write(path, content)
        if self._apps.read(path) != content:
            return None
        if now.runs(content):
            # A deployment that failed or was cancelled never took the place of this one: nothing has to restart.
            waited = Waited(end=DeployEnd.RUNNING, message="The app is running", deployment=now.facts.active)
            return self._proved(waited, start, wanted, backup)
        try:
            deployment = self._deploy(now, start, change_id, progress)
        except ChangeError as exc:
            raise self._put_back(path, now.file.content, content, backup, exc) from exc
        return self._proved(self._wait.until_ended(self._name, deployment, progress), start, wanted, backup)

    def _deploy(self, now: AppNow, start: _Start, change_id: str, progress: Progress, *, sent_at: str = "") -> str:
        """Start a deployment and write down what was sent with it, if anything; return its id."""
        active, source, sent = now.facts.active, now.facts.source or "", _sent_of(now, start)
        if start.variables and not sent_at:
            sent_at = self.backups.keep_sent(sent, change_id, source=source)
        progress("Starting the deployment")
        try:
            deployment = self._apps.deploy(self._name, source=source, like=active, variables=start.variables)
        except ChangeError as exc:
            if exc.code not in UNANSWERED:
                raise
            deployment = self._started_unheard(now, exc)
        if sent_at:
            self.backups.complete_sent(sent_at, replace(sent, deployment=deployment))
        return deployment

    def _started_unheard(self, now: AppNow, exc: ChangeError) -> str:
        """Return the deployment that was started although no answer came, or raise that error."""
        facts = self._apps.get(self._name)
        base = now.facts.active.id if now.facts.active else ""
        for one in (facts.pending, facts.active):
            if one is not None and one.id != base and one.creator == self._apps.own_name:
                return one.id
        raise exc

    def _put_back(self, path: str, former: bytes, written: bytes, backup: str, exc: ChangeError) -> ChangeError:
        """Undo the write of the file after its deployment was refused, unless somebody wrote there since."""
        try:
            if self._apps.read(path) == written:
                self._apps.write(path, former)
                return ChangeError(exc.message, code=exc.code, remedy=f"{exc.remedy} The file is as it was.")
            clause = "was changed by somebody else since"
        except ChangeError as second:
            clause = f"could not be put back: {second.message.rstrip('.')}"
        return ChangeError(
            f"{exc.message.rstrip('.')}, and the file {clause}.",
            code="file_left_changed",
            remedy=f"By hand: copy {backup} over {path}.",
        )

    def _proved(self, waited: Waited, start: _Start, wanted: Values, backup: str) -> AppWritten:
        """Look for the wanted values where the app runs from; nothing that comes back masked counts."""
        found = self._snapshot_of(waited)
        deployment = waited.deployment.id if waited.deployment else ""
        problem = None if waited.end is DeployEnd.RUNNING else waited.message
        if problem is None and found is not None:
            there = {entry.name: entry.value for entry in read_env(found)}
            if any(there.get(name) != value for name, value in wanted.items()):
                problem = "The app runs, but its deployed snapshot does not hold the new values."
        names = tuple(start.variables or ())
        name, note = deployed_name(start.content, names, start.overrides), problem or ""
        if problem is None and found is None:
            name, note = unread_name(deployment), "Applied, not confirmed in the app: its snapshot cannot be read."
        elif problem is None and found is not None:
            name = deployed_name(found, names, start.overrides)
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

    def _send(self, now: AppNow, overrides: Mapping[str, str], change_id: str, progress: Progress) -> AppWritten:
        """Redeploy with the whole merged environment, which is right whether it replaces that of app.yaml or not."""
        variables = merged_env(now, now.env, overrides) if overrides else to_resend_references(now, now.env)
        start = _Start(content=now.file.content, variables=variables, overrides=overrides)
        progress("Keeping what is sent")
        path = self.backups.keep_sent(_sent_of(now, start), change_id, source=now.facts.source or "")
        deployment = self._deploy(now, start, change_id, progress, sent_at=path)
        waited = self._wait.until_ended(self._name, deployment, progress)
        found = self._snapshot_of(waited)
        name = unread_name(deployment) if found is None else deployed_name(found, tuple(variables or ()), overrides)
        return AppWritten(
            revision=revision_of(now.file.content, name),
            backup=path,
            deployment=deployment,
            proven=False,
            problem=None if waited.end is DeployEnd.RUNNING else waited.message,
            note="Applied, not confirmed in the app: values that were sent cannot be read back.",
        )


def _sent_of(now: AppNow, start: _Start) -> Sent:
    return Sent(
        overrides=start.overrides,
        former=sent_before(now),
        names=tuple(start.variables or ()),
        base=now.facts.active.id if now.facts.active else "",
    )
