"""Nothing is written: what to hand over is the result."""

from __future__ import annotations

import shlex

import pytest

from core.adapters.export_target import ExportTarget
from core.errors import ChangeError
from core.model.agent import AgentId
from core.model.change import ChangeRequest, DiffOp, TargetKind
from core.model.choice import AgentChoice, Layer, SlotChoice


def _choice(agent: AgentId) -> AgentChoice | None:
    if agent is not AgentId.HERMES:
        return None
    slots = (
        SlotChoice(slot="primary", model="old-a", source=Layer.TARGET),
        SlotChoice(slot="fallback", model="old-b", source=Layer.DEFAULT),
    )
    return AgentChoice(agent=agent, enabled=True, dialect=None, base_url=None, slots=slots)


TARGET = ExportTarget(_choice)


def _request(agent: AgentId = AgentId.HERMES, **slots: str | None) -> ChangeRequest:
    return ChangeRequest(agent=agent, target="export", slots=slots)


def test_the_difference_is_told_by_variable() -> None:
    plan = TARGET.plan(_request(primary="new-a", fallback="old-b"))
    assert plan.before == {"primary": "old-a", "fallback": "old-b"}
    assert plan.after == {"primary": "new-a", "fallback": "old-b"}
    assert [(entry.op, entry.field, entry.old, entry.new) for entry in plan.diff] == [
        (DiffOp.CHANGE, "HERMES_MODEL", "old-a", "new-a")
    ]
    assert plan.revision is None


def test_the_snippet_holds_shell_and_app_yaml() -> None:
    plan = TARGET.plan(_request(primary="new-a:1", fallback=None))
    assert plan.snippet is not None
    assert "export HERMES_MODEL=new-a:1\nunset HERMES_FALLBACK_MODEL\n" in plan.snippet
    assert '  - name: HERMES_MODEL\n    value: "new-a:1"\n  # remove HERMES_FALLBACK_MODEL\n' in plan.snippet
    assert plan.diff[1].op is DiffOp.DELETE


def test_a_value_is_quoted_for_the_shell() -> None:
    plan = TARGET.plan(_request(primary="$(id)"))
    assert plan.snippet is not None and f"export HERMES_MODEL={shlex.quote('$(id)')}" in plan.snippet


def test_what_matches_already_needs_no_snippet() -> None:
    plan = TARGET.plan(_request(primary="old-a"))
    assert (plan.diff, plan.snippet) == ((), None)


def test_an_agent_whose_choice_is_unknown_gets_its_value_added() -> None:
    plan = TARGET.plan(_request(AgentId.CLAUDE, haiku="new-h"))
    assert [(entry.op, entry.field) for entry in plan.diff] == [(DiffOp.ADD, "ANTHROPIC_DEFAULT_HAIKU_MODEL")]
    assert "Claude Code" in plan.affects


@pytest.mark.parametrize(
    ("agent", "slot"), [(AgentId.HERMES, "fallback_2"), (AgentId.CURSOR, "default"), (AgentId.OPENCODE, "title")]
)
def test_a_slot_without_a_variable_is_refused(agent: AgentId, slot: str) -> None:
    with pytest.raises(ChangeError) as caught:
        TARGET.plan(_request(agent, **{slot: "x"}))
    assert caught.value.code == "slot_invalid"


def test_it_is_never_written() -> None:
    assert (TARGET.info.kind, TARGET.info.writable) == (TargetKind.EXPORT, False)
    assert AgentId.HERMES in TARGET.info.agents and AgentId.CURSOR not in TARGET.info.agents
    assert TARGET.revision() is None
    with pytest.raises(ChangeError):
        TARGET.write(_request(primary="x"), expected_revision=None, change_id="c")
    with pytest.raises(ChangeError):
        TARGET.restore("x", expected_revision=None, change_id="c")
