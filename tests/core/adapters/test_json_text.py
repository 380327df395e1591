"""Changing single values of a JSON text: nothing else moves, whatever the text looks like."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.json_text import AmbiguousJson, Json, JsonText, UnreadableJson

KEYS = st.text(alphabet='abc"\\/ é\n', max_size=4)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
VALUES: st.SearchStrategy[Json] = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
GAPS = st.sampled_from(["", " ", "\n", "\r\n\t", "/* a , } */", " // b , }\n", "\n  // c\n  "])


@st.composite
def texts(draw: st.DrawFn, value: Json) -> str:
    """Return a value as somebody may have written it, with comments and odd spaces."""

    def gap() -> str:
        return draw(GAPS)

    if isinstance(value, dict):
        items = [f"{gap()}{json.dumps(key)}{gap()}:{gap()}{draw(texts(item))}{gap()}" for key, item in value.items()]
        return "{" + (",".join(items) or gap()) + "}"
    if isinstance(value, list):
        return "[" + (",".join(f"{gap()}{draw(texts(item))}{gap()}" for item in value) or gap()) + "]"
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


@st.composite
def documents(draw: st.DrawFn) -> tuple[dict[str, Json], bytes]:
    value = draw(st.dictionaries(KEYS, VALUES, max_size=4))
    return value, draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + (draw(GAPS) + draw(texts(value)) + "\n").encode()


@given(documents())
def test_a_text_is_read_as_what_it_says(document: tuple[dict[str, Json], bytes]) -> None:
    value, content = document
    text = JsonText(content)
    assert text.value == value and text.content == content


@given(documents(), KEYS, VALUES)
def test_a_value_is_put_and_nothing_else_differs(
    document: tuple[dict[str, Json], bytes], key: str, fresh: Json
) -> None:
    value, content = document
    text = JsonText(content)
    text.put((key,), fresh)
    assert JsonText(text.content).value == {**value, key: fresh}
    assert isinstance(text.value, dict) and list(text.value) == list({**value, key: fresh})
    if key in value:
        text.put((key,), value[key])
    else:
        text.drop((key,))
    assert JsonText(text.content).value == value


@given(documents(), st.data())
def test_a_value_is_dropped_and_nothing_else_differs(
    document: tuple[dict[str, Json], bytes], data: st.DataObject
) -> None:
    value, content = document
    if not value:
        return
    key = data.draw(st.sampled_from(sorted(value)))
    text = JsonText(content)
    comments = content.count(b"/* a , } */")
    text.drop((key,))
    assert text.value == {name: item for name, item in value.items() if name != key}
    assert content.count(b"// b") >= text.content.count(b"// b") and comments >= text.content.count(b"/* a , } */")


WRITTEN = b"""\xef\xbb\xbf{\r
\t"env": {\r
\t\t"A": "1", // why\r
\t\t"B" : "2" /* end */\r
\t},\r
\t"list": ["x", "y"],\r
\t"compact": {"p": 1, "q": 2}\r
}\r
"""


def test_only_the_bytes_of_the_value_differ() -> None:
    text = JsonText(WRITTEN)
    text.put(("env", "A"), "new")
    assert text.content == WRITTEN.replace(b'"1"', b'"new"')


def test_a_new_key_is_written_as_its_siblings_are() -> None:
    text = JsonText(WRITTEN)
    text.put(("env", "C"), "3")
    text.put(("compact", "r"), 3)
    text.append(("list",), "z")
    changed = WRITTEN.replace(b'"2" /* end */', b'"2", /* end */\r\n\t\t"C" : "3"')
    changed = changed.replace(b'"q": 2', b'"q": 2, "r": 3').replace(b'"x", "y"', b'"x", "y", "z"')
    assert text.content == changed
    text.drop(("env", "C"))
    text.drop(("compact", "r"))
    assert text.content == WRITTEN.replace(b'"x", "y"', b'"x", "y", "z"')


def test_objects_above_a_new_key_are_made() -> None:
    text = JsonText(None)
    text.put(("a", "b"), "c")
    text.put(("a", "d"), True)
    assert text.content == b'{\n  "a": {\n    "b": "c",\n    "d": true\n  }\n}\n'


@pytest.mark.parametrize(
    ("content", "clause"),
    [
        (b"", "line 1 is not JSON"),
        (b'{\n"a": NaN}', "line 2 is not JSON"),
        (b'{"a": 1,}', "line 1 is not JSON"),
        (b'{"a": 1} x', "line 1 is not JSON"),
        (b'{"a": 01}', "line 1 is not JSON"),
        (b'{"a": "\n"}', "line 1 is not JSON"),
        (b"{'a': 1}", "line 1 is not JSON"),
        (b'{"a" /* open : 1}', "line 1 is not JSON"),
        (b"[" * 9999, "it is nested too deeply"),
        ('{"a": "ü"}'.encode("latin-1"), "it is not UTF-8 text"),
    ],
)
def test_what_is_no_json_is_refused_with_its_line(content: bytes, clause: str) -> None:
    with pytest.raises(UnreadableJson, match=f"^{clause}$"):
        JsonText(content)


def test_a_key_that_is_there_twice_is_refused_on_our_path_only() -> None:
    text = JsonText(b'{"env": {"A": 1, "A": 2}, "x": {"B": 1}}')
    text.put(("x", "B"), 2)
    with pytest.raises(AmbiguousJson, match="there 2 times"):
        text.get(("env", "A"))
    with pytest.raises(AmbiguousJson, match="there 2 times"):
        text.put(("env", "A"), 3)
    with pytest.raises(AmbiguousJson, match="there 2 times"):
        text.drop(("env", "A"))
    assert text.content == b'{"env": {"A": 1, "A": 2}, "x": {"B": 2}}'


def test_a_path_through_something_else_is_refused() -> None:
    text = JsonText(b'{"env": "text"}')
    with pytest.raises(AmbiguousJson, match="env is not an object"):
        text.put(("env", "A"), "x")


@pytest.mark.parametrize("content", [b'{"a": 1,}', b'{"a": {"b": 1 /* x */ , // y\n },\n}'])
def test_trailing_commas_are_kept_where_they_are_allowed(content: bytes) -> None:
    text = JsonText(content, trailing_commas=True)
    text.put(("z",), 1)
    text.put(("a",), {"b": 2})
    text.put(("a", "c"), 3)
    assert text.value == {"a": {"b": 2, "c": 3}, "z": 1}
    text.drop(("z",))
    text.drop(("a",))
    assert text.value == {}
