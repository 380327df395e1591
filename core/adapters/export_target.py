"""The target `export`: nothing is written, the environment variables to hand over are the result."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping

from core.adapters.yaml_text import flow
from core.catalog.agents import AGENTS
from core.errors import ChangeError
from core.model.agent import AgentId
from core.model.change import ChangeRecord, ChangeRequest, DiffEntry, DiffOp, TargetInfo, TargetKind
from core.model.choice import AgentChoice
from core.ports import Found, PhaseListener, Stands, TargetPlan, Written, no_listener

TARGET_ID = "export"


class ExportTarget:
    """Fulfil the Target port for every agent with variables; `choice_of` gives what an agent runs at present."""

    def __init__(self, choice_of: Callable[[AgentId], AgentChoice | None]) -> None:
        self._choice_of = choice_of

    @property
    def info(self) -> TargetInfo:
        """Say that this target is never written."""
        return TargetInfo(
            id=TARGET_ID,
            kind=TargetKind.EXPORT,
            agents=tuple(agent for agent, spec in AGENTS.items() if any(slot.variables for slot in spec.slots)),
            writable=False,
            reason="Nothing is written: hand over the snippet.",
        )

    def plan(self, request: ChangeRequest) -> TargetPlan:
        """Compare the request with what the agent runs, and write the snippet that makes the difference."""
        variables = {slot: slot if slot.isupper() else _variable(request.agent, slot) for slot in request.slots}
        choice = self._choice_of(request.agent)
        before = {slot.slot: slot.model for slot in choice.slots} if choice else {}
        before = {**dict.fromkeys(request.slots), **before}
        after = {**before, **request.slots}
        changed = {variables[slot]: model for slot, model in request.slots.items() if model != before[slot]}
        diff = tuple(
            DiffEntry(op=_op(before[slot], model), field=variables[slot], old=before[slot], new=model)
            for slot, model in request.slots.items()
            if model != before[slot]
        )
        return TargetPlan(
            before=before,
            after=after,
            diff=diff,
            revision=None,
            effective="when someone applies the snippet and the agent restarts",
            affects=f"nobody yet: {AGENTS[request.agent].label} wherever the snippet is applied",
            snippet=_snippet(changed) if changed else None,
        )

    def revision(self) -> str | None:
        """Return None: nothing is kept here."""
        return None

    def write(
        self,
        request: ChangeRequest,
        *,
        expected_revision: str | None,
        change_id: str,
        progress: PhaseListener = no_listener,
    ) -> Written | None:
        """Refuse: nothing is written."""
        raise _nothing_is_written()

    def restore(
        self, backup: str, *, expected_revision: str | None, change_id: str, progress: PhaseListener = no_listener
    ) -> Written | None:
        """Refuse: nothing was written."""
        raise _nothing_is_written()

    def found(self, record: ChangeRecord) -> Found:
        """Say that nothing was written."""
        return Found(stands=Stands.OLD, detail="Nothing is ever written to export.", revision=None)


def _variable(agent: AgentId, slot: str) -> str:
    spec = AGENTS[agent]
    found = next((row.variables[0] for row in spec.slots if row.name == slot and row.variables), None)
    if found is None:
        raise ChangeError(
            f"{spec.label} has no environment variable for {slot[:40]!r}.",
            code="slot_invalid",
            remedy="Use one of: " + (", ".join(row.name for row in spec.slots if row.variables) or "none") + ".",
        )
    return found


def _op(old: str | None, new: str | None) -> DiffOp:
    if new is None:
        return DiffOp.DELETE
    return DiffOp.ADD if old is None else DiffOp.CHANGE


def _snippet(changed: Mapping[str, str | None]) -> str:
    shell = [
        f"unset {name}" if model is None else f"export {name}={shlex.quote(model)}" for name, model in changed.items()
    ]
    app = [
        line
        for name, model in changed.items()
        for line in ((f"  # remove {name}",) if model is None else (f"  - name: {name}", f"    value: {flow(model)}"))
    ]
    return "\n".join(["# shell", *shell, "", "# app.yaml", "env:", *app, ""])


def _nothing_is_written() -> ChangeError:
    return ChangeError(
        "The target export is never written.",
        code="target_not_writable",
        remedy="Hand over the snippet, or choose a target that can be written (python -m core targets).",
    )
