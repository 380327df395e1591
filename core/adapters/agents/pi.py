"""Pi's form: models.json with its providers, and settings.json that picks one (0.87, agents.md section 3.6)."""

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
    printed_variable,
    reading,
    wanted_models,
)
from core.adapters.json_text import Json, UnreadableJson
from core.change.plan import TOKEN_VARIABLE
from core.model.agent import AgentId, Dialect
from core.model.change import ChangeRequest, CredentialUse, SlotRouting
from core.model.choice import StoredRoute
from core.model.secret import Secret

_MODELS, _SETTINGS = "models.json", "settings.json"
_SLOT = "default"
_APIS: Mapping[Dialect, str] = {
    Dialect.ANTHROPIC_MESSAGES: "anthropic-messages",
    Dialect.OPENAI_RESPONSES: "openai-responses",
    Dialect.GEMINI_GENERATE: "google-generative-ai",
    Dialect.OPENAI_CHAT: "openai-completions",
}
_DIALECTS = {api: dialect for dialect, api in _APIS.items()}
# These clients send the key in a header of their own, and as Bearer only when they are told to.
_OWN_HEADER = frozenset({Dialect.ANTHROPIC_MESSAGES, Dialect.GEMINI_GENERATE})
_COMPAT: Mapping[Dialect, Mapping[str, Json]] = {
    Dialect.ANTHROPIC_MESSAGES: {"supportsEagerToolInputStreaming": False},
    Dialect.OPENAI_CHAT: {
        "supportsStore": False,
        "supportsStrictMode": False,
        "supportsDeveloperRole": False,
        "maxTokensField": "max_tokens",
    },
}
# A command is understood by every Pi; a bare name and $NAME are each understood by some.
_REFERENCE = f"!printenv {TOKEN_VARIABLE}"
_VARIABLE = re.compile(r"\$\{?(\w+)\}?|([A-Z][A-Z0-9_]*)")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Chosen:
    """The provider and model that Pi starts with, and what models.json says about them."""

    provider: str
    model: str
    is_defined: bool
    base_url: str | None
    dialect: Dialect | None
    key: str | None
    sends_bearer: bool


class PiForm:
    """Fulfil AgentForm for Pi 0.87."""

    agent = AgentId.PI
    files = (_MODELS, _SETTINGS)
    effective = "next start of Pi"
    repair = "Correct the file by hand, then plan again; nothing was written."

    def read(self, contents: Contents, environment: Mapping[str, Secret]) -> tuple[StoredRoute, ...]:
        """Return what the config says; raises UnreadableConfig."""
        with reading():
            chosen = _chosen(JsonConfig(contents[_MODELS]), JsonConfig(contents[_SETTINGS]))
        if chosen is None:
            return ()
        token, place = _credential(chosen, environment)
        return (
            StoredRoute(
                slot=_SLOT,
                model=chosen.model,
                base_url=chosen.base_url,
                token=token,
                token_from=place,
                dialect=chosen.dialect,
            ),
        )

    def edit(self, contents: Contents, request: ChangeRequest) -> FileEdit:
        """Return the config after a change: the provider in use where its dialect stays, else one of ours."""
        with editing(self):
            models, settings = JsonConfig(contents[_MODELS]), JsonConfig(contents[_SETTINGS])
            chosen = _chosen(models, settings)
            before: dict[str, str | None] = {_SLOT: chosen.model} if chosen else {}
            after = wanted_models(self, before, models_of(request))
            model, route = after[_SLOT] or "", request.routing.get(_SLOT)
            if chosen is not None and (route is None or _stays(chosen, route)):
                provider = chosen.provider
                if route is not None and chosen.base_url != route.base_url:
                    models.put(("providers", provider, "baseUrl"), route.base_url)
            elif route is not None:
                provider = _own_provider(models, route, chosen)
            else:
                raise routing_missing(self, _SLOT)
            if request.credential is CredentialUse.ENVIRONMENT and models.names("providers", provider):
                _refer(models, provider)
            _choose(models, settings, provider, model)
            diff = (*models.diff, *settings.diff)
            edit = FileEdit(contents={}, before={_SLOT: before.get(_SLOT)}, after=after, diff=diff)
            changed = {
                file: config.content for file, config in ((_MODELS, models), (_SETTINGS, settings)) if config.diff
            }
            return finished(self, contents, changed, request, edit)


def _chosen(models: JsonConfig, settings: JsonConfig) -> _Chosen | None:
    provider, model = settings.text("defaultProvider"), settings.text("defaultModel")
    if provider is None or model is None:
        provider, slash, model = (models.text("model") or "").partition("/")
        if not slash or not model:
            return None
    at = ("providers", provider)
    own = _own_entry(models.get(*at, "models"), model)
    base_url = _text(own, "baseUrl") or models.text(*at, "baseUrl")
    dialect = _DIALECTS.get(_text(own, "api") or models.text(*at, "api") or "")
    return _Chosen(
        provider=provider,
        model=model,
        is_defined=bool(models.names(*at)),
        base_url=base_url.rstrip("/") if base_url else None,
        dialect=dialect,
        key=models.text(*at, "apiKey"),
        sends_bearer=models.get(*at, "authHeader") is True or dialect not in _OWN_HEADER,
    )


def _own_entry(listed: Json, model: str) -> dict[str, Json]:
    if listed is not None and not isinstance(listed, list):
        raise UnreadableJson("the models of a provider are not a list")
    entries = [entry for entry in listed or () if isinstance(entry, dict) and entry.get("id") == model]
    return entries[0] if entries else {}


def _text(entry: Mapping[str, Json], key: str) -> str | None:
    value = entry.get(key)
    return value if isinstance(value, str) and value else None


def _credential(chosen: _Chosen, environment: Mapping[str, Secret]) -> tuple[Secret | None, str | None]:
    if not chosen.is_defined:
        return None, f"Pi's own login for {chosen.provider}"
    if chosen.key is None:
        return None, None
    if not chosen.sends_bearer:
        return None, f"apiKey in {_MODELS}, which is not sent as a bearer token without authHeader"
    if chosen.key.startswith("!"):
        variable = printed_variable(chosen.key[1:])
        return named_token(variable, environment) if variable else (None, f"the command in apiKey of {_MODELS}")
    named = _VARIABLE.fullmatch(chosen.key)
    if named:
        return named_token(named.group(1) or named.group(2), environment)
    return Secret(chosen.key), f"apiKey in {_MODELS}"


def _stays(chosen: _Chosen, route: SlotRouting) -> bool:
    return chosen.is_defined and chosen.dialect in (None, route.dialect)


def _own_provider(models: JsonConfig, route: SlotRouting, chosen: _Chosen | None) -> str:
    """Write a provider of ours for this dialect, with the credential that Pi has now; return its name."""
    api = _APIS[route.dialect]
    name = PROVIDER if models.text("providers", PROVIDER, "api") in (None, api) else f"{PROVIDER}-{api}"
    at = ("providers", name)
    models.put((*at, "baseUrl"), route.base_url)
    models.put((*at, "api"), api)
    if chosen is not None and chosen.key is not None:
        place = _credential(chosen, {})[1] or ""
        shown = place if place.startswith("environment") else "stored token"
        models.copy_credential((*at, "apiKey"), chosen.key, shown=shown)
    else:
        models.put_reference((*at, "apiKey"), _REFERENCE, former=None)
    models.put((*at, "authHeader"), True)
    for key, value in _COMPAT.get(route.dialect, {}).items():
        models.put((*at, "compat", key), value)
    return name


def _refer(models: JsonConfig, provider: str) -> None:
    key = models.text("providers", provider, "apiKey")
    former = None
    if key is not None:
        variable = printed_variable(key[1:]) if key.startswith("!") else None
        former = f"environment variable {variable}" if variable else "stored token"
    if former != REFERENCE_IN_WORDS:
        models.put_reference(("providers", provider, "apiKey"), _REFERENCE, former=former)
    models.put(("providers", provider, "authHeader"), True)


def _choose(models: JsonConfig, settings: JsonConfig, provider: str, model: str) -> None:
    """Let Pi start with this model of this provider, which has to list it."""
    at = ("providers", provider)
    if models.names(*at) and not _own_entry(models.get(*at, "models"), model):
        listed: Json = {"id": model}
        models.append((*at, "models"), listed, shown=model)
    combined = models.text("model")
    if combined is not None and combined != f"{provider}/{model}":
        models.put(("model",), f"{provider}/{model}")
    if combined is None or settings.text("defaultProvider") or settings.text("defaultModel"):
        settings.put(("defaultProvider",), provider)
        settings.put(("defaultModel",), model)
