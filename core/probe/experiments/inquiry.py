"""Ask at most three follow-up questions about one failure, and keep what they showed."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from core.health.one_shot import health_of
from core.model.probe import Depth, Diagnosis, Finding, Health
from core.model.route import Identity, Route
from core.probe.experiments.facts import Facts
from core.probe.judge import Verdict

MAX_QUESTIONS = 3
WITH_DASHBOARD = "the same route with the dashboard's credential"

T = TypeVar("T")
Experiment: TypeAlias = Generator[Route, Verdict, T]

# After these nobody is asked anything more: the other side hangs, cannot be reached or has enough to do.
ENDS_THE_ASKING = frozenset(
    {
        Diagnosis.DNS_FAILED,
        Diagnosis.CONNECT_FAILED,
        Diagnosis.TLS_FAILED,
        Diagnosis.TIMED_OUT,
        Diagnosis.CONNECTION_LOST,
        Diagnosis.REDIRECTED,
        Diagnosis.NETWORK_BLOCKED,
        Diagnosis.THROTTLED,
        Diagnosis.OVERLOADED,
        Diagnosis.SERVER_ERROR,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One route to ask, and in words what its answer will tell."""

    route: Route
    words: str


@dataclass(slots=True, kw_only=True)
class Inquiry:
    """One failure under examination, with questions asked at `depth`; lives as long as its generator."""

    route: Route
    verdict: Verdict
    facts: Facts
    depth: Depth = Depth.REACH
    findings: list[Finding] = field(default_factory=list)
    is_over: bool = False

    @property
    def left(self) -> int:
        """Return how many questions may still be asked."""
        return 0 if self.is_over else MAX_QUESTIONS - len(self.findings)

    def ask(self, question: Question) -> Experiment[Verdict | None]:
        """Ask one question; None when it was asked before or when nothing may be asked any more."""
        asked = (self.route, *(finding.route for finding in self.findings))
        if self.left <= 0 or any(_is_same(question.route, route) for route in asked):
            return None
        answer = yield question.route
        self.findings.append(
            Finding(
                route=replace(question.route, token=None),
                question=question.words,
                health=Health.UNKNOWN if answer.refused_to_send else health_of(answer.diagnosis),
                diagnosis=answer.diagnosis,
                http_status=answer.status,
            )
        )
        if answer.diagnosis in ENDS_THE_ASKING or answer.status == 429:
            self.is_over = True
        return answer


def answered(verdict: Verdict | None) -> bool:
    """Say whether a follow-up proved that its route works."""
    return verdict is not None and verdict.diagnosis is Diagnosis.OK and not verdict.refused_to_send


def as_dashboard(route: Route) -> Route:
    """Return the same route asked with the dashboard's own credential."""
    return replace(route, identity=Identity.DASHBOARD, token=None)


def _is_same(one: Route, other: Route) -> bool:
    return replace(one, token=None) == replace(other, token=None)
