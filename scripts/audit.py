"""Look for known vulnerabilities in what is locked, and write its bill of materials.

Ends with 0 when nothing is known against any package, 1 when something is, and 3 when the database of vulnerabilities
could not be asked about some of them: that is neither good nor bad news, and is said apart.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
LOCK = ROOT / "requirements.lock"
SBOM = ROOT / "build" / "sbom.json"
TOOLS = Path(sys.executable).parent


def verdict(report: dict[str, Any]) -> tuple[int, str]:
    """Return the exit code and the sentences for what pip-audit found, as its JSON has it."""
    packages = report.get("dependencies", [])
    bad = [(one["name"], one["version"], one["vulns"]) for one in packages if one.get("vulns")]
    unasked = [one["name"] for one in packages if "skip_reason" in one]
    lines = [
        f"{name} {version}: {vuln['id']}, fixed in {', '.join(vuln.get('fix_versions', [])) or 'no release yet'}"
        for name, version, vulns in bad
        for vuln in vulns
    ]
    if unasked:
        lines.append(
            f"Not audited: the database of vulnerabilities did not know or answer for {len(unasked)} packages."
        )
    if not packages:
        lines.append("Not audited: pip-audit named no package at all.")
    if bad:
        return 1, "\n".join(lines)
    if unasked or not packages:
        return 3, "\n".join(lines)
    return 0, f"Nothing is known against any of the {len(packages)} packages."


def main() -> int:
    """Run both tools; see the module."""
    SBOM.parent.mkdir(exist_ok=True)
    bill = [TOOLS / "cyclonedx-py", "requirements", LOCK, "--output-reproducible", "-o", SBOM]
    subprocess.run(bill, check=True, capture_output=True)
    print(f"Bill of materials: {SBOM.relative_to(ROOT)}")
    command = [
        TOOLS / "pip-audit",
        "-r",
        LOCK,
        "--require-hashes",
        "--disable-pip",
        "-f",
        "json",
        "--progress-spinner=off",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        report = json.loads(done.stdout)
    except ValueError:
        print("Not audited: the database of vulnerabilities could not be reached.")
        print(done.stderr.strip()[-500:], file=sys.stderr)
        return 3
    code, text = verdict(report)
    print(text)
    return code


if __name__ == "__main__":
    sys.exit(main())
