"""Sync in words and as a table: what each layer says an agent should run, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.model.agent import AgentId
from core.model.snapshot import Snapshot
from core.model.sync import AgentSync, SyncLayer, SyncState
from pages.ui.formats import NOTHING, Sign, code, escape

SYNC_SIGNS = {
    SyncState.IN_SYNC: Sign(word="In sync", icon=":material/done_all:", color="green"),
    SyncState.DRIFTED: Sign(word="Drifted", icon=":material/call_split:", color="orange"),
    SyncState.OVERRIDE: Sign(word="Override", icon=":material/timer:", color="violet"),
    SyncState.PENDING_RESTART: Sign(word="Pending restart", icon=":material/restart_alt:", color="blue"),
    SyncState.UNKNOWN: Sign(word="Unknown", icon=":material/help:", color="gray"),
}
_LAYERS = {
    SyncLayer.APP_FILE: "app.yaml",
    SyncLayer.DEPLOYED: "Deployed",
    SyncLayer.AGENT_FILE: "Agent's file",
    SyncLayer.ANSWERED: "Answered",
}


def sync_of(snapshot: Snapshot, agent: AgentId) -> AgentSync | None:
    """Return how an agent's layers stand, None when that is not known yet."""
    return next((sync for sync in snapshot.syncs if sync.agent is agent), None)


def sync_text(sync: AgentSync | None) -> str:
    """Return the sync of an agent as a coloured word."""
    sign = SYNC_SIGNS[sync.state if sync else SyncState.UNKNOWN]
    return f":{sign.color}[{sign.icon} {sign.word}]"


def rows_for_layers(sync: AgentSync) -> Sequence[Mapping[str, str]]:
    """Return one row per slot with a column per layer that was read."""
    layers = [layer for layer in SyncLayer if any(value.layer is layer for value in sync.layers)]
    slots = list(dict.fromkeys(value.slot for value in sync.layers))
    said = {(value.layer, value.slot): value.value for value in sync.layers}
    return [{"Slot": escape(slot)} | {_LAYERS[layer]: _cell((layer, slot), said) for layer in layers} for slot in slots]


def _cell(place: tuple[SyncLayer, str], said: Mapping[tuple[SyncLayer, str], str | None]) -> str:
    if place not in said:
        return NOTHING
    return code(said[place] or "not set")
