"""Small numbers for the words that checks are full of; they are in people's databases: add, never renumber."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from core.model.probe import Depth, Diagnosis, Health, Rung

Word = TypeVar("Word", bound=StrEnum)

DEPTHS = (Depth.REACH, Depth.FAITHFUL)
HEALTHS = (Health.UNKNOWN, Health.HEALTHY, Health.DEGRADED, Health.DOWN, Health.PAUSED)
RUNGS = (Rung.DNS, Rung.TCP, Rung.TLS, Rung.HTTP, Rung.AUTH, Rung.ROUTE, Rung.MODEL, Rung.STREAM, Rung.TOOLS)
DIAGNOSES = (
    Diagnosis.OK,
    Diagnosis.DNS_FAILED,
    Diagnosis.CONNECT_FAILED,
    Diagnosis.TLS_FAILED,
    Diagnosis.TIMED_OUT,
    Diagnosis.CONNECTION_LOST,
    Diagnosis.CREDENTIAL_MISSING,
    Diagnosis.CREDENTIAL_DEAD,
    Diagnosis.WRONG_WORKSPACE,
    Diagnosis.SCOPE_MISSING,
    Diagnosis.NETWORK_BLOCKED,
    Diagnosis.REDIRECTED,
    Diagnosis.GATEWAY_OFF,
    Diagnosis.WRONG_PATH,
    Diagnosis.DIALECT_MISMATCH,
    Diagnosis.MODEL_NOT_ON_ROUTE,
    Diagnosis.MODEL_ABSENT,
    Diagnosis.GRANT_MISSING,
    Diagnosis.SPELLING_RETIRED,
    Diagnosis.RATE_LIMIT_ZERO,
    Diagnosis.NOT_READY,
    Diagnosis.THROTTLED,
    Diagnosis.OVERLOADED,
    Diagnosis.SERVER_ERROR,
    Diagnosis.FIELD_REJECTED,
    Diagnosis.OUTPUT_CAP,
    Diagnosis.GUARDRAIL,
    Diagnosis.STREAM_BROKEN,
    Diagnosis.EMPTY_ANSWER,
    Diagnosis.NOT_AN_ANSWER,
    Diagnosis.NO_TOOL_CALL,
    Diagnosis.MODEL_SUBSTITUTED,
    Diagnosis.UNCLASSIFIED,
)


def _numbers(words: Sequence[Word]) -> Mapping[Word, int]:
    return {word: number for number, word in enumerate(words)}


DEPTH_NUMBER = _numbers(DEPTHS)
HEALTH_NUMBER = _numbers(HEALTHS)
RUNG_NUMBER = _numbers(RUNGS)
DIAGNOSIS_NUMBER = _numbers(DIAGNOSES)
