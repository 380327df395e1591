"""Build the request that tests a route, as small as can be or as its agent sends it; pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlsplit

from core.catalog.dialects import reach_body, request_headers, request_path
from core.catalog.faithful import faithful_request, sent_name
from core.model.gateway import Generation
from core.model.probe import Depth
from core.model.route import Route
from core.model.secret import Secret
from core.ports import HttpAnswer, HttpFailure, HttpRequest
from core.probe.stream import MAX_BYTES, AnswerReader

REACH_TOTAL_S = 15.0
FAITHFUL_TOTAL_S = 28.0

# The gateway's usage tables keep these, so that an administrator can tell probes from people (databricks.md §1.4).
TAG_HEADER = "Databricks-Ai-Gateway-Request-Tags"
_TAGS = '{"source":"switchyard-probe"}'


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes two requests the same one, so that it is sent once for all routes that need it."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    token: Secret | None
    token_headers: tuple[str, ...] = ()


def build_request(route: Route, depth: Depth, token: Secret | None) -> HttpRequest:
    """Return the request that proves this route to this depth."""
    return _faithful(route, token) if depth is Depth.FAITHFUL else _reach(route, token)


def _reach(route: Route, token: Secret | None) -> HttpRequest:
    return HttpRequest(
        method="POST",
        url=route_url(route),
        headers=request_headers(route.dialect) | _tags(route),
        body=_encoded(reach_body(route.dialect, sent_name(route.model))),
        token=token,
        total_s=REACH_TOTAL_S,
    )


def _faithful(route: Route, token: Secret | None) -> HttpRequest:
    sent = faithful_request(route.agent, route.slot, route.dialect, route.base_url, route.model)
    dialect = route.dialect
    return HttpRequest(
        method="POST",
        url=route.base_url + sent.path,
        headers={**sent.headers, **_tags(route)},
        body=_encoded(sent.body),
        token=token,
        token_headers=sent.token_headers,
        total_s=FAITHFUL_TOTAL_S,
        max_bytes=MAX_BYTES,
        reader=lambda: AnswerReader(dialect),
    )


def _encoded(body: Mapping[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _tags(route: Route) -> dict[str, str]:
    """Only a gateway keeps tags; serving-endpoints would have nothing to do with them."""
    return {} if route.generation is Generation.SERVING_ENDPOINTS else {TAG_HEADER: _TAGS}


def rejects_tags(request: HttpRequest, outcome: HttpAnswer | HttpFailure) -> bool:
    """Say whether this answer objects to our tag header, which no agent sends."""
    if TAG_HEADER not in request.headers or not isinstance(outcome, HttpAnswer) or outcome.status != 400:
        return False
    return TAG_HEADER.lower().encode() in outcome.body.lower()


def without_tags(request: HttpRequest) -> HttpRequest:
    """Return the request without our tag header."""
    return replace(request, headers={name: value for name, value in request.headers.items() if name != TAG_HEADER})


def route_url(route: Route) -> str:
    """Return the full URL that a request of this route goes to."""
    name = quote(sent_name(route.model), safe="._-")
    return route.base_url + request_path(route.dialect, route.base_url, name)


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def key_of(request: HttpRequest) -> RequestKey:
    """Return the identity of a request."""
    headers = tuple(sorted(request.headers.items()))
    return RequestKey(request.method, request.url, headers, request.body or b"", request.token, request.token_headers)
