"""Read the environment that an app.yaml states and change single values in place; what they mean is for others."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ruamel.yaml.nodes import MappingNode

from core.adapters.env_list import EnvEntry, EnvSplice, entry_of, env_of, parsed_app, start_env
from core.adapters.yaml_text import AmbiguousYaml, UnreadableYaml, YamlEdit, YamlText, own_pair
from core.errors import ChangeError

_VALUE_LIMIT = 1000
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")

__all__ = ["EnvEntry", "edit_env", "read_env"]


def read_env(content: bytes) -> tuple[EnvEntry, ...]:
    """Return what an app.yaml states, in order; raises ChangeError (app_yaml_broken, file_ambiguous)."""
    try:
        _, _, items = env_of(parsed_app(content))
        return tuple(entry_of(item) for item in items)
    except UnreadableYaml as exc:
        raise _broken(str(exc)) from exc
    except AmbiguousYaml as exc:
        raise _ambiguous(str(exc)) from exc


def edit_env(content: bytes, values: Mapping[str, str | None], *, beside: Sequence[str] = ()) -> bytes:
    """Return the bytes with these values and no other difference; None removes an entry.

    What is missing is added behind the last of `beside` that is there, in the style of its neighbour. Raises
    ChangeError: value_invalid, app_yaml_broken, and file_ambiguous for what cannot be changed on its own.
    """
    for name, value in values.items():
        _check(name, value)
    try:
        parsed_app(content)
    except UnreadableYaml as exc:
        raise _broken(str(exc)) from exc
    try:
        for name, value in values.items():
            content = _edit_one(content, name, value, beside)
    except (AmbiguousYaml, UnreadableYaml) as exc:
        raise _ambiguous(str(exc)) from exc
    return content


def _check(name: str, value: str | None) -> None:
    if not _NAME.fullmatch(name):
        raise _invalid(f"{name[:40]!a} is no name of an environment variable.")
    if value is not None and len(value) > _VALUE_LIMIT:
        raise _invalid(f"The value of {name} has {len(value)} characters; {_VALUE_LIMIT} are the limit.")
    if value is not None and not value.isprintable():
        raise _invalid(f"The value of {name} holds control characters.")


def _invalid(message: str) -> ChangeError:
    return ChangeError(
        message, code="value_invalid", remedy="Use one line of printable characters; nothing was written."
    )


def _broken(clause: str) -> ChangeError:
    return ChangeError(
        f"The app's app.yaml cannot be used: {clause}.",
        code="app_yaml_broken",
        remedy="Correct the file in the app's source folder, then plan again; nothing was written.",
    )


def _ambiguous(clause: str) -> ChangeError:
    return ChangeError(
        f"The app's app.yaml cannot be changed without touching something else: {clause}.",
        code="file_ambiguous",
        remedy="Change it by hand in the app's source folder and deploy; nothing was written.",
    )


def _edit_one(content: bytes, name: str, value: str | None, beside: Sequence[str]) -> bytes:
    doc = parsed_app(content)
    key, node, items = env_of(doc)
    entries = [entry_of(item) for item in items]
    found = [number for number, entry in enumerate(entries) if entry.name == name]
    if len(found) > 1:
        raise AmbiguousYaml(f"{name} is set twice")
    if found:
        item, entry = items[found[0]], entries[found[0]]
        if doc.uses.get(id(item), 0) > 1:
            raise AmbiguousYaml(f"the entry of {name} is shared with other places by an anchor (&)")
        if value is None:
            return EnvSplice(doc, items).remove(found[0])
        return content if entry.value == value else _change(doc, item, entry, value)
    if value is None:
        return content
    if items:
        places = [number for wanted in reversed(beside) for number, one in enumerate(entries) if one.name == wanted]
        return EnvSplice(doc, items).insert(name, value, [*places, *reversed(range(len(items)))])
    return start_env(doc, key, node, name, value)


def _change(doc: YamlText, item: MappingNode, entry: EnvEntry, value: str) -> bytes:
    if entry.value_from is not None:
        raise AmbiguousYaml(f"{entry.name} takes its value from the resource {entry.value_from} (valueFrom)")
    edit = YamlEdit(doc)
    pair = own_pair(doc, item, "value")
    if pair is not None:
        edit.replace(*pair, value)
    else:
        named = own_pair(doc, item, "name")
        assert named is not None
        edit.add_pair(item, named, "value", value)
    return edit.finish()
