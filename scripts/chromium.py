"""Find the Chromium that browser tests and screenshots use, and install Debian's package when there is none."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MACOS = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
COMMAND = "apt-get update && apt-get install -y chromium"


def find_chromium() -> str | None:
    """Return the path of a Chromium on this machine, if there is one."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    return found or (MACOS if os.path.exists(MACOS) else None)


def main() -> None:
    """Make sure that there is a Chromium, or stop with the one command that brings one."""
    if find_chromium():
        return
    if os.geteuid() == 0 and shutil.which("apt-get"):
        print("Installing Chromium for the browser tests …", flush=True)
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["sh", "-c", COMMAND], env=environment, stdout=subprocess.DEVNULL, check=False)
    if not find_chromium():
        sys.exit(f"The browser tests need a Chromium on PATH. Type: sudo sh -c '{COMMAND}'")


if __name__ == "__main__":
    main()
