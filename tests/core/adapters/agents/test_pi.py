"""Pi's models.json and settings.json: what they say, providers per dialect, and that nothing else changes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.agents.form import Contents, UnreadableConfig
from core.adapters.agents.pi import PiForm
from core.errors import ChangeError
from core.model.agent import AgentId, Dialect
from core.model.change import CredentialUse, SlotRouting
from core.model.secret import Secret
from tests.core.adapters.agents.forms import after, asked, golden, nothing, to

FORM = PiForm()
TOKENS = {"DATABRICKS_TOKEN": Secret("t"), "TEAM_TOKEN": Secret("team")}
MESSAGES = to("/anthropic", Dialect.ANTHROPIC_MESSAGES)
RESPONSES = to("/codex/v1", Dialect.OPENAI_RESPONSES)
ROUTES = {
    "claude": MESSAGES,
    "gpt": RESPONSES,
    "gemini": to("/gemini/v1beta", Dialect.GEMINI_GENERATE),
    "oss": to("/mlflow/v1", Dialect.OPENAI_CHAT),
}


def stored(**provider: object) -> Contents:
    team = {
        "baseUrl": "https://ws.example/ai-gateway/anthropic",
        "api": "anthropic-messages",
        "apiKey": "stored-token",
        "authHeader": True,
        "models": [{"id": "old", "contextWindow": 1000}],
    } | provider
    models = {"providers": {"other": {"baseUrl": "http://localhost:1", "models": []}, "team": team}}
    settings = {"theme": "dark", "defaultProvider": "team", "defaultModel": "old"}
    return {
        "models.json": json.dumps(models, indent=4).encode(),
        "settings.json": json.dumps(settings, indent=2).encode(),
    }


def test_what_the_files_say() -> None:
    (route,) = FORM.read(stored(), {})
    assert (route.slot, route.model, route.base_url) == ("default", "old", "https://ws.example/ai-gateway/anthropic")
    assert (route.dialect, route.token) == (Dialect.ANTHROPIC_MESSAGES, Secret("stored-token"))
    assert route.token_from == "apiKey in models.json"


@pytest.mark.parametrize(
    ("provider", "token", "place"),
    [
        ({"apiKey": "!printenv TEAM_TOKEN"}, Secret("team"), "environment variable TEAM_TOKEN"),
        ({"apiKey": "TEAM_TOKEN"}, Secret("team"), "environment variable TEAM_TOKEN"),
        ({"apiKey": "$TEAM_TOKEN"}, Secret("team"), "environment variable TEAM_TOKEN"),
        ({"apiKey": "!pass show x"}, None, "the command in apiKey of models.json"),
        (
            {"authHeader": False},
            None,
            "apiKey in models.json, which is not sent as a bearer token without authHeader",
        ),
        ({"authHeader": False, "api": "openai-completions"}, Secret("stored-token"), "apiKey in models.json"),
    ],
)
def test_where_the_token_is(provider: dict[str, object], token: Secret | None, place: str) -> None:
    (route,) = FORM.read(stored(**provider), TOKENS)
    assert (route.token, route.token_from) == (token, place)


def test_a_provider_that_pi_brings_itself_cannot_be_looked_into() -> None:
    settings = json.dumps({"defaultProvider": "anthropic", "defaultModel": "m"}).encode()
    (route,) = FORM.read({"models.json": None, "settings.json": settings}, {})
    assert route.base_url is None and route.token_from == "Pi's own login for anthropic"


def test_a_model_of_the_same_dialect_joins_the_provider_in_use() -> None:
    before = stored()
    edit = FORM.edit(before, asked(AgentId.PI, {"default": "new"}, {"default": MESSAGES}))
    models = json.loads(edit.contents["models.json"])["providers"]
    assert models["team"]["models"] == [{"id": "old", "contextWindow": 1000}, {"id": "new"}]
    assert models["team"]["baseUrl"] == MESSAGES.base_url and models["team"]["apiKey"] == "stored-token"
    assert models.keys() == {"other", "team"}
    assert edit.contents["settings.json"] == (before["settings.json"] or b"").replace(b'"old"', b'"new"')


@pytest.mark.parametrize("credential", CredentialUse)
def test_a_model_of_another_dialect_gets_a_provider_of_ours(credential: CredentialUse) -> None:
    before = stored()
    edit = FORM.edit(before, asked(AgentId.PI, {"default": "new"}, {"default": RESPONSES}, credential=credential))
    (route,) = FORM.read(after(before, edit), TOKENS)
    assert (route.model, route.base_url, route.dialect) == ("new", RESPONSES.base_url, RESPONSES.dialect)
    assert route.token == (Secret("stored-token") if credential is CredentialUse.KEEP else Secret("t"))
    models = json.loads(edit.contents["models.json"])["providers"]
    assert models["team"] == json.loads(before["models.json"] or b"")["providers"]["team"]
    assert models["switchyard"]["authHeader"] is True and "stored-token" not in repr(edit.diff)


def test_our_own_provider_of_one_dialect_stays_when_another_is_needed() -> None:
    first = after(stored(), FORM.edit(stored(), asked(AgentId.PI, {"default": "gpt"}, {"default": RESPONSES})))
    edit = FORM.edit(first, asked(AgentId.PI, {"default": "oss"}, {"default": ROUTES["oss"]}))
    providers = json.loads(edit.contents["models.json"])["providers"]
    assert providers["switchyard"]["api"] == "openai-responses"
    assert providers["switchyard-openai-completions"]["compat"]["maxTokensField"] == "max_tokens"


def test_the_token_by_reference() -> None:
    before = stored()
    edit = FORM.edit(before, asked(AgentId.PI, {}, credential=CredentialUse.ENVIRONMENT))
    (route,) = FORM.read(after(before, edit), TOKENS)
    assert (route.token, route.token_from) == (Secret("t"), "environment variable DATABRICKS_TOKEN")
    assert [(entry.old, entry.new) for entry in edit.diff] == [
        ("stored token", "environment variable DATABRICKS_TOKEN")
    ]
    assert list(edit.contents) == ["models.json"]


@pytest.mark.parametrize("family", ROUTES)
def test_a_new_config_is_whole(family: str) -> None:
    edit = FORM.edit(nothing(FORM), asked(AgentId.PI, {"default": f"a-{family}"}, {"default": ROUTES[family]}))
    golden(FORM, f"pi-{family}", edit)
    (route,) = FORM.read(edit.contents, TOKENS)
    assert (route.model, route.token) == (f"a-{family}", Secret("t"))
    assert SlotRouting(base_url=route.base_url or "", dialect=route.dialect or Dialect.OPENAI_CHAT) == ROUTES[family]


@pytest.mark.parametrize(
    ("contents", "slots", "code"),
    [
        ({**stored(), "settings.json": b"{"}, {"default": "m"}, "target_broken"),
        (stored(models={"id": "old"}), {"default": "m"}, "target_broken"),
        (stored(apiKey=5), {"default": "m"}, "target_broken"),
        ({**stored(), "models.json": b'{"providers": {}, "providers": {}}'}, {"default": "m"}, "file_ambiguous"),
        (stored(), {"title": "m"}, "slot_invalid"),
        (stored(), {"default": None}, "slot_invalid"),
        (nothing(FORM), {"default": "m"}, "routing_missing"),
    ],
)
def test_what_cannot_be_changed_is_refused(contents: Contents, slots: dict[str, str | None], code: str) -> None:
    with pytest.raises(ChangeError) as refused:
        FORM.edit(contents, asked(AgentId.PI, slots))
    assert refused.value.code == code and refused.value.remedy


def test_a_broken_file_is_unreadable() -> None:
    with pytest.raises(UnreadableConfig, match="line 1"):
        FORM.read({**stored(), "models.json": b"nonsense"}, {})


@given(others=st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=3))
def test_there_and_back_leaves_every_value(others: dict[str, object]) -> None:
    before = stored(**{f"x{key}": value for key, value in others.items()}, models=[{"id": "old"}, {"id": "new"}])
    there = after(before, FORM.edit(before, asked(AgentId.PI, {"default": "new"})))
    assert FORM.read(there, {})[0].model == "new"
    assert after(there, FORM.edit(there, asked(AgentId.PI, {"default": "old"}))) == before
