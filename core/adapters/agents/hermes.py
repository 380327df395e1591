"""Hermes' form: config.yaml, changed in place so that only the asked-for values differ."""

from __future__ import annotations

from collections.abc import Mapping

from core.adapters.agents.form import Contents, FileEdit, UnreadableConfig, models_of, routing_missing
from core.adapters.agents.hermes_config import FILE_NAME, stored_routes
from core.adapters.agents.hermes_edit import edit_hermes
from core.adapters.agents.hermes_new import new_hermes
from core.adapters.yaml_text import UnreadableYaml, parse_yaml
from core.model.agent import AgentId
from core.model.change import ChangeRequest
from core.model.choice import StoredRoute
from core.model.secret import Secret


class HermesForm:
    """Fulfil AgentForm for Hermes 0.19."""

    agent = AgentId.HERMES
    files = (FILE_NAME,)
    effective = "next start of Hermes"
    repair = "Correct the file by hand (hermes doctor shows where), then plan again; nothing was written."

    def read(self, contents: Contents, environment: Mapping[str, Secret]) -> tuple[StoredRoute, ...]:
        """Return what the config says per slot; raises UnreadableConfig."""
        content = contents[FILE_NAME]
        if content is None:
            return ()
        try:
            return tuple(stored_routes(parse_yaml(content), environment))
        except UnreadableYaml as exc:
            raise UnreadableConfig(str(exc)) from exc

    def edit(self, contents: Contents, request: ChangeRequest) -> FileEdit:
        """Return the config after a change; see `edit_hermes`."""
        content, slots = contents[FILE_NAME], models_of(request)
        if content is not None:
            edit = edit_hermes(content, slots=slots, credential=request.credential, routing=request.routing)
        elif "primary" in request.routing:
            edit = new_hermes(slots=slots, routing=request.routing)
        else:
            raise routing_missing(self, "primary")
        changed = {FILE_NAME: edit.content} if edit.content != content else {}
        return FileEdit(contents=changed, before=edit.before, after=edit.after, diff=edit.diff)
