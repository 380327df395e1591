"""Serve what other programs read: /api/status, health, metrics and badges; who may read is decided elsewhere.

Every answer comes from memory: nothing here sends a request or asks a database.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping
from typing import Protocol

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from core import documents
from core.adapters.clock import SystemClock
from core.adapters.metrics import CONTENT_TYPE, metrics_text
from core.catalog.agents import AGENTS
from core.errors import SwitchyardError
from core.health.standing import rules_of
from core.history.totals import Totals
from core.model.agent import AgentId
from core.model.snapshot import Problem, Snapshot
from core.ports import Clock
from core.settings import Settings
from core.surfaces.badge import agent_badge
from core.surfaces.status import health_document, watched_document
from core.surfaces.watched import Watched, watched

log = logging.getLogger(__name__)

PREFIX = "/api/"
_JSON, _SVG = "application/json", "image/svg+xml; charset=utf-8"
_SHARING = "Cross-Origin-Resource-Policy"
_METHODS = ("GET", "HEAD")
_BADGE = re.compile(r"badge/([^/]+)\.svg")
_HEADERS = {
    # Badges and errors are opened as documents too; nothing in them may load or run anything, nor be framed. A badge
    # that a page shows as an image is no frame.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    "X-Content-Type-Options": "nosniff",
    # A status that a cache remembers is a wrong status.
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    # A foreign site in the person's own browser may not load any of it, not even as a script or an image.
    _SHARING: "same-origin",
}


class Watching(Protocol):
    """What the services of the process know; all of it is in memory."""

    @property
    def settings(self) -> Settings: ...

    def snapshot(self) -> Snapshot:
        """Return everything the dashboard knows at this moment."""
        ...

    def totals(self) -> Totals:
        """Return what was counted since the process started."""
        ...


# Says why a request with these headers may not read; None when it may.
Objection = Callable[[Settings, Mapping[str, str]], Problem | None]


class Api:
    """One ASGI endpoint for everything below /api/, so that each answer has the same headers and shape of error."""

    def __init__(self, services: Callable[[], Watching], objection: Objection, *, clock: Clock | None = None) -> None:
        self._services = services
        self._objection = objection
        self._clock = clock or SystemClock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a scrape of many routes must not hold up the pages, hence the thread."""
        request = Request(scope, receive)
        response = await run_in_threadpool(self._answered, request)
        if request.method == "HEAD":
            response.body = b""
        await response(scope, receive, send)

    def _answered(self, request: Request) -> Response:
        if request.method not in _METHODS:
            return _error(405, _READ_ONLY, {"Allow": ", ".join(_METHODS)})
        try:
            return self._answer(request)
        except SwitchyardError as exc:
            return _error(503, Problem(code=exc.code, message=exc.message, remedy=exc.remedy))
        except Exception:
            # The route handler's own edge: the reader gets the one shape of error, and the log has the rest.
            log.exception("%s failed", request.url.path)
            return _error(500, _INTERNAL)

    def _answer(self, request: Request) -> Response:
        path = request.url.path.removeprefix(PREFIX)
        try:
            services = self._services()
        except SwitchyardError:
            if path != "health":
                raise
            # The process runs, and the pages say what is wrong with its settings.
            return _json(documents.document({"status": "ok", "monitor": None, "store": None}))
        objection = self._objection(services.settings, request.headers)
        if objection is not None:
            return _error(403, objection)
        seen = watched(services.snapshot(), now=self._clock.now(), rules=rules_of(services.settings))
        return _page(path, seen, services)


def _page(path: str, seen: Watched, services: Watching) -> Response:
    if path == "status":
        return _json(watched_document(seen))
    if path == "health":
        return _json(health_document(seen))
    if path == "metrics":
        return _response(metrics_text(seen, services.totals().read()), CONTENT_TYPE)
    badge = _BADGE.fullmatch(path)
    return _badge(badge.group(1), seen) if badge else _error(404, _NO_SUCH_PAGE)


def _badge(name: str, seen: Watched) -> Response:
    if name not in AGENTS:
        return _error(404, _NO_SUCH_AGENT)
    workspace = seen.snapshot.workspace
    drawn = agent_badge(seen.agent(AgentId(name)), simulated=workspace is not None and workspace.simulated)
    # A badge is there to be shown on other sites.
    return _response(drawn.encode(), _SVG, headers={_SHARING: "cross-origin"})


def _json(body: documents.Document, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return _response(json.dumps(body).encode(), _JSON, status, headers)


def _error(status: int, problem: Problem, headers: Mapping[str, str] | None = None) -> Response:
    return _json(documents.document({}, problem), status, headers)


def _response(body: bytes, content_type: str, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    whole = {**_HEADERS, **(headers or {}), "Content-Type": content_type, "Content-Length": str(len(body))}
    return Response(body, status, whole)


_READ_ONLY = Problem(code="method_not_allowed", message="Here things are only read.", remedy="Use GET or HEAD.")
_NO_SUCH_PAGE = Problem(
    code="not_found",
    message="There is nothing at this address.",
    remedy="There are /api/status, /api/health, /api/metrics and /api/badge/<agent>.svg.",
)
_NO_SUCH_AGENT = Problem(
    code="unknown_agent", message="There is no agent of this name.", remedy="Agents: " + ", ".join(AGENTS) + "."
)
_INTERNAL = Problem(
    code="internal_error",
    message="This failed inside Switchyard.",
    remedy="See the log of this process, and report it.",
)


def api_routes(services: Callable[[], Watching], objection: Objection, *, clock: Clock | None = None) -> list[Route]:
    """Return the routes for the app; `services` raises SwitchyardError while there are none."""
    return [Route(PREFIX + "{rest:path}", Api(services, objection, clock=clock))]
