"""What the records of changes say together."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from core.change.records import KEPT_CHANGES, can_be_rolled_back, stuck
from core.model.agent import AgentId
from core.model.change import ChangeRecord, ChangeState, Origin

S = ChangeState


def record(number: int, state: ChangeState = S.APPLIED, target: str = "file:hermes") -> ChangeRecord:
    return ChangeRecord(
        change_id=f"c{number}",
        at=datetime(2030, 1, 2, tzinfo=UTC),
        actor="ada",
        agent=AgentId.HERMES,
        target=target,
        reason="why",
        before={},
        after={},
        state=state,
        origin=Origin.PAGE,
        backup="b" if state is S.APPLIED else None,
    )


def test_the_last_fifty_that_wrote_can_be_rolled_back_whatever_lies_between() -> None:
    records = [one for number in range(60) for one in (record(number), record(100 + number, S.BLOCKED))]
    assert can_be_rolled_back(f"c{KEPT_CHANGES - 1}", records)
    assert not can_be_rolled_back(f"c{KEPT_CHANGES}", records)
    assert not can_be_rolled_back("c100", records)


@pytest.mark.parametrize("state", [S.ROLLBACK_FAILED, S.NEEDS_PERSON])
def test_a_target_waits_for_a_person_until_a_change_to_it_ended_well(state: ChangeState) -> None:
    failed = record(1, state)
    assert stuck([record(3, S.BLOCKED), record(2, S.CONFLICT), failed, record(0)]) == (failed,)
    assert stuck([record(2, S.APPLIED), failed]) == ()
    assert stuck([record(2, S.ROLLED_BACK), failed]) == ()
    assert stuck([record(2, S.APPLIED, "app:x"), failed]) == (failed,)
