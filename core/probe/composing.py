"""Compose what is shown and kept of one probe from its exchange, its verdict and what explained it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from core.catalog.redact import redact
from core.catalog.remedies import REMEDIES
from core.health.one_shot import health_of
from core.model.explanation import Explanation
from core.model.probe import Depth, Diagnosis, Health, ProbeResult, Rung, RungOutcome, RungResult
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.ports import Clock, HostCheck, HttpAnswer, HttpFailure, HttpRequest
from core.probe.judge import Verdict
from core.probe.ladder import rungs_of
from core.probe.request import route_url
from core.probe.verdict_text import describe, evidence_of

_HOST_RUNGS = (Rung.DNS, Rung.TCP, Rung.TLS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request and how it ended; `began_at` is the monotonic time of its turn.

    `withheld` says why it was not sent although the host lets us in.
    """

    request: HttpRequest
    outcome: HttpAnswer | HttpFailure
    check: HostCheck
    verdict: Verdict
    began_at: float = 0.0
    attempts: int = 1
    withheld: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Composer:
    """Compose the results of one sweep; `secrets` are kept out of every text."""

    clock: Clock
    secrets: tuple[Secret, ...]
    depth: Depth

    def result(self, route: Route, exchange: Exchange, explanation: Explanation | None = None) -> ProbeResult:
        """Return the verdict on a route that was asked."""
        verdict = exchange.verdict
        if exchange.withheld is not None:
            return self._withheld(route, exchange, exchange.withheld)
        health = Health.UNKNOWN if verdict.refused_to_send else health_of(verdict.diagnosis)
        if explanation is None:
            return self._asked(route, exchange, verdict, health)
        explained = self._asked(route, exchange, as_explained(verdict, explanation.diagnosis), health)
        return replace(
            explained,
            message=redact(explanation.sentence, self.secrets),
            remedy=redact(explanation.remedy, self.secrets),
            suggestion=explanation.suggestion,
            findings=explanation.findings,
        )

    def offline(self, route: Route, exchange: Exchange) -> ProbeResult:
        """Return unknown for a route while the dashboard itself is offline (rule R8)."""
        return self._asked(route, exchange, exchange.verdict, Health.UNKNOWN)

    def _asked(self, route: Route, exchange: Exchange, verdict: Verdict, health: Health) -> ProbeResult:
        request, outcome = exchange.request, exchange.outcome
        answer = outcome if isinstance(outcome, HttpAnswer) else None
        message, remedy = describe(route, verdict)
        return ProbeResult(
            route=without_token(route),
            depth=self.depth,
            health=health,
            rung=verdict.rung,
            rungs=rungs_of(
                verdict,
                exchange.check,
                depth=self.depth,
                secure=request.url.startswith("https:"),
                answered_ms=answer.first_byte_ms if answer else outcome.elapsed_ms,
            ),
            diagnosis=verdict.diagnosis,
            # What a healthy route says is ours alone; only failures repeat what the other side said.
            message=message if verdict.diagnosis is Diagnosis.OK else redact(message, self.secrets),
            remedy=remedy,
            url=request.url,
            checked_at=self.clock.now(),
            http_status=verdict.status,
            answered_model=redact(verdict.answered_model, self.secrets) if verdict.answered_model else None,
            latency_ms=answer.elapsed_ms if answer else None,
            ttft_ms=verdict.ttft_ms,
            tokens=verdict.tokens,
            evidence=evidence_of(request, outcome, verdict, self.secrets),
            attempts=exchange.attempts,
        )

    def without_credential(self, route: Route) -> ProbeResult:
        """Return unknown: nothing is sent without a credential, so nothing is known about the route."""
        whose = (
            "The dashboard has no working credential" if route.identity is Identity.DASHBOARD else "No token was given"
        )
        return self._not_asked(
            route,
            diagnosis=Diagnosis.CREDENTIAL_MISSING,
            rung=Rung.AUTH,
            message=f"{whose}, so nothing was sent",
            remedy="Set DATABRICKS_TOKEN, or a service principal's DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET.",
        )

    def own_fault(self, route: Route, exc: Exception) -> ProbeResult:
        """Return unknown for a fault of ours, which says nothing about the route."""
        return self._not_asked(
            route,
            diagnosis=Diagnosis.UNCLASSIFIED,
            rung=Rung.DNS,
            message=f"The probe failed inside Switchyard ({type(exc).__name__})",
            remedy="See the log of this process, and report it.",
        )

    def _withheld(self, route: Route, exchange: Exchange, why: str) -> ProbeResult:
        """The host was checked, which costs nothing; the model was not asked, so nothing is known about it."""
        check = exchange.check
        timings = dict(zip(_HOST_RUNGS, (check.dns_ms, check.tcp_ms, check.tls_ms), strict=True))
        skipped = RungOutcome.NOT_STARTED if exchange.request.url.startswith("https:") else RungOutcome.SKIPPED
        outcomes = {rung: RungOutcome.PASSED if timings[rung] is not None else skipped for rung in _HOST_RUNGS}
        result = self._not_asked(
            route,
            diagnosis=Diagnosis.UNCLASSIFIED,
            rung=max(
                (rung for rung in _HOST_RUNGS if timings[rung] is not None), key=_HOST_RUNGS.index, default=Rung.DNS
            ),
            message=f"Not probed: {why}",
            remedy="Probe again later.",
        )
        rungs = tuple(
            RungResult(rung=item.rung, outcome=outcomes.get(item.rung, item.outcome), ms=timings.get(item.rung))
            for item in result.rungs
        )
        return replace(result, rungs=rungs)

    def _not_asked(self, route: Route, *, diagnosis: Diagnosis, rung: Rung, message: str, remedy: str) -> ProbeResult:
        verdict = Verdict(diagnosis=diagnosis, rung=rung, refused_to_send=True)
        return ProbeResult(
            route=without_token(route),
            depth=self.depth,
            health=Health.UNKNOWN,
            rung=rung,
            rungs=rungs_of(verdict, HostCheck(), depth=self.depth, secure=True, answered_ms=None),
            diagnosis=diagnosis,
            message=message,
            remedy=remedy,
            url=route_url(route),
            checked_at=self.clock.now(),
            attempts=0,
        )


def without_token(route: Route) -> Route:
    """Return the route as it may be shown and kept."""
    return route if route.token is None else replace(route, token=None)


def as_explained(verdict: Verdict, diagnosis: Diagnosis) -> Verdict:
    """Return the verdict with the cause that was found, at the rung where that cause belongs."""
    if diagnosis is verdict.diagnosis:
        return verdict
    rung = REMEDIES[diagnosis].rung
    auth, path = verdict.auth, verdict.route
    if rung is Rung.AUTH:
        auth, path = RungOutcome.FAILED, RungOutcome.NOT_STARTED
    elif rung is Rung.ROUTE:
        path = RungOutcome.FAILED
    elif path is RungOutcome.FAILED:
        path = RungOutcome.PASSED
    return replace(verdict, diagnosis=diagnosis, rung=rung, auth=auth, route=path)
