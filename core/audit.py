"""Put what somebody does into audit events; pure. Where they are kept is the store's business."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from core.model.audit import AuditEvent
from core.model.change import Actor, ChangeOutcome, ChangeRecord, ChangeRequest
from core.model.probe import Depth
from core.model.route import Route

STARTED = "started"
_NAMED_ROUTES = 20


def apply_event(request: ChangeRequest, *, actor: Actor, reason: str, at: datetime, forced: bool = False) -> AuditEvent:
    """Return that somebody is about to apply a change; it is kept before anything is written."""
    return AuditEvent(
        id=uuid.uuid4().hex,
        at=at,
        actor=actor.name,
        origin=actor.origin,
        action="change.force" if forced else "change.apply",
        target=request.target,
        outcome=STARTED,
        reason=reason,
        after=dict(request.slots),
    )


def rollback_event(change_id: str, *, actor: Actor, reason: str, at: datetime) -> AuditEvent:
    """Return that somebody is about to put back what stood before a change."""
    return AuditEvent(
        id=uuid.uuid4().hex,
        at=at,
        actor=actor.name,
        origin=actor.origin,
        action="change.roll_back",
        target=change_id,
        outcome=STARTED,
        reason=reason,
        evidence=(change_id,),
    )


def ended_event(started: AuditEvent, outcome: ChangeOutcome, *, at: datetime) -> AuditEvent:
    """Return how a change ended that was started before."""
    record = outcome.record
    return AuditEvent(
        id=f"{started.id}-end",
        at=at,
        actor=started.actor,
        origin=started.origin,
        action=started.action,
        target=record.target,
        outcome=record.state,
        reason=started.reason,
        before=dict(record.before),
        after=dict(record.after),
        evidence=(record.change_id,),
    )


def settled_event(record: ChangeRecord, *, at: datetime) -> AuditEvent:
    """Return how a change was settled whose process had ended in the middle of it."""
    return AuditEvent(
        id=uuid.uuid4().hex,
        at=at,
        actor="switchyard",
        origin=record.origin,
        action="change.settle",
        target=record.target,
        outcome=record.state,
        reason=record.detail,
        before=dict(record.before),
        after=dict(record.after),
        evidence=(record.change_id,),
    )


def override_event(action: str, override_id: str, *, actor: Actor, at: datetime) -> AuditEvent:
    """Return that somebody is about to extend or keep an override."""
    return AuditEvent(
        id=uuid.uuid4().hex,
        at=at,
        actor=actor.name,
        origin=actor.origin,
        action=f"override.{action}",
        target=override_id,
        outcome=STARTED,
        evidence=(override_id,),
    )


def refused_event(started: AuditEvent, code: str, *, at: datetime) -> AuditEvent:
    """Return that a change could not be carried out, with the code of why."""
    return AuditEvent(
        id=f"{started.id}-end",
        at=at,
        actor=started.actor,
        origin=started.origin,
        action=started.action,
        target=started.target,
        outcome=code,
        reason=started.reason,
        evidence=started.evidence,
    )


def probe_event(routes: Sequence[Route], depth: Depth, *, actor: Actor, at: datetime) -> AuditEvent:
    """Return that somebody asked these routes, each named by what makes it one, never by its token."""
    named = [f"{route.agent}/{route.slot} {route.model} as {route.identity}" for route in routes[:_NAMED_ROUTES]]
    more = (f"and {len(routes) - _NAMED_ROUTES} more",) if len(routes) > _NAMED_ROUTES else ()
    return _asked("probe.routes", f"{len(routes)} routes, {depth}", actor, at, (*named, *more))


def sweep_event(*, actor: Actor, at: datetime) -> AuditEvent:
    """Return that somebody asked for a sweep."""
    return _asked("probe.sweep", "every route", actor, at)


def alert_test_event(channel: str, *, actor: Actor, at: datetime) -> AuditEvent:
    """Return that somebody sent a test to a channel of alerts."""
    return _asked("alert.test", channel, actor, at)


def _asked(action: str, target: str, actor: Actor, at: datetime, evidence: tuple[str, ...] = ()) -> AuditEvent:
    return AuditEvent(
        id=uuid.uuid4().hex,
        at=at,
        actor=actor.name,
        origin=actor.origin,
        action=action,
        target=target,
        outcome=STARTED,
        evidence=evidence,
    )
