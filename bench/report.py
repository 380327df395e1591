"""Keep what was measured in docs/performance.md, each table in the section that is marked for it."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

REPORT = Path(__file__).resolve().parent.parent / "docs" / "performance.md"


def write(mark: str, lines: Sequence[str], path: Path = REPORT) -> None:
    """Replace what stands between the two marks, and say when and on what it was measured."""
    machine = f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}, Python {platform.python_version()}"
    block = f"Measured {datetime.now(UTC):%Y-%m-%d} on {machine}, loopback.\n\n" + "\n".join(lines) + "\n"
    text = path.read_text(encoding="utf-8")
    marked = re.compile(rf"(<!-- {mark} -->\n).*?(<!-- /{mark} -->)", re.DOTALL)
    path.write_text(marked.sub(lambda found: found.group(1) + block + found.group(2), text), encoding="utf-8")
