"""What a change of an agent means for an app's environment: which variables, what they are before and after."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

from core.adapters.app_yaml import EnvEntry
from core.catalog.agents import AGENTS
from core.errors import ChangeError
from core.model.agent import AgentId, SlotSpec
from core.model.change import ChangeRequest, DiffEntry, DiffOp

GATEWAY_VARIABLE = "DATABRICKS_GATEWAY_HOST"
Values = Mapping[str, str | None]


def variables_of(request: ChangeRequest) -> dict[str, str | None]:
    """Return the value per variable that a request asks for, None for one that is to go.

    A request names slots; it may also name DATABRICKS_GATEWAY_HOST (None: automatic, "": off, else a URL) and the
    variable that enables the agent by their own names. Raises ChangeError (slot_invalid).
    """
    found: dict[str, str | None] = {}
    for name, value in request.slots.items():
        slot = _slot(request.agent, name)
        if slot is None:
            found[name] = value
        elif value:
            found[slot.variables[0]] = value
        elif slot is AGENTS[request.agent].slots[0]:
            raise _invalid(
                f"Without {slot.variables[0]} the app would choose {AGENTS[request.agent].possessive} model by itself.",
                "Name a model.",
            )
        else:
            found |= {variable: None for variable in slot.variables if not _is_shared(variable)}
    return found


def _slot(agent: AgentId, name: str) -> SlotSpec | None:
    """Return the slot of this name, None for one of the agent's other variables."""
    spec = AGENTS[agent]
    if name in (GATEWAY_VARIABLE, spec.enable_variable):
        return None
    known = [slot for slot in spec.slots if slot.variables]
    found = next((slot for slot in known if slot.name == name), None)
    if found is None:
        raise _invalid(
            f"{spec.label} has no environment variable for {name[:40]!r}.",
            "Use one of: " + (", ".join(slot.name for slot in known) or "none") + ".",
        )
    return found


def _is_shared(variable: str) -> bool:
    return sum(variable in slot.variables for spec in AGENTS.values() for slot in spec.slots) > 1


def _invalid(message: str, remedy: str) -> ChangeError:
    return ChangeError(message, code="slot_invalid", remedy=remedy)


def values_in(env: Sequence[EnvEntry], sent: Values) -> dict[str, str]:
    """Return the value per variable that is known: those of app.yaml, and over them what was sent with a deployment."""
    stated = {entry.name: entry.value for entry in env if entry.value is not None}
    return {name: value for name, value in (stated | dict(sent)).items() if value is not None}


def slots_in(request: ChangeRequest, values: Values) -> dict[str, str | None]:
    """Return what these values mean for the agent: its slots, and what else the request names by variable."""
    spec = AGENTS[request.agent]
    slots: dict[str, str | None] = {
        slot.name: next((values[name] for name in slot.variables if values.get(name)), None)
        for slot in spec.slots
        if slot.variables
    }
    return slots | {name: values.get(name) for name in request.slots if name not in slots}


def agents_in(env: Sequence[EnvEntry]) -> tuple[AgentId, ...]:
    """Return the agents that have a variable in this environment."""
    names = {entry.name for entry in env}
    return tuple(
        agent
        for agent, spec in AGENTS.items()
        if names & {spec.enable_variable, *(name for slot in spec.slots for name in slot.variables)}
    )


def family_of(agent: AgentId) -> tuple[str, ...]:
    """Return the agent's variables in the order in which a new one stands behind its siblings."""
    spec = AGENTS[agent]
    enable = (spec.enable_variable,) if spec.enable_variable else ()
    return (*enable, *(name for slot in spec.slots for name in slot.variables))


def diff_of(before: Values, wanted: Values) -> tuple[DiffEntry, ...]:
    """Return the differences that setting these variables makes, in their order."""
    return tuple(
        DiffEntry(op=_op(before.get(name), value), field=name, old=before.get(name), new=value)
        for name, value in wanted.items()
        if before.get(name) != value
    )


def _op(old: str | None, new: str | None) -> DiffOp:
    if new is None:
        return DiffOp.DELETE
    return DiffOp.ADD if old is None else DiffOp.CHANGE


def patch_of(path: str, content: bytes, changed: bytes) -> str:
    """Return the change of a file as a patch to hand over."""
    name = path.rpartition("/")[2]
    before, after = (text.decode("utf-8-sig").splitlines(keepends=True) for text in (content, changed))
    lines = difflib.unified_diff(before, after, f"a/{name}", f"b/{name}", n=2)
    return "".join(line if line.endswith("\n") else f"{line}\n" for line in lines)
