"""A whole config for a machine on which Hermes has none: everything that its loader needs, and no token."""

from __future__ import annotations

import pytest
from ruamel.yaml import YAML

from core.adapters.agents.hermes import HermesForm
from core.errors import ChangeError
from core.model.agent import AgentId, Dialect
from core.model.change import ChangeRequest, SlotRouting
from core.model.secret import Secret

GATEWAY = "https://ws.example/ai-gateway/mlflow/v1"
LEGACY = "https://ws.example/serving-endpoints"
REFERENCE = "${DATABRICKS_TOKEN}"


def made(slots: dict[str, str | None], **urls: str) -> bytes:
    """Return the config that is made for these slots, each sent to its URL."""
    routing = {slot: SlotRouting(base_url=url, dialect=Dialect.OPENAI_CHAT) for slot, url in urls.items()}
    request = ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots=slots, routing=routing)
    edit = HermesForm().edit({"config.yaml": None}, request)
    assert dict(edit.before) == dict.fromkeys(slots) and edit.after == slots
    return edit.contents["config.yaml"]


def test_a_new_config_has_what_hermes_needs() -> None:
    content = made({"primary": "databricks-a", "fallback": "databricks-b"}, primary=GATEWAY, fallback=GATEWAY)
    assert YAML(typ="safe").load(content) == {
        "model": {"default": "databricks-a", "provider": "custom", "base_url": GATEWAY, "api_key": REFERENCE},
        "fallback_providers": [{"provider": "custom", "model": "databricks-b"}],
    }


def test_a_fallback_on_another_route_names_route_and_credential() -> None:
    content = made({"primary": "databricks-a", "fallback": "databricks-b"}, primary=GATEWAY, fallback=LEGACY)
    assert YAML(typ="safe").load(content)["fallback_providers"] == [
        {"provider": "custom", "model": "databricks-b", "base_url": LEGACY, "api_key": REFERENCE}
    ]


def test_the_chain_comes_in_its_own_order_however_it_was_asked_for() -> None:
    slots: dict[str, str | None] = {"fallback_2": "databricks-c", "fallback": "databricks-b", "primary": "databricks-a"}
    content = made(slots, primary=GATEWAY)
    routes = HermesForm().read({"config.yaml": content}, {"DATABRICKS_TOKEN": Secret("t")})
    assert [(one.slot, one.model, one.base_url, one.token) for one in routes] == [
        ("primary", "databricks-a", GATEWAY, Secret("t")),
        ("fallback", "databricks-b", GATEWAY, Secret("t")),
        ("fallback_2", "databricks-c", GATEWAY, Secret("t")),
    ]


@pytest.mark.parametrize(("urls", "code"), [({}, "routing_missing"), ({"primary": GATEWAY}, "slot_invalid")])
def test_without_a_route_or_a_primary_nothing_is_made(urls: dict[str, str], code: str) -> None:
    with pytest.raises(ChangeError) as caught:
        made({"fallback": "databricks-b"}, **urls)
    assert caught.value.code == code
