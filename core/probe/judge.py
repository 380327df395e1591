"""Judge one exchange: which cause it names and which rungs it proves; pure and never raising."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

from core.catalog.error_body import ErrorBody, parse_error
from core.catalog.faithful import offered_tools
from core.catalog.phrases import diagnose_refusal
from core.catalog.rejected_field import rejected_field
from core.catalog.remedies import REMEDIES
from core.model.probe import Depth, Diagnosis, Rung, RungOutcome, Tokens
from core.model.route import Route
from core.ports import FailureKind, HttpAnswer, HttpFailure
from core.probe.answers import read_answer
from core.probe.stream_verdict import StreamedAnswer, read_stream
from core.probe.substitution import is_substituted

_OF_FAILURE = {
    FailureKind.DNS: (Diagnosis.DNS_FAILED, Rung.DNS),
    FailureKind.CONNECT: (Diagnosis.CONNECT_FAILED, Rung.TCP),
    FailureKind.TLS: (Diagnosis.TLS_FAILED, Rung.TLS),
    FailureKind.TIMEOUT: (Diagnosis.TIMED_OUT, Rung.HTTP),
    FailureKind.LOST: (Diagnosis.CONNECTION_LOST, Rung.HTTP),
    FailureKind.REFUSED: (Diagnosis.UNCLASSIFIED, Rung.DNS),
}

# Refusals that a workspace only gives to a caller it knows. A 404 is not among them: the legacy route looks the
# endpoint up before it checks the token (databricks.md §0.1 fact 3).
_PROVES_TOKEN = frozenset(
    {Diagnosis.GRANT_MISSING, Diagnosis.RATE_LIMIT_ZERO, Diagnosis.WRONG_WORKSPACE, Diagnosis.SCOPE_MISSING}
)
# Refusals that speak of the model, so that the path was understood.
_PROVES_ROUTE = frozenset(
    {
        Diagnosis.MODEL_NOT_ON_ROUTE,
        Diagnosis.MODEL_ABSENT,
        Diagnosis.DIALECT_MISMATCH,
        Diagnosis.GRANT_MISSING,
        Diagnosis.SPELLING_RETIRED,
        Diagnosis.RATE_LIMIT_ZERO,
        Diagnosis.NOT_READY,
        Diagnosis.THROTTLED,
        Diagnosis.FIELD_REJECTED,
        Diagnosis.OUTPUT_CAP,
        Diagnosis.GUARDRAIL,
    }
)
_RUNG_OF_UNCLASSIFIED = {401: Rung.AUTH, 403: Rung.AUTH, 404: Rung.ROUTE, 405: Rung.ROUTE}
_REDIRECTS = range(300, 400)
_SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one exchange means. `auth` to `tools` are the outcomes of the rungs that no host check can know.

    `field` is what of the request was objected to, where the refusal names it.
    """

    diagnosis: Diagnosis
    rung: Rung
    auth: RungOutcome = RungOutcome.NOT_STARTED
    route: RungOutcome = RungOutcome.NOT_STARTED
    stream: RungOutcome = RungOutcome.NOT_STARTED
    tools: RungOutcome = RungOutcome.NOT_STARTED
    ttft_ms: float | None = None
    field: str | None = None
    status: int | None = None
    said: str = ""
    answered_model: str | None = None
    tokens: Tokens = Tokens()
    request_id: str | None = None
    refused_to_send: bool = False


def judge(route: Route, outcome: HttpAnswer | HttpFailure, depth: Depth = Depth.REACH) -> Verdict:
    """Return the verdict on one exchange of this route, whose request was of this depth."""
    if isinstance(outcome, HttpFailure):
        diagnosis, rung = _OF_FAILURE[outcome.kind]
        refused = outcome.kind is FailureKind.REFUSED
        return Verdict(diagnosis=diagnosis, rung=rung, said=outcome.detail, refused_to_send=refused)
    if outcome.status in _SUCCESS:
        verdict = _judge_stream(route, outcome) if depth is Depth.FAITHFUL else _judge_success(route, outcome)
        return _with_echo(route, verdict)
    if outcome.status in _REDIRECTS:
        return _judge_redirect(outcome)
    return _judge_refusal(route, outcome.status, parse_error(outcome.status, outcome.headers, outcome.body), outcome)


def _judge_stream(route: Route, answer: HttpAnswer) -> Verdict:
    """Judge the answer to a request for a stream; an answer without events is judged as a whole one first."""
    offered = offered_tools(route.agent, route.slot, route.dialect)
    read = read_stream(route.dialect, answer.body, offered=offered, broke_off=answer.truncated and not answer.stopped)
    if read is None:
        verdict = _judge_success(route, answer)
        return _not_streamed(verdict) if verdict.diagnosis is Diagnosis.OK else verdict
    if read.embedded_error is not None:
        body = json.dumps(read.embedded_error).encode()
        return _judge_embedded(route, replace(answer, body=body))
    return _streamed(read, answer)


def _not_streamed(whole: Verdict) -> Verdict:
    said = "the answer came in one piece, where the agent reads a stream"
    return replace(whole, diagnosis=Diagnosis.STREAM_BROKEN, rung=Rung.STREAM, stream=RungOutcome.FAILED, said=said)


def _streamed(read: StreamedAnswer, answer: HttpAnswer) -> Verdict:
    return Verdict(
        diagnosis=read.diagnosis,
        rung=read.rung,
        auth=RungOutcome.PASSED,
        route=RungOutcome.PASSED,
        stream=read.stream,
        tools=read.tools,
        ttft_ms=answer.first_token_ms,
        status=answer.status,
        said=read.said,
        answered_model=read.model,
        tokens=read.tokens,
        request_id=answer.headers.get("x-request-id"),
    )


def _with_echo(route: Route, verdict: Verdict) -> Verdict:
    """An answer of another model is no proof of the asked one, however good it is."""
    if verdict.diagnosis is not Diagnosis.OK or not is_substituted(route.model, verdict.answered_model):
        return verdict
    return replace(
        verdict,
        diagnosis=Diagnosis.MODEL_SUBSTITUTED,
        rung=Rung.MODEL,
        stream=RungOutcome.NOT_STARTED,
        tools=RungOutcome.NOT_STARTED,
        said=verdict.answered_model or "",
    )


def _judge_success(route: Route, answer: HttpAnswer) -> Verdict:
    read = read_answer(route.dialect, answer.body, truncated=answer.truncated)
    if read.embedded_error is not None:
        return _judge_embedded(route, answer)
    html = "html" in answer.headers.get("content-type", "") or answer.body.lstrip()[:1] == b"<"
    no_route = read.diagnosis is Diagnosis.NOT_AN_ANSWER and html
    proven = RungOutcome.UNPROVEN if read.diagnosis is Diagnosis.NOT_AN_ANSWER else RungOutcome.PASSED
    return Verdict(
        diagnosis=read.diagnosis,
        rung=Rung.ROUTE if no_route else Rung.MODEL,
        auth=proven,
        route=RungOutcome.FAILED if no_route else proven,
        status=answer.status,
        said="" if read.diagnosis is Diagnosis.OK else _excerpt(answer),
        answered_model=read.model,
        tokens=read.tokens,
        request_id=answer.headers.get("x-request-id"),
    )


def _judge_embedded(route: Route, answer: HttpAnswer) -> Verdict:
    """An error inside a 200 counts as the status it names, and as a server error when it names none."""
    error = parse_error(answer.status, answer.headers, answer.body)
    return _judge_refusal(route, error.status or 500, error, answer)


def _judge_redirect(answer: HttpAnswer) -> Verdict:
    target = answer.headers.get("location", "")
    blocked = "private-link" in target.lower()
    return Verdict(
        diagnosis=Diagnosis.NETWORK_BLOCKED if blocked else Diagnosis.REDIRECTED,
        rung=Rung.HTTP,
        status=answer.status,
        said=target[:300],
        request_id=answer.headers.get("x-request-id"),
    )


def _judge_refusal(route: Route, status: int, error: ErrorBody, answer: HttpAnswer) -> Verdict:
    diagnosis = diagnose_refusal(status, error, route.generation)
    rung = REMEDIES[diagnosis].rung
    if diagnosis is Diagnosis.UNCLASSIFIED:
        rung = _RUNG_OF_UNCLASSIFIED.get(status, Rung.MODEL)
    auth, path = RungOutcome.UNPROVEN, RungOutcome.UNPROVEN
    if rung is Rung.HTTP:
        auth, path = RungOutcome.NOT_STARTED, RungOutcome.NOT_STARTED
    elif rung is Rung.AUTH:
        auth, path = RungOutcome.FAILED, RungOutcome.NOT_STARTED
    elif rung is Rung.ROUTE:
        path = RungOutcome.FAILED
    if diagnosis in _PROVES_TOKEN and rung is not Rung.AUTH:
        auth = RungOutcome.PASSED
    if diagnosis in _PROVES_ROUTE:
        path = RungOutcome.PASSED
    field = rejected_field(error.message) if diagnosis is Diagnosis.FIELD_REJECTED else None
    return Verdict(
        diagnosis=diagnosis,
        rung=rung,
        auth=auth,
        route=path,
        field=field,
        status=status,
        said=error.message or _excerpt(answer),
        request_id=error.request_id or answer.headers.get("x-request-id"),
    )


def _excerpt(answer: HttpAnswer) -> str:
    text = answer.body[:300].decode("utf-8", "replace").strip()
    return json.dumps(text)[1:-1] if text else "an empty body"
