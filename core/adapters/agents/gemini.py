"""Gemini CLI's form: settings.json and .env, of which .env wins (0.61, agents.md section 3.4)."""

from __future__ import annotations

from collections.abc import Mapping

from core.adapters.agents.form import Contents, FileEdit, models_of, routing_missing
from core.adapters.agents.json_form import (
    JsonConfig,
    editing,
    finished,
    named_token,
    reading,
    wanted_models,
)
from core.adapters.env_file import EnvFile
from core.model.agent import AgentId, Dialect
from core.model.change import ChangeRequest, CredentialUse, DiffEntry, DiffOp
from core.model.choice import StoredRoute
from core.model.secret import Secret

_SETTINGS, _ENV = "settings.json", ".env"
_SLOT = "default"
_MODEL, _BASE_URL, _KEY = "GEMINI_MODEL", "GOOGLE_GEMINI_BASE_URL", "GEMINI_API_KEY"
_MECHANISM, _BEARER = "GEMINI_API_KEY_AUTH_MECHANISM", "bearer"
_NAME = ("model", "name")
_AUTH, _BY_KEY = ("security", "auth", "selectedType"), "gemini-api-key"
# Nothing in .env is expanded, so a token by reference is one that the environment has under Gemini CLI's own name.
_NOTE = f'The token comes from the environment: {_KEY}="$DATABRICKS_TOKEN" gemini'


class GeminiForm:
    """Fulfil AgentForm for Gemini CLI 0.61."""

    agent = AgentId.GEMINI
    files = (_SETTINGS, _ENV)
    effective = "next start of Gemini CLI, in a folder that it trusts"
    repair = "Correct the file by hand, then plan again; nothing was written."

    def read(self, contents: Contents, environment: Mapping[str, Secret]) -> tuple[StoredRoute, ...]:
        """Return what the config says; raises UnreadableConfig."""
        with reading():
            settings, env = JsonConfig(contents[_SETTINGS]), EnvFile(contents[_ENV])
            model = _model(settings, env)
            if model is None:
                return ()
            token, place = _credential(settings, env, environment)
        base_url = env.get(_BASE_URL)
        return (
            StoredRoute(
                slot=_SLOT,
                model=model,
                base_url=base_url.rstrip("/") if base_url else None,
                token=token,
                token_from=place,
                dialect=Dialect.GEMINI_GENERATE,
            ),
        )

    def edit(self, contents: Contents, request: ChangeRequest) -> FileEdit:
        """Return the config after a change; every value that is not asked for stays."""
        route = request.routing.get(_SLOT)
        is_new = all(content is None for content in contents.values())
        if is_new and route is None:
            raise routing_missing(self, _SLOT)
        with editing(self):
            settings, env = JsonConfig(contents[_SETTINGS]), _Env(EnvFile(contents[_ENV]))
            former = _model(settings, env.file)
            after = wanted_models(self, {_SLOT: former} if former else {}, models_of(request))
            model = after[_SLOT] or ""
            if is_new or env.file.get(_MODEL) or not settings.text(*_NAME):
                env.put(_MODEL, model)
            if is_new or settings.text(*_NAME):
                settings.put(_NAME, model)
            if route is not None:
                if (env.file.get(_BASE_URL) or "").rstrip("/") != route.base_url:
                    env.put(_BASE_URL, route.base_url)
                env.put(_MECHANISM, _BEARER)
                settings.put(_AUTH, _BY_KEY)
            if request.credential is CredentialUse.ENVIRONMENT:
                env.drop_token()
                env.put(_MECHANISM, _BEARER)
            if is_new:
                env.file.comment(_NOTE)
            diff = (*settings.diff, *env.diff)
            edit = FileEdit(contents={}, before={_SLOT: former}, after=after, diff=diff)
            changed = {file: one.content for file, one in ((_SETTINGS, settings), (_ENV, env)) if one.diff}
            return finished(self, contents, changed, request, edit)


class _Env:
    """The .env file with the diff of what was changed in it."""

    def __init__(self, file: EnvFile) -> None:
        self.file = file
        self.diff: list[DiffEntry] = []

    @property
    def content(self) -> bytes:
        return self.file.content

    def put(self, name: str, value: str) -> None:
        former = self.file.get(name)
        if former == value:
            return
        op = DiffOp.CHANGE if former else DiffOp.ADD
        self.file.put(name, value)
        self.diff.append(DiffEntry(op=op, field=f"{_ENV} {name}", old=former, new=value))

    def drop_token(self) -> None:
        if self.file.get(_KEY):
            self.file.drop(_KEY)
            self.diff.append(DiffEntry(op=DiffOp.DELETE, field=f"{_ENV} {_KEY}", old="stored token", new=None))


def _model(settings: JsonConfig, env: EnvFile) -> str | None:
    return env.get(_MODEL) or settings.text(*_NAME)


def _credential(
    settings: JsonConfig, env: EnvFile, environment: Mapping[str, Secret]
) -> tuple[Secret | None, str | None]:
    way = settings.text(*_AUTH)
    if way not in (None, _BY_KEY):
        return None, "Gemini CLI's own login"
    token, place = named_token(_KEY, environment)
    if (stored := env.get(_KEY)) is not None:
        token, place = Secret(stored), f"{_KEY} in {_ENV}"
    if env.get(_MECHANISM) != _BEARER:
        return None, f"{place}, which is not sent as a bearer token without {_MECHANISM}={_BEARER}"
    return token, place
