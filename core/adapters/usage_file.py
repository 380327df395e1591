"""Keep one day's usage in a small JSON file that several processes of one machine add to."""

from __future__ import annotations

import json
import os
import threading
from datetime import date
from pathlib import Path

from filelock import FileLock, Timeout

from core.errors import StoreError
from core.model.usage import Usage

_LOCK_S = 2.0


class UsageFile:
    """Fulfil the UsageStore of the meter; the file holds the newest day only, and is replaced in one step."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def add(self, counted: Usage) -> Usage:
        """Add to the day's usage and return the whole; see the port."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(self._path.with_suffix(".lock"), timeout=_LOCK_S):
                kept = self._read()
                whole = counted if kept is None else kept.plus(counted)
                if whole != kept:
                    self._write(whole)
        except (OSError, Timeout) as exc:
            raise StoreError(
                f"The usage file cannot be written ({type(exc).__name__}).",
                code="usage_unwritable",
                remedy="Set SWITCHYARD_STATE_DIR to a folder that this user may write.",
            ) from exc
        return whole

    def _read(self) -> Usage | None:
        """A file that is missing or damaged counts as nothing used: the count is a limit, not a record."""
        try:
            document = json.loads(self._path.read_text(encoding="utf-8"))
            models = {str(model): (int(counts[0]), int(counts[1])) for model, counts in document["models"].items()}
            return Usage(day=date.fromisoformat(document["day"]), requests=int(document["requests"]), models=models)
        except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError, IndexError):
            return None

    def _write(self, usage: Usage) -> None:
        document = {"day": usage.day.isoformat(), "requests": usage.requests, "models": dict(usage.models)}
        temporary = self._path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.tmp")
        temporary.write_text(json.dumps(document), encoding="utf-8")
        os.replace(temporary, self._path)
