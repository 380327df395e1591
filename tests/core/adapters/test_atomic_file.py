"""A file is entirely old or entirely new."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import pytest

from core.adapters.atomic_file import replace_file, sync_folder, write_new


def test_an_existing_file_is_never_overwritten_as_new(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(FileExistsError):
        write_new(path, b"new", owner=path.stat())
    assert path.read_text() == "old"


def test_nothing_is_left_behind_when_the_content_cannot_be_written(tmp_path: Path) -> None:
    former = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10, former[1]))
    try:
        with pytest.raises(OSError, match="File too large"):
            write_new(tmp_path / "a", b"x" * 100, owner=tmp_path.stat())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, former)
        signal.signal(signal.SIGXFSZ, ignored)
    assert list(tmp_path.iterdir()) == []


def test_a_replacement_that_fails_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    target = tmp_path / "folder"
    target.mkdir()
    with pytest.raises(IsADirectoryError):
        replace_file(target, b"new", temporary=tmp_path / "temporary", owner=target.stat())
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]


def test_a_folder_that_cannot_be_synced_is_no_failure(tmp_path: Path) -> None:
    sync_folder(tmp_path / "nowhere")
