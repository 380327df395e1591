"""Change single values inside a YAML text by splicing, and prove that nothing else changed; others know the meaning."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import CollectionNode, MappingNode, Node, ScalarNode, SequenceNode

_MAX_NODES = 100_000
_MAX_DEPTH = 60
_STR = "tag:yaml.org,2002:str"
_NULL = "tag:yaml.org,2002:null"
_LINE_BREAK = re.compile(r"\r\n|\r|\n")

# YAML 1.1 readers (PyYAML, which Hermes uses) take these words for booleans and null; everything else that starts with
# a letter and holds only these characters is a string to every reader.
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9._/-]*")
_WORDS = frozenset(("y", "n", "yes", "no", "on", "off", "true", "false", "null"))

Entry = Mapping[str, str]
Fresh = str | Entry | tuple[Entry, ...]
Shape = tuple[object, ...]


class UnreadableYaml(ValueError):
    """Say in one clause why a text is no YAML that we read."""


class AmbiguousYaml(ValueError):
    """Say in one clause why a value cannot be changed without touching something else."""


@dataclass(frozen=True, slots=True, kw_only=True)
class YamlText:
    """A parsed text with the place of every node; `uses` counts how often a node is referred to (anchors)."""

    text: str
    bom: bool
    root: Node | None
    uses: Mapping[int, int]

    def encode(self, text: str) -> bytes:
        """Return the bytes of a changed text, with the byte order mark that the original had."""
        return (codecs.BOM_UTF8 if self.bom else b"") + text.encode()

    @property
    def line_break(self) -> str:
        """Return the text's own line break."""
        found = _LINE_BREAK.search(self.text)
        return found.group() if found else "\n"


class _BoundedComposer(Composer):
    """Give up early: ruamel takes many seconds for a thousand open brackets before it fails on them (measured)."""

    depth = 0

    def compose_node(self, parent: Node | None, index: object) -> Node | None:
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise UnreadableYaml("it is nested too deeply")
        node: Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


def parse_yaml(content: bytes) -> YamlText:
    """Return the parsed text; raises UnreadableYaml, and nothing else, for whatever cannot be read."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        raise UnreadableYaml("it is not UTF-8 text") from exc
    try:
        reader = YAML(typ="safe", pure=True)
        reader.Composer = _BoundedComposer
        root = reader.compose(text)
    except UnreadableYaml:
        raise
    # ruamel lets ValueError, IndexError and friends out of its scanner for some broken escapes and directives.
    except (YAMLError, RecursionError, ValueError, LookupError, TypeError, AttributeError, AssertionError) as exc:
        raise UnreadableYaml(f"it is not valid YAML{_place(exc)}") from exc
    uses: dict[int, int] = {}
    if root is not None:
        _measure(root, uses, {})
    return YamlText(text=text, bom=content.startswith(codecs.BOM_UTF8), root=root, uses=uses)


def _place(exc: BaseException) -> str:
    mark = getattr(exc, "problem_mark", None)
    return f" (line {mark.line + 1})" if mark is not None else ""


def _measure(node: Node, uses: dict[int, int], sizes: dict[int, int]) -> int:
    """Return how many nodes this one stands for once aliases are followed, refusing cycles and bombs."""
    uses[id(node)] = uses.get(id(node), 0) + 1
    if id(node) in sizes:
        if sizes[id(node)] == 0:
            raise UnreadableYaml("one of its values contains itself")
        return sizes[id(node)]
    sizes[id(node)] = 0
    total = 1 + sum(_measure(child, uses, sizes) for child in _children(node))
    if total > _MAX_NODES:
        raise UnreadableYaml("it is too large")
    sizes[id(node)] = total
    return total


def _children(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for key, value in node.value:
            yield key
            yield value
    elif isinstance(node, SequenceNode):
        yield from node.value


def _is_flow(node: Node) -> bool:
    return isinstance(node, CollectionNode) and bool(node.flow_style)


def scalar_text(node: Node | None) -> str | None:
    """Return a scalar's text without surrounding space; None for null, empty text and everything that is no scalar."""
    if not isinstance(node, ScalarNode) or node.tag == _NULL:
        return None
    return str(node.value).strip() or None


def child(mapping: Node | None, key: str) -> Node | None:
    """Return the value of a key as a YAML loader sees it: the last of duplicates wins, merged keys count last."""
    if not isinstance(mapping, MappingNode):
        return None
    own = [value for name, value in mapping.value if isinstance(name, ScalarNode) and name.value == key]
    if own:
        found: Node = own[-1]
        return found
    merged = [value for name, value in mapping.value if isinstance(name, ScalarNode) and name.value == "<<"]
    sources = [part for value in merged for part in (value.value if isinstance(value, SequenceNode) else [value])]
    return next((value for value in (child(source, key) for source in sources) if value is not None), None)


def own_pair(doc: YamlText, mapping: Node | None, key: str) -> tuple[ScalarNode, Node] | None:
    """Return the one place where this mapping itself sets a key; raises AmbiguousYaml when changes would spread."""
    if not isinstance(mapping, MappingNode):
        return None
    own = [(name, value) for name, value in mapping.value if isinstance(name, ScalarNode) and name.value == key]
    if not own:
        if child(mapping, key) is not None:
            raise AmbiguousYaml(f"{key} comes from a merged block (<<) there")
        return None
    if len(own) > 1:
        raise AmbiguousYaml(f"{key} is set twice there")
    if doc.uses.get(id(own[0][1]), 0) > 1:
        raise AmbiguousYaml(f"{key} is shared with other places by an anchor (&) there")
    name, value = own[0]
    return name, value


def quoted(value: str) -> str:
    """Return a scalar for a value: plain where every YAML reader takes it for a string, else in double quotes."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)


def flow(value: Fresh) -> str:
    """Return a fresh value in flow style, on one line."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return "{" + ", ".join(f"{key}: {flow(item)}" for key, item in value.items()) + "}"


def _fresh_shape(value: Fresh) -> Shape:
    if isinstance(value, str):
        return ("scalar", _STR, value)
    if isinstance(value, tuple):
        return ("list", *(_fresh_shape(item) for item in value))
    return ("mapping", *((_fresh_shape(key), _fresh_shape(item)) for key, item in value.items()))


@dataclass(slots=True)
class YamlEdit:
    """Collect changes to one text; `finish()` carries them out and refuses unless exactly they took place."""

    doc: YamlText
    _splices: list[tuple[int, int, str]] = field(default_factory=list)
    _replaced: dict[int, Shape] = field(default_factory=dict)
    _dropped: set[int] = field(default_factory=set)
    _added: dict[int, list[Shape | tuple[Shape, Shape]]] = field(default_factory=dict)

    def replace(self, key: ScalarNode | None, node: Node, value: Fresh) -> None:
        """Put a value where a one-line scalar or an empty list stands, in the quotes that the scalar had."""
        start, end = node.start_mark.index, node.end_mark.index
        there = self.doc.text[start:end]
        if isinstance(node, ScalarNode) and not there:
            start = end = self._colon(key)
            written = " " + flow(value)
        elif there[0] in "&*!|>" or _LINE_BREAK.search(there) or not (isinstance(node, ScalarNode) or node.value == []):
            raise AmbiguousYaml("the value is not written as one plain or quoted text there")
        elif isinstance(value, str) and there[0] in "'\"":
            written = json.dumps(value, ensure_ascii=False) if there[0] == '"' else "'" + value.replace("'", "''") + "'"
        else:
            written = flow(value)
        self._splices.append((start, end, written))
        self._replaced[id(node)] = _fresh_shape(value)

    def add_pair(self, mapping: Node, after: tuple[ScalarNode, Node], key: str, value: Fresh) -> None:
        """Add a key below another one; lists of mappings are written as blocks where their surroundings are."""
        at = self._end_of(*after)
        if _is_flow(mapping):
            written = f", {key}: {flow(value)}"
        else:
            at = self._line_end(at)
            written = self.doc.line_break + " " * after[0].start_mark.column + f"{key}:" + self._below(value, after)
        self._splices.append((at, at, written))
        self._added.setdefault(id(after[0]), []).append((_fresh_shape(key), _fresh_shape(value)))

    def _below(self, value: Fresh, after: tuple[ScalarNode, Node]) -> str:
        if not isinstance(value, tuple):
            return " " + flow(value)
        indent = " " * after[0].start_mark.column
        return "".join(self._block_item(item, indent) for item in value)

    def _block_item(self, item: Entry, indent: str) -> str:
        lines = [f"{key}: {flow(part)}" for key, part in item.items()]
        return "".join(
            f"{self.doc.line_break}{indent}{'  ' if number else '- '}{line}" for number, line in enumerate(lines)
        )

    def add_item(self, sequence: Node, value: Entry) -> None:
        """Add an item at the end of a list that has items."""
        last = sequence.value[-1]
        at = self._end_of(None, last)
        if _is_flow(sequence):
            written = f", {flow(value)}"
        else:
            at, written = self._line_end(at), self._block_item(value, " " * sequence.start_mark.column)
        self._splices.append((at, at, written))
        self._added.setdefault(id(last), []).append(_fresh_shape(value))

    def drop_pair(self, mapping: Node, key: ScalarNode, value: Node) -> None:
        """Remove a key with its value and the lines they stand on."""
        if _is_flow(mapping):
            raise AmbiguousYaml("the key stands in a {…} block there")
        self._drop_lines(key.start_mark.index, self._end_of(key, value), allowed="")
        self._dropped.add(id(key))

    def drop_item(self, sequence: Node, index: int) -> None:
        """Remove the last item of a list that keeps at least one."""
        item = sequence.value[index]
        if _is_flow(sequence):
            self._splices.append((self._end_of(None, sequence.value[index - 1]), self._end_of(None, item), ""))
        else:
            self._drop_lines(item.start_mark.index, self._end_of(None, item), allowed="-")
        self._dropped.add(id(item))

    def finish(self) -> bytes:
        """Return the changed bytes; raises AmbiguousYaml when anything but the intended values would differ."""
        text = self.doc.text
        for start, end, written in sorted(self._splices, reverse=True):
            text = text[:start] + written + text[end:]
        content = self.doc.encode(text)
        try:
            after = parse_yaml(content)
        except UnreadableYaml as exc:
            raise AmbiguousYaml("the changed file would not be readable") from exc
        before = self.doc.root
        if before is None or after.root is None or YamlEdit(after)._shape(after.root) != self._shape(before):
            raise AmbiguousYaml("other values would change too")
        return content

    def _shape(self, node: Node) -> Shape:
        if id(node) in self._replaced:
            return self._replaced[id(node)]
        if isinstance(node, MappingNode):
            return ("mapping", *self._pairs(node))
        if isinstance(node, SequenceNode):
            return ("list", *self._items(node))
        return ("scalar", str(node.tag), node.value)

    def _pairs(self, node: MappingNode) -> Iterator[object]:
        for key, value in node.value:
            if id(key) not in self._dropped:
                yield self._shape(key), self._shape(value)
            yield from self._added.get(id(key), ())

    def _items(self, node: SequenceNode) -> Iterator[object]:
        for item in node.value:
            if id(item) not in self._dropped:
                yield self._shape(item)
            yield from self._added.get(id(item), ())

    def _end_of(self, key: ScalarNode | None, node: Node) -> int:
        """Return where a value's own text ends: a block's end mark lies behind the comments that follow it."""
        if self.doc.uses.get(id(node), 0) > 1:
            raise AmbiguousYaml("it ends in a value that is shared by an anchor (&)")
        if isinstance(node, ScalarNode):
            if node.style in ("|", ">"):
                raise AmbiguousYaml("it ends in a text block")
            empty = node.start_mark.index == node.end_mark.index
            return self._colon(key) if empty else int(node.end_mark.index)
        if _is_flow(node) or not node.value:
            return int(node.end_mark.index)
        last = node.value[-1]
        return self._end_of(*last) if isinstance(node, MappingNode) else self._end_of(None, last)

    def _colon(self, key: ScalarNode | None) -> int:
        found = re.compile(r"[ \t]*:").match(self.doc.text, key.end_mark.index) if key is not None else None
        if found is None:
            raise AmbiguousYaml("a value is missing there")
        return found.end()

    def _line_end(self, at: int) -> int:
        """Return the end of a line that holds nothing more than a comment behind this place."""
        found = _LINE_BREAK.search(self.doc.text, at)
        end = found.start() if found else len(self.doc.text)
        rest = self.doc.text[at:end].strip()
        if rest and not rest.startswith("#"):
            raise AmbiguousYaml("other values stand on the same line")
        return end

    def _drop_lines(self, start: int, end: int, *, allowed: str) -> None:
        text = self.doc.text
        line_start = max(text.rfind("\n", 0, start), text.rfind("\r", 0, start)) + 1
        if text[line_start:start].strip() != allowed:
            raise AmbiguousYaml("other values stand on the same line")
        stop = self._line_end(end)
        found = _LINE_BREAK.match(text, stop)
        self._splices.append((line_start, found.end() if found else stop, ""))
