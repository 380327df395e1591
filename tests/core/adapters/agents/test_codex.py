"""Codex' config.toml: what it says, and that only what was asked for changes in it."""

from __future__ import annotations

import tomllib

import pytest
import tomlkit
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.agents.codex import CodexForm
from core.adapters.agents.form import Contents, UnreadableConfig
from core.errors import ChangeError
from core.model.agent import AgentId, Dialect
from core.model.change import ChangeRequest, CredentialUse
from core.model.secret import Secret
from tests.core.adapters.agents.forms import GATEWAY, asked, golden, nothing, to

FORM = CodexForm()
ROUTE = to("/codex/v1", Dialect.OPENAI_RESPONSES)
BASE = f"{GATEWAY}/codex/v1"
TEXT = """\
# mine
model = 'old'   # the big one
model_provider = "databricks"
web_search = "disabled"

[model_providers.databricks] # ours
name = "Databricks Model Serving"
base_url = "https://old.example/codex/v1"
env_key = "OPENAI_API_KEY"
wire_api = "responses"

[tui]
notifications = true
"""


def config(text: str = TEXT) -> Contents:
    return {"config.toml": text.encode()}


def changed_to(contents: Contents, request: ChangeRequest) -> Contents:
    return {**contents, **FORM.edit(contents, request).contents}


def test_what_the_config_says() -> None:
    (route,) = FORM.read(config(), {"OPENAI_API_KEY": Secret("t")})
    assert (route.slot, route.model, route.base_url) == ("default", "old", "https://old.example/codex/v1")
    assert (route.token, route.token_from) == (Secret("t"), "environment variable OPENAI_API_KEY")
    assert route.dialect is Dialect.OPENAI_RESPONSES


def test_a_profile_in_use_decides_what_it_names() -> None:
    text = 'profile = "work"\n' + TEXT + '\n[profiles.work]\nmodel = "profiled"\n'
    (route,) = FORM.read(config(text), {})
    assert route.model == "profiled"
    changed = changed_to(config(text), asked(AgentId.CODEX, {"default": "new"}))["config.toml"] or b""
    assert changed.decode() == text.replace('"profiled"', '"new"')


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('auth = {command = "vault"}', "the command in auth of config.toml"),
        ('experimental_bearer_token = "k"', "experimental_bearer_token in config.toml"),
    ],
)
def test_where_another_credential_is(line: str, place: str) -> None:
    (route,) = FORM.read(config(TEXT.replace('env_key = "OPENAI_API_KEY"', line)), {})
    assert route.token_from == place


def test_only_the_model_changes_with_its_quotes_and_its_comment() -> None:
    changed = changed_to(config(), asked(AgentId.CODEX, {"default": "new"}))["config.toml"] or b""
    assert changed.decode() == TEXT.replace("'old'", "'new'")


def test_the_base_url_and_the_credential_are_changed_in_the_provider_in_use() -> None:
    request = asked(AgentId.CODEX, {"default": "old"}, {"default": ROUTE}, credential=CredentialUse.ENVIRONMENT)
    edit = FORM.edit(config(), request)
    expected = TEXT.replace("https://old.example/codex/v1", BASE).replace("OPENAI_API_KEY", "DATABRICKS_TOKEN")
    assert edit.contents["config.toml"].decode() == expected
    assert [(entry.field, entry.new) for entry in edit.diff] == [
        ("model_providers.databricks.base_url", BASE),
        ("model_providers.databricks.env_key", "environment variable DATABRICKS_TOKEN"),
    ]


def test_a_stored_token_goes_when_the_environments_is_named() -> None:
    stored = TEXT.replace('env_key = "OPENAI_API_KEY"', 'experimental_bearer_token = "dapi-secret"')
    edit = FORM.edit(config(stored), asked(AgentId.CODEX, {}, credential=CredentialUse.ENVIRONMENT))
    assert b"dapi-secret" not in edit.contents["config.toml"] and "dapi-secret" not in str(edit.diff)
    (route,) = FORM.read({"config.toml": edit.contents["config.toml"]}, {"DATABRICKS_TOKEN": Secret("t")})
    assert route.token == Secret("t")


def test_codex_own_provider_is_left_for_one_of_ours() -> None:
    changed = changed_to(config('model = "gpt-5"\n'), asked(AgentId.CODEX, {"default": "new"}, {"default": ROUTE}))
    document = tomllib.loads((changed["config.toml"] or b"").decode())
    assert document["model_provider"] == "switchyard"
    assert document["model_providers"]["switchyard"] == {
        "name": "Databricks",
        "base_url": BASE,
        "wire_api": "responses",
        "env_key": "DATABRICKS_TOKEN",
    }


def test_a_new_config_is_whole() -> None:
    request = asked(AgentId.CODEX, {"default": "databricks-gpt-5-5"}, {"default": ROUTE})
    golden(FORM, "codex", FORM.edit(nothing(FORM), request))


def test_without_a_route_nothing_new_is_made() -> None:
    with pytest.raises(ChangeError) as caught:
        FORM.edit(nothing(FORM), asked(AgentId.CODEX, {"default": "m"}))
    assert caught.value.code == "routing_missing"


@pytest.mark.parametrize("text", ["model = ", "model = 1", 'model = "a"\nmodel = "b"', "\x00"])
def test_a_broken_config_is_refused(text: str) -> None:
    with pytest.raises(UnreadableConfig):
        FORM.read(config(text), {})
    with pytest.raises(ChangeError) as caught:
        FORM.edit(config(text), asked(AgentId.CODEX, {"default": "new"}))
    assert caught.value.code == "target_broken"


@pytest.mark.parametrize("slots", [{"opus": "m"}, {"default": None}, {"default": " "}])
def test_a_slot_that_codex_does_not_have_is_refused(slots: dict[str, str | None]) -> None:
    with pytest.raises(ChangeError) as caught:
        FORM.edit(config(), asked(AgentId.CODEX, slots))
    assert caught.value.code == "slot_invalid"


_KEYS = st.text(alphabet="abcxyz_-", min_size=1, max_size=6).filter(lambda key: not key.startswith("model"))
_VALUES = st.one_of(st.booleans(), st.integers(), st.text(max_size=12), st.lists(st.integers(), max_size=3))


@given(others=st.dictionaries(_KEYS, _VALUES, max_size=4), table=st.dictionaries(_KEYS, _VALUES, max_size=4))
def test_whatever_else_the_file_holds_stays_and_there_and_back_is_the_same(
    others: dict[str, object], table: dict[str, object]
) -> None:
    document = tomlkit.parse(TEXT)
    document["others"] = {"more": others, **table}
    text = tomlkit.dumps(document)
    there = changed_to(config(text), asked(AgentId.CODEX, {"default": "new"}))
    assert (there["config.toml"] or b"").decode() == text.replace("'old'", "'new'", 1)
    back = changed_to(there, asked(AgentId.CODEX, {"default": "old"}))
    assert (back["config.toml"] or b"").decode() == text


@given(model=st.text(alphabet="ab'\"\\#\n[]= é", min_size=1, max_size=10).map(str.strip).filter(str.isprintable))
def test_a_name_is_quoted_whatever_it_holds(model: str) -> None:
    if not model:
        return
    changed = changed_to(config(), asked(AgentId.CODEX, {"default": model}))["config.toml"] or b""
    document = tomllib.loads(changed.decode())
    assert document["model"] == model and set(document) == set(tomllib.loads(TEXT))
