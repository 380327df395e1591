"""The pickers of the switch dialog: a model per slot, from those that can work, with the others and why not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core.catalog.agents import AGENTS
from core.model.choice import AgentChoice
from core.model.probe import ProbeResult
from core.model.snapshot import Snapshot
from core.model.sync import AgentSync, SyncLayer
from pages.ui.formats import code, escape, plural
from pages.ui.options import ModelOption, model_options, usable_models

NO_FALLBACK = "none"
_PER_LINE = 2


def slot_key(slot: str) -> str:
    """Return the key of a slot's picker."""
    return f"switch_slot_{slot}"


def pick_slots(
    choice: AgentChoice, snapshot: Snapshot, results: Sequence[ProbeResult], target: str
) -> dict[str, str | None]:
    """Show a picker per slot; return what is picked, None for a fallback that is to go."""
    options = model_options(snapshot.catalogue, choice.agent, results)
    usable = usable_models(options, choice, results)
    now = running_values(choice, snapshot, target)
    picked: dict[str, str | None] = {}
    slots = [slot.name for slot in AGENTS[choice.agent].slots]
    for first in range(0, len(slots), _PER_LINE):
        for slot, column in zip(slots[first : first + _PER_LINE], st.columns(_PER_LINE), strict=False):
            with column:
                value = _picker(slot, usable, now.get(slot))
            if value is not None:
                picked[slot] = None if value == NO_FALLBACK else value
    if not usable:
        label = AGENTS[choice.agent].label
        st.info(f"No listing names a model that {label} could use. The Detection page shows which listing said what.")
    _impossible([option for option in options if option.obstacle])
    return picked


def running_values(choice: AgentChoice, snapshot: Snapshot, target: str) -> Mapping[str, str | None]:
    """Return what stands at a target as far as it was read, else what the agent is known to run."""
    sync = next((one for one in snapshot.syncs if one.agent is choice.agent and one.target == target), None)
    layers = _newest_layer(sync) if sync else {}
    return layers or {slot.slot: slot.model for slot in choice.slots}


def _newest_layer(sync: AgentSync) -> dict[str, str | None]:
    for layer in (SyncLayer.DEPLOYED, SyncLayer.APP_FILE, SyncLayer.AGENT_FILE):
        found = {value.slot: value.value for value in sync.layers if value.layer is layer}
        if found:
            return found
    return {}


def _picker(slot: str, usable: Mapping[str, str], now: str | None) -> str | None:
    is_fallback = slot.startswith("fallback")
    options = [*usable, NO_FALLBACK] if is_fallback else list(usable)
    wanted = now if now in usable else NO_FALLBACK if is_fallback and now is None else None
    value = st.selectbox(
        "Model" if slot in ("primary", "default") else slot.capitalize().replace("_", " "),
        options,
        key=slot_key(slot),
        index=options.index(wanted) if wanted in options else None,
        format_func=lambda name: usable.get(name, name),
        placeholder="Pick a model, or type its name",
        accept_new_options=True,
    )
    st.caption(f"Now: {code(now) if now else 'not set'}")
    if value and value not in options:
        st.caption(":material/help: Not offered for this agent: unknown until the pre-flight has asked it.")
    return value


def _impossible(options: Sequence[ModelOption]) -> None:
    if not options:
        return
    with st.expander(f"{plural(len(options), 'model')} that cannot work here, and why", type="compact"):
        for option in options:
            st.markdown(f":gray[:material/block: {escape(option.spelling)} — {escape(option.obstacle)}]")
