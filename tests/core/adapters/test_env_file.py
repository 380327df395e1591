"""Changing single assignments of a .env file: every other byte stays."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.adapters.env_file import AmbiguousEnv, EnvFile, UnreadableEnv

WRITTEN = b"""\xef\xbb\xbf# ours\r
export A=one # why\r
\r
B = "two words"\r
C='x#y'\r
PEM="first\r
A=inside\r
last"\r
D="""


def test_what_the_lines_say() -> None:
    values = EnvFile(WRITTEN).values
    assert values == {"A": "one", "B": "two words", "C": "x#y", "PEM": "first\r\nA=inside\r\nlast", "D": ""}
    assert EnvFile(b'A: x\nB="a\\nb"\nC=`q`\n').values == {"A": "x", "B": "a\nb", "C": "q"}
    assert EnvFile(WRITTEN).get("D") is None and EnvFile(None).get("A") is None


def test_only_the_value_differs() -> None:
    env = EnvFile(WRITTEN)
    env.put("A", "new")
    env.put("B", "it has # and spaces")
    env.put("E", "end")
    changed = WRITTEN.replace(b"=one", b"=new").replace(b'"two words"', b"'it has # and spaces'")
    assert env.content == changed + b"\r\nE=end\r\n"


def test_an_assignment_goes_with_its_line() -> None:
    env = EnvFile(WRITTEN)
    env.drop("A")
    env.drop("PEM")
    env.drop("nobody")
    assert env.content == b"\xef\xbb\xbf# ours\r\n\r\nB = \"two words\"\r\nC='x#y'\r\nD="


def test_what_cannot_be_changed_alone_is_refused() -> None:
    env = EnvFile(b"A=1\nA=2\n")
    assert env.get("A") == "2"
    with pytest.raises(AmbiguousEnv, match="A is there 2 times"):
        env.put("A", "3")
    with pytest.raises(AmbiguousEnv, match="cannot be written"):
        env.put("B", "it's")
    assert env.content == b"A=1\nA=2\n"


@pytest.mark.parametrize("content", [b"\xff", b"A=\0"])
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(UnreadableEnv):
        EnvFile(content)


LINES = st.sampled_from(["# A=1", "", "X=1", "export Y='2' # c", 'Z="a\nb"', "  W =  3  ", "not a line"])


@given(st.lists(LINES, max_size=6), st.sampled_from(["\n", "\r\n"]), st.text(alphabet="ab/:. #", min_size=1))
def test_there_and_back_is_the_identity(lines: list[str], line_break: str, value: str) -> None:
    content = "".join(line.replace("\n", line_break) + line_break for line in lines).encode()
    env = EnvFile(content + b"A=old" + line_break.encode())
    before = env.content
    env.put("A", value)
    assert env.values["A"] == value
    env.put("A", "old")
    assert env.content == before
    env.drop("A")
    assert env.content == content
