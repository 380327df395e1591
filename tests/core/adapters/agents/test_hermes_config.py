"""Hermes' config.yaml is read as Hermes reads it, and nothing in it makes the reader fail."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.agent_configs import read_config
from core.adapters.agents.hermes import HermesForm
from core.model.choice import AgentConfig
from core.model.secret import Secret

URL = "https://ws.example/serving-endpoints"
ENVIRONMENT = {"DATABRICKS_TOKEN": Secret("from-environment")}
PRIMARY = f"model:\n  default: a\n  provider: custom\n  base_url: {URL}\n  api_key: stored-1\n"


def _read(home: Path, text: str | bytes) -> AgentConfig:
    (home / "config.yaml").write_bytes(text.encode() if isinstance(text, str) else text)
    return read_config(HermesForm(), home, ENVIRONMENT)


def _slots(config: AgentConfig) -> list[tuple[str, str, str | None, str | None]]:
    assert config.problem is None
    return [
        (slot.slot, slot.model, slot.base_url, slot.token.reveal() if slot.token else None) for slot in config.slots
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(PRIMARY, [("primary", "a", URL, "stored-1")], id="the usual form"),
        pytest.param(PRIMARY.replace("default:", "model:"), [("primary", "a", URL, "stored-1")], id="model.model"),
        pytest.param(PRIMARY.replace("api_key:", "api:"), [("primary", "a", URL, "stored-1")], id="the key api"),
        pytest.param(PRIMARY + "  model: b\n", [("primary", "a", URL, "stored-1")], id="default wins over model"),
        pytest.param("model: a\n", [("primary", "a", None, None)], id="a bare name"),
        pytest.param("\ufeffmodel: a\r\n", [("primary", "a", None, None)], id="byte order mark and CRLF"),
        pytest.param(
            "model: {default: a, base_url: 'https://ws.example/'}",
            [("primary", "a", "https://ws.example", None)],
            id="flow",
        ),
        pytest.param("model: x\nmodel: a\n", [("primary", "a", None, None)], id="the last of two keys wins"),
        pytest.param(
            f"x: &x {{base_url: {URL}}}\nmodel:\n  <<: *x\n  default: a\n",
            [("primary", "a", URL, None)],
            id="a merged block",
        ),
        pytest.param(
            f"x: &x {{base_url: {URL}}}\nmodel:\n  <<: [*x]\n  default: a\n",
            [("primary", "a", URL, None)],
            id="merged blocks",
        ),
        pytest.param("", [], id="empty"),
        pytest.param("# nothing\n", [], id="only a comment"),
        pytest.param("agent: {max_turns: 3}\n", [], id="no model"),
        pytest.param("model:\n", [], id="an empty model"),
        pytest.param("model: {provider: custom}\n", [], id="a model without a name"),
    ],
)
def test_primary(tmp_path: Path, text: str, expected: list[tuple[str, str, str | None, str | None]]) -> None:
    assert _slots(_read(tmp_path, text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "fallback_providers:\n"
            "- {provider: custom, model: b, base_url: 'https://other.example', api_key: stored-2}\n",
            [("fallback", "b", "https://other.example", "stored-2")],
            id="everything of its own",
        ),
        pytest.param(
            "fallback_providers:\n- provider: custom\n  model: b\n",
            [("fallback", "b", URL, "stored-1")],
            id="URL and key of the primary",
        ),
        pytest.param(
            "fallback_providers:\n- {provider: custom, model: b, base_url: 'https://other.example'}\n",
            [("fallback", "b", "https://other.example", None)],
            id="the primary's key goes to no other host",
        ),
        pytest.param(
            "fallback_model: {provider: custom, model: b}\n", [("fallback", "b", URL, "stored-1")], id="the older key"
        ),
        pytest.param(
            "fallback_model:\n- {provider: custom, model: c}\nfallback_providers:\n- {provider: custom, model: b}\n",
            [("fallback", "b", URL, "stored-1"), ("fallback_2", "c", URL, "stored-1")],
            id="the newer key comes first",
        ),
        pytest.param(
            "fallback_providers:\n- {provider: custom, model: b}\nfallback_model: {provider: Custom, model: B}\n",
            [("fallback", "b", URL, "stored-1")],
            id="the same route twice counts once",
        ),
        pytest.param(
            "fallback_providers:\n- {model: x}\n- {provider: custom}\n- text\n- {provider: custom, model: b}\n",
            [("fallback", "b", URL, "stored-1")],
            id="entries that Hermes skips",
        ),
        pytest.param(
            "fallback_providers:\n- {provider: custom, model: b, key_env: DATABRICKS_TOKEN}\n",
            [("fallback", "b", URL, "from-environment")],
            id="key_env",
        ),
        pytest.param(
            "fallback_providers:\n- {provider: custom, model: b, api_key_env: ELSEWHERE}\n",
            [("fallback", "b", URL, None)],
            id="a variable that is not set here",
        ),
        pytest.param(
            "providers: {spare: {base_url: 'https://spare.example/', key_env: DATABRICKS_TOKEN}}\n"
            "fallback_providers:\n- {provider: spare, model: b}\n",
            [("fallback", "b", "https://spare.example", "from-environment")],
            id="a named provider",
        ),
        pytest.param(
            "custom_providers:\n- {name: other}\n"
            "- {name: Spare, base_url: 'https://spare.example', api_key: stored-3}\n"
            "fallback_providers:\n- {provider: 'custom:spare', model: b}\n",
            [("fallback", "b", "https://spare.example", "stored-3")],
            id="a listed provider",
        ),
        pytest.param("fallback_providers: []\n", [], id="an empty list"),
        pytest.param("fallback_providers: none\n", [], id="a text"),
    ],
)
def test_fallbacks(tmp_path: Path, text: str, expected: list[tuple[str, str, str | None, str | None]]) -> None:
    assert _slots(_read(tmp_path, PRIMARY + text))[1:] == expected


@pytest.mark.parametrize(
    ("credential", "token", "place"),
    [
        pytest.param("api_key: stored-1", "stored-1", "api_key in config.yaml", id="literal"),
        pytest.param("api: stored-1", "stored-1", "api in config.yaml", id="literal under api"),
        pytest.param(
            "api_key: ${DATABRICKS_TOKEN}", "from-environment", "environment variable DATABRICKS_TOKEN", id="reference"
        ),
        pytest.param("api_key: ${ELSEWHERE}", None, "environment variable ELSEWHERE", id="reference to nothing here"),
        pytest.param("key_env: DATABRICKS_TOKEN", None, None, id="key_env is not read under model"),
        pytest.param("api_key: ''", None, None, id="empty"),
        pytest.param("other: x", None, None, id="none"),
    ],
)
def test_the_primarys_credential_says_where_it_is(
    tmp_path: Path, credential: str, token: str | None, place: str | None
) -> None:
    config = _read(tmp_path, f"model:\n  default: a\n  {credential}\n")
    (slot,) = config.slots
    assert ((slot.token.reveal() if slot.token else None), slot.token_from) == (token, place)
    assert "stored-1" not in repr(config)


def test_a_base_url_that_is_no_url_is_shown_as_it_is(tmp_path: Path) -> None:
    config = _read(tmp_path, PRIMARY + "fallback_model: {provider: custom, model: b, base_url: 'https://[broken'}\n")
    assert _slots(config)[1] == ("fallback", "b", "https://[broken", None)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("model: [", "not valid YAML", id="unfinished"),
        pytest.param("model:\n\tdefault: a", "line 2", id="a tab"),
        pytest.param("a: 1\n---\nb: 2\n", "not valid YAML", id="two documents"),
        pytest.param(b"model: \xff\xfe", "not UTF-8", id="not UTF-8"),
        pytest.param("model: a\x00", "not valid YAML", id="a null byte"),
        pytest.param("- a\n", "does not hold named settings", id="a list"),
        pytest.param("just text", "does not hold named settings", id="a text"),
        pytest.param("model: [a]\n", "is a list", id="a list as model"),
        pytest.param("x: *nowhere\n", "not valid YAML", id="an alias of nothing"),
        pytest.param("x: &x [*x]\n", "contains itself", id="a value in itself"),
        pytest.param("[" * 3000, "nested too deeply", id="thousands of brackets"),
        pytest.param("x: " + "[" * 70 + "]" * 70, "nested too deeply", id="nested deeply"),
        pytest.param(
            "a: &a [1,1,1,1,1,1,1,1,1,1]\n"
            + "".join(f"{y}: &{y} [{','.join(['*' + x] * 10)}]\n" for x, y in zip("abcde", "bcdef", strict=True)),
            "too large",
            id="a bomb of aliases",
        ),
        pytest.param("# " + "x" * (256 * 1024), "larger than 256 KiB", id="huge"),
    ],
)
def test_a_broken_file_is_a_problem_in_one_sentence(tmp_path: Path, content: str | bytes, says: str) -> None:
    config = _read(tmp_path, content)
    assert config.exists and config.slots == ()
    assert config.problem is not None and says in config.problem
    assert config.problem.endswith(".") and "\n" not in config.problem


def test_no_file_is_no_problem(tmp_path: Path) -> None:
    config = read_config(HermesForm(), tmp_path / "nowhere", {})
    assert (config.exists, config.problem, config.slots) == (False, None, ())


def test_a_link_in_a_circle_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").symlink_to("config.yaml")
    config = read_config(HermesForm(), tmp_path, {})
    assert config.problem is not None and "cannot be read" in config.problem


def test_a_link_to_nothing_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").symlink_to("nowhere.yaml")
    config = read_config(HermesForm(), tmp_path, {})
    assert config.problem is not None and "does not exist" in config.problem


def test_a_folder_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").mkdir()
    config = read_config(HermesForm(), tmp_path, {})
    assert config.problem is not None and "cannot be read" in config.problem


def test_a_pipe_is_a_problem_and_does_not_hold_us(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.yaml")
    config = read_config(HermesForm(), tmp_path, {})
    assert config.problem is not None and "not a regular file" in config.problem


def test_the_path_is_shown_with_the_home_shortened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert read_config(HermesForm(), tmp_path / ".hermes", {}).path == "~/.hermes/config.yaml"
    assert read_config(HermesForm(), Path("/elsewhere"), {}).path == "/elsewhere/config.yaml"


_TEXT = st.text(alphabet=st.sampled_from("model:default \n-[]{}&*!|>'\"#%,?@`~<\\x0a\t\r…\u2028é0"), max_size=60)


@given(st.one_of(st.binary(max_size=60), _TEXT.map(str.encode), _TEXT.map(lambda text: f"model: {text}\n".encode())))
def test_arbitrary_bytes_never_raise(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    home = tmp_path_factory.getbasetemp() / "arbitrary"
    home.mkdir(exist_ok=True)
    config = _read(home, content)
    assert config.exists and (config.problem is None or config.slots == ())
