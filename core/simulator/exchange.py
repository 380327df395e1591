"""One request as the simulated workspace sees it, and one answer before it goes on the wire."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, QueryParams

from core.simulator.errors import REFUSALS, Refusal
from core.simulator.scenes import Scene, TokenState

_EVENTS = "text/event-stream; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """One request; `host` is the Host header as sent, `name` the host name in it, `number` counts from 1."""

    scene: Scene
    number: int
    method: str
    scheme: str
    host: str
    path: str
    query: QueryParams
    headers: Headers
    body: bytes
    token: TokenState

    @property
    def name(self) -> str:
        """Return the host name without its port, "" when the header holds none."""
        try:
            return (urlsplit(f"//{self.host}").hostname or "").rstrip(".")
        except ValueError:
            return ""

    @property
    def origin(self) -> str:
        """Return the origin the caller reached us by, so that URLs in answers lead back here."""
        return f"{self.scheme}://{self.host}"

    @property
    def request_id(self) -> str:
        """Return the id of this exchange, as answers carry it."""
        return f"{self.number:08x}-51d0-4000-8000-{int(self.scene.workspace_id) % 16**12:012x}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer; more than one chunk, or `streams`, is sent without a length and piece by piece."""

    status: int
    chunks: tuple[bytes, ...]
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)
    streams: bool = False


def json_answer(payload: Any, status: int = 200, **headers: str) -> Answer:
    """Return this payload as a JSON answer; underscores in header names stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, chunks=(json.dumps(payload).encode(),), headers=named)


def event_answer(events: list[bytes]) -> Answer:
    """Return these events as a stream."""
    return Answer(status=200, chunks=tuple(events), content_type=_EVENTS, streams=True)


def refusal_answer(refusal: Refusal | str, exchange: Exchange, *, model: str = "", about: str = "") -> Answer:
    """Return a refusal, by value or by name, with its placeholders filled from this exchange."""
    found = REFUSALS[refusal] if isinstance(refusal, str) else refusal
    text = found.filled(
        model=_escaped(model),
        field=_escaped(about),
        path=_escaped(f"{exchange.method} {exchange.path}"),
        workspace_id=exchange.scene.workspace_id,
    )
    return Answer(status=found.status, chunks=(text.encode(),), content_type=found.content_type, headers=found.headers)


def _escaped(value: str) -> str:
    return json.dumps(value)[1:-1]
