"""Only the asked-for values change in an app.yaml; every other byte stays, or nothing is changed at all."""

from __future__ import annotations

import io
from itertools import takewhile
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from core.adapters.app_yaml import EnvEntry, edit_env, read_env
from core.errors import ChangeError

FULL = b"""\
# how the agents run; do not touch the order
command: ["gunicorn", "app:app"]   # not a shell

env:
  # --- agents ---
  - name: HERMES_MODEL
    value: old-a        # the big one
  - name: HERMES_FALLBACK_MODEL
    value: "old-b"
  - name: 'CODEX_MODEL'
    value: 'old-c'
  # --- the rest ---
  - {name: MAX_CONCURRENT_SESSIONS, value: 5}
  - name: NPM_TOKEN
    valueFrom: npm-token

resources: &r
  - x
more: *r
"""


def text(content: bytes) -> str:
    return content.decode()


def loaded(content: bytes) -> Any:
    """Return the document as another reader sees it, every scalar as its text."""
    return YAML(typ="base", pure=True).load(io.BytesIO(content))


@pytest.mark.parametrize(
    ("name", "value", "old", "new"),
    [
        ("HERMES_MODEL", "new-a", "value: old-a   ", "value: new-a   "),
        ("HERMES_FALLBACK_MODEL", "new-b", '"old-b"', '"new-b"'),
        ("CODEX_MODEL", "new-c", "'old-c'", "'new-c'"),
        ("MAX_CONCURRENT_SESSIONS", "7", "value: 5}", 'value: "7"}'),
        ("HERMES_MODEL", "", "value: old-a   ", 'value: ""   '),
        ("HERMES_MODEL", "it's: #1, [x]", "value: old-a   ", 'value: "it\'s: #1, [x]"   '),
        ("HERMES_MODEL", "true", "value: old-a   ", 'value: "true"   '),
        ("CODEX_MODEL", "it's", "'old-c'", "'it''s'"),
        ("HERMES_FALLBACK_MODEL", 'a"b\\c', '"old-b"', r'"a\"b\\c"'),
    ],
)
def test_only_the_value_changes_and_keeps_its_quotes(name: str, value: str, old: str, new: str) -> None:
    assert text(edit_env(FULL, {name: value})) == text(FULL).replace(old, new)


def test_what_is_missing_is_written_like_the_neighbour_that_it_stands_beside() -> None:
    changed = edit_env(FULL, {"HERMES_EXTRA": "x"}, beside=("HERMES_MODEL", "HERMES_FALLBACK_MODEL"))
    assert text(changed) == text(FULL).replace(
        '    value: "old-b"\n', '    value: "old-b"\n  - name: HERMES_EXTRA\n    value: "x"\n'
    )
    changed = edit_env(FULL, {"EXTRA": "x"}, beside=("CODEX_MODEL",))
    assert text(changed) == text(FULL).replace(
        "    value: 'old-c'\n", "    value: 'old-c'\n  - name: 'EXTRA'\n    value: 'x'\n"
    )


def test_without_a_neighbour_it_is_written_at_the_end() -> None:
    changed = edit_env(FULL, {"EXTRA": "x"})
    assert text(changed) == text(FULL).replace(
        "    valueFrom: npm-token\n", "    valueFrom: npm-token\n  - {name: EXTRA, value: x}\n"
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"", b"env:\n  - name: A\n    value: x\n"),
        (b"# empty\n", b"# empty\nenv:\n  - name: A\n    value: x\n"),
        (b"command: [a]", b"command: [a]\nenv:\n  - name: A\n    value: x\n"),
        (b"command: [a]\r\n", b"command: [a]\r\nenv:\r\n  - name: A\r\n    value: x\r\n"),
        (b"env:   # none yet\ncommand: [a]\n", b"env:   # none yet\n  - name: A\n    value: x\ncommand: [a]\n"),
        (b"env: []\n", b"env: [{name: A, value: x}]\n"),
        (b"env: [{name: B, value: 1}]\n", b"env: [{name: B, value: 1}, {name: A, value: x}]\n"),
        (b"env:\n- name: B\n  value: y", b"env:\n- name: B\n  value: y\n- name: A\n  value: x"),
        (b'env:\n-   value: "y"\n    name: B\n', b'env:\n-   value: "y"\n    name: B\n-   value: "x"\n    name: A\n'),
        (b"env:\n  - name: B\n    valueFrom: r\n", b"env:\n  - name: B\n    valueFrom: r\n  - name: A\n    value: x\n"),
        (
            b"env:\n  - name: C\n    value: |\n      many\n      lines\n  - name: B\n    # why\n    value: y\n",
            b"env:\n  - name: C\n    value: |\n      many\n      lines\n  - name: B\n    # why\n    value: y\n"
            b"  - name: A\n    value: x\n",
        ),
        (b"env:\n  - name: A\n", b"env:\n  - name: A\n    value: x\n"),
        (b"env:\n  - name: A\n    value:\n", b"env:\n  - name: A\n    value: x\n"),
    ],
)
def test_adding(before: bytes, after: bytes) -> None:
    assert edit_env(before, {"A": "x"}) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"env:\n  - name: A\n    value: x # mine\n  # next\n  - name: B\n", b"env:\n  # next\n  - name: B\n"),
        (b"env:\n  - name: B\n    value: y\n  - name: A\n    value: x", b"env:\n  - name: B\n    value: y"),
        (b"env:\n  - name: A\n    value: x\ncommand: [a]\n", b"env:\ncommand: [a]\n"),
        (b"env: [{name: A, value: x}, {name: B}]\n", b"env: [{name: B}]\n"),
        (b"env: [{name: B}, {name: A, value: x}]\n", b"env: [{name: B}]\n"),
        (b"env: [{name: A, value: x}]\n", b"env: []\n"),
        (b"env:\n  - name: A\n    valueFrom: r\n  - name: B\n", b"env:\n  - name: B\n"),
        (b"env:\n  - name: B\n", b"env:\n  - name: B\n"),
    ],
)
def test_removing(before: bytes, after: bytes) -> None:
    assert edit_env(before, {"A": None}) == after


@pytest.mark.parametrize(
    ("content", "code", "clause"),
    [
        (b"env:\n  - name: A\n    value: 1\n  - name: A\n    value: 2\n", "file_ambiguous", "A is set twice"),
        (b"env:\n  - name: A\n    value: &v y\nz: *v\n", "file_ambiguous", "anchor"),
        (b"z: &v y\nenv:\n  - name: A\n    value: *v\n", "file_ambiguous", "anchor"),
        (b"env:\n  - name: A\n    value: &v y\n", "file_ambiguous", "not written as one plain"),
        (b"env:\n  - &e\n    name: A\n    value: y\nz: *e\n", "file_ambiguous", "shared"),
        (b"env: &e\n  - name: A\n    value: y\nz: *e\n", "file_ambiguous", "anchor"),
        (b"b: &b {name: A}\nenv:\n  - <<: *b\n    value: y\n", "file_ambiguous", "not simply"),
        (b"env:\n  A: y\n", "file_ambiguous", "not a list"),
        (b"env: none\n", "file_ambiguous", "not a list"),
        (b"env:\n  - A=y\n", "file_ambiguous", "not simply"),
        (b"env:\n  - value: y\n", "file_ambiguous", "no name"),
        (b"env:\n  - name: A\n    value: [y]\n", "file_ambiguous", "not a text"),
        (b"env:\n  - name: A\n    value: y\n    value: z\n", "file_ambiguous", "twice"),
        (b"env:\n  - name: A\n    value: |\n      y\n", "file_ambiguous", "plain or quoted"),
        (b"env:\n  - name: A\n    value: y\nenv: []\n", "file_ambiguous", "twice"),
        (b"env:\n  - {name: A,\tvalue: y}\n", "file_ambiguous", "tab"),
        (b"env:\n  - name:\tA\n    value: y\n", "app_yaml_broken", "line 2"),
        (b"env:\n  - name: A\n    valueFrom: secret\n", "file_ambiguous", "resource secret"),
        (b"- name: A\n", "file_ambiguous", "no mapping"),
        (b"env:\n  - name: A\n    value: y\n---\nenv: []\n", "app_yaml_broken", "more than one document"),
        (b"env:\n\t- name: A\n", "app_yaml_broken", "line 2"),
        (b"env: [\n", "app_yaml_broken", "not valid YAML"),
        (b"\xff\xfe", "app_yaml_broken", "UTF-8"),
    ],
)
def test_what_cannot_be_changed_on_its_own_is_refused(content: bytes, code: str, clause: str) -> None:
    with pytest.raises(ChangeError) as refused:
        edit_env(content, {"A": "x"})
    assert refused.value.code == code
    assert clause in refused.value.message
    assert refused.value.message.count(". ") == 0 and refused.value.remedy


@pytest.mark.parametrize(
    "value", ["a\nb", "a\r", "a\x00b", "\x1b[2J", "a\tb", "a\u2028b", "a\u202eb", "\ufeff", "x" * 1001]
)
def test_values_that_hide_something_are_refused(value: str) -> None:
    with pytest.raises(ChangeError) as refused:
        edit_env(FULL, {"HERMES_MODEL": value})
    assert refused.value.code == "value_invalid"


@pytest.mark.parametrize("name", ["", "A B", "1A", "A: x\n", "ÄA", "x" * 200])
def test_names_that_no_variable_has_are_refused(name: str) -> None:
    with pytest.raises(ChangeError, match="no name of an environment variable"):
        edit_env(FULL, {name: "x"})


def test_reading_tells_values_from_references() -> None:
    assert read_env(FULL) == (
        EnvEntry(name="HERMES_MODEL", value="old-a"),
        EnvEntry(name="HERMES_FALLBACK_MODEL", value="old-b"),
        EnvEntry(name="CODEX_MODEL", value="old-c"),
        EnvEntry(name="MAX_CONCURRENT_SESSIONS", value="5"),
        EnvEntry(name="NPM_TOKEN", value_from="npm-token"),
    )
    assert read_env(b"") == read_env(b"env:\n") == read_env(b"command: [a]\n") == ()


def test_several_values_change_together_or_not_at_all() -> None:
    changed = edit_env(FULL, {"HERMES_MODEL": "a", "HERMES_FALLBACK_MODEL": None, "ENABLE_HERMES": "true"})
    names = {entry.name: entry.value for entry in read_env(changed)}
    assert (names["HERMES_MODEL"], names["ENABLE_HERMES"]) == ("a", "true")
    assert "HERMES_FALLBACK_MODEL" not in names
    with pytest.raises(ChangeError):
        edit_env(FULL, {"HERMES_MODEL": "a", "NPM_TOKEN": "x"})


PRINTABLE = st.text(st.characters(exclude_categories=("C", "Zl", "Zp", "Zs"), include_characters=" "), max_size=40)
MODEL = st.from_regex(r"[a-z][a-z0-9._/-]{0,30}", fullmatch=True).filter(
    lambda model: model not in ("y", "n", "yes", "no", "on", "off", "true", "false", "null")
)
COMMENT = st.sampled_from(["", "# why", "#- name: OLD", "    # deep", "\n# after a gap"])
OTHERS = ("OTHER_A", "OTHER_B", "OTHER_C", "OTHER_D")
OTHER_VALUE = st.one_of(
    st.sampled_from(["value: 0", "value: true", "value: 1.10", "valueFrom: secret-a", "value: ''", "value: ~"]),
    PRINTABLE.map(lambda words: "value: " + _double(words)),
    PRINTABLE.map(lambda words: "value: '" + words.replace("'", "''") + "'"),
)


def _double(words: str) -> str:
    return '"' + words.replace("\\", "\\\\").replace('"', '\\"') + '"'


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, str, str]:
    """Return an app.yaml with our variable in it, the quotes it stands in, and its value."""
    quote = draw(st.sampled_from(["", "'", '"']))
    model = draw(MODEL)
    names = list(draw(st.lists(st.sampled_from(OTHERS), unique=True, max_size=4)))
    names.insert(draw(st.integers(0, len(names))), "HERMES_MODEL")
    indent = " " * draw(st.integers(0, 4))
    gap = " " * draw(st.integers(1, 3))
    lines = [*draw(st.sampled_from([[], ["command: [a, 'b']"], ["# top", "command:", "  - x", ""]])), "env:"]
    for name in names:
        stated = f"value: {quote}{model}{quote}" if name == "HERMES_MODEL" else draw(OTHER_VALUE)
        comment = draw(COMMENT)
        lines += comment.split("\n") if comment else []
        tail = draw(st.sampled_from(["", "   # note"]))
        if draw(st.booleans()):
            lines.append(f"{indent}-{gap}{{name: {name}, {stated}}}{tail}")
        else:
            lines += [f"{indent}-{gap}name: {name}", f"{indent} {gap}{stated}{tail}"]
    lines += draw(st.sampled_from([[], ["resources:", "  - y: 1"], ["# the end"]]))
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    return newline.join(lines) + draw(st.sampled_from(["", newline])), quote, model


@given(documents(), PRINTABLE)
def test_only_our_value_differs_whatever_surrounds_it(document: tuple[str, str, str], value: str) -> None:
    original, quote, model = document
    assume(value != model)
    changed = text(edit_env(original.encode(), {"HERMES_MODEL": value}))
    start = original.index(f"value: {quote}{model}", original.index("name: HERMES_MODEL")) + len("value: ")
    old = f"{quote}{model}{quote}"
    assert changed.startswith(original[:start])
    assert changed.endswith(original[start + len(old) :])
    before, after = loaded(original.encode()), loaded(changed.encode())
    (entry,) = [one for one in before["env"] if one["name"] == "HERMES_MODEL"]
    entry["value"] = value
    assert after == before


@given(documents(), st.data())
def test_a_change_and_its_inverse_leave_the_same_bytes(document: tuple[str, str, str], data: st.DataObject) -> None:
    original, quote, model = document
    # A plain text stays plain only for plain words; what stands in quotes keeps them for anything.
    value = data.draw(PRINTABLE if quote else MODEL)
    changed = edit_env(original.encode(), {"HERMES_MODEL": value})
    assert text(edit_env(changed, {"HERMES_MODEL": model})) == original


@given(documents(), PRINTABLE, st.lists(st.sampled_from(["HERMES_MODEL", *OTHERS]), max_size=2))
def test_adding_and_removing_leaves_the_identical_bytes(
    document: tuple[str, str, str], value: str, beside: list[str]
) -> None:
    original = document[0]
    added = edit_env(original.encode(), {"ADDED": value}, beside=beside)
    assert EnvEntry(name="ADDED", value=value) in read_env(added)
    without = [entry for entry in read_env(added) if entry.name != "ADDED"]
    assert without == list(read_env(original.encode()))
    assert text(edit_env(added, {"ADDED": None})) == original


@given(documents())
def test_removing_removes_just_its_entry(document: tuple[str, str, str]) -> None:
    original = document[0]
    removed = edit_env(original.encode(), {"HERMES_MODEL": None})
    expected = loaded(original.encode())
    expected["env"] = [one for one in expected["env"] if one["name"] != "HERMES_MODEL"] or ""
    assert loaded(removed) == expected
    same = takewhile(lambda pair: pair[0] == pair[1], zip(original, text(removed), strict=False))
    assert original.endswith(text(removed)[len(list(same)) :])
    assert len(original.splitlines()) - len(text(removed).splitlines()) <= 2


@given(st.binary(max_size=200))
def test_arbitrary_bytes_are_refused_or_changed_and_never_raise_anything_else(content: bytes) -> None:
    try:
        changed = edit_env(content, {"A": "x"})
    except ChangeError:
        return
    assert EnvEntry(name="A", value="x") in read_env(changed)
