"""Alerts: where they go, who is told of what, and how each delivery ended."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum

from core.model.agent import AgentId
from core.model.incident import Incident
from core.model.probe import Health
from core.model.secret import Secret


class ChannelKind(StrEnum):
    SLACK = "slack"
    WEBHOOK = "webhook"
    EMAIL = "email"


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One place that alerts go to. `secret` is the webhook's address (Slack) or signing key, or the SMTP password.

    `place` says where it is in words that may be shown: an address may itself be what nobody else should know.
    """

    name: str
    kind: ChannelKind
    place: str = ""
    url: str = field(default="", repr=False)
    secret: Secret | None = field(default=None, repr=False)
    host: str = ""
    port: int = 0
    starttls: bool = True
    user: str = ""
    sender: str = ""
    recipients: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QuietHours:
    """A daily time in UTC in which nothing is sent; what happened in it is sent at its end if it still lasts."""

    begin: time
    end: time


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRule:
    """Who is told of which incidents; no agents means all. `remind_every_s` 0: never again while it lasts."""

    name: str
    channels: tuple[str, ...]
    agents: tuple[AgentId, ...] = ()
    at_least: Health = Health.DOWN
    remind_every_s: float = 0.0
    quiet: QuietHours | None = None
    resolved: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSettings:
    """What the alerts file asks for; with `dashboard_url` messages link to the incident."""

    channels: tuple[Channel, ...] = ()
    rules: tuple[AlertRule, ...] = ()
    dashboard_url: str = ""


class NoticeKind(StrEnum):
    OPENED = "opened"
    WORSENED = "worsened"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    TEST = "test"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message to one channel; `id` is the same for every attempt, so that it is sent once."""

    id: str
    kind: NoticeKind
    channel: str
    rule: str
    at: datetime
    incident: Incident | None = None


class DeliveryState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How sending one notice stands; `detail` is one sentence without any secret."""

    notice_id: str
    kind: NoticeKind
    channel: str
    rule: str
    incident_id: str | None
    at: datetime
    state: DeliveryState
    attempts: int = 0
    next_at: datetime | None = None
    detail: str = ""
