"""Answers that repeat the credentials they were asked with: careless servers do so in errors, hostile ones anywhere."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import quote

from core.simulator.exchange import Answer, Exchange
from core.simulator.faults import Request
from core.simulator.models import model_of


def repeating_error(exchange: Exchange) -> Answer:
    """Return an error that quotes the headers of the request, in every form in which servers write them down."""
    token = _token(exchange)
    message = (
        f"Cannot route a request with the headers {{'Authorization': 'Bearer {token}', 'x-api-key': '{token}'}} "
        f"to https://robin:{token}@gateway.example.com/v1?key={quote(token, safe='')}&other=1 "
        f"(Basic {_basic(token)}, {''.join(f'%{byte:02x}' for byte in token.encode())}, "
        f"{''.join(f'&#{byte};' for byte in token.encode())})"
    )
    body = json.dumps({"error_code": token, "message": message, "request_id": token, "details": [token]})
    return Answer(status=400, chunks=(_escaped(body, token).encode(),), headers=_headers(token))


def repeating(exchange: Exchange, request: Request, answer: Answer) -> Answer:
    """Return the answer with the token in the place of a model's name, and in its headers."""
    token = _token(exchange)
    model = model_of(exchange.scene.models, request.model or "")
    own = model.echo if model else exchange.scene.models[0].endpoint
    chunks = tuple(chunk.replace(json.dumps(own).encode(), json.dumps(token).encode()) for chunk in answer.chunks)
    return replace(answer, chunks=chunks, headers={**answer.headers, **_headers(token)})


def _headers(token: str) -> Mapping[str, str]:
    return {
        "X-Request-Id": token,
        "Server": f"gateway ({_basic(token)})",
        "Location": f"https://gateway.example.com/login?token={quote(token, safe='')}",
        "X-Databricks-Reason-Phrase": f"Authorization: Bearer {token}",
        "Set-Cookie": f"session={token}",
    }


def _escaped(body: str, token: str) -> str:
    """Return the JSON with every other mention of the token escaped, as some writers of JSON do with any character."""
    plain, *rest = body.split(token)
    marks = "".join(f"\\u{ord(character):04x}" for character in token)
    return plain + "".join((marks if number % 2 else token) + part for number, part in enumerate(rest))


def _token(exchange: Exchange) -> str:
    return exchange.headers.get("authorization", "").partition(" ")[2] or "nothing"


def _basic(token: str) -> str:
    return base64.b64encode(f"token:{token}".encode()).decode()
