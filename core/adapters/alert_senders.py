"""Send notices to webhooks, Slack's and the signed generic one; what is sent is decided in `core.alerts`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import datetime

from core.adapters.http_sender import open_sender
from core.adapters.network import Network
from core.adapters.smtp_sender import SmtpSender
from core.alerts.message import signature_headers, slack_body, webhook_body
from core.alerts.sending import Attempt, Sender
from core.alerts.words import Origin, line
from core.catalog.redact import redact
from core.model.alert import Channel, ChannelKind, Notice
from core.model.secret import Secret
from core.ports import HttpAnswer, HttpFailure, HttpRequest, HttpSender

_TOTAL_S = 10.0
_ANSWER_BYTES = 4096
_ANSWER_SHOWN = 120
_USER_AGENT = "switchyard/0.1 (alerts)"
_SEPARATORS = re.compile(r"[/?&=]")
# A part of an address that is shorter is a word, and no key.
_SHORTEST_KEY = 10


class WebhookSender:
    """Fulfil the Sender port for both kinds of webhook; redirects are never followed, no bearer is ever sent."""

    def __init__(self, http: HttpSender, origin: Callable[[], Origin]) -> None:
        self._http = http
        self._origin = origin

    async def send(self, channel: Channel, notice: Notice, now: datetime) -> Attempt:
        """Post a notice once; see the port."""
        address, headers, body = self._composed(channel, notice, now)
        request = HttpRequest(
            method="POST",
            url=address.reveal(),
            headers={"User-Agent": _USER_AGENT, "Content-Type": "application/json; charset=utf-8", **headers},
            body=body,
            total_s=_TOTAL_S,
            max_bytes=_ANSWER_BYTES,
        )
        return _attempt(await self._http.send(request), channel, address)

    def _composed(self, channel: Channel, notice: Notice, now: datetime) -> tuple[Secret, Mapping[str, str], bytes]:
        if channel.secret is None:
            raise ValueError("a webhook's channel always has its secret")
        if channel.kind is ChannelKind.SLACK:
            return channel.secret, {}, slack_body(notice, self._origin())
        body = webhook_body(notice, self._origin())
        return Secret(channel.url), signature_headers(body, channel.secret, now), body


@asynccontextmanager
async def open_alert_senders(
    network: Network, origin: Callable[[], Origin]
) -> AsyncIterator[Mapping[ChannelKind, Sender]]:
    """Open the senders of all kinds; their connections belong to the running loop and are closed at the end."""
    async with open_sender(network, lambda _url: "alerts carry no bearer token", connections=4) as http:
        webhooks = WebhookSender(http, origin)
        yield {
            ChannelKind.SLACK: webhooks,
            ChannelKind.WEBHOOK: webhooks,
            ChannelKind.EMAIL: SmtpSender(network.ssl_context, origin),
        }


def _attempt(answer: HttpAnswer | HttpFailure, channel: Channel, address: Secret) -> Attempt:
    if isinstance(answer, HttpFailure):
        return Attempt(sent=False, detail=f"{channel.place}: {line(answer.detail)}.")
    if 200 <= answer.status < 300:
        return Attempt(sent=True, detail=f"{channel.place} answered {answer.status}.")
    if 300 <= answer.status < 400:
        detail = f"{channel.place} answered {answer.status}, a redirect, which is never followed."
        return Attempt(sent=False, detail=detail)
    return Attempt(
        sent=False,
        detail=f"{channel.place} answered {answer.status}{_said(answer, channel, address)}.",
        retry_after_s=_retry_after_s(answer),
    )


def _said(answer: HttpAnswer, channel: Channel, address: Secret) -> str:
    """Return the beginning of a refusal, which may repeat the address, a part of it or the key that it did not like."""
    path = "/" + address.reveal().partition("://")[2].partition("/")[2]
    parts = [part for part in _SEPARATORS.split(path) if len(part) >= _SHORTEST_KEY]
    known = [address, *([channel.secret] if channel.secret else []), *map(Secret, {path, *parts} - {"/"})]
    said = line(redact(answer.body.decode(errors="replace"), known))[:_ANSWER_SHOWN]
    return f": {said}" if said else ""


def _retry_after_s(answer: HttpAnswer) -> float | None:
    text = answer.headers.get("retry-after", "").strip()
    return float(text) if text.isascii() and text.isdigit() else None
