"""Work out new bytes for Hermes' config.yaml in which only the asked-for values differ, or refuse."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from core.adapters.agents.hermes_config import (
    FALLBACK_KEYS,
    Entry,
    credential_in_force,
    credential_of,
    credential_place,
    entries_of,
    fallback_nodes,
    is_bare,
    variable_of,
)
from core.adapters.yaml_text import (
    AmbiguousYaml,
    UnreadableYaml,
    YamlEdit,
    YamlText,
    child,
    own_pair,
    parse_yaml,
    scalar_text,
)
from core.change.plan import TOKEN_VARIABLE
from core.errors import ChangeError
from core.model.change import CredentialUse, DiffEntry, DiffOp, SlotRouting

# Hermes expands ${…} in every value of the file; `key_env` is not read under `model:` (hermes-agent 0.19.0,
# config._expand_env_vars, runtime_provider._resolve_openrouter_runtime), so the reference takes the token's own place.
REFERENCE = "${" + TOKEN_VARIABLE + "}"
_AS_IT_IS: Mapping[str, SlotRouting] = {}
_SLOT = re.compile(r"primary|fallback(_(?:[2-9]|[1-9][0-9]))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class HermesEdit:
    """The new bytes and the values that differ; nothing in it but the bytes holds a token."""

    content: bytes
    before: Mapping[str, str | None]
    after: Mapping[str, str | None]
    diff: tuple[DiffEntry, ...]


def edit_hermes(
    content: bytes,
    *,
    slots: Mapping[str, str | None],
    credential: CredentialUse,
    routing: Mapping[str, SlotRouting] = _AS_IT_IS,
) -> HermesEdit:
    """Return the edit that gives these slots these models, and sends them where `routing` says.

    Raises ChangeError: target_broken for a file that cannot be read, file_ambiguous for one that cannot be changed
    without touching something else, slot_invalid for a request that Hermes has no place for.
    """
    try:
        doc = parse_yaml(content)
        entries = entries_of(doc)
    except UnreadableYaml as exc:
        raise broken(str(exc)) from exc
    before: dict[str, str | None] = {entry.slot: entry.model for entry in entries}
    after = wanted_models(before, slots)
    work = _Work(doc, entries, routing)
    try:
        work.models(after)
        work.routes(after)
        if credential is CredentialUse.ENVIRONMENT:
            work.credentials(after)
        changed = work.edit.finish() if work.diff else content
        _prove(changed, after, routing, with_credential=_with_credential(entries))
    except AmbiguousYaml as exc:
        raise _ambiguous(str(exc)) from exc
    return HermesEdit(
        content=changed, before={slot: before.get(slot) for slot in after}, after=after, diff=tuple(work.diff)
    )


def broken(clause: str) -> ChangeError:
    """Return the error for a config that cannot be read as it is."""
    return ChangeError(
        f"Hermes' config.yaml cannot be used: {clause}.",
        code="target_broken",
        remedy="Correct the file by hand (hermes doctor shows where), then plan again; nothing was written.",
    )


def _ambiguous(clause: str) -> ChangeError:
    return ChangeError(
        f"Hermes' config.yaml cannot be changed without touching other values: {clause}.",
        code="file_ambiguous",
        remedy="Change it with hermes model or by hand; nothing was written.",
    )


def _invalid(message: str, remedy: str) -> ChangeError:
    return ChangeError(message, code="slot_invalid", remedy=remedy)


def wanted_models(before: Mapping[str, str | None], slots: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return the whole chain as it is to be; raises ChangeError slot_invalid for one that Hermes has no place for."""
    for slot in slots:
        if not _SLOT.fullmatch(slot):
            raise _invalid(f"Hermes has no slot named {slot[:40]!r}.", "Use primary, fallback, fallback_2 and so on.")
    after = {**before, **slots}
    if not after.get("primary"):
        raise _invalid("Hermes cannot run without a primary model.", "Name one, or run hermes model.")
    chain = [f"fallback_{number}" if number > 1 else "fallback" for number in range(1, len(after) + 1)]
    present = [bool(after.get(slot)) for slot in chain]
    beyond = [slot for slot, model in after.items() if model and slot not in ("primary", *chain)]
    if beyond or present != sorted(present, reverse=True):
        raise _invalid(
            "The fallbacks would have a gap, and Hermes would move the later ones up.",
            "Name every fallback up to the last one, or remove the later ones too.",
        )
    return after


def _with_credential(entries: Sequence[Entry]) -> frozenset[str]:
    primary = next((entry for entry in entries if entry.slot == "primary"), None)
    return frozenset(entry.slot for entry in entries if credential_in_force(entry, primary) is not None)


def _prove(
    content: bytes,
    after: Mapping[str, str | None],
    routing: Mapping[str, SlotRouting],
    *,
    with_credential: frozenset[str],
) -> None:
    entries = entries_of(parse_yaml(content))
    if {entry.slot: entry.model for entry in entries} != {slot: model for slot, model in after.items() if model}:
        raise AmbiguousYaml("Hermes would read other models than the wanted ones")
    if any(entry.slot in routing and entry.base_url != routing[entry.slot].base_url for entry in entries):
        raise AmbiguousYaml("Hermes would ask another base URL than the wanted one")
    # A fallback without a credential of its own has the primary's only on the primary's host.
    lost = with_credential & {entry.slot for entry in entries} - _with_credential(entries)
    if lost:
        raise AmbiguousYaml(f"{min(lost)} would be left without a credential")


class _Work:
    """Turn wanted values into edits of one document, and keep the diff for people."""

    def __init__(self, doc: YamlText, entries: tuple[Entry, ...], routing: Mapping[str, SlotRouting]) -> None:
        self.doc = doc
        self.routing = routing
        self.entries = {entry.slot: entry for entry in entries}
        self.edit = YamlEdit(doc)
        self.diff: list[DiffEntry] = []

    def models(self, after: Mapping[str, str | None]) -> None:
        """Change, add and remove models."""
        gone = [entry for slot, entry in self.entries.items() if after.get(slot) is None]
        for slot, model in after.items():
            entry = self.entries.get(slot)
            if model is not None and entry is None:
                self._add(slot, model)
            elif model is not None and entry is not None and entry.model != model:
                self._change(entry, model)
        if gone:
            self._remove(gone, everything=len(gone) == len(self.entries) - 1)

    def _change(self, entry: Entry, model: str) -> None:
        key, node = self._place(entry)
        if entry.model_key is not None:
            pair = own_pair(self.doc, node, entry.model_key)
            if pair is None:
                raise AmbiguousYaml(f"{entry.field} does not name its model itself")
            key, node = pair
        self.edit.replace(key, node, model)
        name = f"{entry.field}.{entry.model_key}" if entry.model_key else entry.field
        self.diff.append(DiffEntry(op=DiffOp.CHANGE, field=name, old=entry.model, new=model))

    def _place(self, entry: Entry) -> tuple[ScalarNode | None, Node]:
        """Return the key and node of an entry, having made sure that nobody else shares them."""
        name, bracket, index = entry.field.partition("[")
        key, node = self._root_pair(name)
        if bracket:
            node = node.value[int(index.rstrip("]"))]
            if self.doc.uses.get(id(node), 0) > 1:
                raise AmbiguousYaml(f"{entry.field} is shared with other places by an anchor (&)")
            return None, node
        return key, node

    def _root_pair(self, name: str) -> tuple[ScalarNode, Node]:
        pair = own_pair(self.doc, self.doc.root, name)
        if pair is None:
            raise AmbiguousYaml(f"{name} is not set at the top of the file")
        return pair

    def _add(self, slot: str, model: str) -> None:
        primary = self.entries.get("primary")
        if primary is None:
            raise AmbiguousYaml("it names no primary model to build on")
        # An entry without base_url and api_key uses the primary's (hermes-agent 0.19.0, measured).
        fresh = {"provider": primary.provider or "custom", "model": model}
        if slot in self.routing and self.routing[slot].base_url != self._primary_url():
            fresh["base_url"] = self.routing[slot].base_url
        field = self._append(fresh)
        for key, value in fresh.items():
            self.diff.append(DiffEntry(op=DiffOp.ADD, field=f"{field}.{key}", old=None, new=value))

    def _append(self, fresh: Mapping[str, str]) -> str:
        root = self.doc.root
        assert root is not None
        used = [key for key in FALLBACK_KEYS if isinstance(child(root, key), MappingNode | SequenceNode)]
        used = [key for key in used if getattr(child(root, key), "value", None)]
        if not used:
            return self._start_chain(root, fresh)
        _, node = self._root_pair(used[-1])
        if not isinstance(node, SequenceNode):
            raise AmbiguousYaml(f"{used[-1]} holds one entry, not a list")
        self.edit.add_item(node, dict(fresh))
        return f"{used[-1]}[{len(node.value)}]"

    def _start_chain(self, root: Node, fresh: Mapping[str, str]) -> str:
        name = FALLBACK_KEYS[0]
        empty = own_pair(self.doc, root, name)
        if empty is not None:
            self.edit.replace(empty[0], empty[1], (dict(fresh),))
        else:
            self.edit.add_pair(root, self._root_pair("model"), name, (dict(fresh),))
        return f"{name}[0]"

    def _remove(self, gone: list[Entry], *, everything: bool) -> None:
        for entry in gone:
            name = f"{entry.field}.model"
            self.diff.append(DiffEntry(op=DiffOp.DELETE, field=name, old=entry.model, new=None))
        root = self.doc.root
        assert root is not None
        if everything:
            for name in {field.partition("[")[0]: None for field, _ in fallback_nodes(root)}:
                key, node = self._root_pair(name)
                self.edit.drop_pair(root, key, node)
            return
        if len(gone) > 1 or not gone[0].field.endswith("]"):
            raise AmbiguousYaml("several fallbacks would have to go at once")
        name, _, index = gone[0].field.rstrip("]").partition("[")
        _, node = self._root_pair(name)
        if int(index) == 0 or int(index) != len(node.value) - 1:
            raise AmbiguousYaml("the fallback is not the last of its list")
        self.edit.drop_item(node, int(index))

    def _primary_url(self) -> str | None:
        """Return where the primary's requests will go: a fallback without a base URL of its own goes there too."""
        if "primary" in self.routing:
            return self.routing["primary"].base_url
        return self.entries["primary"].base_url if "primary" in self.entries else None

    def routes(self, after: Mapping[str, str | None]) -> None:
        """Send the slots that stay where the routing says."""
        done: set[int] = set()
        for slot, entry in self.entries.items():
            wanted = self.routing.get(slot)
            if wanted is None or after.get(slot) is None:
                continue
            home, field = self._url_home(entry)
            goes_along = slot != "primary" and entry.home is entry.node and child(home, "base_url") is None
            stands = self._primary_url() if goes_along else entry.base_url
            if stands == wanted.base_url or id(home) in done:
                continue
            done.add(id(home))
            self._send(entry, home, field, wanted.base_url)

    def _url_home(self, entry: Entry) -> tuple[Node, str]:
        """Return the mapping that states the base URL: the named provider, or the entry itself."""
        if entry.home is not entry.node and child(entry.home, "base_url") is None:
            return self._place(entry)[1], entry.field
        return self._home(entry), entry.home_field

    def _send(self, entry: Entry, home: Node, field: str, base_url: str) -> None:
        if is_bare(entry) and home is entry.node:
            raise AmbiguousYaml("model: is a bare name, with no room for a base URL")
        stated = own_pair(self.doc, home, "base_url")
        if stated is not None:
            self.edit.replace(*stated, base_url)
        else:
            anchor = next((key for key in ("provider", entry.model_key) if key and child(home, key)), None)
            pair = own_pair(self.doc, home, anchor) if anchor else None
            if pair is None or scalar_text(pair[1]) is None:
                raise AmbiguousYaml(f"{field} has no place for a base URL")
            self.edit.add_pair(home, pair, "base_url", base_url)
        op = DiffOp.CHANGE if stated is not None else DiffOp.ADD
        self.diff.append(DiffEntry(op=op, field=f"{field}.base_url", old=entry.base_url, new=base_url))

    def credentials(self, after: Mapping[str, str | None]) -> None:
        """Let every slot that stays refer to the environment variable instead of a token of its own."""
        done: set[int] = set()
        for slot, entry in self.entries.items():
            if after.get(slot) is None or id(entry.home) in done:
                continue
            done.add(id(entry.home))
            stated = credential_of(entry)
            if stated is None and credential_in_force(entry, self.entries.get("primary")) is None:
                self._add_reference(entry)
            elif stated is not None and variable_of(stated) != TOKEN_VARIABLE:
                pair = own_pair(self.doc, self._home(entry), stated.key)
                if pair is None:
                    raise AmbiguousYaml(f"{entry.home_field} does not hold its credential itself")
                self.edit.replace(*pair, TOKEN_VARIABLE if stated.names_variable else REFERENCE)
                place = credential_place(stated) or ""
                old = place if place.startswith("environment") else "stored token"
                self._credential_diff(DiffOp.CHANGE, f"{entry.home_field}.{stated.key}", old)

    def _home(self, entry: Entry) -> Node:
        if entry.home is entry.node:
            return self._place(entry)[1]
        name, _, rest = entry.home_field.replace("[", ".").partition(".")
        _, node = self._root_pair(name)
        if isinstance(node, SequenceNode):
            return entry.home
        pair = own_pair(self.doc, node, rest)
        if pair is None:
            raise AmbiguousYaml(f"{entry.home_field} is not set there itself")
        return pair[1]

    def _add_reference(self, entry: Entry) -> None:
        home = self._home(entry)
        if is_bare(entry) and home is entry.node:
            raise AmbiguousYaml("model: is a bare name, with no room for a credential")
        empty = own_pair(self.doc, home, "api_key")
        if empty is not None:
            self.edit.replace(*empty, REFERENCE)
        else:
            anchor = next((key for key in ("base_url", "provider", entry.model_key) if key and child(home, key)), None)
            pair = own_pair(self.doc, home, anchor) if anchor else None
            if pair is None or scalar_text(pair[1]) is None:
                raise AmbiguousYaml(f"{entry.home_field} has no place for a credential")
            self.edit.add_pair(home, pair, "api_key", REFERENCE)
        self._credential_diff(DiffOp.ADD, f"{entry.home_field}.api_key", None)

    def _credential_diff(self, op: DiffOp, field: str, old: str | None) -> None:
        self.diff.append(DiffEntry(op=op, field=field, old=old, new=f"environment variable {TOKEN_VARIABLE}"))
