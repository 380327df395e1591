"""Lay one verdict over the rungs, from the shared host check up to the tools; pure."""

from __future__ import annotations

from core.model.probe import Depth, Diagnosis, Rung, RungOutcome, RungResult
from core.ports import FailureKind, HostCheck
from core.probe.judge import Verdict

REACH_RUNGS = (Rung.DNS, Rung.TCP, Rung.TLS, Rung.HTTP, Rung.AUTH, Rung.ROUTE, Rung.MODEL)
_BEYOND_REACH = (Rung.STREAM, Rung.TOOLS)
RUNGS = (*REACH_RUNGS, *_BEYOND_REACH)
# Shared values: a sweep lays out nine rungs per route, and these say nothing about the route.
_NOT_STARTED = {rung: RungResult(rung=rung, outcome=RungOutcome.NOT_STARTED) for rung in RUNGS}
_TRIED = frozenset({RungOutcome.PASSED, RungOutcome.FAILED, RungOutcome.UNPROVEN})


def verdict_on_host(check: HostCheck) -> Verdict | None:
    """Return the verdict that a failed host check passes on every route of that host, None when it let us in."""
    failure = check.failure
    if failure is None:
        return None
    if failure.kind is FailureKind.REFUSED:
        return Verdict(diagnosis=Diagnosis.UNCLASSIFIED, rung=Rung.DNS, said=failure.detail, refused_to_send=True)
    if check.dns_ms is None:
        return Verdict(diagnosis=Diagnosis.DNS_FAILED, rung=Rung.DNS, said=failure.detail)
    if check.tcp_ms is None:
        slow = failure.kind is FailureKind.TIMEOUT
        diagnosis = Diagnosis.TIMED_OUT if slow else Diagnosis.CONNECT_FAILED
        return Verdict(diagnosis=diagnosis, rung=Rung.TCP, said=failure.detail)
    return Verdict(diagnosis=Diagnosis.TLS_FAILED, rung=Rung.TLS, said=failure.detail)


def keeps_everything_out(check: HostCheck) -> bool:
    """Say whether this host cannot even be connected to: from here it cannot be told who of us is offline."""
    return check.failure is not None and check.tcp_ms is None


def rungs_of(
    verdict: Verdict, check: HostCheck, *, depth: Depth = Depth.REACH, secure: bool, answered_ms: float | None
) -> tuple[RungResult, ...]:
    """Return every rung with its outcome; the ones after the first failed one are not started."""
    timings = {Rung.DNS: check.dns_ms, Rung.TCP: check.tcp_ms, Rung.TLS: check.tls_ms, Rung.HTTP: answered_ms}
    timings[Rung.STREAM] = verdict.ttft_ms
    known = {Rung.AUTH: verdict.auth, Rung.ROUTE: verdict.route, Rung.STREAM: verdict.stream, Rung.TOOLS: verdict.tools}
    climbed, beyond = (RUNGS, ()) if depth is Depth.FAITHFUL else (REACH_RUNGS, _BEYOND_REACH)
    passed = verdict.diagnosis is Diagnosis.OK
    rungs: list[RungResult] = []
    failed = False
    for rung in climbed:
        if failed or verdict.refused_to_send:
            rungs.append(_NOT_STARTED[rung])
            continue
        if rung is verdict.rung:
            outcome = RungOutcome.PASSED if passed else RungOutcome.FAILED
        elif rung is Rung.TLS and not secure:
            outcome = RungOutcome.SKIPPED
        else:
            outcome = known.get(rung, RungOutcome.PASSED)
        failed = failed or outcome is RungOutcome.FAILED
        rungs.append(RungResult(rung=rung, outcome=outcome, ms=timings.get(rung) if outcome in _TRIED else None))
    return (*rungs, *(_NOT_STARTED[rung] for rung in beyond))
