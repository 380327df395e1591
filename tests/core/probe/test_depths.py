"""What answers a short question and fails the real one is told in one sentence, with what is in the way."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.health.one_shot import health_of
from core.model.agent import AgentId
from core.model.probe import Depth, Diagnosis, Health, ProbeResult, Rung
from core.probe.depths import compare_depths
from tests.core.probe.streams import CHAT, route

HERMES = replace(route(CHAT, AgentId.HERMES, "primary"), model="databricks-gemini-2-5-pro")
REJECTS = 'databricks-gemini-2-5-pro rejects a field of the request: stream_options (unknown field "stream_options")'


def result(depth: Depth, diagnosis: Diagnosis = Diagnosis.OK, message: str = "it failed") -> ProbeResult:
    return ProbeResult(
        route=HERMES,
        depth=depth,
        health=health_of(diagnosis),
        rung=Rung.MODEL,
        rungs=(),
        diagnosis=diagnosis,
        message=message,
        remedy="",
        url="https://adb-1.1.azuredatabricks.net/x",
        checked_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


REACHES = result(Depth.REACH)


@pytest.mark.parametrize(
    ("diagnosis", "message", "reason"),
    [
        (Diagnosis.FIELD_REJECTED, REJECTS, "it rejects stream_options"),
        (Diagnosis.FIELD_REJECTED, "something in it", "it rejects a field of it"),
        (Diagnosis.OUTPUT_CAP, "", "it allows fewer output tokens than that"),
        (Diagnosis.STREAM_BROKEN, "", "its stream breaks off"),
        (Diagnosis.NO_TOOL_CALL, "", "it does not call the offered tool"),
        (Diagnosis.UNCLASSIFIED, "Status 418", "Status 418"),
    ],
)
def test_the_difference_is_told(diagnosis: Diagnosis, message: str, reason: str) -> None:
    told = compare_depths(REACHES, result(Depth.FAITHFUL, diagnosis, message))
    assert told == f"databricks-gemini-2-5-pro answers a short question, but not what Hermes really sends: {reason}"


@pytest.mark.parametrize(
    ("reach", "faithful"),
    [
        pytest.param(REACHES, result(Depth.FAITHFUL), id="both pass"),
        pytest.param(
            result(Depth.REACH, Diagnosis.MODEL_NOT_ON_ROUTE),
            result(Depth.FAITHFUL, Diagnosis.MODEL_NOT_ON_ROUTE),
            id="both fail",
        ),
        pytest.param(REACHES, result(Depth.FAITHFUL, Diagnosis.THROTTLED), id="it passes by itself"),
        pytest.param(REACHES, replace(result(Depth.FAITHFUL), health=Health.UNKNOWN), id="not asked"),
        pytest.param(
            REACHES,
            replace(result(Depth.FAITHFUL, Diagnosis.OUTPUT_CAP), route=replace(HERMES, slot="fallback")),
            id="another route",
        ),
    ],
)
def test_no_difference(reach: ProbeResult, faithful: ProbeResult) -> None:
    assert compare_depths(reach, faithful) is None
