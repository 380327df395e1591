"""What a route can answer, by the text that people see and search for; the words are those of the real refusals."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Mapping

import aiohttp
from aiohttp.client_reqrep import ConnectionKey

from core.adapters.http_sender import classify
from core.catalog.agents import AGENTS
from core.catalog.error_body import parse_error
from core.model.agent import Dialect
from core.model.gateway import Generation
from core.model.probe import Depth
from core.model.route import Identity, Route
from core.ports import HttpAnswer, HttpFailure
from core.probe.request import route_url
from core.simulator.errors import REFUSALS, Refusal
from tests.core.probe.streams import answer, call, chat_chunk, sse, text

HOST = "https://adb-1.1.azuredatabricks.net"
_GENERATIONS = {"gateway": Generation.WORKSPACE, "serving-endpoints": Generation.SERVING_ENDPOINTS}
_PATHS = {Generation.WORKSPACE: "/ai-gateway", Generation.SERVING_ENDPOINTS: "/serving-endpoints"}
_FIELDS = {
    "unknown_field": "stream_options",
    "gemini_unknown_field": "stream_options",
    "field_rejected": "system.2.cache_control.ephemeral.scope",
    "output_cap": "65536 > 32000",
}
_KEY = ConnectionKey("adb-1.1.azuredatabricks.net", 443, True, True, None, None, None)


def route_of(asked_by: str) -> Route:
    """Return the first slot's route of "AGENT [with MODEL], GATEWAY", with the token that the agent's config holds."""
    who, _, place = asked_by.rpartition(", ")
    label, _, model = who.partition(" with ")
    spec = next(spec for spec in AGENTS.values() if spec.label == label)
    generation, dialect = _GENERATIONS[place], spec.dialects[0]
    return Route(
        agent=spec.agent,
        slot=spec.slots[0].name,
        model=model or spec.slots[0].default or "",
        base_url=HOST + _PATHS[generation] + spec.bases[generation, dialect],
        dialect=dialect,
        generation=generation,
        identity=Identity.STORED,
    )


def outcomes(route: Route) -> Mapping[str, tuple[HttpAnswer | HttpFailure, Depth]]:
    """Return everything that this route can meet, by the text under which it is looked up."""
    refused = {_shown(name, refusal, route): _answered(name, refusal, route) for name, refusal in REFUSALS.items()}
    short = {name: (outcome, Depth.REACH) for name, outcome in (refused | _unreachable()).items()}
    return short | {name: (outcome, Depth.FAITHFUL) for name, outcome in _streamed(route).items()}


def _filled(name: str, refusal: Refusal, route: Route) -> str:
    return refusal.filled(
        model=route.model,
        workspace_id="2718281828459045",
        path="POST " + route_url(route).removeprefix(HOST),
        field=_FIELDS.get(name, ""),
    )


def _answered(name: str, refusal: Refusal, route: Route) -> HttpAnswer:
    headers = {"content-type": refusal.content_type, **{key.lower(): value for key, value in refusal.headers.items()}}
    return HttpAnswer(
        status=refusal.status,
        headers=headers,
        body=_filled(name, refusal, route).encode(),
        truncated=False,
        elapsed_ms=1.0,
        first_byte_ms=1.0,
    )


def _shown(name: str, refusal: Refusal, route: Route) -> str:
    """Return a refusal as clients print it: the status, the code where it is a word, and the message."""
    if 300 <= refusal.status < 400:
        return f"{refusal.status} to {refusal.headers['Location']}"
    if refusal.status == 200:
        return f"200, but {_NO_ANSWERS[name]}"
    said = parse_error(refusal.status, {}, _filled(name, refusal, route).encode())
    worded = said.code if said.code and not said.code.isdigit() else None
    return f"{refusal.status} " + (f"{worded}: {said.message}" if worded else said.message)


_NO_ANSWERS = {
    "html_200": "a web page",
    "empty_200": "an empty body",
    "wrong_shape": "JSON that is no answer of this dialect",
}


def _unreachable() -> dict[str, HttpFailure]:
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    distrusted = ssl.SSLCertVerificationError(1, "certificate verify failed")
    distrusted.verify_message = "unable to get local issuer certificate"
    seen: dict[str, BaseException] = {
        "getaddrinfo ENOTFOUND": aiohttp.ClientConnectorDNSError(_KEY, unknown),
        "ECONNREFUSED": ConnectionRefusedError(111, "Connection refused"),
        "certificate verify failed: unable to get local issuer certificate": distrusted,
        "no answer within the time limit": TimeoutError(),
        "ECONNRESET, Server disconnected": aiohttp.ServerDisconnectedError(),
    }
    return {
        name: HttpFailure(kind=classify(exc)[0], detail=classify(exc)[1], elapsed_ms=1.0) for name, exc in seen.items()
    }


def _streamed(route: Route) -> dict[str, HttpAnswer]:
    if route.dialect is not Dialect.OPENAI_CHAT:
        return {}
    other = sse({"model": "qwen3-coder", "choices": [{"index": 0, "delta": {"content": "OK"}, "finish_reason": None}]})
    finished = call(Dialect.OPENAI_CHAT, name="terminal")
    return {
        "200, but the stream ends before its end mark": answer(sse(chat_chunk(content="OK"))),
        "200, but the agent never calls a tool": answer(b"".join(text(Dialect.OPENAI_CHAT))),
        "200, but another model answers": answer(
            other + b"".join(finished).replace(b'"model": "m"', b'"model": "qwen3-coder"')
        ),
    }
