"""A flow is sent with the credential where it asks for it, and with nothing where there is none."""

from __future__ import annotations

import asyncio

from core.detect.flow import NO_CREDENTIAL, Flow, Outcome, get, run_flow
from core.model.secret import Secret
from core.ports import FailureKind, HttpAnswer, HttpFailure, HttpRequest
from tests.core.detect.feeding import answer


class RecordingSender:
    def __init__(self) -> None:
        self.sent: list[HttpRequest] = []

    async def send(self, request: HttpRequest) -> HttpAnswer | HttpFailure:
        self.sent.append(request)
        return answer(200, {"n": len(self.sent)})


def two_questions() -> Flow[list[Outcome]]:
    first = yield get("https://a.example/open", authenticated=False)
    second = yield get("https://a.example/closed", {"X-Extra": "1"})
    return [first, second]


def test_only_authenticated_questions_carry_the_token() -> None:
    sender, token = RecordingSender(), Secret("dapi-fictional")
    outcomes = asyncio.run(run_flow(two_questions(), sender, token))
    assert [request.token for request in sender.sent] == [None, token]
    assert sender.sent[1].headers["X-Extra"] == "1"
    assert len(outcomes) == 2


def test_without_a_token_an_authenticated_question_is_not_sent() -> None:
    sender = RecordingSender()
    outcomes = asyncio.run(run_flow(two_questions(), sender, None))
    assert [request.url for request in sender.sent] == ["https://a.example/open"]
    assert outcomes[1] == HttpFailure(kind=FailureKind.REFUSED, detail=NO_CREDENTIAL, elapsed_ms=0.0)


def test_a_flow_without_questions_returns_at_once() -> None:
    def silent() -> Flow[str]:
        yield from ()
        return "done"

    assert asyncio.run(run_flow(silent(), RecordingSender(), None)) == "done"
