"""Say what one outcome means for detection: a JSON document, or why it is none; never raises, whatever came back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from core.catalog.error_body import parse_error
from core.catalog.phrases import diagnose_refusal
from core.detect.flow import NO_CREDENTIAL, Outcome
from core.model.gateway import Generation
from core.model.probe import Diagnosis as D
from core.ports import FailureKind, HttpAnswer, HttpFailure

SIMULATED_HEADER = "x-switchyard-simulated"
ORG_HEADER = "x-databricks-org-id"

DEAD_CREDENTIAL = frozenset({D.CREDENTIAL_DEAD, D.CREDENTIAL_MISSING, D.WRONG_WORKSPACE})
UNREACHABLE = frozenset({D.DNS_FAILED, D.CONNECT_FAILED, D.TLS_FAILED, D.TIMED_OUT, D.CONNECTION_LOST})

_OF_FAILURE = {
    FailureKind.DNS: D.DNS_FAILED,
    FailureKind.CONNECT: D.CONNECT_FAILED,
    FailureKind.TLS: D.TLS_FAILED,
    FailureKind.TIMEOUT: D.TIMED_OUT,
    FailureKind.LOST: D.CONNECTION_LOST,
    FailureKind.REFUSED: D.UNCLASSIFIED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One outcome, read. `payload` is the JSON object of a success, and only then the diagnosis is `ok`.

    `clause` says in words what came back ("404 FEATURE_DISABLED: …"). `status` None means that no answer came, and
    `was_sent` False that nothing was sent.
    """

    diagnosis: D
    clause: str
    ms: float
    status: int | None = None
    payload: dict[str, Any] | None = None
    org_id: str | None = None
    simulated: bool = False
    was_sent: bool = True

    @property
    def is_dead_credential(self) -> bool:
        """Say whether the credential was refused as such."""
        return self.diagnosis in DEAD_CREDENTIAL

    @property
    def is_unreachable(self) -> bool:
        """Say whether no answer came although we sent; a slow server's own 504 is an answer."""
        return self.status is None and self.was_sent

    @property
    def is_forbidden(self) -> bool:
        """Say whether the credential was understood but not allowed; that says nothing about what is behind."""
        if self.diagnosis is D.SCOPE_MISSING:
            return True
        return self.status == 403 and not self.is_dead_credential and self.diagnosis is not D.NETWORK_BLOCKED


def read_outcome(outcome: Outcome, generation: Generation | None = None) -> Reading:
    """Return what an outcome means; `generation` is whose URL was asked, None for the workspace's own API."""
    if isinstance(outcome, HttpFailure):
        return _of_failure(outcome)
    diagnosis, clause, payload = _of_answer(outcome, generation)
    org_id = outcome.headers.get(ORG_HEADER, "").strip()
    return Reading(
        diagnosis=diagnosis,
        clause=clause,
        ms=outcome.elapsed_ms,
        status=outcome.status,
        payload=payload,
        # Account-level hosts name no workspace as 0.
        org_id=org_id[:64] if org_id and org_id != "0" and org_id.isprintable() else None,
        simulated=SIMULATED_HEADER in outcome.headers,
    )


def _of_failure(failure: HttpFailure) -> Reading:
    diagnosis = D.CREDENTIAL_MISSING if failure.detail == NO_CREDENTIAL else _OF_FAILURE[failure.kind]
    was_sent = failure.kind is not FailureKind.REFUSED
    return Reading(diagnosis=diagnosis, clause=failure.detail, ms=failure.elapsed_ms, was_sent=was_sent)


def _of_answer(answer: HttpAnswer, generation: Generation | None) -> tuple[D, str, dict[str, Any] | None]:
    if 300 <= answer.status < 400:
        return *_of_redirect(answer), None
    if not 200 <= answer.status < 300:
        error = parse_error(answer.status, answer.headers, answer.body)
        said = ": ".join(part for part in (error.code, error.message) if part)
        return diagnose_refusal(answer.status, error, generation), f"{answer.status} {said}".rstrip(), None
    if answer.truncated:
        return D.NOT_AN_ANSWER, f"{answer.status}, but larger than {len(answer.body) // 1024} KiB", None
    payload = json_of(answer.body)
    if isinstance(payload, dict):
        return D.OK, f"{answer.status}", payload
    return D.NOT_AN_ANSWER, f"{answer.status} with {_kind_of_body(answer)}", None


def json_of(body: bytes) -> Any:
    """Return the JSON value of a body, None when it has none."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _of_redirect(answer: HttpAnswer) -> tuple[D, str]:
    location = answer.headers.get("location", "")
    if "private-link" in location.lower():
        return D.NETWORK_BLOCKED, f"{answer.status} to the Private Link error page"
    try:
        target = urlsplit(location).hostname or "a path of its own"
    except ValueError:
        target = "an unreadable address"
    if not target.isprintable() or len(target) > 253:
        target = "an unreadable address"
    return D.REDIRECTED, f"{answer.status} redirect to {target}, which is never followed"


def _kind_of_body(answer: HttpAnswer) -> str:
    if not answer.body.strip():
        return "an empty body"
    if "html" in answer.headers.get("content-type", "").lower() or answer.body.lstrip()[:1] == b"<":
        return "an HTML page"
    return "a body of the wrong shape"
