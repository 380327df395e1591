"""Every right that what is set and seen here needs is named once, for this principal, and for nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from core.access.grants import AppToChange, GrantKind, Wanted, needed_grants
from core.catalog.agents import AGENTS
from core.model.agent import AgentId
from core.model.choice import AgentChoice, Layer, SlotChoice
from core.model.gateway import Generation

WHO = "11111111-2222-3333-4444-555555555555"


def choice(agent: AgentId, *models: str | None, generation: Generation | None = Generation.WORKSPACE) -> AgentChoice:
    slots = tuple(
        SlotChoice(slot=f"slot-{number}", model=model, source=Layer.DEFAULT, generation=generation)
        for number, model in enumerate(models)
    )
    return AgentChoice(agent=agent, enabled=True, dialect=AGENTS[agent].dialects[0], base_url=None, slots=slots)


def statements(wanted: Wanted, kind: GrantKind) -> list[str]:
    return [grant.statement for grant in needed_grants(wanted).grants if grant.kind is kind]


def test_a_model_on_the_gateway_needs_its_three_privileges_once_however_many_agents_ask_it() -> None:
    choices = (choice(AgentId.HERMES, "databricks-a", "databricks-b"), choice(AgentId.PI, "system.ai.a"))
    assert statements(Wanted(principal=WHO, choices=choices), GrantKind.SQL) == [
        f"GRANT USE CATALOG ON CATALOG system TO `{WHO}`;",
        f"GRANT USE SCHEMA ON SCHEMA system.ai TO `{WHO}`;",
        f"GRANT EXECUTE ON MODEL SERVICE system.ai.a TO `{WHO}`;",
        f"GRANT EXECUTE ON MODEL SERVICE system.ai.b TO `{WHO}`;",
    ]
    assert statements(Wanted(principal=WHO, choices=choices), GrantKind.CLI) == []


def test_a_model_on_serving_endpoints_needs_a_right_on_its_endpoint_and_none_in_the_catalog() -> None:
    wanted = Wanted(
        principal=WHO, choices=(choice(AgentId.HERMES, "databricks-a", generation=Generation.SERVING_ENDPOINTS),)
    )
    (command,) = statements(wanted, GrantKind.CLI)
    assert "serving-endpoints get --output json databricks-a" in command and "CAN_QUERY" in command
    assert statements(wanted, GrantKind.SQL) == []


def test_while_the_route_is_not_known_both_are_named_and_it_is_said() -> None:
    needed = needed_grants(Wanted(principal=WHO, choices=(choice(AgentId.HERMES, "databricks-a", generation=None),)))
    assert [grant.kind for grant in needed.grants] == [GrantKind.SQL] * 3 + [GrantKind.CLI]
    assert any("not known yet on which route" in note for note in needed.notes)


def test_an_agent_that_is_switched_off_and_a_slot_without_a_model_need_nothing() -> None:
    off = replace(choice(AgentId.HERMES, "databricks-a"), enabled=False)
    assert needed_grants(Wanted(principal=WHO, choices=(off, choice(AgentId.PI, None)))).grants == ()


def test_an_app_needs_manage_and_its_folder_edit() -> None:
    apps = (AppToChange(name="coda", folder="/Workspace/Users/ada@example.com/coda"), AppToChange(name="far"))
    needed = needed_grants(Wanted(principal=WHO, apps=apps))
    manage, edit, far = (grant.statement for grant in needed.grants)
    assert manage.endswith(" apps coda") and "CAN_MANAGE" in manage
    assert "/Workspace/Users/ada@example.com/coda" in edit and "CAN_EDIT" in edit
    assert far.endswith(" apps far")
    assert any("the app far" in note and "CAN_EDIT" in note for note in needed.notes)
    assert not any("the app coda" in note for note in needed.notes)


def test_lakebase_is_granted_where_it_is_in_use_and_pointed_to_where_it_is_not() -> None:
    assert len(statements(Wanted(principal=WHO, database="history"), GrantKind.LAKEBASE)) == 4
    assert not any("Lakebase" in note for note in needed_grants(Wanted(principal=WHO, database="history")).notes)
    assert any("Lakebase" in note for note in needed_grants(Wanted(principal=WHO)).notes)


@pytest.mark.parametrize("name", ["a\nb", "a\x1bb", "a\u202eb"])
def test_a_name_with_hidden_characters_gets_no_statement_and_is_shown_in_plain(name: str) -> None:
    needed = needed_grants(
        Wanted(
            principal=WHO,
            choices=(choice(AgentId.HERMES, name),),
            apps=(AppToChange(name=name, folder=name),),
            database=name,
        )
    )
    assert needed.grants == ()
    assert any(ascii(name) in note or repr(name) in note for note in needed.notes)
    assert all(note.isprintable() for note in needed.notes)
