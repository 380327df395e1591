"""What people read on the command line, in every state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core import texts
from core.model.agent import AgentId
from core.model.change import ChangeOutcome, Decision, Plan
from core.model.choice import LintFinding, Severity
from core.model.models import ModelCatalogue
from core.model.probe import Health, Tokens
from core.model.snapshot import Snapshot
from core.probe.sweep import SweepReport
from tests.core.test_documents import ADA, REQUEST, outcome, plan
from tests.fakes import snapshots
from tests.fakes.services import HERMES_FILE, record


def report(seen: Snapshot) -> SweepReport:
    """Return the sweep that led to this picture."""
    return SweepReport(results=seen.results, requests_sent=3, tokens=Tokens(), duration_ms=1500)


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert texts.table([("a", "bbb", "c"), ("aaaa", "b", "")]) == "a     bbb  c\naaaa  b"
    assert texts.table([]) == ""


def test_status_says_that_it_is_simulated() -> None:
    assert "scene healthy" in texts.status_text(snapshots.healthy())
    assert "Simulated" not in texts.status_text(replace(snapshots.healthy(), scene=None))


def test_status_of_nothing_is_still_readable() -> None:
    assert texts.status_text(Snapshot()).split() == "agent slot model from dialect".split()


def test_status_shows_the_trace_the_contradictions_and_the_lint() -> None:
    seen = snapshots.incident()
    assert seen.workspace is not None
    workspace = replace(seen.workspace, contradictions=("two ids were told",))
    text = texts.status_text(replace(seen, workspace=workspace))
    assert "  ! two ids were told" in text
    assert "DATABRICKS_GATEWAY_HOST is not set" in text
    assert "warning: Hermes: databricks-claude-opus-4-7 is in no listing." in text


@pytest.mark.parametrize(("is_admin", "words"), [(True, "workspace admin"), (False, "not a"), (None, "admin unknown")])
def test_status_says_whether_we_are_an_administrator(is_admin: bool | None, words: str) -> None:
    seen = snapshots.healthy()
    assert seen.identity is not None
    assert words in texts.status_text(replace(seen, identity=replace(seen.identity, is_admin=is_admin)))


def test_a_probe_shows_each_remedy_once_below_the_verdicts() -> None:
    text = texts.probe_text(report(snapshots.incident()), [])
    assert "✕ Down" in text and "✓ Healthy" in text
    assert text.count("Choose another model for HERMES_MODEL.") == 1
    assert text.endswith("3 requests, 0 output tokens, 1.5 s")


def test_a_healthy_probe_has_no_remedies() -> None:
    assert ":" not in texts.probe_text(report(snapshots.healthy()), []).replace("databricks", "")


@pytest.mark.parametrize(
    ("agent", "enabled", "health", "words"),
    [
        (AgentId.CURSOR, True, Health.UNKNOWN, "? Cursor: Cursor keeps its model"),
        (AgentId.HERMES, False, Health.PAUSED, "‖ Hermes: "),
    ],
)
def test_agents_that_were_not_asked_are_named(agent: AgentId, enabled: bool, health: Health, words: str) -> None:
    choice = next(item for item in snapshots.healthy().choices if item.agent is agent)
    silent = [(replace(choice, enabled=enabled), health)]
    assert words in texts.probe_text(report(Snapshot()), silent)


def test_models_say_whether_they_are_ready_and_where_they_come_from() -> None:
    text = texts.models_text(snapshots.healthy().catalogue)
    assert "llama-4-scout" in text and "403 *no grant*" in text
    assert texts.models_text(ModelCatalogue()).startswith("model")


def test_targets_say_whether_they_can_be_written() -> None:
    both = [HERMES_FILE, replace(HERMES_FILE, id="export", writable=False, reason="nothing is written")]
    assert texts.targets_text(both).splitlines()[1].startswith("export       not writable")


def test_a_plan_shows_diff_lint_preflight_and_decision() -> None:
    finding = LintFinding(code="c", severity=Severity.WARNING, message="Mind the gap.")
    text = texts.plan_text(replace(plan(), lint=(finding,), snippet="HERMES_MODEL=databricks-new"))
    assert "CHANGE" in text and "databricks-old" in text
    assert "warning: Mind the gap." in text and "pre-flight" in text
    assert "ready: both routes answer" in text
    assert text.endswith("HERMES_MODEL=databricks-new")


def test_a_plan_that_changes_nothing_says_so() -> None:
    nothing: Plan = replace(plan(), diff=(), preflight=(), decision=Decision.NO_OP)
    assert "nothing changes" in texts.plan_text(nothing)


def test_an_outcome_names_its_change() -> None:
    done: ChangeOutcome = outcome()
    text = texts.outcome_text(done)
    assert "verified" in text
    assert text.endswith(f"change {done.record.change_id}")
    assert "verified" not in texts.outcome_text(replace(done, verification=()))


def test_changes_are_listed_with_their_time_in_utc() -> None:
    kept = record(REQUEST, ADA, "outage")
    text = texts.changes_text([kept])
    assert kept.at.strftime("%Y-%m-%d %H:%M:%SZ") in text
    assert texts.changes_text([]) == "No changes yet."
