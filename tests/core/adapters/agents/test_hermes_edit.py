"""Only the asked-for values change in Hermes' config; every other byte stays, or nothing is changed at all."""

from __future__ import annotations

import io
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from core.adapters.agents.hermes_edit import edit_hermes
from core.errors import ChangeError
from core.model.agent import Dialect
from core.model.change import CredentialUse, DiffOp, SlotRouting

TOKEN = "stored-token-value"
FULL = f"""\
# generated once, edited since
model:
  default: old-a   # the big one
  provider: custom
  base_url: https://ws.example/serving-endpoints
  api_key: {TOKEN}

# what comes after
fallback_providers:
- provider: custom   # same
  model: 'old-b'
  base_url: https://ws.example/serving-endpoints
  api_key: "{TOKEN}"
agent: {{api_max_retries: 3, max_turns: 0x10}}   # numbers stay
on: yes
"""


def _edit(text: str, credential: CredentialUse = CredentialUse.KEEP, **slots: str | None) -> str:
    edit = edit_hermes(text.encode(), slots=slots, credential=credential)
    assert TOKEN not in repr((edit.before, edit.after, edit.diff))
    return edit.content.decode()


@pytest.mark.parametrize(
    ("text", "slots", "expected"),
    [
        pytest.param(
            FULL,
            {"primary": "new-a", "fallback": "new-b"},
            FULL.replace("old-a", "new-a").replace("old-b", "new-b"),
            id="both models",
        ),
        pytest.param(FULL, {"primary": "old-a"}, FULL, id="what is there already"),
        pytest.param(FULL, {}, FULL, id="nothing"),
        pytest.param(
            FULL.replace("\n", "\r\n"), {"primary": "n"}, FULL.replace("\n", "\r\n").replace("old-a", '"n"'), id="CRLF"
        ),
        pytest.param("\ufeffmodel: a", {"primary": "b"}, "\ufeffmodel: b", id="byte order mark, no final newline"),
        pytest.param('model: "a" # x\n', {"primary": "b"}, 'model: "b" # x\n', id="double quotes stay"),
        pytest.param("model: a\n", {"primary": "yes"}, 'model: "yes"\n', id="a word that YAML takes for true"),
        pytest.param("model: a\n", {"primary": "1e3"}, 'model: "1e3"\n', id="a name like a number"),
        pytest.param("model: a\n", {"primary": "x:y"}, 'model: "x:y"\n', id="a name with a colon"),
        pytest.param("model: {model: a, n: 1}\n", {"primary": "b"}, "model: {model: b, n: 1}\n", id="flow style"),
        pytest.param("{model: a}", {"primary": "b"}, "{model: b}", id="the whole file in flow style"),
        pytest.param(
            "model:\n  default: a\n  api_key: &k t\nx: *k\n",
            {"primary": "b"},
            "model:\n  default: b\n  api_key: &k t\nx: *k\n",
            id="an anchor elsewhere",
        ),
        pytest.param(
            "model: a\nfallback_model: {provider: custom, model: b}\n",
            {"fallback": "c"},
            "model: a\nfallback_model: {provider: custom, model: c}\n",
            id="the older fallback key",
        ),
        pytest.param(
            "model: a\nfallback_model:\n  - model: b\n    provider: custom\n",
            {"fallback": "c"},
            "model: a\nfallback_model:\n  - model: c\n    provider: custom\n",
            id="the older fallback key as a list",
        ),
        pytest.param(
            "model:\n  default: a # x\n\n# other\nagent: 1\n",
            {"fallback": "b"},
            "model:\n  default: a # x\nfallback_providers:\n- provider: custom\n  model: b\n\n# other\nagent: 1\n",
            id="a first fallback",
        ),
        pytest.param(
            "model:\n  default: a\n  provider: dbx",
            {"fallback": "b"},
            "model:\n  default: a\n  provider: dbx\nfallback_providers:\n- provider: dbx\n  model: b",
            id="a first fallback, no final newline, named provider",
        ),
        pytest.param(
            "model: {default: a, headers: {x: 1}}\r\n",
            {"fallback": "b"},
            "model: {default: a, headers: {x: 1}}\r\nfallback_providers:\r\n- provider: custom\r\n  model: b\r\n",
            id="a first fallback, CRLF",
        ),
        pytest.param(
            "{model: a, z: 1}",
            {"fallback": "b"},
            "{model: a, fallback_providers: [{provider: custom, model: b}], z: 1}",
            id="a first fallback in flow style",
        ),
        pytest.param(
            "model: a\nfallback_providers: [] # none\n",
            {"fallback": "b"},
            "model: a\nfallback_providers: [{provider: custom, model: b}] # none\n",
            id="into an empty list",
        ),
        pytest.param(
            "model: a\nfallback_providers:\nz: 1\n",
            {"fallback": "b"},
            "model: a\nfallback_providers: [{provider: custom, model: b}]\nz: 1\n",
            id="into an empty key",
        ),
        pytest.param(
            "model: a\nfallback_providers:\n  - provider: custom\n    model: b\nz: 1\n",
            {"fallback_2": "c"},
            "model: a\nfallback_providers:\n  - provider: custom\n    model: b\n"
            "  - provider: custom\n    model: c\nz: 1\n",
            id="a second fallback",
        ),
        pytest.param(
            "model: a\nfallback_providers: [{provider: custom, model: b}]\n",
            {"fallback_2": "c"},
            "model: a\nfallback_providers: [{provider: custom, model: b}, {provider: custom, model: c}]\n",
            id="a second fallback in flow style",
        ),
        pytest.param(
            FULL, {"fallback": None}, FULL[: FULL.index("fallback_p")] + FULL[FULL.index("agent") :], id="no fallback"
        ),
        pytest.param(
            "model: a\nfallback_model: {provider: x, model: b}",
            {"fallback": None},
            "model: a\n",
            id="no fallback at the end",
        ),
        pytest.param("model: a\n", {"fallback": None}, "model: a\n", id="no fallback where there is none"),
        pytest.param(
            "model: a\nfallback_providers:\n- provider: x\n  model: b\n- provider: x\n  model: c # z\n# end\n",
            {"fallback_2": None},
            "model: a\nfallback_providers:\n- provider: x\n  model: b\n# end\n",
            id="no second fallback",
        ),
        pytest.param(
            "model: a\nfallback_providers: [{provider: x, model: b}, {provider: x, model: c}]\n",
            {"fallback_2": None},
            "model: a\nfallback_providers: [{provider: x, model: b}]\n",
            id="no second fallback in flow style",
        ),
        pytest.param(
            "model: a\nfallback_providers:\n- {provider: x, model: b}\nz: 1\nfallback_model: {provider: x, model: c}\n",
            {"fallback": None, "fallback_2": None},
            "model: a\nz: 1\n",
            id="no fallbacks at all",
        ),
    ],
)
def test_only_the_wanted_bytes_change(text: str, slots: dict[str, str | None], expected: str) -> None:
    assert _edit(text, **slots) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            FULL,
            FULL.replace(f"api_key: {TOKEN}", 'api_key: "${DATABRICKS_TOKEN}"').replace(
                f'"{TOKEN}"', '"${DATABRICKS_TOKEN}"'
            ),
            id="tokens in both places",
        ),
        pytest.param(
            "model: {default: a, api: t}\n", 'model: {default: a, api: "${DATABRICKS_TOKEN}"}\n', id="the key api, flow"
        ),
        pytest.param(
            "model: {default: a, api_key: '${DATABRICKS_TOKEN}'}\n",
            "model: {default: a, api_key: '${DATABRICKS_TOKEN}'}\n",
            id="there already",
        ),
        pytest.param(
            "model:\n  default: a\n  base_url: u # x\n  n: 1\n",
            'model:\n  default: a\n  base_url: u # x\n  api_key: "${DATABRICKS_TOKEN}"\n  n: 1\n',
            id="no credential yet",
        ),
        pytest.param(
            "model:\n  default: a\n  api_key:\n",
            'model:\n  default: a\n  api_key: "${DATABRICKS_TOKEN}"\n',
            id="an empty one",
        ),
        pytest.param(
            "model: {default: a, api_key: '${DATABRICKS_TOKEN}'}\n"
            "fallback_providers:\n- {provider: x, model: b, base_url: u, key_env: OTHER}\n",
            "model: {default: a, api_key: '${DATABRICKS_TOKEN}'}\n"
            "fallback_providers:\n- {provider: x, model: b, base_url: u, key_env: DATABRICKS_TOKEN}\n",
            id="another variable",
        ),
        pytest.param(
            "model: {default: a, provider: dbx}\nproviders:\n  dbx: {base_url: u, api_key: t}\n",
            'model: {default: a, provider: dbx}\nproviders:\n  dbx: {base_url: u, api_key: "${DATABRICKS_TOKEN}"}\n',
            id="a named provider",
        ),
        pytest.param(
            "model: {default: a, provider: dbx}\ncustom_providers:\n- name: dbx\n  api_key: t\n",
            'model: {default: a, provider: dbx}\ncustom_providers:\n- name: dbx\n  api_key: "${DATABRICKS_TOKEN}"\n',
            id="a listed provider",
        ),
        pytest.param(
            "model: {default: a, provider: dbx}\nproviders: {dbx: {base_url: u, api_key: t}}\n"
            "fallback_providers: [{provider: dbx, model: b}]\n",
            'model: {default: a, provider: dbx}\nproviders: {dbx: {base_url: u, api_key: "${DATABRICKS_TOKEN}"}}\n'
            "fallback_providers: [{provider: dbx, model: b}]\n",
            id="a named provider of two slots",
        ),
        pytest.param(
            "model: {default: a, api_key: t}\nfallback_model: {provider: custom, model: b}\n",
            'model: {default: a, api_key: "${DATABRICKS_TOKEN}"}\nfallback_model: {provider: custom, model: b}\n',
            id="a fallback that uses the primary's",
        ),
    ],
)
def test_the_token_gives_way_to_a_reference(text: str, expected: str) -> None:
    assert _edit(text, CredentialUse.ENVIRONMENT) == expected


def test_the_diff_names_fields_and_never_a_token() -> None:
    edit = edit_hermes(
        FULL.encode(), slots={"primary": "new-a", "fallback": "new-b"}, credential=CredentialUse.ENVIRONMENT
    )
    assert [(entry.op, entry.field, entry.old, entry.new) for entry in edit.diff] == [
        (DiffOp.CHANGE, "model.default", "old-a", "new-a"),
        (DiffOp.CHANGE, "fallback_providers[0].model", "old-b", "new-b"),
        (DiffOp.CHANGE, "model.api_key", "stored token", "environment variable DATABRICKS_TOKEN"),
        (DiffOp.CHANGE, "fallback_providers[0].api_key", "stored token", "environment variable DATABRICKS_TOKEN"),
    ]
    assert edit.before == {"primary": "old-a", "fallback": "old-b"}
    assert edit.after == {"primary": "new-a", "fallback": "new-b"}


def test_adding_and_removing_show_in_the_diff() -> None:
    added = edit_hermes(b"model: a\n", slots={"fallback": "b"}, credential=CredentialUse.KEEP)
    assert [(entry.op, entry.field, entry.new) for entry in added.diff] == [
        (DiffOp.ADD, "fallback_providers[0].provider", "custom"),
        (DiffOp.ADD, "fallback_providers[0].model", "b"),
    ]
    assert added.before == {"primary": "a", "fallback": None}
    removed = edit_hermes(added.content, slots={"fallback": None}, credential=CredentialUse.KEEP)
    assert [(entry.op, entry.field, entry.old) for entry in removed.diff] == [
        (DiffOp.DELETE, "fallback_providers[0].model", "b")
    ]
    assert removed.content == b"model: a\n"


@pytest.mark.parametrize(
    ("text", "slots", "credential"),
    [
        pytest.param("model: &m {default: a}\nx: *m\n", {"primary": "b"}, False, id="the model is shared by an anchor"),
        pytest.param("x: &x a\nmodel: {default: *x}\n", {"primary": "b"}, False, id="the name is an alias"),
        pytest.param("model: {default: &x a}\n", {"primary": "b"}, False, id="the name has an anchor"),
        pytest.param("x: &x {default: a}\nmodel: {<<: *x}\n", {"primary": "b"}, False, id="the name is merged in"),
        pytest.param("model: x\nmodel: a\n", {"primary": "b"}, False, id="the model is set twice"),
        pytest.param("model: {default: a, default: b}\n", {"primary": "c"}, False, id="the name is set twice"),
        pytest.param("model:\n  default: |\n    a\n", {"primary": "b"}, False, id="the name is a text block"),
        pytest.param("model:\n  default: a\n    a\n", {"primary": "b"}, False, id="the name spans two lines"),
        pytest.param("model: !!str a\n", {"primary": "b"}, False, id="the name has a tag"),
        pytest.param("model:\n", {"primary": "b"}, False, id="there is no model"),
        pytest.param("", {"primary": "b"}, False, id="the file is empty"),
        pytest.param(
            "model:\n  default: a\n  note: |\n    x\n", {"fallback": "b"}, False, id="the model ends in a text block"
        ),
        pytest.param("model: {<<: &x {default: a}}\n", {"primary": "b"}, False, id="the name is merged in place"),
        pytest.param("? model\n: a\n", {"fallback": "b"}, False, id="a question mark key"),
        pytest.param(
            "model: a\nfallback_model: {provider: x, model: b}\n",
            {"fallback_2": "c"},
            False,
            id="one entry, not a list",
        ),
        pytest.param(
            "{model: a, fallback_model: {provider: x, model: b}}", {"fallback": None}, False, id="removal in flow style"
        ),
        pytest.param(
            "model: a\nfallback_providers: [{provider: x, model: b}]\nfallback_model: {provider: x, model: c}\n",
            {"fallback_2": None},
            False,
            id="removing one of two keys",
        ),
        pytest.param(
            "model: a\n"
            "fallback_providers: [{provider: x, model: b}, {provider: x, model: c}, {provider: x, model: d}]\n",
            {"fallback_2": None, "fallback_3": None},
            False,
            id="removing two of three",
        ),
        pytest.param(
            "model: a\nfallback_providers: [{provider: x, model: b}, {provider: x, model: c}, {provider: x}]\n",
            {"fallback_2": None},
            False,
            id="removing before an entry that Hermes skips",
        ),
        pytest.param(
            "model: a\nfallback_providers: [{provider: custom, model: b}]\n",
            {"fallback_2": "b"},
            False,
            id="the same fallback twice",
        ),
        pytest.param(
            "x: &x {provider: y, model: b}\nmodel: a\nfallback_providers: [*x]\n",
            {"fallback": "c"},
            False,
            id="a shared entry",
        ),
        pytest.param("model: a\n", {}, True, id="no room for a credential"),
        pytest.param(
            "x: &x 1\nmodel:\n  default: a\n  y: *x\n", {"fallback": "b"}, False, id="the model ends in an alias"
        ),
        pytest.param("? fallback_providers\nmodel: a\n", {"fallback": "b"}, False, id="a key without a colon"),
        pytest.param(
            "model: a\n? fallback_model\n: {provider: x, model: b}\n",
            {"fallback": None},
            False,
            id="removing a question mark key",
        ),
        pytest.param(
            "x: &x {provider: y, model: b}\nmodel: a\nfallback_model: *x\n",
            {"fallback": None},
            False,
            id="removing an alias",
        ),
        pytest.param("x: &x\n  model: a\n<<: *x\n", {"primary": "b"}, False, id="the model is merged into the file"),
        pytest.param(
            "x: &x\n  model: a\n<<: *x\nfallback_model: {provider: x, model: b}\n",
            {"fallback": "c", "primary": "d"},
            False,
            id="half of it",
        ),
        pytest.param("model: {default: a, api_key: &k t}\nx: *k\n", {}, True, id="the token is shared by an anchor"),
        pytest.param(
            "x: &x {api_key: t}\nmodel: {default: a, provider: dbx}\nproviders: {dbx: *x}\n",
            {},
            True,
            id="a shared provider",
        ),
        pytest.param(
            "x: &x {dbx: {api_key: t}}\nmodel: {default: a, provider: dbx}\nproviders: {<<: *x}\n",
            {},
            True,
            id="a merged provider",
        ),
        pytest.param("x: &x {api_key: t}\nmodel: {default: a, <<: *x}\n", {}, True, id="a merged token"),
        pytest.param(
            "model: {default: a, provider: dbx}\nproviders: {dbx: {n: 1}}\n", {}, True, id="a provider without anything"
        ),
    ],
)
def test_what_cannot_be_changed_alone_is_refused(text: str, slots: dict[str, str | None], credential: bool) -> None:
    use = CredentialUse.ENVIRONMENT if credential else CredentialUse.KEEP
    with pytest.raises(ChangeError) as caught:
        edit_hermes(text.encode(), slots=slots, credential=use)
    assert caught.value.code in ("file_ambiguous", "slot_invalid")
    assert caught.value.remedy


@pytest.mark.parametrize(
    "slots",
    [
        pytest.param({"primary": None}, id="no primary"),
        pytest.param({"default": "b"}, id="a slot that Hermes has not"),
        pytest.param({"fallback_1": "b"}, id="fallback_1"),
        pytest.param({"fallback_3": "b"}, id="a gap"),
        pytest.param({"fallback": None, "fallback_2": "b"}, id="the first fallback removed under the second"),
    ],
)
def test_slots_without_a_place_are_refused(slots: dict[str, str | None]) -> None:
    with pytest.raises(ChangeError) as caught:
        edit_hermes(FULL.encode(), slots=slots, credential=CredentialUse.KEEP)
    assert caught.value.code == "slot_invalid"


def test_a_broken_file_is_refused() -> None:
    with pytest.raises(ChangeError) as caught:
        edit_hermes(b"model: [", slots={"primary": "b"}, credential=CredentialUse.KEEP)
    assert caught.value.code == "target_broken"


_WORD = st.from_regex(r"[A-Za-zé0-9][A-Za-z0-9 é._/-]{0,11}", fullmatch=True)
_VALUE = st.recursive(
    st.one_of(_WORD, st.integers(), st.booleans(), st.none(), st.text(max_size=20), st.floats(allow_nan=False)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(_WORD, inner, max_size=3)),
    max_leaves=6,
)
_OTHERS = st.dictionaries(_WORD.filter(lambda name: name not in ("model", "fallback_providers")), _VALUE, max_size=3)
_NAME = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._:/@-]{0,15}", fullmatch=True)


@st.composite
def documents(draw: st.DrawFn) -> tuple[bytes, dict[str, Any], bool]:
    """Return a valid config with arbitrary things around our keys, its values, and whether it has a fallback."""
    model: dict[str, Any] = {"default": draw(_NAME), **draw(_OTHERS), "provider": "custom"}
    config: dict[str, Any] = {**draw(_OTHERS), "model": model, **draw(_OTHERS)}
    fallback = draw(st.booleans())
    if fallback:
        config["fallback_providers"] = [{"provider": "custom", "model": draw(_NAME), **draw(_OTHERS)}]
        config["fallback_providers"][0] |= {"provider": "custom"}
    config |= draw(_OTHERS)
    writer = YAML(typ="safe", pure=True)
    writer.default_flow_style = draw(st.sampled_from([False, True, None]))
    text = io.StringIO()
    writer.dump(config, text)
    lines = text.getvalue().split("\n")
    if not writer.default_flow_style and draw(st.booleans()):
        lines = ["# héad", *lines]
    joined = draw(st.sampled_from(["\n", "\r\n"])).join(lines)
    return joined.encode("utf-8-sig" if draw(st.booleans()) else "utf-8"), config, fallback


def _load(content: bytes) -> Any:
    return YAML(typ="safe", pure=True).load(content.decode("utf-8-sig"))


@settings(max_examples=25)
@given(documents(), _NAME, _NAME)
def test_changing_our_values_leaves_every_other_value_and_byte(
    document: tuple[bytes, dict[str, Any], bool], primary: str, second: str
) -> None:
    content, _, fallback = document
    before = _load(content)
    slots: dict[str, str | None] = {"primary": primary, **({"fallback": second} if fallback else {})}
    try:
        edit = edit_hermes(content, slots=slots, credential=CredentialUse.KEEP)
    except ChangeError as exc:
        assert exc.code == "file_ambiguous"
        return
    before["model"]["default"] = primary
    if fallback:
        before["fallback_providers"][0]["model"] = second
    assert _load(edit.content) == before
    assert edit.content.startswith(b"\xef\xbb\xbf") == content.startswith(b"\xef\xbb\xbf")
    assert edit.content.count(b"\r\n") == content.count(b"\r\n")
    again = edit_hermes(edit.content, slots=dict(edit.before), credential=CredentialUse.KEEP)
    assert _load(again.content) == _load(content)


@settings(max_examples=20)
@given(documents(), _NAME)
def test_adding_a_fallback_adds_nothing_else(document: tuple[bytes, dict[str, Any], bool], second: str) -> None:
    content, _, fallback = document
    assume(not fallback)
    before = _load(content)
    try:
        edit = edit_hermes(content, slots={"fallback": second}, credential=CredentialUse.KEEP)
    except ChangeError as exc:
        assert exc.code == "file_ambiguous"
        return
    assert _load(edit.content) == {**before, "fallback_providers": [{"provider": "custom", "model": second}]}
    kept = iter(edit.content)
    assert all(byte in kept for byte in content), "every byte is still there, in order"


def test_most_arbitrary_documents_can_be_changed() -> None:
    """Refusing everything would pass the properties above."""
    done: list[bool] = []

    @settings(max_examples=20)
    @given(documents(), _NAME)
    def count(document: tuple[bytes, dict[str, Any], bool], primary: str) -> None:
        try:
            edit_hermes(document[0], slots={"primary": primary}, credential=CredentialUse.KEEP)
            done.append(True)
        except ChangeError:
            done.append(False)

    count()
    assert sum(done) > 0.9 * len(done)


# Where the requests go: base URLs are changed with the models, as one value

GATEWAY = "https://ws.example/ai-gateway/mlflow/v1"
WRITTEN = f'"{GATEWAY}"'
ROUTED = {slot: SlotRouting(base_url=GATEWAY, dialect=Dialect.OPENAI_CHAT) for slot in ("primary", "fallback")}


def routed(text: str, **slots: str | None) -> str:
    """Return the file after its slots were sent to the gateway."""
    edit = edit_hermes(text.encode(), slots=slots, credential=CredentialUse.KEEP, routing=ROUTED)
    return edit.content.decode()


def test_a_base_url_that_is_stated_is_changed_where_it_stands() -> None:
    text = (
        "model:\n  default: a  # one\n  base_url: https://old.example/x  # two\n"
        "fallback_model:\n  provider: custom\n  model: b\n"
    )
    assert routed(text) == text.replace("https://old.example/x", WRITTEN)


def test_a_base_url_that_is_nowhere_is_added_beside_the_provider() -> None:
    text = "model:\n  default: a\n  provider: custom\n  api_key: k\n"
    assert routed(text) == text.replace("provider: custom\n", f"provider: custom\n  base_url: {WRITTEN}\n")


def test_a_named_provider_is_sent_once_for_all_its_slots() -> None:
    text = (
        "model: {default: a, provider: dbx}\nproviders:\n  dbx:\n    base_url: https://old.example/x\n"
        "fallback_providers:\n- {provider: dbx, model: b}\n"
    )
    assert routed(text) == text.replace("https://old.example/x", WRITTEN)


def test_a_bare_model_has_no_room_for_a_base_url() -> None:
    with pytest.raises(ChangeError) as caught:
        routed("model: a\n")
    assert caught.value.code == "file_ambiguous"


def test_the_difference_names_the_base_url() -> None:
    text = "model:\n  default: a\n  base_url: https://old.example/x\n"
    edit = edit_hermes(text.encode(), slots={}, credential=CredentialUse.KEEP, routing=ROUTED)
    assert [(entry.field, entry.old, entry.new) for entry in edit.diff] == [
        ("model.base_url", "https://old.example/x", GATEWAY)
    ]


CHAT = f"{GATEWAY}/elsewhere"


def apart(text: str, **slots: str | None) -> str:
    """Send the fallback another way than the primary, and return the text after."""
    routing = {**ROUTED, "fallback": SlotRouting(base_url=CHAT, dialect=Dialect.OPENAI_CHAT)}
    return edit_hermes(text.encode(), slots=slots, credential=CredentialUse.KEEP, routing=routing).content.decode()


def test_a_fallback_that_goes_with_the_primary_gets_a_base_url_when_it_no_longer_does() -> None:
    text = (
        f"model: {{default: a, base_url: '{GATEWAY}'}}\nfallback_providers:\n- provider: custom\n  model: b  # spare\n"
    )
    assert apart(text) == text.replace("custom\n", f'custom\n  base_url: "{CHAT}"\n')


def test_a_new_fallback_that_goes_another_way_says_so() -> None:
    text = f"model:\n  default: a\n  base_url: {GATEWAY}\n"
    added = f'fallback_providers:\n- provider: custom\n  model: b\n  base_url: "{CHAT}"\n'
    assert apart(text, fallback="b") == text + added


def test_a_new_fallback_that_goes_with_the_primary_needs_no_base_url() -> None:
    text = "model:\n  default: a\n  base_url: https://old.example/x\n"
    assert routed(text, fallback="b").endswith("\nfallback_providers:\n- provider: custom\n  model: b\n")


def test_a_fallback_is_not_sent_where_the_primarys_token_does_not_follow() -> None:
    text = f"model: {{default: a, base_url: '{GATEWAY}', api_key: t}}\nfallback_model: {{provider: custom, model: b}}\n"
    other = {"fallback": SlotRouting(base_url="https://other.example/x", dialect=Dialect.OPENAI_CHAT)}
    with pytest.raises(ChangeError) as caught:
        edit_hermes(text.encode(), slots={}, credential=CredentialUse.KEEP, routing=other)
    assert caught.value.code == "file_ambiguous" and "without a credential" in caught.value.message
