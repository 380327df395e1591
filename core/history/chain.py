"""Chain audit events by their hashes, and say whether a chain is whole; pure.

An edited, removed, inserted or reordered event is noticed by the hashes alone. The removal of the newest ones, and a
chain that was worked out anew from some event on, are noticed only against a head that was known before: the one kept
beside the events, which notices accidents, and those in logs and earlier exports, which nobody with the database alone
can rewrite.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC

from core.model.audit import AuditEvent, AuditLink, Breach, ChainHead, ChainVerdict

# What the first event has in the place of the hash of the one before it.
GENESIS = "0" * 64
_START = ChainHead(sequence=0, hash=GENESIS)
_HEAD = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")

Fields = Mapping[str, object]


def fields_of(event: AuditEvent) -> dict[str, object]:
    """Return an event as the plain values that are hashed and exported; times in UTC, with microseconds."""
    return {
        "id": event.id,
        "at": event.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "actor": event.actor,
        "role": event.role,
        "address": event.address,
        "origin": event.origin,
        "action": event.action,
        "target": event.target,
        "outcome": event.outcome,
        "reason": event.reason,
        "before": dict(event.before),
        "after": dict(event.after),
        "evidence": list(event.evidence),
    }


def canonical(fields: Fields) -> str:
    """Return the one JSON text of these fields: keys sorted, no spaces, as `jq -cS` writes it."""
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def hash_of(fields: Fields, head: ChainHead) -> str:
    """Return the hash of an event with these fields that follows this head."""
    whole = {**fields, "sequence": head.sequence + 1, "previous": head.hash}
    return hashlib.sha256(canonical(whole).encode("utf-8", "replace")).hexdigest()


def chained(events: Iterable[AuditEvent], head: ChainHead | None) -> tuple[AuditLink, ...]:
    """Return events as they are to be kept after this head, None for the very first."""
    links: list[AuditLink] = []
    last = head or _START
    for event in events:
        own = hash_of(fields_of(event), last)
        links.append(
            AuditLink(id=event.id, sequence=last.sequence + 1, previous=last.hash, hash=own, event=event),
        )
        last = links[-1].head
    return tuple(links)


def head_named(text: str) -> ChainHead:
    """Return the head that somebody noted, or that an exported line holds; raises ValueError."""
    found = _HEAD.fullmatch(text.strip())
    if found is not None:
        return ChainHead(sequence=int(found[1]), hash=found[2])
    line = json.loads(text)
    if not isinstance(line, dict):
        raise ValueError("this is no exported event")
    return head_named(f"{line.get('sequence')}:{line.get('hash')}")


def verify_chain(
    links: Iterable[AuditLink], *, known: Sequence[ChainHead] = (), after: ChainHead | None = None
) -> ChainVerdict:
    """Say whether these links, in the order of their numbers, are whole, or where they first break and how.

    `known` are heads that were seen before: those the chain has to run through. `after` is the link before the first
    one, where only the newest are looked at; it is taken at its word.
    """
    last = after or _START
    first, count = last.sequence + 1, 0
    for link in links:
        breach = _breach_at(link, last) or _rewritten(link, known)
        if breach is not None:
            return _broken(breach, last=last, link=link, first=first, count=count)
        last, count = link.head, count + 1
    missing = max((head.sequence for head in known), default=0)
    head = last if last.sequence else None
    if missing > last.sequence:
        gone = _span(last.sequence + 1, missing)
        return ChainVerdict(
            count=count,
            first=first,
            head=head,
            breach=Breach.REMOVED,
            at=last.sequence + 1,
            message=f"The newest events are missing: {gone}.",
        )
    return ChainVerdict(count=count, first=first, head=head)


def _breach_at(link: AuditLink, last: ChainHead) -> Breach | None:
    expected = last.sequence + 1
    if link.sequence != expected:
        return Breach.REMOVED if link.sequence > expected else Breach.INSERTED
    own = ChainHead(sequence=link.sequence - 1, hash=link.previous)
    if link.event is None or hash_of(fields_of(link.event), own) != link.hash:
        return Breach.EDITED
    return None if link.previous == last.hash else Breach.FORKED


def _rewritten(link: AuditLink, known: Sequence[ChainHead]) -> Breach | None:
    differs = any(head.sequence == link.sequence and head.hash != link.hash for head in known)
    return Breach.REWRITTEN if differs else None


def _broken(breach: Breach, *, last: ChainHead, link: AuditLink, first: int, count: int) -> ChainVerdict:
    at = last.sequence + 1 if breach is Breach.REMOVED else link.sequence
    return ChainVerdict(
        count=count,
        first=first,
        head=last if last.sequence else None,
        breach=breach,
        at=at,
        message=_MESSAGES[breach].format(at=at, span=_span(at, link.sequence - 1), before=last.sequence),
    )


_MESSAGES = {
    Breach.EDITED: "Event {at} is not what was recorded.",
    Breach.REMOVED: "Events are missing: {span}.",
    Breach.INSERTED: "There is more than one event, or one too many, with number {at}.",
    Breach.FORKED: "Event {at} does not follow event {before} as it stands: one of the two was put in another's place.",
    Breach.REWRITTEN: "Event {at} is another one than when its hash was noted: it or an earlier one was rewritten.",
}


def _span(first: int, last: int) -> str:
    return f"number {first}" if first == last else f"numbers {first} to {last}"
