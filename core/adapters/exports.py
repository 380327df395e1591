"""What to hand over so that somebody else can set an agent up as it is chosen: whole files, tokens only by name."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path

from core.adapters.agents import FORMS
from core.adapters.yaml_text import flow
from core.catalog.agents import AGENTS
from core.errors import ChangeError
from core.model.agent import AgentId
from core.model.change import ChangeRequest, CredentialUse, ExportFile, SlotRouting
from core.model.choice import AgentChoice
from core.settings.homes import homes_below

_PRIVATE, _SHARED = "0600", "0644"
_TOKEN = '"$DATABRICKS_TOKEN"'


class ExportFormat(StrEnum):
    NATIVE = "native"
    ENV = "env"
    APP_YAML = "app-yaml"
    BUNDLE = "bundle"


# What an agent takes from its environment besides its models, as measured (agents.md sections 1 and 3); the base URL
# stands for {base}, and the token is the variable that a shell puts in.
_SHELL: Mapping[AgentId, Mapping[str, str]] = {
    AgentId.CLAUDE: {"ANTHROPIC_BASE_URL": "{base}", "ANTHROPIC_AUTH_TOKEN": _TOKEN},
    AgentId.GEMINI: {
        "GOOGLE_GEMINI_BASE_URL": "{base}",
        "GEMINI_API_KEY_AUTH_MECHANISM": "bearer",
        "GEMINI_API_KEY": _TOKEN,
    },
    AgentId.COPILOT: {
        "COPILOT_PROVIDER_TYPE": "openai",
        "COPILOT_PROVIDER_BASE_URL": "{base}",
        "COPILOT_PROVIDER_BEARER_TOKEN": _TOKEN,
        "COPILOT_OFFLINE": "true",
    },
}


def export_files(choice: AgentChoice, form: ExportFormat) -> tuple[ExportFile, ...]:
    """Return the files of one format; raises ChangeError for an agent that has nothing of the kind."""
    spec = AGENTS[choice.agent]
    if not spec.probeable:
        raise _nothing(spec.note, "Set its model in its own settings.")
    match form:
        case ExportFormat.NATIVE:
            return _native(choice)
        case ExportFormat.ENV:
            return (_shell(choice),)
        case ExportFormat.APP_YAML:
            entries = [f"  - name: {name}\n    value: {flow(value)}" for name, value in _variables(choice).items()]
            return (_file("app.yaml", "\n".join(["env:", *entries]), _SHARED),)
        case ExportFormat.BUNDLE:
            return (_bundle(choice),)


def _native(choice: AgentChoice) -> tuple[ExportFile, ...]:
    form = FORMS.get(choice.agent)
    if form is None:
        label = AGENTS[choice.agent].label
        raise _nothing(f"{label} keeps no config file that could be handed over.", "Take the format env instead.")
    request = ChangeRequest(
        agent=choice.agent,
        target="export",
        slots={slot.slot: slot.model for slot in choice.slots if slot.model},
        credential=CredentialUse.ENVIRONMENT,
        routing={
            slot.slot: SlotRouting(base_url=slot.base_url, dialect=slot.dialect)
            for slot in choice.slots
            if slot.base_url and slot.dialect
        },
    )
    contents = form.edit(dict.fromkeys(form.files), request).contents
    home = homes_below(Path("~"))[choice.agent]
    return tuple(_file(str(home / name), content.decode(), _PRIVATE) for name, content in contents.items())


def _shell(choice: AgentChoice) -> ExportFile:
    lines = [f"export {name}={shlex.quote(value)}" for name, value in _variables(choice).items()]
    for name, value in _SHELL.get(choice.agent, {}).items():
        if value != "{base}":
            lines.append(f"export {name}={value}")
        elif choice.base_url:
            lines.append(f"export {name}={shlex.quote(choice.base_url)}")
    return _file(f"{choice.agent}.env.sh", "\n".join(lines), _SHARED)


def _bundle(choice: AgentChoice) -> ExportFile:
    """Return what goes into a bundle; there a reference is `value_from`, and none is needed here."""
    entries = [
        f"          - name: {name}\n            value: {flow(value)}" for name, value in _variables(choice).items()
    ]
    head = ["resources:", "  apps:", "    coding_agents:", "      config:", "        env:"]
    return _file("databricks.yml", "\n".join([*head, *entries]), _SHARED)


def _variables(choice: AgentChoice) -> dict[str, str]:
    """Return the variables that say the same as the choice, each slot by the first one that it reads."""
    spec = AGENTS[choice.agent]
    found = {spec.enable_variable: "true" if choice.enabled else "false"} if spec.enable_variable else {}
    for slot in spec.slots:
        chosen = choice.slot(slot.name)
        if slot.variables and chosen is not None and chosen.model:
            found[slot.variables[0]] = chosen.model
    return found


def _file(path: str, text: str, mode: str) -> ExportFile:
    return ExportFile(path=path, mode=mode, content=text if text.endswith("\n") else text + "\n")


def _nothing(message: str, remedy: str) -> ChangeError:
    return ChangeError(message, code="nothing_to_export", remedy=remedy)
