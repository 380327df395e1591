"""Read the small files that people and agents keep their settings in, whatever lies in their place."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from core.adapters.agents.form import UnreadableConfig

MAX_BYTES = 256 * 1024


def read_regular_file(path: Path) -> bytes:
    """Return a file's bytes; raises OSError, also for what is no regular file, and UnreadableConfig when it is huge."""
    # Opened non-blocking, so that a named pipe in its place cannot hold us.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(0, "not a regular file")
        content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UnreadableConfig("it is larger than 256 KiB")
    return content


def read_if_there(path: Path) -> bytes | None:
    """Return a file's bytes, None when nothing is there; raises as `read_regular_file`, also for a dangling link."""
    try:
        return read_regular_file(path)
    except FileNotFoundError:
        if os.path.lexists(path):
            raise UnreadableConfig("it is a link to a file that does not exist") from None
        return None


def shown_path(path: Path) -> str:
    """Return a path for people, with their home folder shortened to ~."""
    home = os.path.expanduser("~")
    text = str(path)
    return "~" + text[len(home) :] if home != "/" and text.startswith(home + os.sep) else text
