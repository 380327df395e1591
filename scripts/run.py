"""Start the dashboard on this machine only, and say where it is."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ADDRESS = "127.0.0.1"
USUAL_PORT = 8501


def main() -> None:
    """Replace this process by Streamlit, so that Ctrl-C and signals reach it directly."""
    port = chosen_port()
    print(f"\n  Switchyard: http://{ADDRESS}:{port}   (Ctrl-C stops it)\n", flush=True)
    os.chdir(ROOT)
    command = [sys.executable, "-m", "streamlit", "run", "app.py"]
    os.execv(sys.executable, [*command, "--server.address", ADDRESS, "--server.port", str(port)])


def chosen_port() -> int:
    """Return the port of PORT, or the first free one from the usual one on."""
    wanted = os.environ.get("PORT")
    if wanted is None:
        return next(port for port in range(USUAL_PORT, USUAL_PORT + 100) if _is_free(port))
    if not wanted.isdecimal() or not 0 < int(wanted) < 65536:
        sys.exit(f"PORT is {wanted!r}, which is not a port number. Type for example: PORT=8600 make run")
    if not _is_free(int(wanted)):
        sys.exit(f"Port {wanted} is taken. Type for example: PORT={int(wanted) % 65000 + 1} make run")
    return int(wanted)


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((ADDRESS, port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    main()
