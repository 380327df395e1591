"""Which rungs a verdict passes, fails and never starts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.probe import Diagnosis, Rung, RungOutcome
from core.ports import FailureKind, HostCheck, HttpFailure
from core.probe.judge import Verdict
from core.probe.ladder import REACH_RUNGS, keeps_everything_out, rungs_of, verdict_on_host

P, F, N, S = RungOutcome.PASSED, RungOutcome.FAILED, RungOutcome.NOT_STARTED, RungOutcome.SKIPPED
OPEN = HostCheck(dns_ms=1.0, tcp_ms=2.0, tls_ms=3.0)


def shut(kind: FailureKind, *, dns_ms: float | None = 1.0, tcp_ms: float | None = None) -> HostCheck:
    """Return a check that ended with this failure."""
    failure = HttpFailure(kind=kind, detail="why", elapsed_ms=1.0)
    return HostCheck(dns_ms=dns_ms, tcp_ms=tcp_ms, failure=failure)


HOSTS = {
    "open": (OPEN, None, None, False),
    "no name": (shut(FailureKind.DNS, dns_ms=None), Diagnosis.DNS_FAILED, Rung.DNS, True),
    "refused": (shut(FailureKind.CONNECT), Diagnosis.CONNECT_FAILED, Rung.TCP, True),
    "silent": (shut(FailureKind.TIMEOUT), Diagnosis.TIMED_OUT, Rung.TCP, True),
    "wrong certificate": (shut(FailureKind.TLS, tcp_ms=2.0), Diagnosis.TLS_FAILED, Rung.TLS, False),
}


@pytest.mark.parametrize(("check", "diagnosis", "rung", "out"), HOSTS.values(), ids=HOSTS)
def test_a_host_check_passes_one_verdict_for_all_its_routes(
    check: HostCheck, diagnosis: Diagnosis | None, rung: Rung | None, out: bool
) -> None:
    verdict = verdict_on_host(check)
    assert (verdict and verdict.diagnosis, verdict and verdict.rung) == (diagnosis, rung)
    assert keeps_everything_out(check) is out


def outcomes(verdict: Verdict, *, secure: bool = True) -> list[RungOutcome]:
    """Return the outcomes from DNS up to the model."""
    rungs = rungs_of(verdict, OPEN, secure=secure, answered_ms=4.0)
    assert [item.rung for item in rungs] == list(Rung)
    return [item.outcome for item in rungs[: len(REACH_RUNGS)]]


def test_an_answer_passes_every_rung() -> None:
    verdict = Verdict(diagnosis=Diagnosis.OK, rung=Rung.MODEL, auth=P, route=P)
    assert outcomes(verdict) == [P] * 7


def test_over_plain_http_there_is_no_tls_rung() -> None:
    verdict = Verdict(diagnosis=Diagnosis.OK, rung=Rung.MODEL, auth=P, route=P)
    assert outcomes(verdict, secure=False) == [P, P, S, P, P, P, P]


def test_a_probe_stops_at_the_first_failed_rung() -> None:
    verdict = Verdict(diagnosis=Diagnosis.CREDENTIAL_DEAD, rung=Rung.AUTH)
    assert outcomes(verdict) == [P, P, P, P, F, N, N]


def test_a_404_does_not_prove_the_token() -> None:
    unproven = RungOutcome.UNPROVEN
    verdict = Verdict(diagnosis=Diagnosis.MODEL_NOT_ON_ROUTE, rung=Rung.MODEL, auth=unproven, route=P)
    assert outcomes(verdict) == [P, P, P, P, unproven, P, F]


def test_what_was_not_sent_started_nothing() -> None:
    verdict = Verdict(diagnosis=Diagnosis.UNCLASSIFIED, rung=Rung.DNS, refused_to_send=True)
    assert outcomes(verdict) == [N] * 7


def test_only_rungs_that_were_tried_have_a_time() -> None:
    verdict = Verdict(diagnosis=Diagnosis.TLS_FAILED, rung=Rung.TLS)
    times = [item.ms for item in rungs_of(verdict, OPEN, secure=True, answered_ms=4.0)]
    assert times == [1.0, 2.0, 3.0, *[None] * 6]


@given(st.sampled_from(sorted(set(Diagnosis) - {Diagnosis.OK})), st.sampled_from(REACH_RUNGS), st.booleans())
def test_nothing_is_passed_above_a_failed_rung(diagnosis: Diagnosis, rung: Rung, secure: bool) -> None:
    seen = outcomes(Verdict(diagnosis=diagnosis, rung=rung, auth=P, route=P), secure=secure)
    assert seen.count(F) == 1
    assert set(seen[seen.index(F) + 1 :]) <= {N}
