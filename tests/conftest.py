"""What every test stands on: no names outside this machine, no leftovers of the environment, repeatable properties."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import settings

settings.register_profile("repeatable", derandomize=True, deadline=None, print_blob=True)
settings.load_profile("repeatable")

_REAL_GETADDRINFO = socket.getaddrinfo
_LOOPBACK = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "", None)
_SETTINGS = ("DATABRICKS_", "SWITCHYARD_", "HERMES_", "ENABLE_", "ANTHROPIC_", "CODEX_", "GEMINI_", "OPENCODE_", "PI_")


def _loopback_only(host: Any, *args: Any, **kwargs: Any) -> Any:
    name = host.decode() if isinstance(host, bytes) else host
    if name in _LOOPBACK or (name and name.startswith("127.")):
        return _REAL_GETADDRINFO(host, *args, **kwargs)
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.fixture(scope="session", autouse=True)
def no_name_service() -> Iterator[None]:
    """Answer every name that is not this machine's like a resolver that does not know it."""
    socket.getaddrinfo = _loopback_only
    yield
    socket.getaddrinfo = _REAL_GETADDRINFO


@pytest.fixture(autouse=True)
def same_main(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take back what Streamlit's test harness makes of the main module.

    Whatever process a later test starts by multiprocessing would run that page, and with it a whole dashboard.
    """
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Hide the settings and the home of whoever runs the tests."""
    for name in list(os.environ):
        if name.startswith(_SETTINGS):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path_factory.getbasetemp()))
