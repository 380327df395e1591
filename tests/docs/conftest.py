"""The command line of the docs is the one of the other tests."""

from __future__ import annotations

from tests.core.cli.conftest import command_line

__all__ = ["command_line"]
