"""Stand-ins at the border of the network: what they answer is decided by the test."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from core.model.secret import Secret
from core.ports import FailureKind, HostCheck, HttpAnswer, HttpFailure, HttpRequest

CHAT_OK = {
    "model": "m",
    "choices": [{"message": {"role": "assistant", "content": "OK"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1},
}


def reply(status: int = 200, body: object = None, **headers: str) -> HttpAnswer:
    """Return an answer with a JSON body."""
    raw = json.dumps(CHAT_OK if body is None else body).encode()
    return HttpAnswer(status=status, headers=headers, body=raw, truncated=False, elapsed_ms=5.0, first_byte_ms=4.0)


def failure(kind: FailureKind, detail: str = "it broke") -> HttpFailure:
    """Return a failed exchange."""
    return HttpFailure(kind=kind, detail=detail, elapsed_ms=1.0)


class FakeSender:
    """Answer every request by a function, and remember what was sent and how many were under way at once."""

    def __init__(self, answer: Callable[[HttpRequest], HttpAnswer | HttpFailure]) -> None:
        self._answer = answer
        self.sent: list[HttpRequest] = []
        self.most_at_once = 0
        self._at_once = 0

    async def send(self, request: HttpRequest) -> HttpAnswer | HttpFailure:
        """Answer after giving every other request the chance to start."""
        self.sent.append(request)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        for _ in range(3):
            await asyncio.sleep(0)
        self._at_once -= 1
        return self._answer(request)


class FakeChecker:
    """Let every host in, but for the origins that the test closes."""

    def __init__(self, closed: dict[str, HostCheck] | None = None) -> None:
        self.closed = closed or {}
        self.checked: list[str] = []

    async def check(self, origin: str) -> HostCheck:
        """Return how far the origin lets us in."""
        self.checked.append(origin)
        return self.closed.get(origin, HostCheck(dns_ms=1.0, tcp_ms=1.0, tls_ms=2.0))


NO_NAME = HostCheck(failure=failure(FailureKind.DNS, "the name does not resolve"))
REFUSED = HostCheck(dns_ms=1.0, failure=failure(FailureKind.CONNECT, "the connection was not accepted"))


class FakeCredentials:
    """Give out one token, or raise."""

    def __init__(self, token: str | None = "live", error: Exception | None = None) -> None:
        self._token = token
        self._error = error

    def token(self) -> Secret:
        """Return the token of the test."""
        if self._error is not None or self._token is None:
            raise self._error or AssertionError("no token and no error given")
        return Secret(self._token)

    @property
    def description(self) -> str:
        """Say that it is a test's."""
        return "token of the test"


class FakeClock:
    """Stand still until moved."""

    def __init__(self, now: datetime = datetime(2026, 1, 1, tzinfo=UTC)) -> None:
        self._now = now
        self._seconds = 0.0

    def now(self) -> datetime:
        """Return the time of the test."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds that were moved."""
        return self._seconds

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._seconds += seconds
