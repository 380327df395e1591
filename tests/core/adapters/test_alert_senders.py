"""Webhooks on a real loopback server: what arrives there, and how every answer is taken."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from core.adapters.alert_senders import open_alert_senders
from core.adapters.network import Network
from core.alerts.dispatcher import Dispatcher
from core.alerts.sending import Attempt
from core.alerts.words import Origin
from core.model.alert import AlertRule, Channel, ChannelKind, DeliveryState, Notice, NoticeKind
from core.model.secret import Secret
from tests.fakes.alerts import HOST, NOON, MemoryDeliveries, an_incident, ended, settings_of
from tests.fakes.network import FakeClock
from tests.fakes.serving import serving

KEY = "made-up-signing-key"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@dataclass
class Receiver:
    """A real HTTP server that keeps what it was sent and gives the answers of the test, the last one again."""

    answers: list[bytes]
    port: int = 0
    heads: list[str] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(int(line[15:]) for line in head.lower().splitlines() if line.startswith("content-length"))
            self.heads.append(head)
            self.bodies.append(await reader.readexactly(length))
            writer.write(self.answers.pop(0) if len(self.answers) > 1 else self.answers[0])
            await writer.drain()

    def header(self, name: str) -> str:
        """Return a header of the last request."""
        lines = [line.partition(": ") for line in self.heads[-1].splitlines()]
        return next(value for found, _, value in lines if found.lower() == name.lower())

    def slack(self) -> Channel:
        """Return a Slack channel whose secret address is here."""
        address = Secret(f"http://127.0.0.1:{self.port}/services/T0/B0/made-up-address")
        return Channel(name="ops", kind=ChannelKind.SLACK, place="127.0.0.1", secret=address)

    def webhook(self) -> Channel:
        """Return a signed webhook that is here."""
        url = f"http://127.0.0.1:{self.port}/in"
        return Channel(name="ops", kind=ChannelKind.WEBHOOK, place="127.0.0.1", url=url, secret=Secret(KEY))


@asynccontextmanager
async def receiving(*answers: bytes) -> AsyncIterator[Receiver]:
    receiver = Receiver(list(answers) or [OK])
    async with serving(receiver.handle) as served:
        receiver.port = served.port
        yield receiver


def a_notice() -> Notice:
    return Notice(
        id="inc-1/ops/down", kind=NoticeKind.OPENED, channel="ops", rule="all", at=NOON, incident=an_incident()
    )


def post(kind: ChannelKind, *answers: bytes) -> tuple[Attempt, Receiver]:
    async def whole() -> tuple[Attempt, Receiver]:
        async with (
            receiving(*answers) as receiver,
            open_alert_senders(Network(), lambda: Origin(workspace=HOST)) as senders,
        ):
            channel = receiver.slack() if kind is ChannelKind.SLACK else receiver.webhook()
            return await senders[kind].send(channel, a_notice(), NOON), receiver

    return asyncio.run(whole())


def test_slack_gets_its_json_at_its_secret_address() -> None:
    attempt, receiver = post(ChannelKind.SLACK)
    assert attempt == Attempt(sent=True, detail="127.0.0.1 answered 200.")
    assert receiver.heads[0].startswith("POST /services/T0/B0/made-up-address HTTP/1.1\r\n")
    assert receiver.header("Content-Type") == "application/json; charset=utf-8"
    assert json.loads(receiver.bodies[0])["text"].startswith("*Down: Hermes, Model at ")
    assert "signature" not in receiver.heads[0].lower()


def test_a_webhook_gets_a_body_whose_signature_can_be_checked() -> None:
    _, receiver = post(ChannelKind.WEBHOOK)
    signed = receiver.header("X-Switchyard-Timestamp").encode() + b"." + receiver.bodies[0]
    expected = hmac.new(KEY.encode(), signed, hashlib.sha256).hexdigest()
    assert receiver.header("X-Switchyard-Signature") == f"sha256={expected}"
    assert json.loads(receiver.bodies[0])["incident"]["id"] == an_incident().id


def test_no_bearer_travels_with_an_alert() -> None:
    assert "authorization" not in post(ChannelKind.WEBHOOK)[1].heads[0].lower()


@pytest.mark.parametrize(
    ("answer", "detail"),
    [
        pytest.param(
            b"HTTP/1.1 404 Not Found\r\nContent-Length: 10\r\n\r\nno_service",
            "127.0.0.1 answered 404: no_service.",
            id="a refusal is quoted",
        ),
        pytest.param(
            b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
            "127.0.0.1 answered 302, a redirect, which is never followed.",
            id="a redirect is not followed",
        ),
        pytest.param(
            b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n", "127.0.0.1 answered 500.", id="nothing to quote"
        ),
        pytest.param(b"220 smtp.example.com\r\n", "127.0.0.1: what came back is not HTTP.", id="another protocol"),
    ],
)
def test_what_was_not_taken_is_reported(answer: bytes, detail: str) -> None:
    attempt, receiver = post(ChannelKind.SLACK, answer)
    assert (attempt.sent, attempt.detail) == (False, detail)
    assert len(receiver.heads) == 1


def test_a_receiver_says_how_long_to_wait() -> None:
    answer = b"HTTP/1.1 429 Too Many\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n"
    assert post(ChannelKind.SLACK, answer)[0].retry_after_s == 120
    dated = answer.replace(b"120", b"Wed, 02 Jan 2030 12:00:00 GMT")
    assert post(ChannelKind.SLACK, dated)[0].retry_after_s is None


@pytest.mark.parametrize("kind", [ChannelKind.SLACK, ChannelKind.WEBHOOK])
def test_a_refusal_that_repeats_the_secret_does_not_show_it(kind: ChannelKind) -> None:
    said = f"no: /services/T0/B0/made-up-address (made-up-address) {KEY}".encode()
    head = f"HTTP/1.1 403 Forbidden\r\nContent-Length: {len(said)}\r\n\r\n".encode()
    attempt, _ = post(kind, head + said)
    secret = "made-up-address" if kind is ChannelKind.SLACK else KEY
    assert "403: no:" in attempt.detail
    assert secret not in attempt.detail


def test_a_receiver_that_is_not_there_is_a_failed_try() -> None:
    async def whole() -> Attempt:
        async with receiving() as receiver:
            gone = receiver.slack()
        async with open_alert_senders(Network(), Origin) as senders:
            return await senders[ChannelKind.SLACK].send(gone, a_notice(), NOON)

    attempt = asyncio.run(whole())
    assert (attempt.sent, attempt.detail.partition(":")[0]) == (False, "127.0.0.1")
    assert "connection was not accepted" in attempt.detail


def test_an_outage_reaches_a_real_webhook_once_through_a_receiver_that_fails_first_and_so_does_its_end() -> None:
    clock, store, lasting = FakeClock(NOON), MemoryDeliveries(), [an_incident()]
    busy = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"

    async def whole() -> list[str]:
        async with receiving(busy, OK) as receiver, open_alert_senders(Network(), Origin) as senders:
            rule = replace(AlertRule(name="all", channels=("ops",)))
            dispatcher = Dispatcher(
                settings_of(rule, channels=[receiver.webhook()]),
                store=store,
                senders=senders,
                clock=clock,
                open_incidents=lambda: lasting,
                incident_of=lambda _id: None,
            )
            for _ in range(5):
                await dispatcher.look()
                await dispatcher.settle()
                clock.move(10)
            lasting.clear()
            dispatcher.take([(NoticeKind.RESOLVED, ended(an_incident(), timedelta(minutes=44)))])
            for _ in range(5):
                await dispatcher.look()
                await dispatcher.settle()
                clock.move(10)
            return [json.loads(body)["text"].partition(":")[0] for body in receiver.bodies]

    assert asyncio.run(whole()) == ["Down", "Down", "Resolved after 44 min"]
    assert {(item.kind, item.state, item.attempts) for item in store.kept.values()} == {
        (NoticeKind.OPENED, DeliveryState.SENT, 2),
        (NoticeKind.RESOLVED, DeliveryState.SENT, 1),
    }
