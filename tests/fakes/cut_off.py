"""Processes without a network: what they ask of it fails, and is on record."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

_CUTTING = Path(__file__).resolve().parent / "no_network"


@dataclass(frozen=True)
class CutOff:
    """What cuts a process off, and where it is written what it asked of the network."""

    log: Path

    @property
    def environment(self) -> dict[str, str]:
        """Return what a Python process needs in its environment to be cut off."""
        root = _CUTTING.parent.parent.parent
        return {"PYTHONPATH": os.pathsep.join([str(_CUTTING), str(root)]), "NETWORK_LOG": str(self.log)}

    @property
    def asked(self) -> list[str]:
        """Return what was asked of the network."""
        return self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
