"""The simulated workspace as one ASGI application: read, route, log, misbehave if told to, answer."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable

from starlette.datastructures import Headers, QueryParams
from starlette.types import Receive, Scope, Send

from core.model.gateway import Generation
from core.simulator.apps import SimulatedApps
from core.simulator.catalogue import Catalogue
from core.simulator.control import PREFIX, answer_control
from core.simulator.exchange import Exchange, refusal_answer
from core.simulator.faults import FaultBook, Request, RequestLog
from core.simulator.inference import answer_inference, asked_model, body_of
from core.simulator.lakebase import SimulatedLakebase
from core.simulator.misbehaviour import Wire, answer_instead, misbehave
from core.simulator.routes import Target, find_target
from core.simulator.scenes import Scene, TokenState
from core.simulator.sending import send_answer
from core.simulator.workspace_files import WorkspaceFiles

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


class SimulatedApp:
    """Answer for every host name of the scene; a loopback origin stands for the workspace itself."""

    def __init__(
        self,
        scene: Scene,
        faults: FaultBook,
        log: RequestLog,
        *,
        apps: SimulatedApps | None = None,
        lakebase: SimulatedLakebase | None = None,
        reset: Callable[[Scope], None] = lambda scope: None,
    ) -> None:
        self._scene = scene
        self._faults = faults
        self._log = log
        self._reset = reset
        self._apps = apps or SimulatedApps(scene, WorkspaceFiles())
        self._catalogue = Catalogue(scene, self._apps, lakebase or SimulatedLakebase())
        self._numbers = itertools.count(1)
        self._token_states = {secret.reveal(): state for state, secret in scene.tokens.items()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        exchange = self._exchange(scope, await _whole_body(receive))
        if exchange.path == PREFIX or exchange.path.startswith(PREFIX + "/"):
            await send_answer(send, exchange, answer_control(exchange, self._faults, self._log, self._apps))
            return
        scene = self._scene
        if exchange.name not in (*scene.host_names, *_LOOPBACK):
            await send_answer(send, exchange, refusal_answer("no_api", exchange))
            return
        on_dedicated_host = exchange.name == scene.dedicated_host
        target = find_target(exchange.path, on_dedicated_host=on_dedicated_host)
        body = body_of(exchange) if target else None
        request = self._noted(exchange, target, asked_model(target, body) if target else None)
        rule = self._faults.take(request)
        if rule and rule.is_answer:
            await send_answer(send, exchange, answer_instead(rule, exchange, request))
            return
        answer = answer_inference(exchange, target, body) if target else self._catalogue.answer(exchange)
        if rule:
            wire = Wire(receive=receive, send=send, reset=lambda: self._reset(scope))
            await misbehave(rule, exchange, request, answer, wire)
            return
        await send_answer(send, exchange, answer)

    def _exchange(self, scope: Scope, body: bytes) -> Exchange:
        headers = Headers(scope=scope)
        return Exchange(
            scene=self._scene,
            number=next(self._numbers),
            method=scope["method"],
            scheme=scope["scheme"],
            host=headers.get("host", ""),
            path=scope["path"],
            query=QueryParams(scope["query_string"]),
            headers=headers,
            body=body,
            token=self._token_of(headers.get("authorization", "")),
        )

    def _token_of(self, header: str) -> TokenState:
        kind, _, text = header.partition(" ")
        if kind.lower() != "bearer" or not text.strip():
            return TokenState.NONE
        return self._token_states.get(text.strip(), TokenState.UNKNOWN)

    def _noted(self, exchange: Exchange, target: Target | None, model: str | None) -> Request:
        generation: Generation | None = target.generation if target else None
        request = Request(
            number=exchange.number,
            method=exchange.method,
            host=exchange.host,
            path=exchange.path,
            generation=generation,
            dialect=target.dialect if target else None,
            model=model,
            token=exchange.token,
            body_sha256=hashlib.sha256(exchange.body).hexdigest(),
        )
        self._log.add(request)
        return request


async def _whole_body(receive: Receive) -> bytes:
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
