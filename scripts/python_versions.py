"""Run the tests without a browser on every Python that Databricks Apps may bring, each in an environment of its own.

Run it by `make test-pythons`. A version that this machine does not have is named and left out.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERSIONS = ("3.11", "3.12")
_TESTS = ("-m", "pytest", "-n", "2", "-m", "not browser and not agents")


def main(versions: Sequence[str]) -> int:
    """Return 0 when the tests hold on each of these versions that is here, and at least one is."""
    found = {version: python for version in versions if (python := python_of(version))}
    for version in versions:
        if version not in found:
            print(f"Python {version} is not on PATH: left out.", file=sys.stderr)
    failed = [version for version, python in found.items() if not _holds(version, python)]
    for version in found:
        print(f"Python {version}: {'failed' if version in failed else 'holds'}")
    return 1 if failed or not found else 0


def python_of(version: str) -> str | None:
    """Return the program of this version, None when there is none; a name on PATH alone may be an empty promise."""
    python = shutil.which(f"python{version}")
    if python is None:
        return None
    said = subprocess.run(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"], capture_output=True, text=True, check=False
    )
    return python if said.stdout.strip() == version else None


def _holds(version: str, python: str) -> bool:
    folder = ROOT / f".venv-{version}"
    own = str(folder / "bin" / "python")
    steps = (
        [python, "-m", "venv", str(folder)],
        [own, "-m", "pip", "install", "--quiet", "-r", "requirements-dev.txt"],
        [own, *_TESTS],
    )
    return all(subprocess.run(step, cwd=ROOT, check=False).returncode == 0 for step in steps)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or VERSIONS))
