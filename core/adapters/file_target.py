"""The targets `file:<agent>`: an agent's own config on this machine, written atomically and never without a backup.

An agent may have several files. Each is replaced in one step, all under one lock; what a kill between two of them
leaves behind is told apart by `found` and put back by `restore`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from core.adapters.agent_configs import read_config
from core.adapters.agents.form import AgentForm, Contents, UnreadableConfig, broken
from core.adapters.config_files import read_if_there, shown_path
from core.adapters.file_set import FileSet
from core.catalog.agents import AGENTS
from core.errors import ChangeError
from core.model.change import ChangeRecord, ChangeRequest, TargetInfo, TargetKind
from core.model.secret import Secret
from core.ports import Clock, Found, PhaseListener, Stands, TargetPlan, Written, no_listener

PREFIX = "file:"
_LOCK_TIMEOUT_S = 10.0
_CHANGE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NO_FILE = "-"

_WORDS = {
    Stands.OLD: "Nothing was changed: the config is as it was.",
    Stands.NEW: "The config holds the new values.",
    Stands.MIXED: "Some of its files are new and some are as they were.",
    Stands.UNCLEAR: "The config is neither as it was nor as it was to be: somebody else changed it.",
}


class FileTarget:
    """Fulfil the Target port for one agent; `state_dir` holds the lock, so that none is left beside the files."""

    def __init__(
        self, form: AgentForm, *, home: Path, environment: Mapping[str, Secret], state_dir: Path, clock: Clock
    ) -> None:
        self._form = form
        self._home = home
        self._environment = environment
        self._state_dir = state_dir
        self._files = FileSet(tuple(home / name for name in form.files), clock)
        self._shown = shown_path(home / form.files[0])
        self._spec = AGENTS[form.agent]

    @property
    def info(self) -> TargetInfo:
        """Say whether the config can be written right now, and if not, why not."""
        reason = self._why_not_writable()
        return TargetInfo(
            id=PREFIX + self._form.agent,
            kind=TargetKind.FILE,
            agents=(self._form.agent,),
            writable=reason is None,
            reason=reason or self._why_writable(),
        )

    def _why_writable(self) -> str:
        exists = any(os.path.lexists(path) for path in self._files.paths)
        return f"{self._shown} can be written." if exists else f"{self._shown} does not exist yet; it would be made."

    def _why_not_writable(self) -> str | None:
        config = read_config(self._form, self._home, self._environment)
        if config.problem:
            return config.problem
        if not config.exists and not self._home.is_dir():
            return f"{config.path} does not exist: start {self._spec.label} once on this machine, or use export."
        try:
            return self._files.why_not_writable()
        except OSError as exc:
            return f"{config.path} cannot be read: {(exc.strerror or 'unknown error').lower()}."

    def plan(self, request: ChangeRequest) -> TargetPlan:
        """Read the live files and work out the request against them; writes nothing."""
        self._refuse_others(request)
        contents = self._read()
        edit = self._form.edit(contents, request)
        return TargetPlan(
            before=edit.before,
            after=edit.after,
            diff=edit.diff,
            revision=_revision(contents),
            effective=self._form.effective,
            affects=f"{self._spec.label} of this machine's user",
            revision_after=_revision({**contents, **edit.contents}),
        )

    def revision(self) -> str | None:
        """Return the hash of the present bytes, None when there is no file."""
        return _revision(self._read())

    def write(
        self,
        request: ChangeRequest,
        *,
        expected_revision: str | None,
        change_id: str,
        progress: PhaseListener = no_listener,
    ) -> Written | None:
        """Write the request if the files are still the expected ones; None means that they were not."""
        self._refuse_others(request)

        def changed(contents: Contents) -> Contents:
            return {**contents, **self._form.edit(contents, request).contents}

        return self._replace(changed, expected_revision, change_id)

    def restore(
        self,
        backup: str,
        *,
        expected_revision: str | None,
        change_id: str,
        progress: PhaseListener = no_listener,
    ) -> Written | None:
        """Put a backup back to the identical bytes, under the same rule; files that were not there go again."""
        contents = self._backed_up(backup)
        try:
            return self._replace(lambda _: contents, expected_revision, change_id)
        except ChangeError as exc:
            raise ChangeError(exc.message, code=exc.code, remedy=f"By hand: {self._files.by_hand(backup)}") from exc

    def found(self, record: ChangeRecord) -> Found:
        """Tell, file by file, on which side of an interrupted change the config stands."""
        contents = self._read()
        stands = _stands(_parts(contents), record)
        backup = self._files.backup_of(record.change_id)
        return Found(
            stands=stands,
            detail=_WORDS[stands],
            revision=_revision(contents),
            backup=backup,
            by_hand=self._files.by_hand(backup) if backup else "",
        )

    def _backed_up(self, backup: str) -> Contents:
        try:
            found = self._files.backed_up(backup)
        except (OSError, UnreadableConfig) as exc:
            raise _no_backup(f"The backup {Path(backup).name} cannot be read.") from exc
        if found is None:
            raise _no_backup(f"The recorded backup does not lie beside {self._spec.possessive} config.")
        return dict(zip(self._form.files, found, strict=True))

    def _refuse_others(self, request: ChangeRequest) -> None:
        if request.agent is not self._form.agent:
            raise ChangeError(
                f"{PREFIX}{self._form.agent} holds the models of {self._spec.label}, not of {request.agent}.",
                code="wrong_target",
                remedy="Use the target export for this agent.",
            )

    def _replace(self, make: Callable[[Contents], Contents], expected: str | None, change_id: str) -> Written | None:
        if not _CHANGE_ID.fullmatch(change_id):
            raise ValueError("a change id holds only letters, digits, _ and -")
        try:
            with self._lock():
                contents = self._read()
                if (_revision(contents) or _NO_FILE) != (expected or _NO_FILE):
                    return None
                changed = make(contents)
                names = self._form.files
                backup = self._files.replace(
                    [contents[name] for name in names], [changed[name] for name in names], change_id
                )
                return Written(revision=_revision(changed) or _NO_FILE, backup=backup)
        except Timeout as exc:
            raise ChangeError(
                f"Another change to {self._spec.possessive} config is still being written.",
                code="target_busy",
                remedy="Wait until it has ended, then plan again; nothing was written.",
            ) from exc
        except OSError as exc:
            raise ChangeError(
                f"{self._shown} cannot be written: {(exc.strerror or 'unknown error').lower()}.",
                code="target_not_writable",
                remedy="Make its files and their folder writable for this user, then plan again.",
            ) from exc

    def _lock(self) -> FileLock:
        folder = self._state_dir / "locks"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = hashlib.sha256(str(self._files.real(0)).encode()).hexdigest()[:16]
        return FileLock(folder / f"{self._form.agent}-{name}.lock", timeout=_LOCK_TIMEOUT_S, mode=0o600)

    def _read(self) -> Contents:
        try:
            return {name: read_if_there(self._home / name) for name in self._form.files}
        except UnreadableConfig as exc:
            raise broken(self._form, str(exc)) from exc
        except OSError as exc:
            raise broken(self._form, (exc.strerror or "unknown error").lower()) from exc


def _no_backup(message: str) -> ChangeError:
    return ChangeError(message, code="backup_unreadable", remedy="Put the former values back by hand.")


def _parts(contents: Contents) -> list[str]:
    return [_NO_FILE if content is None else hashlib.sha256(content).hexdigest() for content in contents.values()]


def _revision(contents: Contents) -> str | None:
    """Return a name for exactly these files; their hashes stand apart in it, so that each can be told later."""
    parts = _parts(contents)
    return None if set(parts) == {_NO_FILE} else ".".join(parts)


def _stands(now: list[str], record: ChangeRecord) -> Stands:
    old, new = (_sides(revision, len(now)) for revision in (record.before_revision, record.after_revision))
    if now == old:
        return Stands.OLD
    if record.after_revision is None:
        return Stands.UNCLEAR
    if now == new:
        return Stands.NEW
    either = all(part in (before, after) for part, before, after in zip(now, old, new, strict=True))
    return Stands.MIXED if either else Stands.UNCLEAR


def _sides(revision: str | None, count: int) -> list[str]:
    """Return a revision file by file; none means that there was no file."""
    parts = (revision or _NO_FILE).split(".")
    return parts if len(parts) == count else [parts[0]] * count
