"""Create `.venv` and install the named requirements files into it, only when they changed.

Runs on any Python 3.11+ with the standard library alone, because nothing is installed yet.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"


def main(names: list[str]) -> None:
    """Bring the environment to the state that these requirements files describe."""
    with open(ROOT / ".venv.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not _is_usable():
            _create()
        if changed := [name for name in names if not _is_installed(name)]:
            _install(changed)


def _is_usable() -> bool:
    if not VENV_PYTHON.exists():
        return False
    check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    return subprocess.run([VENV_PYTHON, "-c", check], capture_output=True, check=False).returncode == 0


def _create() -> None:
    print("Creating .venv …", flush=True)
    shutil.rmtree(VENV, ignore_errors=True)
    make = [sys.executable, "-m", "venv", str(VENV)]
    first = subprocess.run(make, capture_output=True, text=True, check=False)
    if first.returncode == 0:
        return
    # Debian and Ubuntu ship the venv module without the pip that it needs.
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    package = f"python{version}-venv"
    if os.geteuid() == 0 and shutil.which("apt-get"):
        shutil.rmtree(VENV, ignore_errors=True)
        install = f"apt-get update -q && DEBIAN_FRONTEND=noninteractive apt-get install -q -y {package}"
        if subprocess.run(["sh", "-c", install], check=False).returncode == 0:
            subprocess.run(make, check=True)
            return
    print(first.stdout + first.stderr, file=sys.stderr)
    sys.exit(f"python -m venv does not work here. On Debian or Ubuntu type: sudo apt-get install -y {package}")


def _stamp(name: str) -> Path:
    return VENV / f".installed-{name}"


def _is_installed(name: str) -> bool:
    return _stamp(name).exists() and _stamp(name).read_text() == _checksum(name)


def _install(names: list[str]) -> None:
    print(f"Installing {' and '.join(names)} into .venv (a minute or two the first time) …", flush=True)
    pip = [VENV_PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    if any(name.endswith(".lock") for name in names):
        pip.append("--require-hashes")
    # As root pip warns about itself, though a virtual environment is exactly what it asks for.
    pip.append("--root-user-action=ignore")
    # All at once: what belongs together is looked up and unpacked once.
    for name in names:
        pip += ["-r", ROOT / name]
    if subprocess.run(pip, check=False).returncode != 0:
        said = "pip could not install {}; its message is above. Correct the cause and type the command again."
        sys.exit(said.format(" and ".join(names)))
    for name in names:
        _stamp(name).write_text(_checksum(name))


def _checksum(name: str) -> str:
    """Return what an installation depends on: the file, those it includes, and where .venv stands."""
    text = (ROOT / name).read_text(encoding="utf-8")
    for line in text.splitlines():
        if line.startswith("-r "):
            text += (ROOT / line[3:].strip()).read_text(encoding="utf-8")
    return hashlib.sha256(f"{VENV}\n{text}".encode()).hexdigest()


if __name__ == "__main__":
    main(sys.argv[1:])
