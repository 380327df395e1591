"""OpenCode's form: opencode.json, a provider per dialect, `provider/model` per slot (1.18, agents.md section 3.5)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from core.adapters.agents.form import Contents, FileEdit, models_of, routing_missing
from core.adapters.agents.json_form import (
    PROVIDER,
    REFERENCE_IN_WORDS,
    JsonConfig,
    editing,
    finished,
    named_token,
    reading,
    wanted_models,
)
from core.adapters.json_text import Json
from core.change.plan import TOKEN_VARIABLE
from core.model.agent import AgentId, Dialect
from core.model.change import ChangeRequest, CredentialUse, SlotRouting
from core.model.choice import StoredRoute
from core.model.secret import Secret

_FILE = "opencode.json"
# Titles have a model of their own; without one OpenCode may ask for one that nobody configured.
_SETTINGS: Mapping[str, str] = {"default": "model", "title": "small_model"}
_PACKAGES: Mapping[Dialect, str] = {
    Dialect.ANTHROPIC_MESSAGES: "@ai-sdk/anthropic",
    Dialect.OPENAI_RESPONSES: "@ai-sdk/openai",
    Dialect.GEMINI_GENERATE: "@ai-sdk/google",
    Dialect.OPENAI_CHAT: "@ai-sdk/openai-compatible",
}
_DIALECTS = {package: dialect for dialect, package in _PACKAGES.items()}
# These clients send the key in a header of their own, so Bearer is a header that the config writes.
_OWN_HEADER = frozenset({Dialect.ANTHROPIC_MESSAGES, Dialect.GEMINI_GENERATE})
_REFERENCE = f"{{env:{TOKEN_VARIABLE}}}"
_NAMED = re.compile(r"(?:Bearer\s+)?\{env:(\w+)\}")
# Every other reference is to something that is not read from here.
_REFERS = re.compile(r"\{(?:env|file):")
_BEARER = "Bearer "


@dataclass(frozen=True, slots=True, kw_only=True)
class _Slot:
    """The model of one slot and its provider, as the file says it."""

    provider: str
    model: str
    is_defined: bool
    base_url: str | None
    dialect: Dialect | None
    key: str | None
    has_other_key: bool


class OpenCodeForm:
    """Fulfil AgentForm for OpenCode 1.18."""

    agent = AgentId.OPENCODE
    files = (_FILE,)
    effective = "next start of OpenCode"
    repair = "Correct the file by hand, then plan again; nothing was written."

    def read(self, contents: Contents, environment: Mapping[str, Secret]) -> tuple[StoredRoute, ...]:
        """Return what the config says per slot; raises UnreadableConfig."""
        if contents[_FILE] is None:
            return ()
        with reading():
            slots = _slots(JsonConfig(contents[_FILE], trailing_commas=True))
        return tuple(_route(name, slot, environment) for name, slot in slots.items())

    def edit(self, contents: Contents, request: ChangeRequest) -> FileEdit:
        """Return the config after a change: the provider in use where its dialect stays, else one of ours."""
        with editing(self):
            config = JsonConfig(contents[_FILE], trailing_commas=True)
            slots = _slots(config)
            before: dict[str, str | None] = {name: slot.model for name, slot in slots.items()}
            after = wanted_models(self, before, models_of(request))
            for name, model in after.items():
                if model is None:
                    config.drop((_SETTINGS[name],), former=before.get(name))
                else:
                    self._place(config, name, model, slots, request)
            former = {name: before.get(name) for name in after}
            edit = FileEdit(contents={}, before=former, after=after, diff=tuple(config.diff))
            return finished(self, contents, {_FILE: config.content} if config.diff else {}, request, edit)

    def _place(
        self, config: JsonConfig, name: str, model: str, slots: Mapping[str, _Slot], request: ChangeRequest
    ) -> None:
        # A slot that is new goes the way of the first one, where nobody says otherwise.
        slot = slots.get(name) or slots.get("default")
        route = request.routing.get(name) or (None if slot else request.routing.get("default"))
        if slot is not None and (route is None or _stays(slot, route)):
            provider = slot.provider
            if route is not None and slot.base_url != route.base_url:
                config.put(("provider", provider, "options", "baseURL"), route.base_url)
        elif route is not None:
            provider = _own_provider(config, route, slot)
        else:
            raise routing_missing(self, name)
        at = ("provider", provider)
        dialect = _DIALECTS.get(config.text(*at, "npm") or "")
        if request.credential is CredentialUse.ENVIRONMENT and config.names(*at):
            _refer(config, provider, dialect)
        if config.names(*at) and model not in config.names(*at, "models"):
            config.put((*at, "models", model), _model_settings(dialect))
        config.put((_SETTINGS[name],), f"{provider}/{model}")


def _slots(config: JsonConfig) -> dict[str, _Slot]:
    found: dict[str, _Slot] = {}
    for name, setting in _SETTINGS.items():
        provider, slash, model = (config.text(setting) or "").partition("/")
        if slash and model:
            at = ("provider", provider)
            base_url = config.text(*at, "options", "baseURL")
            found[name] = _Slot(
                provider=provider,
                model=model,
                is_defined=bool(config.names(*at)),
                base_url=base_url.rstrip("/") if base_url else None,
                dialect=_DIALECTS.get(config.text(*at, "npm") or ""),
                key=_key(config, provider),
                has_other_key=config.text(*at, "options", "apiKey") is not None,
            )
    return found


def _key(config: JsonConfig, provider: str) -> str | None:
    """Return what is sent as a bearer token, None where nothing is."""
    at = ("provider", provider, "options")
    header = config.text(*at, "headers", "Authorization")
    if header is not None:
        return header
    if token := config.text(*at, "authToken"):
        return token
    own = _DIALECTS.get(config.text("provider", provider, "npm") or "") in _OWN_HEADER
    return None if own else config.text(*at, "apiKey")


def _route(name: str, slot: _Slot, environment: Mapping[str, Secret]) -> StoredRoute:
    token, place = _credential(slot, environment)
    return StoredRoute(
        slot=name,
        model=slot.model,
        base_url=slot.base_url,
        token=token,
        token_from=place,
        dialect=slot.dialect,
    )


def _credential(slot: _Slot, environment: Mapping[str, Secret]) -> tuple[Secret | None, str | None]:
    if not slot.is_defined:
        return None, f"OpenCode's own login for {slot.provider}"
    if slot.key is None:
        unsent = f"apiKey in {_FILE}, which is not sent as a bearer token without an Authorization header"
        return None, unsent if slot.has_other_key else None
    named = _NAMED.fullmatch(slot.key)
    if named:
        return named_token(named.group(1), environment)
    if _REFERS.search(slot.key):
        return None, f"what the options of {slot.provider} in {_FILE} refer to"
    return Secret(slot.key.removeprefix(_BEARER)), f"the options of {slot.provider} in {_FILE}"


def _stays(slot: _Slot, route: SlotRouting) -> bool:
    return slot.is_defined and slot.dialect in (None, route.dialect)


def _own_provider(config: JsonConfig, route: SlotRouting, former: _Slot | None) -> str:
    """Write a provider of ours for this dialect, with the credential that OpenCode has now; return its name."""
    package = _PACKAGES[route.dialect]
    name = f"{PROVIDER}-{package.rpartition('/')[2]}"
    at = ("provider", name)
    config.put((*at, "npm"), package)
    config.put((*at, "options", "baseURL"), route.base_url)
    if former is None or former.key is None:
        _refer(config, name, route.dialect)
        return name
    place = _credential(former, {})[1] or ""
    shown = place if place.startswith("environment") else "stored token"
    key = former.key.removeprefix(_BEARER)
    config.copy_credential((*at, "options", "apiKey"), key, shown=shown)
    if route.dialect in _OWN_HEADER:
        config.copy_credential((*at, "options", "headers", "Authorization"), _BEARER + key, shown=shown)
    return name


def _refer(config: JsonConfig, provider: str, dialect: Dialect | None) -> None:
    """Let the provider take its token from the environment."""
    at = ("provider", provider, "options")
    if config.get(*at, "authToken") is not None:
        config.drop((*at, "authToken"), former="stored token")
    wanted: dict[tuple[str, ...], str] = {(*at, "apiKey"): _REFERENCE}
    if dialect in _OWN_HEADER or config.get(*at, "headers", "Authorization") is not None:
        wanted[*at, "headers", "Authorization"] = _BEARER + _REFERENCE
    for path, reference in wanted.items():
        stands = config.text(*path)
        if stands != reference:
            named = _NAMED.fullmatch(stands or "")
            former = f"environment variable {named.group(1)}" if named else "stored token" if stands else None
            if former != REFERENCE_IN_WORDS:
                config.put_reference(path, reference, former=former)


def _model_settings(dialect: Dialect | None) -> Json:
    # Without this the tools of an Anthropic model carry a field that the gateway does not know.
    return {"options": {"toolStreaming": False}} if dialect is Dialect.ANTHROPIC_MESSAGES else {}
