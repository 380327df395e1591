"""Change single values inside a JSON text by splicing, and prove that nothing else changed; others know the meaning.

Comments are read and kept, as the agents' own readers allow them; everything else is strict.
"""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Path = Sequence[str]

_MAX_DEPTH = 60
_SPACE = re.compile(r"(?:[ \t\r\n]+|//[^\r\n]*|/\*.*?\*/)*", re.DOTALL)
_TOKEN = re.compile(
    r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"'
    r"|-?(?:0|[1-9][0-9]{0,999})(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null"
)


class UnreadableJson(ValueError):
    """Say in one clause why a text is no JSON that we read."""


class AmbiguousJson(ValueError):
    """Say in one clause why a value cannot be changed without touching something else."""


@dataclass(frozen=True, slots=True)
class Node:
    """One value and its place; an object has `members`, a list `items`, and `ends_with_comma` is for both."""

    start: int
    end: int
    value: Json
    members: tuple[Member, ...] | None = None
    ends_with_comma: bool = False

    def find(self, key: str) -> Member | None:
        """Return the member of this key; raises AmbiguousJson when there are several."""
        found = [member for member in self.members or () if member.key == key]
        if len(found) > 1:
            raise AmbiguousJson(f"{key[:40]} is there {len(found)} times")
        return found[0] if found else None


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of an object, or of a list, where `key` is empty and `start` is the value's."""

    key: str
    start: int
    key_end: int
    node: Node


class _Reader:
    def __init__(self, text: str, *, trailing_commas: bool) -> None:
        self.text = text
        self._trailing_commas = trailing_commas

    def document(self) -> Node:
        root = self._value(self.past_space(0), 0)
        if (end := self.past_space(root.end)) != len(self.text):
            raise self._error(end)
        return root

    def past_space(self, at: int) -> int:
        found = _SPACE.match(self.text, at)
        return found.end() if found else at

    def _value(self, at: int, depth: int) -> Node:
        if depth > _MAX_DEPTH:
            raise UnreadableJson("it is nested too deeply")
        if self.text[at : at + 1] in ("{", "["):
            return self._collection(at, depth)
        found = _TOKEN.match(self.text, at)
        if found is None:
            raise self._error(at)
        return Node(at, found.end(), json.loads(found.group()))

    def _collection(self, start: int, depth: int) -> Node:
        closing = "}" if self.text[start] == "{" else "]"
        members: list[Member] = []
        at, comma = self.past_space(start + 1), False
        while self.text[at : at + 1] != closing:
            if members and not comma:
                raise self._error(at)
            member = self._member(at, depth + 1, keyed=closing == "}")
            members.append(member)
            at = self.past_space(member.node.end)
            comma = self.text[at : at + 1] == ","
            if comma:
                at = self.past_space(at + 1)
        if comma and not self._trailing_commas:
            raise self._error(at)
        value: Json = [member.node.value for member in members]
        if closing == "}":
            value = {member.key: member.node.value for member in members}
        return Node(start, at + 1, value, tuple(members), comma)

    def _member(self, at: int, depth: int, *, keyed: bool) -> Member:
        if not keyed:
            return Member("", at, at, self._value(at, depth))
        key = _TOKEN.match(self.text, at)
        if key is None or not key.group().startswith('"'):
            raise self._error(at)
        colon = self.past_space(key.end())
        if self.text[colon : colon + 1] != ":":
            raise self._error(colon)
        return Member(json.loads(key.group()), at, key.end(), self._value(self.past_space(colon + 1), depth))

    def _error(self, at: int) -> UnreadableJson:
        return UnreadableJson(f"line {self.text.count(chr(10), 0, at) + 1} is not JSON")


class JsonText:
    """One document that is being changed; a document that is not there yet starts as an empty object."""

    def __init__(self, content: bytes | None, *, trailing_commas: bool = False) -> None:
        """Read a document; raises UnreadableJson."""
        whole = b"{}\n" if content is None else content
        self._bom = whole.startswith(codecs.BOM_UTF8)
        self._trailing_commas = trailing_commas
        try:
            self._text = whole.removeprefix(codecs.BOM_UTF8).decode()
        except UnicodeDecodeError as exc:
            raise UnreadableJson("it is not UTF-8 text") from exc
        self._root = self._read()

    @property
    def value(self) -> Json:
        """Return the whole document as plain values."""
        return self._root.value

    @property
    def content(self) -> bytes:
        """Return the bytes as they stand."""
        return (codecs.BOM_UTF8 if self._bom else b"") + self._text.encode()

    def get(self, path: Path) -> Json:
        """Return a value, None where there is none; raises AmbiguousJson for a key that is there twice."""
        node: Node | None = self._root
        for key in path:
            if node is None or not isinstance(node.value, dict):
                return None
            member = node.find(key)
            node = member.node if member else None
        return node.value if node else None

    def has(self, path: Path) -> bool:
        """Say whether a key is there, whatever its value."""
        parent = self.get(path[:-1])
        return isinstance(parent, dict) and path[-1] in parent

    def put(self, path: Path, value: Json) -> None:
        """Give a key this value, beside its siblings when it is new; objects above it are made as needed."""
        wanted = _with(self.value, path, value)
        parent = self._parent(path)
        member = parent.find(path[-1]) if parent else None
        if parent is None:
            self.put(path[:-1], {path[-1]: value})
        elif member is not None:
            self._splice(member.node.start, member.node.end, self._dump(value, self._indent_at(member.start)))
        else:
            self._insert(parent, path[-1], value)
        self._prove(wanted)

    def append(self, path: Path, value: Json) -> None:
        """Add a value to the end of a list, which is made when it is not there."""
        listed = self.get(path)
        if listed is None:
            self.put(path, [value])
            return
        if not isinstance(listed, list):
            raise AmbiguousJson(f"{path[-1]} is not a list")
        wanted = _with(self.value, path, [*listed, value])
        member = (self._parent(path) or self._root).find(path[-1])
        assert member is not None
        self._insert(member.node, None, value)
        self._prove(wanted)

    def drop(self, path: Path) -> None:
        """Take a key away, with its comma and not with the comments around it."""
        parent = self._parent(path)
        gone = parent.find(path[-1]) if parent else None
        if parent is None or gone is None or parent.members is None:
            return
        wanted = _with(self.value, path, None, drop=True)
        index = parent.members.index(gone)
        after = self._past_space(gone.node.end)
        if len(parent.members) == 1:
            end = after + 1 if parent.ends_with_comma else gone.node.end
            inside = self._text[parent.start + 1 : gone.start] + self._text[end : parent.end - 1]
            self._splice(parent.start + 1, parent.end - 1, inside if inside.strip() else "")
        elif index < len(parent.members) - 1:
            rest = self._text[after + 1 :]
            self._splice(gone.start, after + 1 + len(rest) - len(rest.lstrip(" \t\r\n")), "")
        else:
            self._drop_last(parent, parent.members[index - 1], gone)
        self._prove(wanted)

    def _drop_last(self, parent: Node, former: Member, gone: Member) -> None:
        """Undo what `_insert` does: the comma before it goes, what stood around it stays."""
        comma = self._past_space(former.node.end)
        if parent.ends_with_comma:
            self._splice(gone.start, self._past_space(gone.node.end) + 1, "")
            return
        between = self._text[former.node.end : comma] + self._text[comma + 1 : gone.start].rstrip(" \t\r\n")
        if "//" in between.rpartition("\n")[2] and self._text[gone.node.end : gone.node.end + 1] not in ("\r", "\n"):
            between += self._line_break
        self._splice(former.node.end, gone.node.end, between)

    def _parent(self, path: Path) -> Node | None:
        node = self._root
        for index, key in enumerate(path[:-1]):
            if not isinstance(node.value, dict):
                raise AmbiguousJson(f"{'.'.join(path[:index])} is not an object")
            member = node.find(key)
            if member is None:
                return None
            node = member.node
        if not isinstance(node.value, dict):
            raise AmbiguousJson(f"{'.'.join(path[:-1]) or 'the file'} is not an object")
        return node

    def _insert(self, parent: Node, key: str | None, value: Json) -> None:
        if not parent.members:
            self._fill(parent, key, value)
            return
        last = parent.members[-1]
        end = self._past_space(last.node.end)
        comma = "" if parent.ends_with_comma else ","
        begin = end + 1 if parent.ends_with_comma else last.node.end
        trivia = self._text[begin : parent.end - 1].rstrip(" \t\r\n")
        # A comment behind the last entry stays behind it.
        own_line = self._starts_line(last.start) or "//" in trivia
        indent = self._indent_at(last.start)
        gap = self._line_break + indent if own_line else self._gap(parent)
        self._splice(
            begin, begin + len(trivia), comma + trivia + gap + self._member(key, value, indent, last, own_line)
        )

    def _fill(self, parent: Node, key: str | None, value: Json) -> None:
        trivia = self._text[parent.start + 1 : parent.end - 1].rstrip(" \t\r\n")
        outer = self._indent_at(parent.start)
        many_lines = parent is self._root or "\n" in self._text[: self._text.find('"') + 1] or bool(trivia)
        if many_lines:
            inner = outer + self._unit
            text = trivia + self._line_break + inner + self._member(key, value, inner, None, True)
            text += self._line_break + outer
        else:
            text = self._member(key, value, outer, None, False)
        self._splice(parent.start + 1, parent.end - 1, text)

    def _member(self, key: str | None, value: Json, indent: str, sibling: Member | None, many_lines: bool) -> str:
        shown = self._dump(value, indent) if many_lines else json.dumps(value, ensure_ascii=False)
        if key is None:
            return shown
        colon = ": "
        if sibling is not None:
            written = self._text[sibling.key_end : sibling.node.start]
            colon = written if re.fullmatch(r" ?: ?", written) else colon
        return json.dumps(key, ensure_ascii=False) + colon + shown

    def _dump(self, value: Json, indent: str) -> str:
        if "\n" not in self._text.strip() and self._root.members:
            return json.dumps(value, ensure_ascii=False)
        lines = json.dumps(value, ensure_ascii=False, indent=self._unit).split("\n")
        return (self._line_break + indent).join(lines)

    def _gap(self, parent: Node) -> str:
        members = parent.members or ()
        if len(members) < 2:
            return " "
        before = self._text[: members[-1].start]
        return before[len(before.rstrip(" \t")) :]

    @property
    def _line_break(self) -> str:
        return "\r\n" if "\r\n" in self._text else "\n"

    @property
    def _unit(self) -> str:
        first = self._root.members[0] if self._root.members else None
        found = self._indent_at(first.start) if first and self._starts_line(first.start) else ""
        return found or "  "

    def _indent_at(self, at: int) -> str:
        line = self._text[self._text.rfind("\n", 0, at) + 1 : at]
        return line[: len(line) - len(line.lstrip(" \t"))]

    def _starts_line(self, at: int) -> bool:
        line_start = self._text.rfind("\n", 0, at) + 1
        return line_start > 0 and not self._text[line_start:at].strip()

    def _past_space(self, at: int) -> int:
        found = _SPACE.match(self._text, at)
        return found.end() if found else at

    def _read(self) -> Node:
        return _Reader(self._text, trailing_commas=self._trailing_commas).document()

    def _splice(self, start: int, end: int, fresh: str) -> None:
        self._text = self._text[:start] + fresh + self._text[end:]
        self._root = self._read()

    def _prove(self, wanted: Json) -> None:
        if self.value != wanted:
            raise AmbiguousJson("another value would change too")


def _with(value: Json, path: Path, fresh: Json, *, drop: bool = False) -> Json:
    """Return plain values with one of them changed."""
    changed = dict(value) if isinstance(value, Mapping) else {}
    if len(path) > 1:
        changed[path[0]] = _with(changed.get(path[0]), path[1:], fresh, drop=drop)
    elif drop:
        changed.pop(path[0], None)
    else:
        changed[path[0]] = fresh
    return changed
