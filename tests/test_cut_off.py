"""A process that is cut off reaches this machine and nobody else, and what it tried is on record."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.cut_off import CutOff

_CONNECT = "import socket; socket.socket().connect(('192.0.2.7', 443))"
_SEND = "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.7', 53))"
_RESOLVE = "import socket; socket.getaddrinfo('switchyard.example', 443)"
_ASYNC = (
    "import asyncio\n"
    "async def ask(): await asyncio.get_running_loop().create_connection(asyncio.Protocol, '192.0.2.7', 443)\n"
    "asyncio.run(ask())"
)
_CHILD = f"import subprocess, sys; sys.exit(subprocess.run([sys.executable, '-c', {_RESOLVE!r}]).returncode)"
_HERE = (
    "import socket\n"
    "server = socket.create_server(('127.0.0.1', 0))\n"
    "socket.create_connection(('localhost', server.getsockname()[1]), timeout=1)"
)


def run(program: str, folder: Path) -> tuple[int, list[str]]:
    """Run a program that is cut off; return how it ended and what it asked of the network."""
    cut = CutOff(log=folder / "asked")
    environment = {"PATH": os.environ["PATH"], **cut.environment}
    ended = subprocess.run([sys.executable, "-c", program], env=environment, capture_output=True, check=False)
    return ended.returncode, cut.asked


@pytest.mark.parametrize(
    ("program", "asked"),
    [
        pytest.param(_CONNECT, "socket.connect ('192.0.2.7', 443)", id="a connection"),
        pytest.param(_SEND, "socket.sendto ('192.0.2.7', 53)", id="a datagram"),
        pytest.param(_RESOLVE, "socket.getaddrinfo switchyard.example", id="a name"),
        pytest.param(_ASYNC, "socket.connect ('192.0.2.7', 443)", id="asyncio"),
        pytest.param(_CHILD, "socket.getaddrinfo switchyard.example", id="a process that it starts"),
    ],
)
def test_what_would_leave_this_machine_fails_and_is_on_record(program: str, asked: str, tmp_path: Path) -> None:
    assert run(program, tmp_path) == (1, [asked])


def test_this_machine_is_reached_as_ever(tmp_path: Path) -> None:
    assert run(_HERE, tmp_path) == (0, [])
