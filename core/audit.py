"""Put what somebody does into audit events; pure. Where they are kept is the store's business."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from core.model.audit import STARTED, AuditEvent
from core.model.change import Actor, ChangeOutcome, ChangeRecord, ChangeRequest, Origin
from core.model.probe import Depth
from core.model.route import Route

_NAMED_ROUTES = 20
# What the product does by itself is done in nobody's role.
_NOBODYS = (Origin.EXPIRY, Origin.AUTO_ROLLBACK)


def plan_event(request: ChangeRequest, *, actor: Actor, at: datetime) -> AuditEvent:
    """Return that somebody has a change worked out, which asks its routes and writes nothing."""
    return replace(_begun("change.plan", request.target, actor, at), after=dict(request.slots))


def apply_event(request: ChangeRequest, *, actor: Actor, reason: str, at: datetime, forced: bool = False) -> AuditEvent:
    """Return that somebody is about to apply a change; it is kept before anything is written."""
    begun = _begun("change.force" if forced else "change.apply", request.target, actor, at)
    return replace(begun, reason=reason, after=dict(request.slots))


def rollback_event(change_id: str, *, actor: Actor, reason: str, at: datetime) -> AuditEvent:
    """Return that somebody is about to put back what stood before a change."""
    return replace(_begun("change.roll_back", change_id, actor, at, (change_id,)), reason=reason)


def ended_event(started: AuditEvent, outcome: ChangeOutcome, *, at: datetime) -> AuditEvent:
    """Return how a change ended that was started before."""
    record = outcome.record
    end = done_event(started, record.state, at=at, before=record.before, after=record.after)
    return replace(end, target=record.target, evidence=(record.change_id,))


def done_event(
    started: AuditEvent,
    outcome: str,
    *,
    at: datetime,
    before: Mapping[str, str | None] | None = None,
    after: Mapping[str, str | None] | None = None,
) -> AuditEvent:
    """Return how something ended that was started before."""
    return replace(
        started, id=f"{started.id}-end", at=at, outcome=outcome, before=dict(before or {}), after=dict(after or {})
    )


def refused_event(started: AuditEvent, code: str, *, at: datetime) -> AuditEvent:
    """Return that what was started could not be carried out, with the code of why and what was wanted."""
    return replace(started, id=f"{started.id}-end", at=at, outcome=code)


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
    return _begun(f"override.{action}", override_id, actor, at, (override_id,))


def probe_event(routes: Sequence[Route], depth: Depth, *, actor: Actor, at: datetime) -> AuditEvent:
    """Return that somebody asked these routes, each named by what makes it one, never by its token."""
    named = [f"{route.agent}/{route.slot} {route.model} as {route.identity}" for route in routes[:_NAMED_ROUTES]]
    more = (f"and {len(routes) - _NAMED_ROUTES} more",) if len(routes) > _NAMED_ROUTES else ()
    return _begun("probe.routes", f"{len(routes)} routes, {depth}", actor, at, (*named, *more))


def sweep_event(*, actor: Actor, at: datetime) -> AuditEvent:
    """Return that somebody asked for a sweep."""
    return _begun("probe.sweep", "every route", actor, at)


def trust_event(action: str, origin: str, *, reason: str, actor: Actor, at: datetime) -> AuditEvent:
    """Return that somebody is about to trust a host with tokens (add), or no longer (revoke)."""
    return replace(_begun(f"trust.{action}", origin, actor, at), reason=reason)


def look_event(*, actor: Actor, at: datetime) -> AuditEvent:
    """Return that somebody has the places looked for again where a choice can be applied."""
    return _begun("targets.look", "every target", actor, at)


def alert_test_event(channel: str, *, actor: Actor, at: datetime) -> AuditEvent:
    """Return that somebody sends a test to a channel of alerts."""
    return _begun("alert.test", channel, actor, at)


def _begun(action: str, target: str, actor: Actor, at: datetime, evidence: tuple[str, ...] = ()) -> AuditEvent:
    return AuditEvent(
        id=uuid.uuid4().hex,
        at=at,
        actor=actor.name,
        role="" if actor.origin in _NOBODYS else actor.role,
        address=actor.address,
        origin=actor.origin,
        action=action,
        target=target,
        outcome=STARTED,
        evidence=evidence,
    )
