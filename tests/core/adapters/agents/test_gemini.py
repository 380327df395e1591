"""Gemini CLI's settings.json and .env: what they say together, and that nothing else changes."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.agents.form import Contents, UnreadableConfig
from core.adapters.agents.gemini import GeminiForm
from core.errors import ChangeError
from core.model.agent import AgentId, Dialect
from core.model.change import CredentialUse
from core.model.secret import Secret
from tests.core.adapters.agents.forms import after, asked, golden, nothing, to

FORM = GeminiForm()
ROUTE = to("/gemini", Dialect.GEMINI_GENERATE)
ENV = """# by hand
GEMINI_MODEL=old
GOOGLE_GEMINI_BASE_URL="https://ws.example/ai-gateway/gemini"
GEMINI_API_KEY_AUTH_MECHANISM=bearer
GEMINI_API_KEY=stored-token
OTHER='x'
"""
SETTINGS = """{
  // ours
  "security": {"auth": {"selectedType": "gemini-api-key"}},
  "model": {"name": "old", "maxSessionTurns": 5}
}
"""


def files(settings: str | None = SETTINGS, env: str | None = ENV) -> Contents:
    return {
        "settings.json": settings.encode() if settings is not None else None,
        ".env": env.encode() if env is not None else None,
    }


def test_what_the_files_say() -> None:
    (route,) = FORM.read(files(), {})
    assert (route.slot, route.model, route.base_url) == ("default", "old", "https://ws.example/ai-gateway/gemini")
    assert (route.token, route.token_from) == (Secret("stored-token"), "GEMINI_API_KEY in .env")
    assert route.dialect is Dialect.GEMINI_GENERATE


def test_the_variable_wins_over_the_setting() -> None:
    assert FORM.read(files(env=ENV.replace("old", "variable")), {})[0].model == "variable"
    assert FORM.read(files(env=None), {})[0].model == "old"
    assert FORM.read(files(settings=None, env="X=1"), {}) == ()


def test_a_key_that_is_not_sent_as_bearer_proves_nothing() -> None:
    (route,) = FORM.read(files(env=ENV.replace("=bearer", "=")), {})
    assert route.token is None and "GEMINI_API_KEY_AUTH_MECHANISM=bearer" in (route.token_from or "")
    (route,) = FORM.read(files(settings=SETTINGS.replace("gemini-api-key", "oauth-personal")), {})
    assert (route.token, route.token_from) == (None, "Gemini CLI's own login")


def test_only_the_asked_for_values_differ() -> None:
    edit = FORM.edit(files(), asked(AgentId.GEMINI, {"default": "new"}, {"default": ROUTE}))
    assert edit.contents == {
        "settings.json": SETTINGS.replace('"old"', '"new"').encode(),
        ".env": ENV.replace("=old", "=new").replace('"https://ws.example/ai-gateway/gemini"', ROUTE.base_url).encode(),
    }
    assert [entry.field for entry in edit.diff] == ["model.name", ".env GEMINI_MODEL", ".env GOOGLE_GEMINI_BASE_URL"]


def test_the_token_comes_from_the_environment_under_geminis_own_name() -> None:
    edit = FORM.edit(files(), asked(AgentId.GEMINI, {}, credential=CredentialUse.ENVIRONMENT))
    assert edit.contents == {".env": ENV.replace("GEMINI_API_KEY=stored-token\n", "").encode()}
    (route,) = FORM.read(after(files(), edit), {"GEMINI_API_KEY": Secret("t")})
    assert (route.token, route.token_from) == (Secret("t"), "environment variable GEMINI_API_KEY")
    assert "stored-token" not in repr(edit.diff)


def test_a_new_config_is_whole() -> None:
    edit = FORM.edit(nothing(FORM), asked(AgentId.GEMINI, {"default": "a-gemini"}, {"default": ROUTE}))
    golden(FORM, "gemini", edit)
    (route,) = FORM.read(edit.contents, {"GEMINI_API_KEY": Secret("t")})
    assert (route.model, route.base_url, route.token) == ("a-gemini", ROUTE.base_url, Secret("t"))


def test_a_route_makes_gemini_use_its_key() -> None:
    before = files(settings="{}", env="GEMINI_MODEL=old\nGEMINI_API_KEY=stored-token\n")
    edit = FORM.edit(before, asked(AgentId.GEMINI, {"default": "new"}, {"default": ROUTE}))
    (route,) = FORM.read(after(before, edit), {})
    assert (route.base_url, route.token) == (ROUTE.base_url, Secret("stored-token"))
    assert json.loads(edit.contents["settings.json"])["security"]["auth"]["selectedType"] == "gemini-api-key"


@pytest.mark.parametrize(
    ("contents", "slots", "code"),
    [
        (files(settings="{"), {"default": "m"}, "target_broken"),
        ({**files(), ".env": b"\xff"}, {"default": "m"}, "target_broken"),
        (files(env="GEMINI_MODEL=a\nGEMINI_MODEL=b\n"), {"default": "m"}, "file_ambiguous"),
        (files(settings='{"model": {"name": "a"}, "model": {"name": "b"}}'), {"default": "m"}, "file_ambiguous"),
        (files(), {"opus": "m"}, "slot_invalid"),
        (files(), {"default": None}, "slot_invalid"),
        (nothing(FORM), {"default": "m"}, "routing_missing"),
    ],
)
def test_what_cannot_be_changed_is_refused(contents: Contents, slots: dict[str, str | None], code: str) -> None:
    with pytest.raises(ChangeError) as refused:
        FORM.edit(contents, asked(AgentId.GEMINI, slots))
    assert refused.value.code == code and refused.value.remedy


def test_a_broken_file_is_unreadable() -> None:
    with pytest.raises(UnreadableConfig, match="line 1"):
        FORM.read(files(settings="nonsense"), {})


@given(
    names=st.lists(st.sampled_from(["A=1", "# GEMINI_MODEL=x", "", "B='q'"]), max_size=4),
    others=st.dictionaries(st.text(max_size=3), st.integers() | st.text(max_size=3), max_size=3),
)
def test_there_and_back_is_the_identity(names: list[str], others: dict[str, object]) -> None:
    before = files(json.dumps({**others, "model": {"name": "old"}}), "\n".join([*names, ENV]))
    there = after(before, FORM.edit(before, asked(AgentId.GEMINI, {"default": "new"})))
    assert FORM.read(there, {})[0].model == "new"
    assert after(there, FORM.edit(there, asked(AgentId.GEMINI, {"default": "old"}))) == before
