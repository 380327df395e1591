"""Write a notice as each kind of channel takes it: Slack's JSON, our own signed JSON, a mail. Pure."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from core.alerts.words import Origin, block, facts, headline, line, permalink
from core.model.alert import Channel, Notice
from core.model.check import route_id
from core.model.incident import Incident
from core.model.secret import Secret

SIGNATURE_HEADER = "X-Switchyard-Signature"
TIMESTAMP_HEADER = "X-Switchyard-Timestamp"

_SEVERAL_LINES = ("Cause", "Remedy")


def slack_body(notice: Notice, origin: Origin) -> bytes:
    """Return the body for a Slack-compatible webhook.

    Text only, because that is what all compatible receivers show. What came from elsewhere stands in a code block:
    nothing in it is formatted, linked or calls anybody.
    """
    parts = [f"*{_slack(headline(notice))}*"]
    for name, text in facts(notice, origin):
        if name in _SEVERAL_LINES:
            parts.append(f"{name}:\n```{_slack(text, in_block=True)}```")
        elif name == "More":
            parts.append(f"<{_slack(text, in_block=True)}>")
        else:
            parts.append(f"{name}: {_slack(text)}")
    return _json({"text": "\n".join(parts), "unfurl_links": False, "unfurl_media": False})


def webhook_body(notice: Notice, origin: Origin) -> bytes:
    """Return the body of the generic webhook, schema 1: keys are added, never renamed."""
    return _json(
        {
            "schema": 1,
            "id": notice.id,
            "kind": notice.kind,
            "at": _time(notice.at),
            "channel": notice.channel,
            "rule": notice.rule or None,
            "text": headline(notice),
            "workspace": line(origin.workspace) or None,
            "incident": _incident(notice.incident, origin) if notice.incident else None,
        }
    )


def signature_headers(body: bytes, key: Secret, now: datetime) -> Mapping[str, str]:
    """Return the headers that prove who wrote this body and when: HMAC-SHA256 over timestamp, a dot, and the body."""
    timestamp = str(int(now.timestamp()))
    digest = hmac.new(key.reveal().encode(), timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return {TIMESTAMP_HEADER: timestamp, SIGNATURE_HEADER: f"sha256={digest}"}


def mail_of(notice: Notice, channel: Channel, origin: Origin, now: datetime) -> EmailMessage:
    """Return the mail; every try has the same Message-ID, and the mails of an incident form one thread."""
    domain = channel.sender.rpartition("@")[2]
    mail = EmailMessage()
    mail["From"] = channel.sender
    mail["To"] = ", ".join(channel.recipients)
    mail["Subject"] = headline(notice)
    mail["Date"] = format_datetime(now)
    mail["Message-ID"] = f"<{_mail_id(notice.id)}@{domain}>"
    if notice.incident:
        mail["References"] = f"<{_mail_id(notice.incident.id)}@{domain}>"
    mail["Auto-Submitted"] = "auto-generated"
    rows = (
        f"{name}:\n{text}\n" if name in _SEVERAL_LINES else f"{name}: {text}" for name, text in facts(notice, origin)
    )
    mail.set_content("\n".join((headline(notice), "", *rows, "")))
    return mail


def _slack(text: str, *, in_block: bool = False) -> str:
    """Slack reads &, < and > as its own everywhere; outside a code block also *, _, ~, ` and names after an @."""
    if in_block:
        text = text.replace("```", "'''")
    else:
        # A joiner that nobody sees, before the character, keeps it from being read as formatting.
        text = "".join(f"\u2060{character}" if character in "*_~`@" else character for character in text)
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _incident(incident: Incident, origin: Origin) -> Mapping[str, object]:
    ended = incident.ended_at
    return {
        "id": incident.id,
        "health": incident.health,
        "rung": incident.cause.rung,
        "host": line(incident.cause.host),
        "diagnosis": incident.cause.diagnosis,
        "message": block(incident.message),
        "remedy": block(incident.remedy),
        "started_at": _time(incident.started_at),
        "confirmed_at": _time(incident.confirmed_at),
        "ended_at": _time(ended) if ended else None,
        "duration_s": round((ended - incident.started_at).total_seconds()) if ended else None,
        "simulated": incident.simulated,
        "agents": list(incident.agents),
        "routes": [
            {
                "route_id": route_id(route),
                "agent": route.agent,
                "slot": route.slot,
                "model": line(route.model),
                "dialect": route.dialect,
                "generation": route.generation,
                "identity": route.identity,
                "failing": route_id(route) in incident.open_routes,
            }
            for route in incident.routes
        ],
        "url": permalink(incident, origin) or None,
    }


def _mail_id(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:32]


def _time(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()
