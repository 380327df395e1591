"""Replace a few files that belong together, each in one step and none without a backup beside it."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from core.adapters.atomic_file import replace_file, sync_folder, write_new
from core.adapters.config_files import read_regular_file, shown_path
from core.ports import Clock

_MARK = ".switchyard-"
_KEPT, _ABSENT = ".bak", ".none"
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

        Every backup is on the disk before the first file is touched. Raises OSError.
        """
        stem = f"{_MARK}{self._clock.now():%Y%m%dT%H%M%S%fZ}-{change_id}"
        reals = [self.real(index) for index in range(len(self.paths))]
        backups: list[Path] = []
        for real, content in zip(reals, former, strict=True):
            real.parent.mkdir(parents=True, exist_ok=True, mode=_PRIVATE_FOLDER)
            backup = real.with_name(real.name + stem + (_ABSENT if content is None else _KEPT))
            write_new(backup, content or b"", owner=_owner(real))
            backups.append(backup)
        for folder in {real.parent for real in reals}:
            sync_folder(folder)
        for real, before, after in zip(reals, former, wanted, strict=True):
            if before == after:
                continue
            if after is None:
                real.unlink()
                sync_folder(real.parent)
            else:
                replace_file(real, after, temporary=real.with_name(real.name + stem + ".tmp"), owner=_owner(real))
        return str(backups[0])

    def backed_up(self, backup: str) -> list[bytes | None] | None:
        """Return the contents that a set of backups holds; None when it is none of ours.

        A changed database could point us anywhere, so only what lies beside the files counts. Raises OSError, and
        UnreadableConfig for one that is huge.
        """
        source, first = Path(backup), self.real(0)
        if source.parent != first.parent or not source.name.startswith(first.name + _MARK):
            return None
        stem = source.name.removeprefix(first.name).removesuffix(_KEPT).removesuffix(_ABSENT)
        return [self._content(self.real(index), stem) for index in range(len(self.paths))]

    def _content(self, real: Path, stem: str) -> bytes | None:
        if os.path.lexists(real.with_name(real.name + stem + _ABSENT)):
            return None
        return read_regular_file(real.with_name(real.name + stem + _KEPT))

    def backup_of(self, change_id: str) -> str | None:
        """Return the path that names the set of backups of a change, None when there is none."""
        first = self.real(0)
        ends = tuple(f"-{change_id}{end}" for end in (_KEPT, _ABSENT))
        beside = first.parent.iterdir() if first.parent.is_dir() else iter(())
        found = [path for path in beside if path.name.startswith(first.name + _MARK) and path.name.endswith(ends)]
        return str(max(found)) if found else None


def _owner(real: Path) -> os.stat_result:
    """Return whose file it is: root changing a person's config must leave it to the person."""
    return (real if real.exists() else real.parent).stat()


def _may(path: Path, mode: int) -> bool:
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)
