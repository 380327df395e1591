"""What one probe alone may say about a route."""

from __future__ import annotations

import pytest

from core.health.one_shot import NOT_ASKED, PARTIAL, TRANSIENT, health_of, wants_confirmation
from core.model.probe import Diagnosis, Health

PASSING = (
    Diagnosis.CONNECT_FAILED,
    Diagnosis.TIMED_OUT,
    Diagnosis.CONNECTION_LOST,
    Diagnosis.THROTTLED,
    Diagnosis.OVERLOADED,
    Diagnosis.SERVER_ERROR,
    Diagnosis.NOT_READY,
)


def test_only_an_answer_is_healthy() -> None:
    assert [diagnosis for diagnosis in Diagnosis if health_of(diagnosis) is Health.HEALTHY] == [Diagnosis.OK]


@pytest.mark.parametrize("diagnosis", PASSING)
def test_what_passes_by_itself_is_degraded_and_not_asked_again(diagnosis: Diagnosis) -> None:
    assert (health_of(diagnosis), wants_confirmation(diagnosis)) == (Health.DEGRADED, False)


def test_what_was_never_sent_is_unknown() -> None:
    assert (health_of(Diagnosis.CREDENTIAL_MISSING), wants_confirmation(Diagnosis.CREDENTIAL_MISSING)) == (
        Health.UNKNOWN,
        False,
    )


@pytest.mark.parametrize("diagnosis", [Diagnosis.NO_TOOL_CALL, Diagnosis.MODEL_SUBSTITUTED])
def test_a_model_that_gives_only_part_of_what_the_agent_needs_is_degraded(diagnosis: Diagnosis) -> None:
    assert (health_of(diagnosis), wants_confirmation(diagnosis)) == (Health.DEGRADED, False)


@pytest.mark.parametrize("diagnosis", sorted(set(Diagnosis) - set(PASSING) - PARTIAL - NOT_ASKED - {Diagnosis.OK}))
def test_everything_else_is_down_after_it_was_asked_again(diagnosis: Diagnosis) -> None:
    assert (health_of(diagnosis), wants_confirmation(diagnosis)) == (Health.DOWN, True)


def test_no_cause_is_in_two_classes() -> None:
    assert not (TRANSIENT & NOT_ASKED or TRANSIENT & PARTIAL or PARTIAL & NOT_ASKED)
    assert set(PASSING) == TRANSIENT
