"""Build the request that tests a route; pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from core.catalog.dialects import reach_body, request_headers, request_path
from core.model.route import Route
from core.model.secret import Secret
from core.ports import HttpRequest

REACH_TOTAL_S = 15.0


@dataclass(frozen=True, slots=True)
class RequestKey:
    """What makes two requests the same one, so that it is sent once for all routes that need it."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    token: Secret | None


def reach_request(route: Route, token: Secret | None) -> HttpRequest:
    """Return the smallest request that this route can answer."""
    return HttpRequest(
        method="POST",
        url=route_url(route),
        headers=request_headers(route.dialect),
        body=json.dumps(reach_body(route.dialect, route.model), separators=(",", ":")).encode(),
        token=token,
        total_s=REACH_TOTAL_S,
    )


def route_url(route: Route) -> str:
    """Return the full URL that the agent's requests go to."""
    return route.base_url + request_path(route.dialect, route.base_url, quote(route.model, safe="._-"))


def origin_of(url: str) -> str:
    """Return scheme, host and port of a URL."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def key_of(request: HttpRequest) -> RequestKey:
    """Return the identity of a request."""
    headers = tuple(sorted(request.headers.items()))
    return RequestKey(request.method, request.url, headers, request.body or b"", request.token)
