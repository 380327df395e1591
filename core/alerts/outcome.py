"""Decide what one try to send a notice amounts to: sent, to be tried again and when, or given up. Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from core.alerts.sending import Attempt
from core.model.alert import Delivery, DeliveryState, Notice, NoticeKind

# The pause after each failed try; when there is none left the notice is given up.
PAUSES_S = (10.0, 60.0, 300.0, 900.0)
TRIES = len(PAUSES_S) + 1


def delivery_of(notice: Notice) -> Delivery:
    """Return how a notice stands before anything was tried."""
    return Delivery(
        notice_id=notice.id,
        kind=notice.kind,
        channel=notice.channel,
        rule=notice.rule,
        incident_id=notice.incident.id if notice.incident else None,
        at=notice.at,
        state=DeliveryState.WAITING,
        next_at=notice.at,
    )


def after(delivery: Delivery, attempt: Attempt, now: datetime) -> Delivery:
    """Return how a delivery stands after one more try; a test is tried once, because somebody waits for it."""
    attempts = delivery.attempts + 1
    if attempt.sent:
        return replace(delivery, state=DeliveryState.SENT, attempts=attempts, next_at=None, detail=attempt.detail)
    if attempts >= TRIES or delivery.kind is NoticeKind.TEST:
        return closed(replace(delivery, attempts=attempts), attempt.detail)
    pause_s = max(PAUSES_S[attempts - 1], min(attempt.retry_after_s or 0.0, PAUSES_S[-1]))
    return replace(delivery, attempts=attempts, next_at=now + timedelta(seconds=pause_s), detail=attempt.detail)


def closed(delivery: Delivery, detail: str) -> Delivery:
    """Return a delivery that will not be tried again."""
    return replace(delivery, state=DeliveryState.FAILED, next_at=None, detail=detail)
