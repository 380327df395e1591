"""Serve what other programs read: /api/status, health, metrics and badges; who may read is decided elsewhere.

Every answer comes from memory: nothing here sends a request or asks a database.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
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
_DOCUMENTS = ("status", "health", "metrics")
# As old as that may be what is told: nobody could read its ages more exactly.
_SHARED_S = 0.5
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
        self._shared: dict[str, _Shared] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        request = Request(scope, receive)
        answer = await self._answered(request)
        # Others may be given the same answer, so it is not changed.
        body = b"" if request.method == "HEAD" else answer.body
        await Response(body, answer.status_code, answer.headers)(scope, receive, send)

    async def _answered(self, request: Request) -> Response:
        if request.method not in _METHODS:
            return _error(405, _READ_ONLY, {"Allow": ", ".join(_METHODS)})
        try:
            path = request.url.path.removeprefix(PREFIX)
            admitted = await run_in_threadpool(self._admitted, path, request.headers)
            return admitted if isinstance(admitted, Response) else await self._page(path, admitted)
        except SwitchyardError as exc:
            return _error(503, Problem(code=exc.code, message=exc.message, remedy=exc.remedy))
        except Exception:
            # The route handler's own edge: the reader gets the one shape of error, and the log has the rest.
            log.exception("%s failed", request.url.path)
            return _error(500, _INTERNAL)

    def _admitted(self, path: str, headers: Mapping[str, str]) -> Watching | Response:
        """Return the services for somebody who may read, else what is answered instead."""
        try:
            services = self._services()
        except SwitchyardError:
            if path != "health":
                raise
            # The process runs, and the pages say what is wrong with its settings.
            return _json(documents.document({"status": "ok", "monitor": None, "store": None}))
        objection = self._objection(services.settings, headers)
        return services if objection is None else _error(403, objection)

    async def _page(self, path: str, services: Watching) -> Response:
        """Return a page, or the one that others are given at this moment.

        The metrics of all routes take 10 ms to write: 50 readers at once would hold each other and the tabs up for half
        a second, all of them for the same text.
        """
        snapshot, now = services.snapshot(), self._clock.monotonic()
        shared = self._shared.get(path)
        if shared is None or shared.snapshot is not snapshot or now >= shared.until or shared.failed:
            # In a thread: a scrape of many routes must not hold up the pages.
            writing = asyncio.ensure_future(run_in_threadpool(self._written, path, snapshot, services))
            shared = _Shared(snapshot=snapshot, until=now + _SHARED_S, page=writing)
            if _is_known(path):
                self._shared[path] = shared
        # Whoever hangs up takes nothing away from the others.
        return await asyncio.shield(shared.page)

    def _written(self, path: str, snapshot: Snapshot, services: Watching) -> Response:
        seen = watched(snapshot, now=self._clock.now(), rules=rules_of(services.settings))
        return _page(path, seen, services)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shared:
    """A page that is being written or was just now, of which snapshot, and until when it is given to others."""

    snapshot: Snapshot
    until: float
    page: asyncio.Future[Response]

    @property
    def failed(self) -> bool:
        return self.page.done() and (self.page.cancelled() or self.page.exception() is not None)


def _is_known(path: str) -> bool:
    badge = _BADGE.fullmatch(path)
    return badge.group(1) in AGENTS if badge else path in _DOCUMENTS


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
