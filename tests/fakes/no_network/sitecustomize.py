"""Cut off a Python process and those that it starts; Python itself imports this where the folder is on its path.

Whatever would leave this machine, or asks a name service for somebody else, fails as it does without a network, and is
written down in the file that NETWORK_LOG names.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
from typing import Any

_NAMES = ("localhost", "127.0.0.1", "::1", "0.0.0.0", "::", "", None)
_CONNECTING = ("socket.connect", "socket.sendto", "socket.sendmsg")
_ASKING = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr", "socket.getnameinfo")


def _is_here(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    return name in _NAMES or name.startswith("127.")


def _host_of(address: Any) -> Any:
    return address[0] if isinstance(address, tuple) else address


def _refuse(event: str, arguments: tuple[Any, ...]) -> None:
    if event in _CONNECTING:
        asked, address = arguments
        if asked.family not in (socket.AF_INET, socket.AF_INET6) or address is None or _is_here(_host_of(address)):
            return
        _note(f"{event} {address}")
        raise OSError(errno.ENETUNREACH, os.strerror(errno.ENETUNREACH))
    if event in _ASKING and not _is_here(_host_of(arguments[0])):
        _note(f"{event} {arguments[0]}")
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")


def _note(line: str) -> None:
    with open(os.environ["NETWORK_LOG"], "a", encoding="utf-8") as log:
        log.write(line + "\n")


# It connects below Python, where nobody can look; without it asyncio's own loop does.
sys.modules["uvloop"] = None
sys.addaudithook(_refuse)
