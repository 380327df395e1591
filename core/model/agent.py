"""What an agent is: its slots, its dialects and the base URL it is given per gateway generation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.model.gateway import Generation


class AgentId(StrEnum):
    HERMES = "hermes"
    CLAUDE = "claude"
    CODEX = "codex"
    GEMINI = "gemini"
    OPENCODE = "opencode"
    PI = "pi"
    COPILOT = "copilot"
    CURSOR = "cursor"


class Dialect(StrEnum):
    """The wire format an agent speaks; JSON and code use these values, `label` is what people read."""

    ANTHROPIC_MESSAGES = "anthropic_messages"
    OPENAI_RESPONSES = "openai_responses"
    OPENAI_CHAT = "openai_chat"
    GEMINI_GENERATE = "gemini_generate"

    @property
    def label(self) -> str:
        """Return the dialect's name as people write it."""
        return self.value.replace("_", "-")


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotSpec:
    """One model setting of an agent.

    `variables` are environment variables, the first set one wins. A slot without a default follows `follows`.
    """

    name: str
    variables: tuple[str, ...] = ()
    default: str | None = None
    follows: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentHome:
    """Where an agent keeps its own config: the folder that `variable` names, else `folder` below the person's home.

    `below` is what the agent appends to either; `meaning` is the variable's row in the table of settings.
    """

    variable: str
    folder: str
    meaning: str
    below: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentSpec:
    """One row of the agent catalogue.

    `bases` maps (generation, dialect) to the path that is appended to the gateway's base URL to give the agent's
    base URL; a missing key means that the agent has no such route. `dialects` lists what it can speak, its usual one
    first; an agent with several picks by model family. `home` None means that no config of its own is read.
    """

    agent: AgentId
    label: str
    slots: tuple[SlotSpec, ...]
    dialects: tuple[Dialect, ...]
    bases: Mapping[tuple[Generation, Dialect], str]
    enable_variable: str | None
    home: AgentHome | None = None
    probeable: bool = True
    note: str = ""

    @property
    def possessive(self) -> str:
        """Return the label as an owner ("Hermes'", "Codex's")."""
        return self.label + ("'" if self.label.endswith("s") else "'s")

    def setting(self, slot: str) -> str:
        """Return a slot as people look for it ("Hermes' primary model (HERMES_MODEL)")."""
        variables = next((known.variables for known in self.slots if known.name == slot), ())
        return f"{self.possessive} {slot} model" + (f" ({variables[0]})" if variables else "")
