"""Put a verdict into words: the sentence, the remedy and the redacted evidence; pure."""

from __future__ import annotations

from urllib.parse import urlsplit

from core.catalog.agents import AGENTS
from core.catalog.redact import MASK, redact
from core.catalog.remedies import REMEDIES
from core.catalog.spellings import service_spelling
from core.catalog.visible import visible
from core.model.gateway import Generation
from core.model.probe import Diagnosis, ProbeEvidence
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.ports import HttpAnswer, HttpFailure, HttpRequest
from core.probe.judge import Verdict
from core.probe.request import route_url

_EXCERPT_LENGTH = 2000
_HEADER_LENGTH = 500
_ID_LENGTH = 128
_SHOWN_HEADERS = (
    "content-type",
    "x-request-id",
    "retry-after",
    "x-databricks-org-id",
    "x-databricks-reason-phrase",
    "location",
    "server",
)


# Sentences that are the same for several things that can be seen, so that what was seen belongs to them.
_SAY_HOW = frozenset({Diagnosis.STREAM_BROKEN, Diagnosis.NO_TOOL_CALL, Diagnosis.MODEL_SUBSTITUTED})


def describe(route: Route, verdict: Verdict) -> tuple[str, str]:
    """Return the sentence and the remedy for this verdict."""
    if verdict.refused_to_send:
        return f"Not probed: {verdict.said}", "Correct the base URL, or let an administrator trust the host."
    row = REMEDIES[verdict.diagnosis]
    if verdict.diagnosis is Diagnosis.OK:
        return row.sentence.format(model=route.model), row.remedy
    fields = _fields(route, verdict)
    sentence = row.sentence.format(**fields)
    if verdict.said and (verdict.status is None or verdict.diagnosis in _SAY_HOW):
        sentence = f"{sentence}: {verdict.said}"
    remedy = row.remedy.format(**fields)
    # It may begin with what has to be granted, which is a clause elsewhere.
    return sentence, remedy[:1].upper() + remedy[1:]


def _fields(route: Route, verdict: Verdict) -> dict[str, str]:
    url = urlsplit(route_url(route))
    spec = AGENTS[route.agent]
    variables = next((slot.variables for slot in spec.slots if slot.name == route.slot), ())
    setting = f"{spec.possessive} {route.slot} model" + (f" ({variables[0]})" if variables else "")
    stored = route.identity is Identity.STORED
    return {
        "model": route.model,
        "service": service_spelling(route.model),
        "path": url.path,
        "host": url.hostname or route.base_url,
        "base": route.base_url,
        "agent": spec.label,
        "owner": spec.possessive,
        "setting": setting,
        "who": f"token stored in {spec.possessive} config" if stored else route.identity.label,
        "dialect": route.dialect.label,
        "status": str(verdict.status),
        "said": f"{verdict.field} ({verdict.said})" if verdict.field else verdict.said,
        "grants": _grants(route),
    }


def _grants(route: Route) -> str:
    """Return what to grant, by who guards the model: an endpoint's permissions, or Unity Catalog (databricks.md §4)."""
    if route.generation is Generation.SERVING_ENDPOINTS:
        return f"grant CAN QUERY on the serving endpoint {route.model}"
    return (
        "GRANT USE CATALOG ON CATALOG system, USE SCHEMA ON SCHEMA system.ai and "
        f"EXECUTE ON MODEL SERVICE {service_spelling(route.model)} to the principal"
    )


def evidence_of(
    request: HttpRequest, outcome: HttpAnswer | HttpFailure, verdict: Verdict, secrets: tuple[Secret, ...]
) -> ProbeEvidence:
    """Return the exchange in a form that is safe to show and to keep."""
    body = (request.body or b"").decode("utf-8", "replace")
    sent = {**request.headers, **dict.fromkeys(request.token_headers, MASK)}
    if isinstance(outcome, HttpFailure):
        return ProbeEvidence(
            method=request.method,
            url=request.url,
            request_headers=sent,
            request_body=body,
            error=visible(redact(outcome.detail, secrets)),
        )
    shown = {
        name: visible(redact(outcome.headers[name], secrets))[:_HEADER_LENGTH]
        for name in _SHOWN_HEADERS
        if name in outcome.headers
    }
    return ProbeEvidence(
        method=request.method,
        url=request.url,
        request_headers=sent,
        request_body=body,
        response_headers=shown,
        response_excerpt="" if verdict.diagnosis is Diagnosis.OK else _excerpt(outcome.body, secrets),
        request_id=visible(redact(verdict.request_id, secrets))[:_ID_LENGTH] if verdict.request_id else None,
    )


def _excerpt(body: bytes, secrets: tuple[Secret, ...]) -> str:
    """Return the start of an answer, redacted before it is cut: half a token is not recognised as one."""
    return visible(redact(body.decode("utf-8", "replace"), secrets)[:_EXCERPT_LENGTH], lines=True)
