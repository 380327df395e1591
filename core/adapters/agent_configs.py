"""Read the agents' own config files on this machine, where there are any."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from core.adapters.agents import FORMS
from core.adapters.agents.form import AgentForm, UnreadableConfig
from core.adapters.config_files import read_if_there, shown_path
from core.model.agent import AgentId
from core.model.choice import AgentConfig
from core.model.secret import Secret


class AgentConfigFiles:
    """Fulfil the AgentConfigSource port; tokens that a config names by variable come from `environment`.

    `homes` are the folders of the agents whose configs are read; the others' are left alone.
    """

    def __init__(self, *, homes: Mapping[AgentId, Path], environment: Mapping[str, Secret]) -> None:
        self._homes = homes
        self._environment = environment

    def read(self, agent: AgentId) -> AgentConfig | None:
        """Return the agent's own config as it stands now, None for agents whose config is not read."""
        form, home = FORMS.get(agent), self._homes.get(agent)
        if form is None or home is None:
            return None
        return read_config(form, home, self._environment)


def read_config(form: AgentForm, home: Path, environment: Mapping[str, Secret]) -> AgentConfig:
    """Return what an agent's config says, or why it cannot be used; never raises for anything the files are."""
    shown = shown_path(home / form.files[0])
    contents: dict[str, bytes | None] = {}
    for name in form.files:
        path = home / name
        try:
            contents[name] = read_if_there(path)
        except UnreadableConfig as exc:
            return _problem(form, shown, f"{shown_path(path)} cannot be used: {exc}")
        except OSError as exc:
            return _problem(
                form, shown, f"{shown_path(path)} cannot be read: {(exc.strerror or 'unknown error').lower()}"
            )
    if all(content is None for content in contents.values()):
        return AgentConfig(agent=form.agent, path=shown, exists=False)
    try:
        slots = form.read(contents, environment)
    except UnreadableConfig as exc:
        return _problem(form, shown, f"{shown} cannot be used: {exc}")
    return AgentConfig(agent=form.agent, path=shown, exists=True, slots=slots)


def _problem(form: AgentForm, shown: str, sentence: str) -> AgentConfig:
    return AgentConfig(agent=form.agent, path=shown, exists=True, problem=f"{sentence}.")
