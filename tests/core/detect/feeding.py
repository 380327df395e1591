"""Drive a flow with prepared outcomes instead of a network, and keep what it asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from core.detect.flow import Ask, Flow, Outcome
from core.ports import FailureKind, HttpAnswer, HttpFailure

T = TypeVar("T")
Prepared = Outcome | list[Outcome]


@dataclass
class Fed(Generic[T]):
    """What a flow returned, and what it asked on the way."""

    result: T
    asked: list[Ask] = field(default_factory=list)

    @property
    def urls(self) -> list[str]:
        return [ask.request.url for ask in self.asked]


def feed(flow: Flow[T], outcomes: Mapping[str, Prepared]) -> Fed[T]:
    """Answer each URL with its outcome, or with the next of its list (the last one stays); unknown ones with 404."""
    asked: list[Ask] = []
    queues = {url: list(value) if isinstance(value, list) else [value] for url, value in outcomes.items()}
    try:
        ask = next(flow)
        while True:
            asked.append(ask)
            queue = queues.get(ask.request.url, [NOTHING])
            ask = flow.send(queue.pop(0) if len(queue) > 1 else queue[0])
    except StopIteration as done:
        return Fed(result=done.value, asked=asked)


def answer(status: int, body: Any = None, *, truncated: bool = False, **headers: str) -> HttpAnswer:
    """Return an answer; bytes and text go as they are, everything else as JSON. Underscores stand for hyphens."""
    if isinstance(body, bytes):
        raw = body
    elif isinstance(body, str):
        raw = body.encode()
    else:
        raw = b"" if body is None else json.dumps(body).encode()
    return HttpAnswer(
        status=status,
        headers={name.replace("_", "-"): value for name, value in headers.items()},
        body=raw,
        truncated=truncated,
        elapsed_ms=5.0,
        first_byte_ms=4.0,
    )


def refusal(status: int, code: Any, message: str) -> HttpAnswer:
    """Return a refusal in Databricks' own shape."""
    return answer(status, {"error_code": code, "message": message})


def failure(kind: FailureKind, detail: str) -> HttpFailure:
    """Return an outcome without any answer."""
    return HttpFailure(kind=kind, detail=detail, elapsed_ms=3.0)


HTML = "<!doctype html><title>Sign in</title>"
NOTHING = answer(404, HTML, content_type="text/html")
DNS = failure(FailureKind.DNS, "the name does not resolve")
CONNECT = failure(FailureKind.CONNECT, "the connection was not accepted: connection refused")
TIMEOUT = failure(FailureKind.TIMEOUT, "no answer in time")
TLS = failure(FailureKind.TLS, "the TLS handshake failed: self-signed certificate")
LOST = failure(FailureKind.LOST, "the connection broke")
DEAD = refusal(403, 403, "Invalid access token.")
DEAD_400 = answer(400, "Invalid Token")
UNAUTHORISED = refusal(401, "UNAUTHENTICATED", "Credential was not sent or was of an unsupported type for this API.")
OTHER_WORKSPACE = refusal(403, 403, "Invalid access to Org: 99")
FORBIDDEN = refusal(403, "PERMISSION_DENIED", "User does not have USE CATALOG on Catalog 'system'.")
SCOPE = refusal(403, "PERMISSION_DENIED", "Invalid scope, required scopes: ai-gateway")
BLOCKED = refusal(403, "403", "Source IP address: 192.0.2.7 is blocked by Databricks IP ACL for workspace: 27")
FEATURE_DISABLED = refusal(404, "FEATURE_DISABLED", "AI Gateway legacy endpoint is not available here.")
NO_API = refusal(404, "RESOURCE_DOES_NOT_EXIST", "No API found for 'GET /ai-gateway/anthropic/v1/models'")
LISTING_OFF = refusal(404, "ENDPOINT_NOT_FOUND", "anthropic/v1/models is not enabled for this workspace.")
THROTTLED = refusal(429, "REQUEST_LIMIT_EXCEEDED", "Too many requests.")
CANCELLED = refusal(499, "CANCELLED", "")
BROKEN = refusal(500, "INTERNAL_ERROR", "Something failed.")
NOT_IMPLEMENTED = refusal(501, "NOT_IMPLEMENTED", "Not here.")
REDIRECT = answer(302, location="https://login.example.com/?next=x")
PRIVATE_LINK = answer(303, location="/login.html?error=private-link-validation-error")
WEB_PAGE = answer(200, HTML, content_type="text/html")
WRONG_JSON = answer(200, {"status": "ok"})
EMPTY = answer(200, b"")
TRUNCATED = answer(200, b'{"endpoints": [', truncated=True)
