"""The target `app:<name>`: a deployed coding-agents app, changed in its app.yaml and redeployed, with proof.

A change of the file goes through these steps, and whatever ends the process between two of them leaves a state of
its own, which `found` tells apart from the recorded change:

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

from core.adapters.app_backups import SENT_SUFFIX, AppBackups, Sent, read_sent
from core.adapters.app_errors import UNANSWERED
from core.adapters.app_now import AppNow, read_app, why_not_writable
from core.adapters.app_proof import AppWritten, Proof, Start
from core.adapters.app_resend import (
    merged_env,
    refuse_removal,
    refuse_what_was_sent,
    sent_before,
    to_resend,
    to_resend_references,
)
from core.adapters.app_settle import AppStands, app_stands
from core.adapters.app_values import Values, agents_in, diff_of, family_of, patch_of, slots_in, variables_of
from core.adapters.app_wait import DEADLINE_S, DeployEnd, DeploymentWait, Waited
from core.adapters.app_way import EFFECTIVE, Way, chosen_way, words_for
from core.adapters.app_yaml import edit_env, read_env
from core.adapters.apps import DatabricksApps, runs_agents
from core.catalog.agents import AGENTS
from core.errors import ChangeError
from core.model.change import ChangeRecord, ChangeRequest, TargetInfo, TargetKind
from core.ports import Clock, Found, PhaseListener, TargetPlan, no_listener

PREFIX = "app:"


@dataclass(frozen=True, slots=True, kw_only=True)
class AppLook:
    """One look at an app: what it is as a target, and what stands, or why that cannot be read."""

    info: TargetInfo
    now: AppNow | None
    refusal: ChangeError | None = None


class AppTarget:
    """Fulfil the Target port for one app.

    `way` is chosen anew at every look where none is given; `folder` is where backups lie instead of the identity's own
    home. Where a slot's requests go is not written: an app derives its base URLs by itself.
    """

    def __init__(
        self,
        apps: DatabricksApps,
        name: str,
        *,
        clock: Clock,
        way: Way | None = None,
        pause: Callable[[float], None] = time.sleep,
        deadline_s: float = DEADLINE_S,
        folder: str | None = None,
    ) -> None:
        self._apps = apps
        self._name = name
        self._way = way
        self._proof = Proof(apps, pause)
        self._wait = DeploymentWait(apps, clock=clock, pause=pause, deadline_s=deadline_s)
        self.backups = AppBackups(apps, name, clock=clock, folder=folder)

    @property
    def info(self) -> TargetInfo:
        """Say whether the app can be changed right now, and if not, why not and what would."""
        return self.look().info

    def look(self) -> AppLook:
        """Read what stands and say what that means for a change; never raises for what the workspace answers."""
        agents = tuple(agent for agent, spec in AGENTS.items() if any(slot.variables for slot in spec.slots))
        now, refusal, words, reason = None, None, "", None
        try:
            now = self.read()
            agents = agents_in(now.env) or agents
            self._refuse_others(now)
            reason = why_not_writable(now.facts, may_manage=self._apps.may_manage(self._name))
            words = reason or words_for(self._way_of(now), now.facts)
        except ChangeError as exc:
            refusal, words = exc, f"{exc.message} {exc.remedy}"
            reason = words
        info = TargetInfo(
            id=PREFIX + self._name, kind=TargetKind.APP, agents=agents, writable=reason is None, reason=words
        )
        return AppLook(info=info, now=now, refusal=refusal)

    def _way_of(self, now: AppNow) -> Way:
        return self._way or chosen_way(self._apps, now.facts)

    def read(self) -> AppNow:
        """Read what stands."""
        return read_app(self._apps, self._name, self.backups)

    def plan(self, request: ChangeRequest) -> TargetPlan:
        """Read the live app and work out the request against it; writes nothing."""
        now, wanted = self.read(), variables_of(request)
        self._refuse_others(now)
        way = self._way_of(now)
        changed = self._edited(now, request, wanted)
        old = {name: _old(now, name, value, way) for name, value in wanted.items()}
        differs = {name: value for name, value in wanted.items() if old[name] != value}
        return TargetPlan(
            before=slots_in(request, now.running_values),
            after=slots_in(request, {**now.running_values, **wanted}),
            diff=diff_of(old, differs),
            revision=now.revision,
            effective=EFFECTIVE[way],
            affects=f"everyone who works in the app {self._name}: it restarts, and what runs in its terminals ends",
            snippet=patch_of(now.file.path, now.file.content, changed) if changed != now.file.content else None,
            revision_after=_revision_after(now, changed, way),
        )

    def _edited(self, now: AppNow, request: ChangeRequest, wanted: Values) -> bytes:
        return edit_env(now.file.content, wanted, beside=family_of(request.agent))

    def revision(self) -> str | None:
        """Return a name for what stands: the file, what is deployed, and whether it crashed."""
        return self.read().revision

    def write(
        self,
        request: ChangeRequest,
        *,
        expected_revision: str | None,
        change_id: str,
        progress: PhaseListener = no_listener,
    ) -> AppWritten | None:
        """Write the request, redeploy, wait and prove it; None when what stands is not the expected any more.

        Raises ChangeError when nothing was changed, and file_left_changed when the file could not be put back.
        """
        wanted = variables_of(request)
        now = self._ready()
        if now.revision != expected_revision:
            return None
        if self._way_of(now) is Way.ENVIRONMENT:
            refuse_removal(now, wanted)
            kept = {name: value for name, value in sent_before(now).items() if name not in wanted}
            given = {name: value for name, value in wanted.items() if value is not None}
            return self._send(now, kept | given, change_id, progress)
        refuse_what_was_sent(now, wanted)
        return self._replace(now, self._edited(now, request, wanted), wanted, change_id, progress)

    def restore(
        self, backup: str, *, expected_revision: str | None, change_id: str, progress: PhaseListener = no_listener
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

    def found(self, record: ChangeRecord) -> Found:
        """Read what an interrupted change left behind; writes nothing."""
        return self.stands(record).as_found

    def stands(self, record: ChangeRecord) -> AppStands:
        """Tell, part by part, on which side of an interrupted change the app stands."""
        return app_stands(self.read(), record, self.backups.of_change(record.change_id))

    def _refuse_others(self, now: AppNow) -> None:
        """Keep away from apps that have nothing to do with agents, whoever names them."""
        if not runs_agents(now.facts, now.env):
            raise ChangeError(
                f"The app.yaml of {self._name} names no agent's model, so it is not taken for an app of coding agents.",
                code="not_an_agents_app",
                remedy="Check the app's name with python -m core targets.",
            )

    def _ready(self) -> AppNow:
        now = self.read()
        self._refuse_others(now)
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
        self, now: AppNow, content: bytes, wanted: Values, change_id: str, progress: PhaseListener
    ) -> AppWritten | None:
        path, source = now.file.path, now.facts.source or ""
        start = Start(content=content, variables=to_resend(now, read_env(content)), overrides=sent_before(now))
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
            return self._proof.of_file(waited, start, wanted, backup)
        try:
            deployment = self._deploy(now, start, change_id, progress)
        except ChangeError as exc:
            raise self._put_back(path, now.file.content, content, backup, exc) from exc
        return self._proof.of_file(self._wait.until_ended(self._name, deployment, progress), start, wanted, backup)

    def _deploy(self, now: AppNow, start: Start, change_id: str, progress: PhaseListener, *, sent_at: str = "") -> str:
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

    def _send(self, now: AppNow, overrides: Mapping[str, str], change_id: str, progress: PhaseListener) -> AppWritten:
        """Redeploy with the whole merged environment, which is right whether it replaces that of app.yaml or not."""
        variables = merged_env(now, now.env, overrides) if overrides else to_resend_references(now, now.env)
        start = Start(content=now.file.content, variables=variables, overrides=overrides)
        progress("Keeping what is sent")
        path = self.backups.keep_sent(_sent_of(now, start), change_id, source=now.facts.source or "")
        deployment = self._deploy(now, start, change_id, progress, sent_at=path)
        waited = self._wait.until_ended(self._name, deployment, progress)
        return self._proof.of_sent(waited, start, deployment, path)


def _old(now: AppNow, name: str, wanted: str | None, way: Way) -> str | None:
    """Return what stands against a wanted value: what runs, else what the file would bring at the next deploy."""
    running = now.running_values.get(name)
    return running if running != wanted or way is Way.ENVIRONMENT else now.file_values.get(name)


def _revision_after(now: AppNow, changed: bytes, way: Way) -> str | None:
    """Return what a proved write of the file leaves; what others sent, and what we send, is not told beforehand."""
    if way is Way.ENVIRONMENT or now.deployed is None:
        return None
    try:
        return Start(
            content=changed, variables=to_resend(now, read_env(changed)), overrides=sent_before(now)
        ).revision()
    except ChangeError:
        return None


def _sent_of(now: AppNow, start: Start) -> Sent:
    return Sent(
        overrides=start.overrides,
        former=sent_before(now),
        names=tuple(start.variables or ()),
        base=now.facts.active.id if now.facts.active else "",
    )
