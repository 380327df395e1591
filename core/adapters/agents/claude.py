"""Claude Code's form: settings.json, whose `env` names models, base URL and token (2.1, agents.md section 3.2)."""

from __future__ import annotations

from collections.abc import Mapping

from core.adapters.agents.form import Contents, FileEdit, models_of, routing_missing
from core.adapters.agents.json_form import (
    JsonConfig,
    editing,
    finished,
    named_token,
    printed_variable,
    reading,
    wanted_models,
)
from core.adapters.json_text import AmbiguousJson
from core.change.plan import TOKEN_VARIABLE
from core.model.agent import AgentId, Dialect
from core.model.change import ChangeRequest, CredentialUse
from core.model.choice import StoredRoute
from core.model.secret import Secret

_FILE = "settings.json"
# The first one that is set counts, and a new one is written under the first.
_KEYS: Mapping[str, tuple[str, ...]] = {
    "default": ("ANTHROPIC_MODEL",),
    "opus": ("ANTHROPIC_DEFAULT_OPUS_MODEL",),
    "sonnet": ("ANTHROPIC_DEFAULT_SONNET_MODEL",),
    "haiku": ("ANTHROPIC_DEFAULT_HAIKU_MODEL", "ANTHROPIC_SMALL_FAST_MODEL"),
}
_BASE_URL = ("env", "ANTHROPIC_BASE_URL")
_TOKEN = ("env", "ANTHROPIC_AUTH_TOKEN")
_KEY = ("env", "ANTHROPIC_API_KEY")
_HELPER = ("apiKeyHelper",)
# A helper's output is sent as Bearer too; a variable inside `env` is not expanded.
_REFERENCE = f"printenv {TOKEN_VARIABLE}"
_LONG_CONTEXT = "[1m]"


class ClaudeForm:
    """Fulfil AgentForm for Claude Code 2.1."""

    agent = AgentId.CLAUDE
    files = (_FILE,)
    effective = "next start of Claude Code"
    repair = "Correct the file by hand (claude doctor names it), then plan again; nothing was written."

    def read(self, contents: Contents, environment: Mapping[str, Secret]) -> tuple[StoredRoute, ...]:
        """Return what the config says per slot; raises UnreadableConfig."""
        if contents[_FILE] is None:
            return ()
        with reading():
            config = JsonConfig(contents[_FILE])
            token, place = _credential(config, environment)
            base_url = config.text(*_BASE_URL)
            return tuple(
                StoredRoute(
                    slot=slot,
                    model=model,
                    base_url=base_url.rstrip("/") if base_url else None,
                    token=token,
                    token_from=place,
                    dialect=Dialect.ANTHROPIC_MESSAGES,
                )
                for slot, model in _models(config).items()
            )

    def edit(self, contents: Contents, request: ChangeRequest) -> FileEdit:
        """Return the config after a change; every value that is not asked for stays."""
        is_new = contents[_FILE] is None
        if is_new and not request.routing:
            raise routing_missing(self, "default")
        with editing(self):
            config = JsonConfig(contents[_FILE])
            before: dict[str, str | None] = {**_models(config)}
            after = wanted_models(self, before, models_of(request))
            for slot, model in after.items():
                if model != before.get(slot):
                    _name(config, slot, model)
            _send(config, {route.base_url for slot, route in request.routing.items() if after.get(slot)})
            if is_new or request.credential is CredentialUse.ENVIRONMENT:
                _refer(config)
            if is_new:
                config.put(("env", "CLAUDE_CODE_DISABLE_EXPERIMENTAL_BETAS"), "1")
            former = {slot: before.get(slot) for slot in after}
            edit = FileEdit(contents={}, before=former, after=after, diff=tuple(config.diff))
            return finished(self, contents, {_FILE: config.content}, request, edit)


def _models(config: JsonConfig) -> dict[str, str]:
    found: dict[str, str] = {}
    for slot, keys in _KEYS.items():
        model = next((model for key in keys if (model := config.text("env", key))), None)
        if model is not None:
            # The suffix asks for a long context and is not sent.
            found[slot] = model.removesuffix(_LONG_CONTEXT)
    setting = config.text("model")
    if "default" not in found and setting is not None:
        model = setting.removesuffix(_LONG_CONTEXT)
        if (resolved := found.get(model, model)) not in ("default", "opusplan", *_KEYS):
            found = {"default": resolved, **found}
    return found


def _name(config: JsonConfig, slot: str, model: str | None) -> None:
    keys = _KEYS[slot]
    if model is not None:
        config.put(("env", next((key for key in keys if config.text("env", key)), keys[0])), model)
        return
    for key in keys:
        config.drop(("env", key), former=config.text("env", key))


def _send(config: JsonConfig, base_urls: set[str]) -> None:
    if len(base_urls) > 1:
        raise AmbiguousJson("it has one base URL for all its models")
    for base_url in base_urls:
        if (config.text(*_BASE_URL) or "").rstrip("/") != base_url:
            config.put(_BASE_URL, base_url)


def _refer(config: JsonConfig) -> None:
    """Let the token be the environment's; a stored one would win over the helper, so it goes."""
    for path in (_TOKEN, _KEY):
        config.drop(path, former="stored token" if config.text(*path) else None)
    helper = config.text(*_HELPER)
    if helper is None or printed_variable(helper) != TOKEN_VARIABLE:
        config.put_reference(_HELPER, _REFERENCE, former="a command" if helper else None)


def _credential(config: JsonConfig, environment: Mapping[str, Secret]) -> tuple[Secret | None, str | None]:
    if token := config.text(*_TOKEN):
        return Secret(token), f"ANTHROPIC_AUTH_TOKEN in {_FILE}"
    if config.text(*_KEY):
        return None, f"ANTHROPIC_API_KEY in {_FILE}, which is not sent as a bearer token"
    helper = config.text(*_HELPER)
    if helper is None:
        return None, None
    variable = printed_variable(helper)
    return named_token(variable, environment) if variable else (None, f"the command in apiKeyHelper of {_FILE}")
