"""What the self-check says of one thing that the dashboard needs or may use."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """`not_used` is what was left out on purpose or is not needed here; `unknown` is never taken for fine."""

    FINE = "fine"
    ATTENTION = "attention"
    MISSING = "missing"
    UNKNOWN = "unknown"
    NOT_USED = "not_used"


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfCheckItem:
    """One thing: its code and name, the verdict in a word and a sentence, what to do, and what to run for it."""

    code: str
    name: str
    verdict: Verdict
    sentence: str
    remedy: str = ""
    command: str = ""
