"""Tell what an interrupted change of an app left behind, by reading what stands; what to do about it is for others."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from core.adapters.app_facts import AppState, Deployment
from core.adapters.app_now import AppNow
from core.adapters.app_values import Values, slots_in
from core.model.change import ChangeRecord, ChangeRequest
from core.ports import Found, Stands


class Side(StrEnum):
    """Which side of a change something stands on."""

    OLD = "old"
    NEW = "new"
    OTHER = "other"


class Left(StrEnum):
    """What an interrupted change left behind; the table at the top of `app_target` tells when each comes about."""

    UNTOUCHED = "untouched"
    WRITTEN = "written"
    DEPLOYING = "deploying"
    CRASHED = "crashed"
    APPLIED = "applied"
    UNCLEAR = "unclear"


_WORDS = {
    Left.UNTOUCHED: "Nothing was changed: the file and the app are as they were.",
    Left.WRITTEN: "The file holds the new values, but the app still runs the former ones.",
    Left.DEPLOYING: "A deployment is in progress: wait for its end, then look again.",
    Left.CRASHED: "The new values were deployed, and the app does not run.",
    Left.APPLIED: "The new values are deployed, and the app is running.",
    Left.UNCLEAR: "Others changed the app meanwhile, or parts of it cannot be read: a person has to look.",
}


# A crash is put back like a file that was only written: what is new does not run.
_STANDS = {
    Left.UNTOUCHED: Stands.OLD,
    Left.WRITTEN: Stands.MIXED,
    Left.DEPLOYING: Stands.MOVING,
    Left.CRASHED: Stands.MIXED,
    Left.APPLIED: Stands.NEW,
    Left.UNCLEAR: Stands.UNCLEAR,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class AppStands:
    """What stands now: the side of the file and of what is deployed, the deployments' ids, and this change's backup.

    `deployment` is the active one. `revision` is what `AppTarget.restore` takes as the expected one.
    """

    left: Left
    file: Side
    deployed: Side
    is_running: bool
    revision: str
    deployment: str | None
    pending: str | None
    backup: str | None

    @property
    def message(self) -> str:
        """Return one sentence for people."""
        return _WORDS[self.left]

    @property
    def as_found(self) -> Found:
        """Return it in the words of every target."""
        return Found(stands=_STANDS[self.left], detail=self.message, revision=self.revision, backup=self.backup)


def app_stands(now: AppNow, record: ChangeRecord, backup: str | None) -> AppStands:
    """Compare what stands with the record of an interrupted change; raises ChangeError for a file that is broken."""
    request = ChangeRequest(agent=record.agent, target=record.target, slots=record.after)
    file_then, _, deployed_then = (record.before_revision or "").partition(".")
    file_now, _, deployed_now = now.revision.partition(".")
    file = _side(file_now == file_then, slots_in(request, now.file_values), record)
    deployed = _side(deployed_now == deployed_then, slots_in(request, now.running_values), record)
    pending = now.facts.pending
    return AppStands(
        left=_left(now, file, deployed, pending),
        file=file,
        deployed=deployed,
        is_running=now.facts.state is AppState.RUNNING,
        revision=now.revision,
        deployment=now.facts.active.id if now.facts.active else None,
        pending=pending.id if pending else None,
        backup=backup,
    )


def _side(is_same: bool, values: Values, record: ChangeRecord) -> Side:
    if is_same:
        return Side.OLD
    return Side.NEW if values == dict(record.after) else Side.OTHER


def _left(now: AppNow, file: Side, deployed: Side, pending: Deployment | None) -> Left:
    if pending is not None:
        return Left.DEPLOYING
    if Side.OTHER in (file, deployed) or now.deployed is None:
        return Left.UNCLEAR
    if deployed is Side.NEW:
        # A file that is still the old one means that the values were sent, not written.
        return Left.APPLIED if now.facts.state is AppState.RUNNING else Left.CRASHED
    return Left.WRITTEN if file is Side.NEW else Left.UNTOUCHED
