"""The target `file:hermes`: Hermes' own config.yaml on this machine, written atomically and never without a backup."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from core.adapters.atomic_file import replace_file, sync_folder, write_new
from core.adapters.hermes_config import FILE_NAME, read_hermes_config, read_regular_file, shown_path
from core.adapters.hermes_edit import HermesEdit, broken, edit_hermes
from core.adapters.yaml_text import UnreadableYaml
from core.errors import ChangeError
from core.model.agent import AgentId
from core.model.change import ChangeRequest, TargetInfo, TargetKind
from core.model.secret import Secret
from core.ports import Clock, TargetPlan, Written

TARGET_ID = "file:hermes"
_LOCK_TIMEOUT_S = 10.0
_BACKUP_MARK = ".switchyard-"
_CHANGE_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class HermesFileTarget:
    """Fulfil the Target port for Hermes' config; `state_dir` holds the lock, so that none is left beside the file."""

    def __init__(self, *, home: Path, environment: Mapping[str, Secret], state_dir: Path, clock: Clock) -> None:
        self._path = home / FILE_NAME
        self._home = home
        self._environment = environment
        self._state_dir = state_dir
        self._clock = clock

    @property
    def info(self) -> TargetInfo:
        """Say whether the file can be written right now, and if not, why not."""
        reason = self._why_not_writable()
        return TargetInfo(
            id=TARGET_ID,
            kind=TargetKind.FILE,
            agents=(AgentId.HERMES,),
            writable=reason is None,
            reason=reason or f"{shown_path(self._path)} can be written.",
        )

    def _why_not_writable(self) -> str | None:
        config = read_hermes_config(self._home, self._environment)
        if not config.exists:
            return f"{config.path} does not exist: run hermes model once to create it."
        if config.problem:
            return config.problem
        try:
            real = self._real()
        except ChangeError as exc:
            return exc.message
        if not _may(real, os.W_OK):
            return f"{config.path} may not be written by this user."
        if not _may(real.parent, os.W_OK | os.X_OK):
            return f"The folder of {config.path} may not be written by this user, so no backup can be kept."
        return None

    def plan(self, request: ChangeRequest) -> TargetPlan:
        """Read the live file and work out the request against it; writes nothing."""
        content = self._read()
        edit = _edit(content, request)
        return TargetPlan(
            before=edit.before,
            after=edit.after,
            diff=edit.diff,
            revision=_revision(content),
            effective="next start of Hermes",
            affects="Hermes of this machine's user",
        )

    def revision(self) -> str | None:
        """Return the hash of the present bytes, None when there is no file."""
        return _revision(self._read()) if os.path.lexists(self._path) else None

    def write(self, request: ChangeRequest, *, expected_revision: str | None, change_id: str) -> Written | None:
        """Write the request if the file is still the expected one; None means that it was not."""
        return self._replace(lambda content: _edit(content, request).content, expected_revision, change_id)

    def restore(self, backup: str, *, expected_revision: str | None, change_id: str) -> Written | None:
        """Put a backup back to the identical bytes, under the same rule."""
        source = self._own_backup(backup)
        manual = f"cp {shlex.quote(str(source))} {shlex.quote(str(self._path))}"
        try:
            content = read_regular_file(source)
        except (OSError, UnreadableYaml) as exc:
            raise ChangeError(
                f"The backup {source.name} cannot be read.",
                code="backup_unreadable",
                remedy="Put the former values back by hand: hermes model.",
            ) from exc
        try:
            return self._replace(lambda _: content, expected_revision, change_id)
        except ChangeError as exc:
            raise ChangeError(exc.message, code=exc.code, remedy=f"By hand: {manual}") from exc

    def _own_backup(self, backup: str) -> Path:
        """Return the backup's path, refusing whatever a changed database could point us to."""
        source, real = Path(backup), self._real()
        if source.parent != real.parent or not source.name.startswith(real.name + _BACKUP_MARK):
            raise ChangeError(
                "The recorded backup does not lie beside Hermes' config.yaml.",
                code="backup_unreadable",
                remedy="Put the former values back by hand: hermes model.",
            )
        return source

    def _replace(self, make: Callable[[bytes], bytes], expected: str | None, change_id: str) -> Written | None:
        if not _CHANGE_ID.fullmatch(change_id):
            raise ValueError("a change id holds only letters, digits, _ and -")
        try:
            with self._lock():
                content = self._read()
                if _revision(content) != expected:
                    return None
                return self._write_with_backup(content, make(content), change_id)
        except Timeout as exc:
            raise ChangeError(
                "Another change to Hermes' config.yaml is still being written.",
                code="target_busy",
                remedy="Wait until it has ended, then plan again; nothing was written.",
            ) from exc
        except OSError as exc:
            raise ChangeError(
                f"{shown_path(self._path)} cannot be written: {(exc.strerror or 'unknown error').lower()}.",
                code="target_not_writable",
                remedy="Make the file and its folder writable for this user; the file is as it was.",
            ) from exc

    def _write_with_backup(self, content: bytes, changed: bytes, change_id: str) -> Written:
        real = self._real()
        owner = real.stat()
        stem = f"{real.name}{_BACKUP_MARK}{self._clock.now():%Y%m%dT%H%M%S%fZ}-{change_id}"
        backup = real.with_name(stem + ".bak")
        write_new(backup, content, owner=owner)
        sync_folder(real.parent)
        replace_file(real, changed, temporary=real.with_name(stem + ".tmp"), owner=owner)
        return Written(revision=_revision(changed), backup=str(backup))

    def _lock(self) -> FileLock:
        folder = self._state_dir / "locks"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = hashlib.sha256(str(self._real()).encode()).hexdigest()[:16]
        return FileLock(folder / f"hermes-{name}.lock", timeout=_LOCK_TIMEOUT_S, mode=0o600)

    def _real(self) -> Path:
        """Return the file behind the links: a link is somebody's arrangement, so the file it names is replaced."""
        try:
            return Path(os.path.realpath(self._path, strict=True))
        except OSError as exc:
            raise broken((exc.strerror or "unknown error").lower()) from exc

    def _read(self) -> bytes:
        try:
            return read_regular_file(self._path)
        except FileNotFoundError as exc:
            raise ChangeError(
                f"{shown_path(self._path)} does not exist.",
                code="target_missing",
                remedy="Run hermes model once to create it, or set HERMES_HOME to the folder that holds it.",
            ) from exc
        except UnreadableYaml as exc:
            raise broken(str(exc)) from exc
        except OSError as exc:
            raise broken((exc.strerror or "unknown error").lower()) from exc


def _edit(content: bytes, request: ChangeRequest) -> HermesEdit:
    if request.agent is not AgentId.HERMES:
        raise ChangeError(
            f"{TARGET_ID} holds the models of Hermes, not of {request.agent}.",
            code="wrong_target",
            remedy="Use the target export for this agent.",
        )
    return edit_hermes(content, slots=request.slots, credential=request.credential)


def _revision(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)
