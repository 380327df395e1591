"""Why a route fails, after the look-alike causes were told apart by asking again elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from core.model.probe import Diagnosis, Finding, Suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The cause that the follow-up requests left standing; `suggestion` names what was seen to work instead."""

    diagnosis: Diagnosis
    sentence: str
    remedy: str
    suggestion: Suggestion | None = None
    findings: tuple[Finding, ...] = ()
