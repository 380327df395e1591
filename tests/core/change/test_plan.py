"""What a change leads to: ready, blocked, no-op or conflict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from core.change.plan import choice_after, decide, is_confirmed, routed, routes_after
from core.model.agent import AgentId, Dialect
from core.model.change import (
    ChangeRequest,
    CredentialUse,
    Decision,
    DiffEntry,
    DiffOp,
    Plan,
    SlotRouting,
    TargetInfo,
    TargetKind,
)
from core.model.choice import AgentChoice, AgentConfig, Layer, LintFinding, Severity, SlotChoice
from core.model.gateway import Gateway, GatewaySource, Generation
from core.model.probe import Diagnosis, Health, ProbeResult
from core.model.route import Identity
from core.model.secret import Secret
from core.ports import TargetPlan
from tests.fakes.verdicts import verdict

URL = "https://ws.example/serving-endpoints"
STORED = Secret("stored-token-value")
CHOICE = AgentChoice(
    agent=AgentId.HERMES,
    enabled=True,
    dialect=Dialect.OPENAI_CHAT,
    base_url=URL,
    slots=tuple(
        SlotChoice(
            slot=slot,
            model=model,
            source=Layer.TARGET,
            base_url=URL,
            dialect=Dialect.OPENAI_CHAT,
            stored_token=STORED,
            stored_token_from="api_key in config.yaml",
        )
        for slot, model in (("primary", "old-a"), ("fallback", "old-b"))
    ),
)
REQUEST = ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots={"primary": "new-a", "fallback": "new-b"})
WRITABLE = TargetInfo(
    id="file:hermes", kind=TargetKind.FILE, agents=(AgentId.HERMES,), writable=True, reason="It can be written."
)
TARGET_PLAN = TargetPlan(
    before={"primary": "old-a", "fallback": "old-b"},
    after={"primary": "new-a", "fallback": "new-b"},
    diff=(DiffEntry(op=DiffOp.CHANGE, field="model.default", old="old-a", new="new-a"),),
    revision="r1",
    effective="next start of Hermes",
    affects="Hermes of this machine's user",
)


def _results(**health: Health) -> list[ProbeResult]:
    """Return verdicts on all routes; `fallback_stored=DOWN` names a slot and an identity."""
    return [
        verdict(route, health.get(f"{route.slot}_{route.identity}", Health.HEALTHY))
        for route in routes_after(CHOICE, REQUEST, environment={})
    ]


def _decide(
    results: Sequence[ProbeResult],
    *,
    info: TargetInfo = WRITABLE,
    target_plan: TargetPlan = TARGET_PLAN,
    lint: Sequence[LintFinding] = (),
    seen_revision: str | None = None,
    request: ChangeRequest = REQUEST,
    choice: AgentChoice = CHOICE,
) -> Plan:
    return decide(
        request=request,
        info=info,
        target_plan=target_plan,
        after=choice_after(choice, request, {}),
        lint=lint,
        preflight=results,
        seen_revision=seen_revision,
    )


def test_every_model_answering_is_ready() -> None:
    plan = _decide(_results())
    assert plan.decision is Decision.READY
    assert (plan.before, plan.after, plan.base_revision) == (TARGET_PLAN.before, TARGET_PLAN.after, "r1")
    assert (plan.affects, plan.effective) == (TARGET_PLAN.affects, TARGET_PLAN.effective)
    assert len(plan.preflight) == 4
    assert plan.lint == ()


def test_no_difference_is_a_no_op_even_where_nothing_can_be_written() -> None:
    plan = _decide([], target_plan=replace(TARGET_PLAN, diff=()), info=replace(WRITABLE, writable=False))
    assert plan.decision is Decision.NO_OP
    assert "already matches" in plan.reason


def test_content_that_moved_since_it_was_seen_is_a_conflict() -> None:
    assert _decide(_results(), seen_revision="r0").decision is Decision.CONFLICT
    assert _decide(_results(), seen_revision="r1").decision is Decision.READY


def test_a_target_that_cannot_be_written_blocks_with_its_own_reason() -> None:
    plan = _decide(_results(), info=replace(WRITABLE, writable=False, reason="The file may not be written."))
    assert (plan.decision, plan.reason) == (Decision.BLOCKED, "The file may not be written.")


def test_an_export_is_ready_although_nothing_is_written() -> None:
    export = TargetInfo(id="export", kind=TargetKind.EXPORT, agents=(), writable=False, reason="Nothing is written.")
    plan = _decide(_results(), info=export)
    assert plan.decision is Decision.READY
    assert "hand over the snippet" in plan.reason


@pytest.mark.parametrize("health", [Health.DOWN, Health.DEGRADED, Health.PAUSED])
@pytest.mark.parametrize("slot", ["primary", "fallback"])
def test_a_model_that_does_not_answer_the_dashboard_blocks(slot: str, health: Health) -> None:
    plan = _decide(_results(**{f"{slot}_dashboard": health}))
    assert plan.decision is Decision.BLOCKED
    assert f"is {health}: new-{'a' if slot == 'primary' else 'b'} answered" in plan.reason
    assert "Choose another model." in plan.reason


def test_an_unknown_verdict_could_not_be_proved() -> None:
    plan = _decide(_results(primary_dashboard=Health.UNKNOWN))
    assert plan.decision is Decision.BLOCKED
    assert "Primary new-a could not be proved" in plan.reason


def test_a_slot_without_any_verdict_could_not_be_proved() -> None:
    plan = _decide([result for result in _results() if result.route.slot == "primary"])
    assert plan.decision is Decision.BLOCKED
    assert "Fallback new-b could not be proved: there is no route" in plan.reason


def test_a_verdict_on_another_model_proves_nothing() -> None:
    old = [verdict(route) for route in routes_after(CHOICE, replace(REQUEST, slots={}), environment={})]
    assert _decide(old).decision is Decision.BLOCKED


def test_a_lint_error_blocks_and_a_warning_does_not() -> None:
    finding = LintFinding(code="wrong_dialect", severity=Severity.ERROR, message="new-a is not listed for chat.")
    blocked = _decide(_results(), lint=[finding])
    assert (blocked.decision, blocked.reason) == (Decision.BLOCKED, "new-a is not listed for chat.")
    assert _decide(_results(), lint=[replace(finding, severity=Severity.WARNING)]).decision is Decision.READY


def _with_dead_token(request: ChangeRequest, environment: dict[str, Secret]) -> Plan:
    after = choice_after(CHOICE, request, environment)
    results = [
        verdict(route, Health.DOWN, Diagnosis.CREDENTIAL_DEAD) if route.identity is Identity.STORED else verdict(route)
        for route in routes_after(CHOICE, request, environment=environment)
    ]
    return decide(request=request, info=WRITABLE, target_plan=TARGET_PLAN, after=after, preflight=results)


def test_a_dead_stored_token_warns_but_does_not_block() -> None:
    plan = _with_dead_token(REQUEST, {})
    assert plan.decision is Decision.READY
    assert [finding.code for finding in plan.lint] == ["stored_token_refused"]
    assert "Changing models alone will not bring Hermes back" in plan.lint[0].message
    assert "api_key in config.yaml" in plan.lint[0].message
    assert "DATABRICKS_TOKEN" in plan.lint[0].message


def test_a_dead_environment_token_is_named_as_such() -> None:
    request = replace(REQUEST, credential=CredentialUse.ENVIRONMENT)
    plan = _with_dead_token(request, {"DATABRICKS_TOKEN": Secret("other")})
    assert [finding.code for finding in plan.lint] == ["environment_token_refused"]


def test_an_environment_token_that_is_not_here_is_a_warning() -> None:
    plan = _decide(_results(), request=replace(REQUEST, credential=CredentialUse.ENVIRONMENT))
    assert [finding.code for finding in plan.lint] == ["environment_token_unknown"]


def test_any_other_failure_of_the_stored_token_is_passed_on_as_a_warning() -> None:
    plan = _decide(_results(fallback_stored=Health.DOWN))
    assert plan.decision is Decision.READY
    assert [finding.code for finding in plan.lint] == ["stored_token_unproved"]


def test_routes_cover_every_slot_with_the_dashboards_credential_first() -> None:
    routes = routes_after(CHOICE, replace(REQUEST, slots={"primary": "new-a"}), environment={})
    assert [(route.slot, route.model, route.identity) for route in routes] == [
        ("primary", "new-a", Identity.DASHBOARD),
        ("primary", "new-a", Identity.STORED),
        ("fallback", "old-b", Identity.DASHBOARD),
        ("fallback", "old-b", Identity.STORED),
    ]
    assert {route.base_url for route in routes} == {URL}
    assert routes[0].token is None and routes[1].token == STORED


def test_a_removed_slot_has_no_route() -> None:
    routes = routes_after(CHOICE, replace(REQUEST, slots={"fallback": None}), environment={})
    assert {route.slot for route in routes} == {"primary"}


def test_a_new_slot_uses_the_first_ones_url_and_credential() -> None:
    routes = routes_after(CHOICE, replace(REQUEST, slots={"fallback_2": "new-c"}), environment={})
    assert [(route.base_url, route.token) for route in routes if route.slot == "fallback_2"] == [
        (URL, None),
        (URL, STORED),
    ]


def test_a_slot_without_its_own_url_uses_the_agents() -> None:
    bare = SlotChoice(slot="default", model="a", source=Layer.DEFAULT)
    choice = replace(CHOICE, agent=AgentId.CODEX, slots=(bare,))
    request = ChangeRequest(agent=AgentId.CODEX, target="export", slots={"default": "b"})
    assert [(route.model, route.base_url) for route in routes_after(choice, request, environment={})] == [("b", URL)]
    assert choice_after(choice, request, {}).slots[0].source is Layer.ENVIRONMENT


def test_an_agent_without_slots_gets_no_route() -> None:
    choice = replace(CHOICE, slots=(), base_url=None)
    assert routes_after(choice, REQUEST, environment={}) == ()


def test_the_environments_token_replaces_the_stored_one() -> None:
    request = replace(REQUEST, credential=CredentialUse.ENVIRONMENT)
    there = routes_after(CHOICE, request, environment={"DATABRICKS_TOKEN": Secret("other")})
    assert {route.token for route in there if route.identity is Identity.STORED} == {Secret("other")}
    absent = routes_after(CHOICE, request, environment={})
    assert {route.identity for route in absent} == {Identity.DASHBOARD}


def test_only_the_agents_own_credential_on_the_first_slot_confirms() -> None:
    after = choice_after(CHOICE, REQUEST, {})
    assert is_confirmed(after, _results())
    assert not is_confirmed(after, _results(primary_stored=Health.DOWN))
    assert not is_confirmed(after, [result for result in _results() if result.route.identity is Identity.DASHBOARD])
    assert not is_confirmed(replace(after, slots=()), _results())


def test_an_empty_slot_asks_for_no_proof() -> None:
    request = replace(REQUEST, slots={})
    empty = replace(CHOICE, slots=(replace(CHOICE.slots[0], model=None),))
    plan = decide(request=request, info=WRITABLE, target_plan=TARGET_PLAN, after=empty)
    assert plan.decision is Decision.READY


def test_a_fallback_that_was_not_set_goes_the_primarys_way_as_it_will_in_the_file() -> None:
    unset = SlotChoice(slot="fallback", model=None, source=Layer.TARGET, base_url="https://elsewhere.example/v1")
    choice = replace(CHOICE, slots=(CHOICE.slots[0], unset))
    after = choice_after(choice, REQUEST, {})
    assert [(slot.base_url, slot.stored_token) for slot in after.slots] == [(URL, STORED), (URL, STORED)]


GATEWAY = Gateway(
    base_url="https://ws.example/ai-gateway",
    generation=Generation.WORKSPACE,
    source=GatewaySource.DISCOVERED,
    trace=(),
    resolved_at=datetime(2030, 1, 2, tzinfo=UTC),
)
NEW_BASE = "https://ws.example/ai-gateway/mlflow/v1"


def test_naming_the_gateway_sends_every_slot_there() -> None:
    request = replace(REQUEST, slots={"DATABRICKS_GATEWAY_HOST": None})
    after = choice_after(CHOICE, request, {}, GATEWAY)
    assert [(slot.model, slot.base_url) for slot in after.slots] == [("old-a", NEW_BASE), ("old-b", NEW_BASE)]
    routing = routed(request, CHOICE, after).routing
    assert {slot: way.base_url for slot, way in routing.items()} == {"primary": NEW_BASE, "fallback": NEW_BASE}


def test_a_model_of_another_dialect_takes_its_base_url_along() -> None:
    slot = SlotChoice(
        slot="default",
        model="databricks-claude-opus-4-6",
        source=Layer.TARGET,
        base_url="https://ws.example/ai-gateway/anthropic",
        dialect=Dialect.ANTHROPIC_MESSAGES,
    )
    config = AgentConfig(agent=AgentId.PI, path="~/.pi/agent/models.json", exists=True)
    choice = replace(CHOICE, agent=AgentId.PI, slots=(slot,), config=config)
    request = ChangeRequest(agent=AgentId.PI, target="file:pi", slots={"default": "databricks-gpt-5-5"})
    after = choice_after(choice, request, {}, GATEWAY)
    way = SlotRouting(base_url="https://ws.example/ai-gateway/codex/v1", dialect=Dialect.OPENAI_RESPONSES)
    assert routed(request, choice, after).routing == {"default": way}
    same = replace(request, slots={"default": "databricks-claude-sonnet-4-6"})
    assert routed(same, choice, choice_after(choice, same, {}, GATEWAY)).routing == {}


def test_a_config_that_is_to_be_made_is_told_every_route() -> None:
    after = choice_after(CHOICE, REQUEST, {}, GATEWAY)
    assert set(routed(REQUEST, CHOICE, after).routing) == {"primary", "fallback"}


def test_an_agent_that_is_switched_off_has_nothing_to_prove() -> None:
    request = replace(REQUEST, slots={"ENABLE_HERMES": "false"})
    assert routes_after(CHOICE, request, environment={}) == ()
    assert not choice_after(CHOICE, request, {}).enabled


def test_an_agent_that_is_off_is_still_proved_where_it_is_sent_elsewhere() -> None:
    off = replace(CHOICE, enabled=False)
    for slots in ({"primary": "new-a"}, {"DATABRICKS_GATEWAY_HOST": "https://gateway.example"}):
        request = replace(REQUEST, slots={**slots, "ENABLE_HERMES": "false"})
        assert routes_after(off, request, environment={}, gateway=GATEWAY)
        plan = _decide([], request=request, choice=off)
        assert plan.decision is Decision.BLOCKED and "could not be proved" in plan.reason


def test_where_nothing_was_asked_nothing_is_said_to_have_answered() -> None:
    request = replace(REQUEST, slots={"ENABLE_HERMES": "false"})
    plan = _decide([], request=request)
    assert plan.decision is Decision.READY
    assert plan.reason == "Hermes is switched off then, so nothing was asked."
