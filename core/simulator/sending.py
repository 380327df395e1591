"""Puts an answer on the wire, with the headers that every answer of a workspace, or of this simulator, carries."""

from __future__ import annotations

from starlette.types import Send

from core.simulator.exchange import Answer, Exchange
from core.simulator.scenes import TokenState

SIMULATED_HEADER = "X-Switchyard-Simulated"
_NO_ORG_ID = (TokenState.NONE, TokenState.UNKNOWN, TokenState.ROTATED)


async def send_head(send: Send, exchange: Exchange, answer: Answer) -> None:
    """Send status and headers; the length is given unless the answer streams."""
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"x-request-id", exchange.request_id.encode()),
        (SIMULATED_HEADER.lower().encode(), exchange.scene.name.encode()),
    ]
    if exchange.token not in _NO_ORG_ID:
        headers.append((b"x-databricks-org-id", exchange.scene.workspace_id.encode()))
    headers += [(name.lower().encode(), value.encode()) for name, value in answer.headers.items()]
    if not answer.streams:
        headers.append((b"content-length", str(sum(map(len, answer.chunks))).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})


async def send_chunk(send: Send, chunk: bytes, *, more: bool) -> None:
    """Send one piece of the body."""
    await send({"type": "http.response.body", "body": chunk, "more_body": more})


async def send_answer(send: Send, exchange: Exchange, answer: Answer) -> None:
    """Send a whole answer."""
    await send_head(send, exchange, answer)
    if answer.streams:
        for chunk in answer.chunks:
            await send_chunk(send, chunk, more=True)
        await send_chunk(send, b"", more=False)
        return
    await send_chunk(send, b"".join(answer.chunks), more=False)
