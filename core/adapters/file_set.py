"""Replace a few files that belong together, each in one step and none without a backup beside it."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

from core.adapters.atomic_file import replace_file, sync_folder, write_new
from core.adapters.config_files import read_regular_file, shown_path
from core.ports import Clock

_MARK = ".switchyard-"
_KEPT, _ABSENT, _NEW = ".bak", ".none", ".tmp"
_PRIVATE_FOLDER = 0o700


class FileSet:
    """The files of one config, by the paths that people know; a link is somebody's arrangement and is followed."""

    def __init__(self, paths: Sequence[Path], clock: Clock) -> None:
        self.paths = tuple(paths)
        self._clock = clock

    def real(self, index: int) -> Path:
        """Return the file behind the links; raises OSError for a link that leads in a circle."""
        path = self.paths[index]
        return Path(os.path.realpath(path, strict=True)) if os.path.lexists(path) else path.resolve()

    def why_not_writable(self) -> str | None:
        """Say why these files cannot be written, None when they can; raises OSError."""
        for index, path in enumerate(self.paths):
            real, shown = self.real(index), shown_path(path)
            if real.exists() and not _may(real, os.W_OK):
                return f"{shown} may not be written by this user."
            folder = real.parent
            while not folder.exists():
                folder = folder.parent
            if not _may(folder, os.W_OK | os.X_OK):
                return f"The folder of {shown} may not be written by this user, so no backup can be kept."
        return None

    def replace(self, former: Sequence[bytes | None], wanted: Sequence[bytes | None], change_id: str) -> str:
        """Put the wanted contents in place, None for no file; return the path that names the set of backups.

        Every backup and every new content is on the disk before the first file is touched. Raises OSError; the former
        contents stand then, or are put back as far as the disk lets us.
        """
        stem = f"{_MARK}{self._clock.now():%Y%m%dT%H%M%S%fZ}-{change_id}"
        reals = [self.real(index) for index in range(len(self.paths))]
        staged = self._stage(reals, former, wanted, stem)
        done: list[tuple[Path, bytes | None]] = []
        try:
            for real, before, after in zip(reals, former, wanted, strict=True):
                if before != after:
                    _put(real, staged.get(real))
                    done.append((real, before))
        except OSError:
            self._put_back(done, stem)
            raise
        finally:
            for temporary in staged.values():
                temporary.unlink(missing_ok=True)
        return str(_backup(reals[0], stem, former[0]))

    def _stage(
        self, reals: Sequence[Path], former: Sequence[bytes | None], wanted: Sequence[bytes | None], stem: str
    ) -> dict[Path, Path]:
        """Write the backups and the new contents beside the files; return the new ones by the file they are for."""
        made: list[Path] = []
        staged: dict[Path, Path] = {}
        try:
            for real, before, after in zip(reals, former, wanted, strict=True):
                _make_folder(real.parent)
                _drop_leftovers(real)
                made.append(_backup(real, stem, before))
                write_new(made[-1], before or b"", owner=_owner(real))
                if after is not None and after != before:
                    staged[real] = real.with_name(real.name + stem + _NEW)
                    write_new(staged[real], after, owner=_owner(real))
        except OSError:
            for path in (*made, *staged.values()):
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
            raise
        for folder in {real.parent for real in reals}:
            sync_folder(folder)
        return staged

    def _put_back(self, done: Sequence[tuple[Path, bytes | None]], stem: str) -> None:
        for real, before in reversed(done):
            with contextlib.suppress(OSError):
                if before is None:
                    _put(real, None)
                else:
                    replace_file(real, before, temporary=real.with_name(real.name + stem + _NEW), owner=_owner(real))

    def by_hand(self, backup: str) -> str:
        """Return the command with which a person puts a set of backups in place."""
        first = self.real(0)
        stem = _stem(Path(backup), first)
        steps = []
        for index in range(len(self.paths)):
            real = self.real(index)
            kept, absent = _backup(real, stem, b""), _backup(real, stem, None)
            words = ["rm", "-f", str(real)] if os.path.lexists(absent) else ["cp", str(kept), str(real)]
            steps.append(shlex.join(words))
        return " && ".join(steps)

    def backed_up(self, backup: str) -> list[bytes | None] | None:
        """Return the contents that a set of backups holds; None when it is none of ours.

        A changed database could point us anywhere, so only what lies beside the files counts. Raises OSError, and
        UnreadableConfig for one that is huge.
        """
        source, first = Path(backup), self.real(0)
        if source.parent != first.parent or not source.name.startswith(first.name + _MARK):
            return None
        return [self._content(self.real(index), _stem(source, first)) for index in range(len(self.paths))]

    def _content(self, real: Path, stem: str) -> bytes | None:
        if os.path.lexists(_backup(real, stem, None)):
            return None
        return read_regular_file(_backup(real, stem, b""))

    def backup_of(self, change_id: str) -> str | None:
        """Return the path that names the set of backups of a change, None when there is none."""
        first = self.real(0)
        # A change id may hold dashes itself, the time before it never does.
        ours = re.compile(re.escape(first.name + _MARK) + rf"[^-]+-{re.escape(change_id)}({_KEPT}|{_ABSENT})")
        beside = first.parent.iterdir() if first.parent.is_dir() else iter(())
        found = [path for path in beside if ours.fullmatch(path.name)]
        return str(max(found)) if found else None


def _backup(real: Path, stem: str, content: bytes | None) -> Path:
    return real.with_name(real.name + stem + (_ABSENT if content is None else _KEPT))


def _stem(backup: Path, first: Path) -> str:
    return backup.name.removeprefix(first.name).removesuffix(_KEPT).removesuffix(_ABSENT)


def _put(real: Path, new: Path | None) -> None:
    """Put a content that lies beside a file in its place in one step, or take the file away."""
    if new is None:
        real.unlink()
    else:
        os.replace(new, real)
    sync_folder(real.parent)


def _drop_leftovers(real: Path) -> None:
    """Remove what a killed write left behind: it may hold a token, and whoever has the lock knows that it is dead."""
    for path in real.parent.iterdir():
        if path.name.startswith(real.name + _MARK) and path.name.endswith(_NEW):
            path.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, for their owner only."""
    if folder.exists():
        return
    _make_folder(folder.parent)
    owner = folder.parent.stat()
    folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
    # As in write_new: root must leave a person's folder to the person.
    if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
        os.chown(folder, owner.st_uid, owner.st_gid)


def _owner(real: Path) -> os.stat_result:
    """Return whose file it is: root changing a person's config must leave it to the person."""
    return (real if real.exists() else real.parent).stat()


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)
