"""Say of a kept check what its result said, as far as that is still known: a store keeps only one result per route."""

from __future__ import annotations

from core.model.check import Check
from core.model.probe import ProbeResult
from core.model.route import Route
from core.probe.judge import Verdict
from core.probe.request import route_url
from core.probe.verdict_text import describe


def result_of(check: Check, route: Route) -> ProbeResult:
    """Return the result that this check was made of, without its evidence and the times of its rungs."""
    verdict = Verdict(diagnosis=check.diagnosis, rung=check.rung, status=check.http_status)
    message, remedy = describe(route, verdict)
    return ProbeResult(
        route=route,
        depth=check.depth,
        health=check.health,
        rung=check.rung,
        rungs=(),
        diagnosis=check.diagnosis,
        # What the other side said is not kept; some sentences end with it.
        message=message.rstrip(": "),
        remedy=remedy,
        url=route_url(route),
        checked_at=check.checked_at,
        http_status=check.http_status,
        answered_model=check.answered_model,
        latency_ms=check.latency_ms,
        ttft_ms=check.ttft_ms,
        tokens=check.tokens,
    )
