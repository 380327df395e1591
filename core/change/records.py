"""What the records of changes say together: which can be rolled back, and which targets wait for a person; pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from core.model.change import ChangeRecord, ChangeState

# So many changes that wrote something can be rolled back (product.md).
KEPT_CHANGES = 50
# So far back, counting only what touched a target, it is looked for what still waits for a person.
LOOK_BACK = 500

STUCK = (ChangeState.ROLLBACK_FAILED, ChangeState.NEEDS_PERSON)
_WROTE = (*STUCK, ChangeState.APPLIED, ChangeState.ROLLED_BACK)


def can_be_rolled_back(change_id: str, newest_first: Iterable[ChangeRecord]) -> bool:
    """Say whether a change is among the last ones that wrote something."""
    wrote = [record.change_id for record in newest_first if record.backup is not None]
    return change_id in wrote[:KEPT_CHANGES]


def unsettled(newest_first: Iterable[ChangeRecord]) -> tuple[ChangeRecord, ...]:
    """Return the changes whose end is not on record: somebody is at work on them, or was interrupted."""
    return tuple(record for record in newest_first if record.state is ChangeState.APPLYING)


def what_lies_on_top(record: ChangeRecord, newest_first: Iterable[ChangeRecord], now: str | None) -> str:
    """Say who left what stands now at a record's target, where that was one of us."""
    for other in newest_first:
        if other.target == record.target and other.backup is not None and now is not None:
            if other.after_revision != now:
                break
            return f"Change {other.change_id} by {other.actor} lies on top of it; roll that one back first."
    return "Somebody else changed it since; it is left as it is. Plan a new change instead."


def stuck(newest_first: Sequence[ChangeRecord]) -> tuple[ChangeRecord, ...]:
    """Return per target the newest change that wrote something, where it ended in a state that needs a person.

    Nothing is written to such a target automatically, until a person's change to it has ended well.
    """
    newest: dict[str, ChangeRecord] = {}
    for record in newest_first:
        if record.state in _WROTE:
            newest.setdefault(record.target, record)
    return tuple(record for record in newest.values() if record.state in STUCK)
