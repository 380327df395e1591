"""Replace one small file so that it is entirely old or entirely new at any moment, keeping who owns it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_PRIVATE = 0o600


def write_new(path: Path, content: bytes, *, owner: os.stat_result) -> None:
    """Write a file that does not exist yet, readable by its owner only, and wait until it is on the disk."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _PRIVATE)
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(descriptor, _PRIVATE)
            # root changes a person's config: without this the person could not read it any more.
            if (owner.st_uid, owner.st_gid) != (os.geteuid(), os.getegid()):
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            file.write(content)
            file.flush()
            os.fsync(descriptor)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise


def replace_file(path: Path, content: bytes, *, temporary: Path, owner: os.stat_result) -> None:
    """Put new content in a file's place in one step; on OSError the former content is still there."""
    write_new(temporary, content, owner=owner)
    try:
        os.replace(temporary, path)
    except OSError:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        raise
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a rename durable; the content is in place already, so a filesystem that cannot do this is no failure."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
