"""The targets of this machine: the agents' own files, and what is handed over; deployed apps are seen by others."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from core.adapters.export_target import TARGET_ID, ExportTarget
from core.model.agent import AgentId
from core.model.choice import AgentChoice
from core.ports import Target


def targets_here(
    files: Mapping[str, Target], choice_of: Callable[[AgentId], AgentChoice | None]
) -> Mapping[str, Target]:
    """Return every target that is no app, by its id; `choice_of` gives what an agent runs at present."""
    return {
        **files,
        TARGET_ID: ExportTarget(choice_of),
    }
