"""How detection asks without doing I/O: a flow yields what to ask, receives the outcome, and returns what it found.

The same flow is fed with answers by a table in the tests and by the network in `run_flow`.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from core.model.secret import Secret
from core.ports import FailureKind, HttpAnswer, HttpFailure, HttpRequest, HttpSender

T = TypeVar("T")
Outcome: TypeAlias = HttpAnswer | HttpFailure

NO_CREDENTIAL = "there is no credential to send"
DETECTION_TIMEOUT_S = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request of a flow, and whether it goes out with the dashboard's credential."""

    request: HttpRequest
    authenticated: bool = True


Flow: TypeAlias = Generator[Ask, Outcome, T]


def get(
    url: str,
    headers: Mapping[str, str] | None = None,
    *,
    authenticated: bool = True,
    total_s: float = DETECTION_TIMEOUT_S,
    max_bytes: int = 256 * 1024,
) -> Ask:
    """Return the question for one JSON document."""
    request = HttpRequest(
        method="GET",
        url=url,
        headers={"Accept": "application/json", **(headers or {})},
        total_s=total_s,
        max_bytes=max_bytes,
    )
    return Ask(request=request, authenticated=authenticated)


async def run_flow(flow: Flow[T], sender: HttpSender, token: Secret | None) -> T:
    """Send what the flow asks for, one after the other, until it returns.

    Without a token nothing is sent for an authenticated question: the flow gets a refusal instead.
    """
    try:
        ask = next(flow)
        while True:
            outcome = await _send(ask, sender, token)
            ask = flow.send(outcome)
    except StopIteration as done:
        result: T = done.value
        return result


async def _send(ask: Ask, sender: HttpSender, token: Secret | None) -> Outcome:
    if not ask.authenticated:
        return await sender.send(ask.request)
    if token is None:
        return HttpFailure(kind=FailureKind.REFUSED, detail=NO_CREDENTIAL, elapsed_ms=0.0)
    return await sender.send(replace(ask.request, token=token))
