"""The documents of the command line are JSON in every state, with times in UTC and no token."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from core import documents
from core.errors import UpstreamError
from core.model.access import Role
from core.model.agent import AgentId
from core.model.change import Actor, ChangeOutcome, ChangeRequest, Origin, Plan
from core.model.choice import Layer, Shadowed
from core.model.probe import Health, ProbeEvidence, Suggestion, Tokens
from core.model.secret import Secret
from core.model.snapshot import Problem, Snapshot
from tests.fakes import snapshots
from tests.fakes.services import HERMES_FILE, FakeServices, record

REQUEST = ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots={"primary": "databricks-new"})
ADA = Actor(name="ada", origin=Origin.PAGE, role=Role.ADMIN, why="")


def plan() -> Plan:
    """Return a plan with a pre-flight."""
    services = FakeServices(preflight=snapshots.healthy().results[:1])
    job = services.job(services.start_plan(REQUEST, actor=ADA))
    assert job is not None and job.plan is not None
    return job.plan


def outcome() -> ChangeOutcome:
    """Return how that plan ended."""
    return ChangeOutcome(plan=plan(), record=record(REQUEST, ADA, "why"), verification=snapshots.healthy().results[:1])


DOCUMENTS: dict[str, Callable[[], documents.Document]] = {
    "status of nothing": lambda: documents.status_document(Snapshot()),
    "status of a healthy workspace": lambda: documents.status_document(snapshots.healthy()),
    "status of the incident": lambda: documents.status_document(snapshots.incident()),
    "a probe of nothing": lambda: documents.probe_document((), duration_ms=None, requests_sent=0, tokens=Tokens()),
    "a probe of the incident": lambda: documents.probe_document(
        snapshots.incident().results, duration_ms=1.5, requests_sent=3, tokens=Tokens(input=1, output=2)
    ),
    "models": lambda: documents.models_document(snapshots.healthy().catalogue),
    "targets": lambda: documents.targets_document([HERMES_FILE]),
    "a plan": lambda: documents.plan_document(plan()),
    "an outcome": lambda: documents.outcome_document(outcome()),
    "changes": lambda: documents.changes_document([record(REQUEST, ADA, "why")]),
    "no changes": lambda: documents.changes_document([]),
}


@pytest.mark.parametrize("made", DOCUMENTS.values(), ids=DOCUMENTS)
def test_every_document_is_json_and_stays_the_same_by_it(made: Callable[[], documents.Document]) -> None:
    whole = documents.document(made())
    assert json.loads(json.dumps(whole)) == whole
    assert (whole["schema"], whole["error"]) == (1, None)


@pytest.mark.parametrize(
    "problem",
    [Problem(code="c", message="m", remedy="r"), UpstreamError("m", code="c", remedy="r")],
    ids=["problem", "error"],
)
def test_an_error_has_code_message_and_remedy(problem: Problem | UpstreamError) -> None:
    assert documents.document({}, problem) == {"schema": 1, "error": {"code": "c", "message": "m", "remedy": "r"}}


MOMENTS = {
    "none": (None, None),
    "utc": (datetime(2030, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC), "2030-01-02T03:04:05.678Z"),
    "another zone": (datetime(2030, 1, 2, 1, tzinfo=timezone(timedelta(hours=5))), "2030-01-01T20:00:00.000Z"),
}


@pytest.mark.parametrize(("moment", "text"), MOMENTS.values(), ids=MOMENTS)
def test_times_are_rfc_3339_in_utc(moment: datetime | None, text: str | None) -> None:
    assert documents.timestamp(moment) == text


def test_unknown_values_are_null_and_unknown_words_are_said() -> None:
    status = documents.status_document(Snapshot())
    assert status["workspace"]["host"] is None
    assert status["workspace"]["cloud"] == status["workspace"]["environment"] == "unknown"
    assert (status["identity"]["kind"], status["gateway"]["source"]) == ("none", "none")


def test_a_stored_token_is_in_no_document() -> None:
    seen = snapshots.healthy()
    hermes = seen.choices[0]
    slot = replace(
        hermes.slots[0],
        stored_token=Secret("t0ken-of-hermes"),
        shadowed=(Shadowed(source=Layer.DEFAULT, value="databricks-old"),),
    )
    choice = replace(hermes, slots=(slot, *hermes.slots[1:]))
    text = json.dumps(documents.status_document(replace(seen, choices=(choice,))))
    assert "databricks-old" in text
    assert "t0ken-of-hermes" not in text


def test_a_verdict_has_all_keys_of_the_contract() -> None:
    seen = replace(
        snapshots.incident().results[0],
        suggestion=Suggestion(model="m", url="u", reason="it answers"),
        evidence=ProbeEvidence(method="POST", url="u", request_id="r-1"),
    )
    told = documents.result_document(seen)
    assert told["suggestion"] == {"model": "m", "url": "u", "reason": "it answers"}
    assert (told["health"], told["rung"], told["request_id"]) == ("down", "model", "r-1")
    assert set(told) == set(documents.not_probed_document(snapshots.healthy().choices[0], Health.UNKNOWN))


@pytest.mark.parametrize(
    ("change", "health", "said"),
    [
        pytest.param({"enabled": False}, Health.PAUSED, "ENABLE_HERMES", id="switched off"),
        pytest.param({"slots": ()}, Health.UNKNOWN, "no gateway", id="nowhere to ask"),
    ],
)
def test_an_agent_that_was_not_probed_says_why(change: dict[str, Any], health: Health, said: str) -> None:
    told = documents.not_probed_document(replace(snapshots.healthy().choices[0], **change), health)
    assert (told["health"], told["attempts"], said in told["message"]) == (health, 0, True)
    assert {rung["outcome"] for rung in told["rungs"]} == {"not_started"}
    assert json.dumps(told)
