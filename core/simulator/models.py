"""The models that a simulated workspace serves: what each answers to, where, and how it misbehaves."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from core.catalog.agents import API_TYPES
from core.catalog.spellings import endpoint_spelling, family_of, service_spelling
from core.model.agent import Dialect

_MESSAGES = Dialect.ANTHROPIC_MESSAGES
_RESPONSES = Dialect.OPENAI_RESPONSES
_CHAT = Dialect.OPENAI_CHAT
_GEMINI = Dialect.GEMINI_GENERATE


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatedModel:
    """One model. `gateway` and `legacy` are the dialects it answers on either kind of route.

    `echo` is the name it calls itself in answers, which differs from the asked one (databricks.md §1.4). `thinks` is
    how many output tokens go by before its first word; a smaller cap cuts the answer there. `executable` False masks
    the model as absent on the gateway, as a missing grant does; `has_service` False leaves only the endpoint spelling.
    """

    id: str
    echo: str
    gateway: tuple[Dialect, ...] = ()
    legacy: tuple[Dialect, ...] = ()
    task: str = "llm/v1/chat"
    ready: bool = True
    rate_limit_zero: bool = False
    executable: bool = True
    has_service: bool = True
    thinks: int = 0
    output_limit: int | None = None

    @property
    def endpoint(self) -> str:
        """Return the serving-endpoints spelling."""
        return endpoint_spelling(self.id)

    @property
    def service(self) -> str:
        """Return the Unity Catalog spelling."""
        return service_spelling(self.id)

    @property
    def family(self) -> str:
        """Return the family by name."""
        return family_of(self.id)

    @property
    def api_types(self) -> tuple[str, ...]:
        """Return what the listings say this model can do."""
        if self.task == "llm/v1/embeddings":
            return ("mlflow/v1/embeddings",)
        return tuple(API_TYPES[dialect][0] for dialect in self.gateway)


def _claude(name: str, echo: str, *, executable: bool = True) -> SimulatedModel:
    dialects = (_MESSAGES, _CHAT)
    return SimulatedModel(id=name, echo=echo, gateway=dialects, legacy=dialects, executable=executable)


def _gpt(name: str, echo: str, *, thinks: int = 0, rate_limit_zero: bool = False) -> SimulatedModel:
    dialects = (_RESPONSES, _CHAT)
    return SimulatedModel(
        id=name, echo=echo, gateway=dialects, legacy=dialects, thinks=thinks, rate_limit_zero=rate_limit_zero
    )


def _gemini(name: str, echo: str, *, thinks: int = 0, has_service: bool = True) -> SimulatedModel:
    dialects = (_GEMINI, _CHAT)
    return SimulatedModel(id=name, echo=echo, gateway=dialects, legacy=dialects, thinks=thinks, has_service=has_service)


def _open_weight(name: str, echo: str, output_limit: int, *, ready: bool = True) -> SimulatedModel:
    return SimulatedModel(id=name, echo=echo, gateway=(_CHAT,), legacy=(_CHAT,), output_limit=output_limit, ready=ready)


MODELS: tuple[SimulatedModel, ...] = (
    _claude("claude-opus-4-6", "eu.anthropic.claude-opus-4-6-v1"),
    _claude("claude-opus-4-7", "eu.anthropic.claude-opus-4-7-v1"),
    _claude("claude-opus-4-8", "eu.anthropic.claude-opus-4-8-v1", executable=False),
    _claude("claude-sonnet-4-6", "eu.anthropic.claude-sonnet-4-6-v1"),
    _claude("claude-haiku-4-5", "eu.anthropic.claude-haiku-4-5-v1"),
    _gpt("gpt-5-5", "gpt-5.5", thinks=64),
    _gpt("gpt-5-4-mini", "gpt-5.4-mini"),
    _gpt("gpt-5-5-pro", "gpt-5.5-pro", rate_limit_zero=True),
    _gemini("gemini-2-5-pro", "gemini-2.5-pro"),
    _gemini("gemini-3-flash", "gemini-3-flash", thinks=64),
    _gemini("gemini-3-1-pro", "gemini-3.1-pro-preview", has_service=False),
    _open_weight("gpt-oss-120b", "gpt-oss-120b-080525", 25_000),
    _open_weight("llama-4-maverick", "meta-llama-4-maverick-040225", 8_192),
    _open_weight("qwen3-next-80b", "qwen3-next-80b-091525", 10_000, ready=False),
    SimulatedModel(id="gte-large-en", echo="gte-large-en-v1.5", task="llm/v1/embeddings"),
)


def model_of(models: Collection[SimulatedModel], spelling: str) -> SimulatedModel | None:
    """Return the model that this exact spelling names; a rewritten or shortened name names none."""
    return next((model for model in models if spelling in (model.endpoint, model.service)), None)
