"""Which routes a choice makes, and whose credential each uses."""

from __future__ import annotations

from dataclasses import replace

from core.choice.routes import routes_of, routes_of_slot
from core.model.agent import AgentId, Dialect
from core.model.choice import AgentChoice, Layer, SlotChoice
from core.model.route import Identity
from core.model.secret import Secret

SLOT = SlotChoice(
    slot="primary", model="m", source=Layer.DEFAULT, base_url="https://g.example", dialect=Dialect.OPENAI_CHAT
)
HERMES = AgentChoice(
    agent=AgentId.HERMES, enabled=True, dialect=Dialect.OPENAI_CHAT, base_url="https://g.example", slots=(SLOT,)
)
OWN = Secret("own")


def test_a_slot_is_asked_with_the_dashboards_credential() -> None:
    (route,) = routes_of([HERMES])
    assert (route.slot, route.model, route.identity, route.token) == ("primary", "m", Identity.DASHBOARD, None)


def test_a_stored_token_is_asked_too_after_the_dashboards() -> None:
    routes = routes_of_slot(HERMES, replace(SLOT, stored_token=OWN))
    assert [(route.identity, route.token) for route in routes] == [
        (Identity.DASHBOARD, None),
        (Identity.STORED, OWN),
    ]


def test_whoever_was_added_is_asked_last() -> None:
    extra = {Identity.USER: Secret("mine"), Identity.ONE_PROBE: Secret("once")}
    routes = routes_of([replace(HERMES, slots=(replace(SLOT, stored_token=OWN),))], extra)
    assert [(route.identity, route.token) for route in routes] == [
        (Identity.DASHBOARD, None),
        (Identity.STORED, OWN),
        (Identity.USER, Secret("mine")),
        (Identity.ONE_PROBE, Secret("once")),
    ]


def test_a_slot_that_lacks_anything_has_no_route() -> None:
    lacking = (replace(SLOT, model=None), replace(SLOT, base_url=None), replace(SLOT, dialect=None))
    assert [routes_of_slot(HERMES, slot) for slot in lacking] == [(), (), ()]


def test_agents_that_are_off_or_cannot_be_probed_have_no_route() -> None:
    assert routes_of([replace(HERMES, enabled=False), replace(HERMES, agent=AgentId.CURSOR)]) == ()


def test_routes_come_in_the_order_of_agents_and_slots() -> None:
    other = replace(HERMES, agent=AgentId.PI, slots=(replace(SLOT, slot="default"),))
    both = replace(HERMES, slots=(SLOT, replace(SLOT, slot="fallback")))
    assert [(route.agent, route.slot) for route in routes_of([both, other])] == [
        (AgentId.HERMES, "primary"),
        (AgentId.HERMES, "fallback"),
        (AgentId.PI, "default"),
    ]
