"""Carries out a fault: another answer, a mutilated one, a late one, or none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, replace

from starlette.types import Receive, Send

from core.simulator.answers import SUBSTITUTE, emptied, substituted
from core.simulator.echoes import repeating, repeating_error
from core.simulator.errors import Refusal
from core.simulator.exchange import Answer, Exchange, refusal_answer
from core.simulator.faults import Behaviour, FaultRule, Request
from core.simulator.models import model_of
from core.simulator.sending import send_answer, send_chunk, send_head
from core.simulator.streams import emptied_events, stream_error

_OVERSIZED = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire:
    """The caller's connection: its two directions, and how to break it."""

    receive: Receive
    send: Send
    reset: Callable[[], None]


def answer_instead(rule: FaultRule, exchange: Exchange, request: Request) -> Answer:
    """Return the answer that the rule puts in the place of one that is never made."""
    custom = Refusal(status=rule.status, body=rule.body, headers=dict(rule.headers))
    refusal = custom if rule.fault == "custom" else rule.fault
    return refusal_answer(refusal, exchange, model=request.model or "")


async def misbehave(rule: FaultRule, exchange: Exchange, request: Request, answer: Answer, wire: Wire) -> None:
    """Do to this answer what the rule says; a caller that gives up ends a hang or a drip at once."""
    gone = asyncio.ensure_future(_gone(wire.receive))
    work = asyncio.ensure_future(_carry_out(rule, exchange, request, answer, wire))
    try:
        await asyncio.wait((gone, work), return_when=asyncio.FIRST_COMPLETED)
        if work.done():
            work.result()
    finally:
        gone.cancel()
        work.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _carry_out(rule: FaultRule, exchange: Exchange, request: Request, answer: Answer, wire: Wire) -> None:
    send = wire.send
    match rule.fault:
        case Behaviour.HANG:
            await asyncio.Event().wait()
        case Behaviour.RESET:
            wire.reset()
        case Behaviour.DELAY:
            await asyncio.sleep(rule.delay_s)
            await send_answer(send, exchange, answer)
        case Behaviour.DRIP:
            await _drip(rule.delay_s, exchange, answer, send)
        case Behaviour.CUT:
            whole = b"".join(answer.chunks)
            await send_head(send, exchange, answer)
            await send_chunk(send, whole[: len(whole) // 2], more=True)
            await asyncio.sleep(0)
            wire.reset()
        case _:
            await send_answer(send, exchange, _altered(rule, exchange, request, answer))


async def _drip(delay_s: float, exchange: Exchange, answer: Answer, send: Send) -> None:
    await send_head(send, exchange, replace(answer, streams=True))
    for byte in b"".join(answer.chunks):
        await send_chunk(send, bytes((byte,)), more=True)
        await asyncio.sleep(delay_s)
    await send_chunk(send, b"", more=False)


def _altered(rule: FaultRule, exchange: Exchange, request: Request, answer: Answer) -> Answer:
    whole = b"".join(answer.chunks)
    match rule.fault:
        case Behaviour.TRUNCATED_JSON:
            return replace(answer, chunks=(whole[: len(whole) // 2],))
        case Behaviour.OVERSIZED if answer.streams:
            return replace(answer, chunks=(b":" + b" " * _OVERSIZED + b"\n\n", *answer.chunks))
        case Behaviour.OVERSIZED:
            return replace(answer, chunks=(whole, b" " * _OVERSIZED))
        case Behaviour.EMPTY_STREAM:
            return replace(answer, chunks=(b"",))
        case Behaviour.EMPTY_ANSWER | Behaviour.SUBSTITUTED if not answer.streams and answer.status == 200:
            edit = emptied if rule.fault == Behaviour.EMPTY_ANSWER else substituted
            return replace(answer, chunks=(json.dumps(edit(json.loads(whole))).encode(),))
        case Behaviour.EMPTY_ANSWER if answer.streams and request.dialect:
            return replace(answer, chunks=emptied_events(request.dialect, answer.chunks))
        case Behaviour.SUBSTITUTED if answer.streams:
            return replace(answer, chunks=_under_another_name(exchange, request, answer.chunks))
        case Behaviour.ECHO:
            return repeating(exchange, request, answer)
        case Behaviour.ECHO_IN_ERROR:
            return repeating_error(exchange)
        case Behaviour.STREAM_ERROR if answer.streams and request.dialect:
            return replace(answer, chunks=(*answer.chunks[:2], stream_error(request.dialect)))
        case _:
            # There is no such answer here that it could be done to.
            return refusal_answer("internal_error", exchange)


def _under_another_name(exchange: Exchange, request: Request, chunks: tuple[bytes, ...]) -> tuple[bytes, ...]:
    model = model_of(exchange.scene.models, request.model or "")
    if model is None:
        return chunks
    own, other = (json.dumps(name).encode() for name in (model.echo, SUBSTITUTE))
    return tuple(chunk.replace(own, other) for chunk in chunks)
