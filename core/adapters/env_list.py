"""Find the env list of an app.yaml, put an entry in or take one out, and prove that nothing else changed."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from core.adapters.yaml_text import AmbiguousYaml, UnreadableYaml, YamlEdit, YamlText, own_pair, parse_yaml, quoted

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_SEPARATOR = re.compile(r"\s*,\s*")
_STR = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"

Shape = tuple[object, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class EnvEntry:
    """One entry of env: a value as its text, or the resource that it comes from."""

    name: str
    value: str | None = None
    value_from: str | None = None


def parsed_app(content: bytes) -> YamlText:
    """Return the parsed text; raises UnreadableYaml."""
    try:
        return parse_yaml(content)
    except UnreadableYaml as exc:
        if "another document" in str(exc.__cause__):
            raise UnreadableYaml("it holds more than one document") from exc
        raise


def env_of(doc: YamlText) -> tuple[ScalarNode | None, Node | None, list[MappingNode]]:
    """Return the key and the node of env and its entries; both None when there is no env at all."""
    if doc.root is None:
        return None, None, []
    if not isinstance(doc.root, MappingNode):
        raise AmbiguousYaml("it is no mapping at its top")
    pair = own_pair(doc, doc.root, "env")
    if pair is None:
        return None, None, []
    key, node = pair
    if _is_empty(node):
        return key, node, []
    if not isinstance(node, SequenceNode):
        raise AmbiguousYaml("env is not a list")
    if "\t" in doc.text[key.start_mark.index : node.end_mark.index]:
        raise AmbiguousYaml("a tab stands in env")
    items = [item for item in node.value if isinstance(item, MappingNode)]
    if len(items) < len(node.value) or any("<<" in _keys(item) for item in items):
        raise AmbiguousYaml("an entry of env is not simply a name with a value")
    return key, node, items


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.tag == _NULL and node.start_mark.index == node.end_mark.index


def _keys(item: MappingNode) -> list[str]:
    return [key.value if isinstance(key, ScalarNode) else "" for key, _ in item.value]


def _scalar(item: MappingNode, key: str) -> ScalarNode | None:
    found = [value for name, value in item.value if isinstance(name, ScalarNode) and name.value == key]
    if len(found) > 1:
        raise AmbiguousYaml(f"an entry of env sets {key} twice")
    if found and not isinstance(found[0], ScalarNode):
        raise AmbiguousYaml(f"{key} of an entry of env is not a text")
    return found[0] if found else None


def entry_of(item: MappingNode) -> EnvEntry:
    """Return what one entry says; raises AmbiguousYaml for one that says it twice or not at all."""
    name, value, source = (_scalar(item, key) for key in ("name", "value", "valueFrom"))
    if name is None:
        raise AmbiguousYaml("an entry of env has no name")
    text = None if value is None else ("" if value.tag == _NULL else str(value.value))
    return EnvEntry(name=str(name.value), value=text, value_from=None if source is None else str(source.value))


def start_env(doc: YamlText, key: ScalarNode | None, node: Node | None, name: str, value: str) -> bytes:
    """Write the first entry, where env is empty or not there."""
    if key is not None and node is not None and not _is_empty(node):
        edit = YamlEdit(doc)
        edit.replace(key, node, ({"name": name, "value": value},))
        return edit.finish()
    text, brk = doc.text, doc.line_break
    entry = f"{brk}  - name: {quoted(name)}{brk}    value: {quoted(value)}"
    if key is None:
        gap = "" if not text or text.endswith(("\n", "\r")) else brk
        return _proved(doc, f"{text}{gap}env:{entry}{brk}", [("fresh", name, value)])
    at = _line_end(text, text.index(":", key.end_mark.index) + 1)
    return _proved(doc, text[:at] + entry + text[at:], [("fresh", name, value)])


class EnvSplice:
    """Put an entry into a list that has some, or take one out."""

    def __init__(self, doc: YamlText, items: list[MappingNode]) -> None:
        self.doc = doc
        self.text = doc.text
        self.items = items
        self.is_flow = _is_flow_list(doc, items)

    def insert(self, name: str, value: str, places: Sequence[int]) -> bytes:
        """Add an entry behind the first of these places where that is plain, written like its neighbour."""
        place = next((number for number in places if self._end(self.items[number]) is not None), None)
        if place is None:
            raise AmbiguousYaml("it is not plain where an entry of env ends")
        written = self._like(next((self.items[n] for n in places if self._is_simple(self.items[n])), None), name, value)
        end = self._end(self.items[place])
        assert end is not None
        if self.is_flow:
            written = self._separator() + written
        else:
            end = _line_end(self.text, end)
            written = self.doc.line_break + self._prefix(self.items[place]) + written
        shapes: list[Shape] = [_shape(item) for item in self.items]
        shapes.insert(place + 1, ("fresh", name, value))
        return _proved(self.doc, self.text[:end] + written + self.text[end:], shapes)

    def remove(self, number: int) -> bytes:
        """Take one entry out, with the lines it stands on."""
        item = self.items[number]
        end = self._end(item)
        if end is None:
            raise AmbiguousYaml("it is not plain where the entry ends")
        start, end = self._flow_range(number) if self.is_flow else self._lines(item, end)
        shapes = [_shape(one) for one in self.items if one is not item]
        return _proved(self.doc, self.text[:start] + self.text[end:], shapes)

    def _flow_range(self, number: int) -> tuple[int, int]:
        start, end = self.items[number].start_mark.index, self.items[number].end_mark.index
        if number > 0:
            between, start = (
                self.text[self.items[number - 1].end_mark.index : start],
                self.items[number - 1].end_mark.index,
            )
        elif len(self.items) > 1:
            between, end = self.text[end : self.items[1].start_mark.index], self.items[1].start_mark.index
        else:
            between = ","
        if not _SEPARATOR.fullmatch(between):
            raise AmbiguousYaml("a comment stands between the entries")
        return start, end

    def _lines(self, item: MappingNode, end: int) -> tuple[int, int]:
        start = _line_start(self.text, item.start_mark.index)
        self._prefix(item)
        end = _line_end(self.text, end)
        found = _LINE_BREAK.match(self.text, end)
        if found:
            return start, found.end()
        # The last line has no line break of its own: the one before it goes instead.
        before = self.text[:start]
        return start - (2 if before.endswith("\r\n") else 1), end

    def _prefix(self, item: MappingNode) -> str:
        start = item.start_mark.index
        prefix = self.text[_line_start(self.text, start) : start]
        if prefix.strip() != "-":
            raise AmbiguousYaml("other values stand on the same line")
        return prefix

    def _end(self, item: MappingNode) -> int | None:
        """Return where an entry's own text ends; None when that is not plain."""
        if item.flow_style:
            return int(item.end_mark.index)
        last = item.value[-1][1] if item.value else None
        if not isinstance(last, ScalarNode) or last.style in ("|", ">") or self.doc.uses.get(id(last), 0) > 1:
            return None
        return int(last.end_mark.index) if last.end_mark.index > last.start_mark.index else None

    def _is_simple(self, item: MappingNode) -> bool:
        """Say whether an entry is a name and a value with nothing else in between, fit to be imitated."""
        if sorted(_keys(item)) != ["name", "value"] or self._end(item) is None:
            return False
        scalars = [node for pair in item.value for node in pair]
        if any(self.text[node.start_mark.index : node.end_mark.index][:1] in ("", *"&*!|>") for node in scalars):
            return False
        first, second = item.value[0][1], item.value[1][0]
        body = self.text[item.start_mark.index : self._end(item)]
        gap = self.text[first.end_mark.index : second.start_mark.index]
        lines = len(_LINE_BREAK.findall(body))
        return not gap.strip(" \r\n,") and lines == len(_LINE_BREAK.findall(gap)) <= 1

    def _like(self, item: MappingNode | None, name: str, value: str) -> str:
        if item is None:
            column = self.items[0].start_mark.column
            if self.is_flow or self.items[0].flow_style:
                return f"{{name: {quoted(name)}, value: {quoted(value)}}}"
            return f"name: {quoted(name)}{self.doc.line_break}{' ' * column}value: {quoted(value)}"
        start = item.start_mark.index
        end = self._end(item)
        assert end is not None
        body = self.text[start:end]
        wanted = {"name": name, "value": value}
        for key, node in reversed(item.value):
            there = self.text[node.start_mark.index : node.end_mark.index]
            written = _in_quotes_of(there, wanted[key.value])
            body = body[: node.start_mark.index - start] + written + body[node.end_mark.index - start :]
        return body

    def _separator(self) -> str:
        if len(self.items) > 1:
            between = self.text[self.items[-2].end_mark.index : self.items[-1].start_mark.index]
            if _SEPARATOR.fullmatch(between):
                return between
        return ", "


def _is_flow_list(doc: YamlText, items: list[MappingNode]) -> bool:
    _, node, _ = env_of(doc)
    return bool(items) and isinstance(node, SequenceNode) and bool(node.flow_style)


def _in_quotes_of(there: str, value: str) -> str:
    if there.startswith('"'):
        return json.dumps(value, ensure_ascii=False)
    return "'" + value.replace("'", "''") + "'" if there.startswith("'") else quoted(value)


def _line_start(text: str, at: int) -> int:
    return max(text.rfind("\n", 0, at), text.rfind("\r", 0, at)) + 1


def _line_end(text: str, at: int) -> int:
    """Return the end of a line that holds nothing more than a comment behind this place."""
    found = _LINE_BREAK.search(text, at)
    end = found.start() if found else len(text)
    rest = text[at:end].strip()
    if rest and not rest.startswith("#"):
        raise AmbiguousYaml("other values stand on the same line")
    return end


def _shape(node: Node) -> Shape:
    if isinstance(node, MappingNode):
        return ("mapping", *((_shape(key), _shape(value)) for key, value in node.value))
    if isinstance(node, SequenceNode):
        return ("list", *(_shape(item) for item in node.value))
    return ("scalar", str(node.tag), node.value)


def _proved(doc: YamlText, text: str, entries: Sequence[Shape]) -> bytes:
    """Return the bytes of a new text, having made sure that env holds these entries and all else stayed."""
    content = doc.encode(text)
    try:
        after = parsed_app(content)
        _, _, items = env_of(after)
    except UnreadableYaml as exc:
        raise AmbiguousYaml("the changed file would not be readable") from exc
    found = [
        _fresh(item) if wanted[0] == "fresh" else _shape(item) for item, wanted in zip(items, entries, strict=False)
    ]
    if len(items) != len(entries) or found != list(entries) or _others(after) != _others(doc):
        raise AmbiguousYaml("other values would change too")
    return content


def _fresh(item: MappingNode) -> Shape:
    scalars = {key.value: value for key, value in item.value if isinstance(value, ScalarNode) and value.tag == _STR}
    if set(scalars) != {"name", "value"} or len(item.value) != 2:
        return ()
    return ("fresh", scalars["name"].value, scalars["value"].value)


def _others(doc: YamlText) -> list[Shape]:
    pairs = doc.root.value if isinstance(doc.root, MappingNode) else []
    return [
        (_shape(key), _shape(value)) for key, value in pairs if not (isinstance(key, ScalarNode) and key.value == "env")
    ]
