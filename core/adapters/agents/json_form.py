"""What the agents' configs have in common: changes with their diff, credentials by name, the proof at the end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from core.adapters.agents.form import AgentForm, Contents, FileEdit, UnreadableConfig, ambiguous, broken
from core.adapters.env_file import AmbiguousEnv, UnreadableEnv
from core.adapters.json_text import AmbiguousJson, Json, JsonText, Path, UnreadableJson
from core.catalog.agents import AGENTS
from core.change.plan import TOKEN_VARIABLE
from core.errors import ChangeError
from core.model.change import ChangeRequest, DiffEntry, DiffOp, SlotRouting
from core.model.choice import StoredRoute
from core.model.secret import Secret

PROVIDER = "switchyard"
REFERENCE_IN_WORDS = f"environment variable {TOKEN_VARIABLE}"
_UNREADABLE = (UnreadableJson, UnreadableEnv)
_AMBIGUOUS = (AmbiguousJson, AmbiguousEnv)
_PRINTS = re.compile(r"(?:/usr/bin/)?printenv\s+(\w+)|echo\s+\"?\$\{?(\w+)\}?\"?")


class JsonConfig:
    """One JSON file of an agent, with the diff of what was changed in it."""

    def __init__(self, content: bytes | None, *, trailing_commas: bool = False) -> None:
        """Read a file; raises UnreadableJson."""
        self._text = JsonText(content, trailing_commas=trailing_commas)
        if not isinstance(self._text.value, dict):
            raise UnreadableJson("it does not hold named settings")
        self.diff: list[DiffEntry] = []

    @property
    def content(self) -> bytes:
        """Return the bytes as they stand."""
        return self._text.content

    def get(self, *path: str) -> Json:
        """Return a value, None where there is none."""
        return self._text.get(path)

    def text(self, *path: str) -> str | None:
        """Return a text, None where there is none or an empty one; raises UnreadableJson for anything else."""
        value = self._text.get(path)
        if value is not None and not isinstance(value, str):
            raise UnreadableJson(f"{'.'.join(path)} is not a text")
        return value.strip() or None if value else None

    def names(self, *path: str) -> tuple[str, ...]:
        """Return the keys of an object, none where there is none."""
        value = self._text.get(path)
        return tuple(value) if isinstance(value, dict) else ()

    def put(self, path: Path, value: Json) -> None:
        """Give a key this value, which people may see."""
        former = self._text.get(path)
        if former != value:
            self._change(path, value, _shown(former), _shown(value))

    def put_reference(self, path: Path, value: str, *, former: str | None) -> None:
        """Let a key name the environment's token; `former` says in words what was there."""
        if self._text.get(path) != value:
            self._change(path, value, former, REFERENCE_IN_WORDS)

    def copy_credential(self, path: Path, value: Json, *, shown: str) -> None:
        """Give a key a credential that another key of this file holds, which nobody sees."""
        if self._text.get(path) != value:
            self._change(path, value, None, shown)

    def append(self, path: Path, value: Json, *, shown: str) -> None:
        """Add a value to a list."""
        self._text.append(path, value)
        self.diff.append(DiffEntry(op=DiffOp.ADD, field=".".join(path), old=None, new=shown))

    def drop(self, path: Path, *, former: str | None) -> None:
        """Take a key away; `former` says in words what was there."""
        if self._text.has(path):
            self._text.drop(path)
            self.diff.append(DiffEntry(op=DiffOp.DELETE, field=".".join(path), old=former, new=None))

    def _change(self, path: Path, value: Json, old: str | None, new: str | None) -> None:
        op = DiffOp.CHANGE if self._text.has(path) else DiffOp.ADD
        self._text.put(path, value)
        self.diff.append(DiffEntry(op=op, field=".".join(path), old=old, new=new))


def _shown(value: Json) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return value if isinstance(value, str) else None if value is None else "other settings"


def printed_variable(command: str) -> str | None:
    """Return the environment variable that a command prints, None for a command that does anything else."""
    found = _PRINTS.fullmatch(command.strip())
    return (found.group(1) or found.group(2)) if found else None


def named_token(name: str, environment: Mapping[str, Secret]) -> tuple[Secret | None, str]:
    """Return the token of an environment variable, and where it is in words."""
    return environment.get(name), f"environment variable {name}"


@contextmanager
def reading() -> Iterator[None]:
    """Turn what is wrong with a file into the reason why the config cannot be read."""
    try:
        yield
    except (*_UNREADABLE, *_AMBIGUOUS) as exc:
        raise UnreadableConfig(str(exc)) from exc


@contextmanager
def editing(form: AgentForm) -> Iterator[None]:
    """Turn what is wrong with a file into the refusal of a change."""
    try:
        yield
    except (*_UNREADABLE, UnreadableConfig) as exc:
        raise broken(form, str(exc)) from exc
    except _AMBIGUOUS as exc:
        raise ambiguous(form, str(exc)) from exc


def wanted_models(
    form: AgentForm, before: Mapping[str, str | None], slots: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Return the models after a change; raises ChangeError slot_invalid for a slot or model that cannot be."""
    spec = AGENTS[form.agent]
    known = [slot.name for slot in spec.slots]
    for slot, model in slots.items():
        if slot not in known:
            raise invalid(f"{spec.label} has no slot named {slot[:40]!r}.", f"Use {', '.join(known)}.")
        if model is not None and (not model.strip() or model != model.strip() or not model.isprintable()):
            raise invalid(f"The {slot} model of {spec.label} is not a name.", "Name a model.")
    after = {**before, **slots}
    if not after.get(known[0]):
        raise invalid(f"{spec.label} cannot run without a {known[0]} model.", "Name one.")
    return after


def invalid(message: str, remedy: str) -> ChangeError:
    """Return the error for a request that an agent has no place for."""
    return ChangeError(message, code="slot_invalid", remedy=remedy)


def finished(
    form: AgentForm, contents: Contents, changed: Mapping[str, bytes], request: ChangeRequest, edit: FileEdit
) -> FileEdit:
    """Return the edit with the files that differ, having proved that the agent reads from them what was wanted."""
    new = {**contents, **changed}
    routes = {route.slot: route for route in form.read(new, {})}
    if {slot: route.model for slot, route in routes.items()} != {s: m for s, m in edit.after.items() if m}:
        raise AmbiguousJson("other models than the wanted ones would be read")
    for slot, wanted in request.routing.items():
        if slot in routes and edit.after.get(slot) and not _goes(routes[slot], wanted):
            raise AmbiguousJson("another route than the wanted one would be read")
    return FileEdit(
        contents={name: content for name, content in changed.items() if content != contents[name]},
        before=edit.before,
        after=edit.after,
        diff=edit.diff,
    )


def _goes(route: StoredRoute, wanted: SlotRouting) -> bool:
    return route.base_url == wanted.base_url.rstrip("/") and route.dialect in (None, wanted.dialect)
