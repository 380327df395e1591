"""Why a route fails, after the look-alike causes were told apart by asking again elsewhere."""

from __future__ import annotations

from dataclasses import dataclass

from core.model.probe import Diagnosis, Health, Suggestion
from core.model.route import Route


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one follow-up request showed: which route was asked, how it answered, and why it was asked."""

    route: Route
    question: str
    health: Health
    diagnosis: Diagnosis
    http_status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The cause that the follow-up requests left standing; `suggestion` names what was seen to work instead."""

    diagnosis: Diagnosis
    sentence: str
    remedy: str
    suggestion: Suggestion | None = None
    findings: tuple[Finding, ...] = ()
