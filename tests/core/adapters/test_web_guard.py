"""The guard in front of every path: bodies end where they may, and answers tell the browser to be strict."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from core.adapters.web_guard import MOST_BODY_BYTES, bound_heads, guarding

STRICT = {
    "content-security-policy": "frame-ancestors 'self'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}


async def echo(request: Request) -> Response:
    return PlainTextResponse(str(len(await request.body())), headers=dict(request.query_params))


def ask(content: bytes | AsyncIterator[bytes], length: str | None = None, query: str = "") -> httpx.Response:
    async def asked() -> httpx.Response:
        app = Starlette(routes=[Route("/", echo, methods=["POST"])], middleware=guarding())
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app)) as client:
            told = [] if length is None else [(b"Content-Length", length.encode("latin-1"))]
            return await client.post(f"http://127.0.0.1/?{query}", content=content, headers=told)

    return asyncio.run(asked())


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 1024):
        yield b"a" * 1024


def test_a_small_body_passes_and_its_answer_is_strict() -> None:
    answer = ask(b"a" * MOST_BODY_BYTES)
    assert (answer.status_code, answer.text) == (200, str(MOST_BODY_BYTES))
    assert STRICT.items() <= dict(answer.headers).items()


@pytest.mark.parametrize("length", [str(MOST_BODY_BYTES + 1), "-1", "1e9", "²", ""])
def test_a_length_that_is_too_large_or_none_is_refused(length: str) -> None:
    answer = ask(b"", length)
    assert (answer.status_code, answer.headers["connection"]) == (413, "close")
    assert STRICT.items() <= dict(answer.headers).items()


def test_a_body_of_untold_length_is_cut_off() -> None:
    assert ask(in_pieces(MOST_BODY_BYTES)).status_code == 200
    assert ask(in_pieces(MOST_BODY_BYTES + 1024)).status_code == 413


def test_an_answer_that_is_stricter_by_itself_stays_so() -> None:
    answer = ask(b"", query="Content-Security-Policy=default-src%20'none'")
    assert answer.headers.get_list("content-security-policy") == ["default-src 'none'"]


def test_bounding_heads_twice_does_no_harm() -> None:
    bound_heads()
    bound_heads()
