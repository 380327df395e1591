"""Install the real agents into `.agents/`, each in an environment of its own: theirs and ours exclude each other.

`make test-agents` runs them against the simulated workspace; nothing else needs them. Without npm only Hermes is there.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / ".agents"
HERMES = FOLDER / "hermes" / "bin" / "hermes"
PROGRAMS = FOLDER / "npm" / "node_modules" / ".bin"
# The releases whose behaviour was measured (agents.md).
_HERMES_PACKAGE = "hermes-agent==0.19.0"
_NPM_PACKAGES = {
    "codex": "@openai/codex@0.169.0",
    "claude": "@anthropic-ai/claude-code@2.1.330",
    "gemini": "@google/gemini-cli@0.61.0",
    "opencode": "opencode-ai@1.18.33",
    "pi": "@earendil-works/pi-coding-agent@0.87.1",
    # Pi needs a newer Node than many machines have.
    "node": "node@22",
}


def main() -> None:
    """Install what is not there yet."""
    if not HERMES.exists():
        print(f"Installing {_HERMES_PACKAGE} into .agents …", flush=True)
        subprocess.run([sys.executable, "-m", "venv", FOLDER / "hermes"], check=True)
        pip = [FOLDER / "hermes" / "bin" / "python", "-m", "pip", "install", "--quiet", _HERMES_PACKAGE]
        subprocess.run(pip, check=True)
    missing = [package for name, package in _NPM_PACKAGES.items() if not (PROGRAMS / name).exists()]
    npm = shutil.which("npm")
    if missing and npm:
        print(f"Installing {', '.join(missing)} into .agents …", flush=True)
        (FOLDER / "npm").mkdir(parents=True, exist_ok=True)
        install = [npm, "install", "--silent", "--no-audit", "--no-fund", *missing]
        subprocess.run(install, cwd=FOLDER / "npm", check=True)


if __name__ == "__main__":
    main()
