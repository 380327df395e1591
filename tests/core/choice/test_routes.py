"""One slot gives one route per identity, the dashboard's first."""

from __future__ import annotations

from core.choice.routes import routes_of
from core.model.agent import AgentId, Dialect
from core.model.choice import AgentChoice, Layer, SlotChoice
from core.model.route import Identity
from core.model.secret import Secret

SLOT = SlotChoice(
    slot="primary",
    model="m",
    source=Layer.TARGET,
    base_url="https://adb-1.1.azuredatabricks.net/ai-gateway/mlflow/v1",
    dialect=Dialect.OPENAI_CHAT,
    stored_token=Secret("stored"),
)
CHOICE = AgentChoice(agent=AgentId.HERMES, enabled=True, dialect=Dialect.OPENAI_CHAT, base_url=None, slots=(SLOT,))


def test_the_dashboard_is_asked_first_then_the_stored_token_then_who_was_added() -> None:
    extra = {Identity.USER: Secret("mine"), Identity.ONE_PROBE: Secret("once")}
    routes = routes_of([CHOICE], extra)
    assert [(route.identity, route.token) for route in routes] == [
        (Identity.DASHBOARD, None),
        (Identity.STORED, Secret("stored")),
        (Identity.USER, Secret("mine")),
        (Identity.ONE_PROBE, Secret("once")),
    ]


def test_without_anybody_else_there_is_nobody_else() -> None:
    assert [route.identity for route in routes_of([CHOICE])] == [Identity.DASHBOARD, Identity.STORED]
