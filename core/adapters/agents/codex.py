"""Codex' form: config.toml, edited through tomlkit: comments, order and layout stay (0.169, agents.md section 3.3)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, MutableMapping
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import String

from core.adapters.agents.form import (
    Contents,
    FileEdit,
    UnreadableConfig,
    ambiguous,
    broken,
    models_of,
    routing_missing,
)
from core.adapters.agents.json_form import PROVIDER, REFERENCE_IN_WORDS, finished, named_token, wanted_models
from core.change.plan import TOKEN_VARIABLE
from core.model.agent import AgentId, Dialect
from core.model.change import ChangeRequest, CredentialUse, DiffEntry, DiffOp, SlotRouting
from core.model.choice import StoredRoute
from core.model.secret import Secret

_FILE = "config.toml"
_SLOT = "default"
_PROVIDERS = "model_providers"
_WIRES = {"responses": Dialect.OPENAI_RESPONSES, "chat": Dialect.OPENAI_CHAT}
Table = MutableMapping[str, Any]


class CodexForm:
    """Fulfil AgentForm for Codex 0.169."""

    agent = AgentId.CODEX
    files = (_FILE,)
    effective = "next start of Codex"
    repair = "Correct the file by hand (codex names the line), then plan again; nothing was written."

    def read(self, contents: Contents, environment: Mapping[str, Secret]) -> tuple[StoredRoute, ...]:
        """Return what the config says; raises UnreadableConfig."""
        document = _parsed(contents[_FILE])
        model = _text(_holder(document, "model"), "model")
        if model is None:
            return ()
        provider = _provider(document) or {}
        token, place = _credential(provider, environment)
        base_url = _text(provider, "base_url")
        return (
            StoredRoute(
                slot=_SLOT,
                model=model,
                base_url=base_url.rstrip("/") if base_url else None,
                token=token,
                token_from=place,
                dialect=_WIRES.get(_text(provider, "wire_api") or ""),
            ),
        )

    def edit(self, contents: Contents, request: ChangeRequest) -> FileEdit:
        """Return the config after a change: the provider in use, or one of ours where there is none."""
        try:
            before: dict[str, str | None] = {route.slot: route.model for route in self.read(contents, {})}
            after = wanted_models(self, before, models_of(request))
            work = _Work(contents[_FILE])
            work.choose(after[_SLOT] or "")
            if request.routing.get(_SLOT) is not None:
                work.send(request.routing[_SLOT])
            elif work.provider() is None:
                raise routing_missing(self, _SLOT)
            if contents[_FILE] is None or request.credential is CredentialUse.ENVIRONMENT:
                work.refer()
            former = {_SLOT: before.get(_SLOT)}
            edit = FileEdit(contents={}, before=former, after=after, diff=tuple(work.diff))
            return finished(self, contents, {_FILE: work.content} if work.diff else {}, request, edit)
        except UnreadableConfig as exc:
            raise broken(self, str(exc)) from exc
        except (TOMLKitError, ValueError, TypeError) as exc:
            raise ambiguous(self, "its tables are written in a way that cannot be changed in place") from exc


class _Work:
    """One document while it is being changed, with the diff for people."""

    def __init__(self, content: bytes | None) -> None:
        self._is_new = content is None
        self._document: Table = _parsed(content)
        self.diff: list[DiffEntry] = []

    @property
    def content(self) -> bytes:
        """Return the bytes; what tomlkit wrote is read once more by the standard library."""
        text = tomlkit.dumps(self._document)
        tomllib.loads(text)
        return text.encode()

    def provider(self) -> Table | None:
        """Return the provider that is in use, None where it is one of Codex' own."""
        return _provider(self._document)

    def choose(self, model: str) -> None:
        """Name the model where it is named now, else at the top."""
        self._put(_holder(self._document, "model"), "model", model, field="model")
        if self._is_new:
            # Databricks' Responses API does not know Codex' web search.
            self._document["web_search"] = "disabled"

    def send(self, route: SlotRouting) -> None:
        """Send requests where the route says, through the provider in use where that is possible."""
        provider, name = self.provider(), _text(_holder(self._document, "model_provider"), "model_provider")
        if provider is None:
            name = PROVIDER
            self._put(_holder(self._document, "model_provider"), "model_provider", name, field="model_provider")
            tables = self._document.setdefault(_PROVIDERS, tomlkit.table(is_super_table=True))
            provider = tables.setdefault(name, tomlkit.table())
            provider.setdefault("name", "Databricks")
            self._put(provider, "base_url", route.base_url, field=f"{_PROVIDERS}.{name}.base_url")
            self._put(provider, "wire_api", "responses", field=f"{_PROVIDERS}.{name}.wire_api")
            self.refer()
            return
        if (_text(provider, "base_url") or "").rstrip("/") != route.base_url:
            self._put(provider, "base_url", route.base_url, field=f"{_PROVIDERS}.{name}.base_url")
        self._put(provider, "wire_api", "responses", field=f"{_PROVIDERS}.{name}.wire_api")

    def refer(self) -> None:
        """Let the provider take its token from the environment; a command beside it would win, so it goes."""
        provider, name = self.provider(), _text(_holder(self._document, "model_provider"), "model_provider")
        if provider is None:
            return
        field = f"{_PROVIDERS}.{name}"
        for key in ("auth", "experimental_bearer_token"):
            if key in provider:
                del provider[key]
                former = "a command" if key == "auth" else "stored token"
                self.diff.append(DiffEntry(op=DiffOp.DELETE, field=f"{field}.{key}", old=former, new=None))
        variable = _text(provider, "env_key")
        if variable != TOKEN_VARIABLE:
            old = f"environment variable {variable}" if variable else None
            provider["env_key"] = TOKEN_VARIABLE
            op = DiffOp.CHANGE if variable else DiffOp.ADD
            self.diff.append(DiffEntry(op=op, field=f"{field}.env_key", old=old, new=REFERENCE_IN_WORDS))

    def _put(self, table: Table, key: str, value: str, *, field: str) -> None:
        former = _text(table, key)
        if former == value:
            return
        stands = table.get(key)
        is_literal = isinstance(stands, String) and stands.as_string().startswith("'") and "'" not in value
        table[key] = tomlkit.string(value, literal=is_literal)
        op = DiffOp.ADD if former is None else DiffOp.CHANGE
        self.diff.append(DiffEntry(op=op, field=field, old=former, new=value))


def _parsed(content: bytes | None) -> Table:
    """Return the document; raises UnreadableConfig."""
    try:
        text = (content or b"").decode()
        tomllib.loads(text)
        return tomlkit.parse(text)
    except UnicodeDecodeError as exc:
        raise UnreadableConfig("it is not UTF-8") from exc
    except tomllib.TOMLDecodeError as exc:
        raise UnreadableConfig(f"it is not TOML ({exc})") from exc
    except (TOMLKitError, ValueError, RecursionError) as exc:
        raise UnreadableConfig("its TOML cannot be read") from exc


def _holder(document: Table, key: str) -> Table:
    """Return the table that decides a key: the profile that is in use where it names it, else the top."""
    name = _text(document, "profile")
    profile = _table(document, "profiles", name) if name else None
    return profile if profile is not None and key in profile else document


def _provider(document: Table) -> Table | None:
    name = _text(_holder(document, "model_provider"), "model_provider")
    return _table(document, _PROVIDERS, name) if name else None


def _table(document: Table, *path: str) -> Table | None:
    found: Any = document
    for key in path:
        found = found.get(key) if isinstance(found, MutableMapping) else None
    return found if isinstance(found, MutableMapping) else None


def _text(table: Mapping[str, Any], key: str) -> str | None:
    value = table.get(key)
    if value is not None and not isinstance(value, str):
        raise UnreadableConfig(f"{key} is not a text")
    return str(value) if value else None


def _credential(provider: Table, environment: Mapping[str, Secret]) -> tuple[Secret | None, str | None]:
    if "auth" in provider:
        return None, f"the command in auth of {_FILE}"
    stored = _text(provider, "experimental_bearer_token")
    if stored:
        return Secret(stored), f"experimental_bearer_token in {_FILE}"
    variable = _text(provider, "env_key")
    return named_token(variable, environment) if variable else (None, None)
