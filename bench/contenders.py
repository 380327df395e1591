"""What is compared: our whole engine, and the bare loops over the two httpx transports; each over the same requests."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from core.adapters.clock import SystemClock
from core.adapters.host_checker import SocketHostChecker
from core.adapters.http_sender import HttpxSender, open_sender
from core.adapters.network import Network
from core.landing import Asked, Landing
from core.memory import forgetful
from core.model.agent import AgentId, Dialect
from core.model.check import route_id
from core.model.gateway import Generation
from core.model.probe import Depth, Health
from core.model.route import Identity, Route
from core.model.secret import Secret
from core.model.snapshot import Snapshot
from core.ports import HttpAnswer, HttpFailure, HttpRequest
from core.probe.request import build_request
from core.probe.sweep import Prober
from core.settings import Settings

_TOKEN = Secret("bench")
_SPOKEN = (
    (AgentId.HERMES, Dialect.OPENAI_CHAT, "mlflow/v1"),
    (AgentId.CLAUDE, Dialect.ANTHROPIC_MESSAGES, "anthropic"),
    (AgentId.CODEX, Dialect.OPENAI_RESPONSES, "codex/v1"),
    (AgentId.GEMINI, Dialect.GEMINI_GENERATE, "gemini"),
)

Sweep = Callable[[], Awaitable[int]]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One measurement: how many routes, how many at once, how long one may take, and where the gateway listens."""

    routes: int
    at_once: int
    timeout_s: float
    port: int


def routes_for(case: Case) -> list[Route]:
    """Return distinct routes in all dialects, one request each."""
    made = []
    for number in range(case.routes):
        agent, dialect, path = _SPOKEN[number % len(_SPOKEN)]
        made.append(
            Route(
                agent=agent,
                # As many slots as routes: the recording keeps one result per slot.
                slot=f"slot-{number}",
                model=f"bench-{number}",
                base_url=f"http://127.0.0.1:{case.port}/ai-gateway/{path}",
                dialect=dialect,
                generation=Generation.WORKSPACE,
                identity=Identity.DASHBOARD,
            )
        )
    return made


class _Bench:
    """The bench's credential, and its client timeout on every request."""

    description = "token of the bench"

    def __init__(self, sender: HttpxSender, timeout_s: float) -> None:
        self._sender = sender
        self._timeout_s = timeout_s

    def token(self) -> Secret:
        return _TOKEN

    async def send(self, request: HttpRequest) -> HttpAnswer | HttpFailure:
        return await self._sender.send(replace(request, total_s=self._timeout_s))


@asynccontextmanager
async def ours(case: Case) -> AsyncIterator[Sweep]:
    """The whole engine: host check, requests, judging, explaining, folding and publishing as the dashboard does."""
    routes = routes_for(case)
    network = Network()
    async with open_sender(network, lambda url: None, connections=2 * case.at_once) as sender:
        bench = _Bench(sender, case.timeout_s)
        prober = Prober(
            sender=bench,
            checker=SocketHostChecker(network, lambda url: None),
            credentials=bench,
            clock=SystemClock(),
            workspace_origin=f"http://127.0.0.1:{case.port}",
            concurrency=case.at_once,
        )

        shown: list[Snapshot] = []
        memory = forgetful(Settings(), prober.clock)
        asked = Asked(shown=routes, routes=routes)
        present = frozenset(route_id(route) for route in routes)

        async def sweep() -> int:
            with Landing(Snapshot(), asked, shown.append, memory) as landing:
                report = await prober.sweep(routes, landing.take)
            memory.end_round(present)
            shown.clear()
            return sum(result.health is Health.HEALTHY for result in report.results)

        yield sweep


@asynccontextmanager
async def httpx_aiohttp(case: Case) -> AsyncIterator[Sweep]:
    """The bare loop: httpx on the aiohttp transport."""
    session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=case.at_once, keepalive_timeout=330))
    async with _bare(case, httpx.AsyncClient(transport=AiohttpTransport(client=session))) as sweep:
        yield sweep


@asynccontextmanager
async def httpx_pooled(case: Case) -> AsyncIterator[Sweep]:
    """The bare loop: httpx with its own pool (httpcore)."""
    limits = httpx.Limits(max_connections=case.at_once, max_keepalive_connections=case.at_once, keepalive_expiry=330)
    async with _bare(case, httpx.AsyncClient(limits=limits)) as sweep:
        yield sweep


@asynccontextmanager
async def _bare(case: Case, client: httpx.AsyncClient) -> AsyncIterator[Sweep]:
    requests = [build_request(route, Depth.REACH, None) for route in routes_for(case)]
    slots = asyncio.Semaphore(case.at_once)
    own = {"Authorization": "Bearer bench"}

    async def ask(request: HttpRequest) -> bool:
        async with slots:
            try:
                async with asyncio.timeout(case.timeout_s):
                    answer = await client.post(
                        request.url, content=request.body, headers={**request.headers, **own}, timeout=case.timeout_s
                    )
            except (TimeoutError, httpx.TimeoutException):
                return False
        return answer.status_code == 200

    async def sweep() -> int:
        return sum(await asyncio.gather(*(ask(request) for request in requests)))

    async with client:
        yield sweep


CONTENDERS = {"ours": ours, "httpx-aiohttp": httpx_aiohttp, "httpx-pooled": httpx_pooled}
