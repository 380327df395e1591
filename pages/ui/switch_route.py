"""The further choices of the switch dialog: where it applies, the route's own switches, the token, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

import streamlit as st

from core.catalog.agents import AGENTS
from core.detect.hosts import GATEWAY_SETTING
from core.model.agent import AgentId
from core.model.change import CredentialUse, TargetInfo, TargetKind
from core.model.probe import Diagnosis
from core.model.route import Identity
from core.model.snapshot import Snapshot
from pages.ui.errors import reporting
from pages.ui.formats import code, escape, every_text, segment
from pages.ui.masking import current_mask, masked

TARGET = "switch_target"
GATEWAY = "switch_gateway"
GATEWAY_URL = "switch_gateway_url"
ANOTHER_URL = "switch_another_url"
ENABLED = "switch_enabled"
CREDENTIAL = "switch_credential"
DURATION = "switch_duration"
MINUTES = "switch_minutes"

_KEEP, _AUTOMATIC, _OFF, _URL = "Leave it", "Automatic", "Off", "A URL"
_ON = "On"
_CREDENTIALS = {
    CredentialUse.KEEP: "Keep the stored token",
    CredentialUse.ENVIRONMENT: "Read it from the environment variable DATABRICKS_TOKEN",
}
UNTIL_REVERTED, CUSTOM = "Until I revert", "Custom"
_PRESETS = {
    UNTIL_REVERTED: None,
    "30 min": timedelta(minutes=30),
    "2 h": timedelta(hours=2),
    "8 h": timedelta(hours=8),
}
_USUAL_MINUTES, _MOST_MINUTES = 60, 30 * 24 * 60


def targets_of(snapshot: Snapshot, agent: AgentId) -> tuple[TargetInfo, ...]:
    """Return the places where this agent's choice can be applied, those that can be written first, export last."""
    own = (target for target in snapshot.targets if agent in target.agents or target.kind is TargetKind.EXPORT)
    return tuple(sorted(own, key=lambda target: (target.kind is TargetKind.EXPORT, not target.writable)))


def pick_target(targets: Sequence[TargetInfo]) -> TargetInfo:
    """Show where the change goes, with why a place cannot be written."""
    by_id = {target.id: target for target in targets}
    labels = {target.id: _target_label(target) for target in targets}
    chosen = st.selectbox("Where", list(by_id), key=TARGET, format_func=labels.__getitem__)
    target = by_id[chosen]
    st.caption(escape(target.reason))
    return target


def _target_label(target: TargetInfo) -> str:
    if target.kind is TargetKind.EXPORT:
        return "export · nothing is written"
    return masked(target.id) if target.writable else f"{masked(target.id)} · cannot be written"


def pick_route(agent: AgentId, target: TargetInfo) -> dict[str, str | None]:
    """Show the gateway and the agent's switch; return the variables that are to change."""
    wanted: dict[str, str | None] = {}
    spec = AGENTS[agent]
    with st.expander("Gateway and agent switch", type="compact"):
        gateway = st.segmented_control(
            f"Gateway ({GATEWAY_SETTING})",
            [_KEEP, _AUTOMATIC, _OFF, _URL],
            default=_KEEP,
            required=True,
            key=GATEWAY,
            format_func=segment,
        )
        if gateway == _AUTOMATIC:
            wanted[GATEWAY_SETTING] = None
        elif gateway == _OFF:
            wanted[GATEWAY_SETTING] = ""
            st.caption("Agents then use serving-endpoints.")
        elif gateway == _URL:
            url = _gateway_url()
            st.caption("It is probed first: agents trust this value without looking.")
            if url:
                wanted[GATEWAY_SETTING] = url
        if spec.enable_variable and target.kind is not TargetKind.FILE:
            label = f"{spec.label} ({spec.enable_variable})"
            switch = st.segmented_control(
                label, [_KEEP, _ON, _OFF], default=_KEEP, required=True, key=ENABLED, format_func=segment
            )
            if switch != _KEEP:
                wanted[spec.enable_variable] = "true" if switch == _ON else "false"
    return wanted


def _gateway_url() -> str:
    """Show the field for the gateway's URL; what stands in it is real, so a masked tab shows only its alias."""
    typed = str(st.session_state.get(GATEWAY_URL) or "").strip()
    if typed and current_mask() is not None:
        # Kept by hand: Streamlit forgets the value of a field that a run does not show.
        st.session_state[GATEWAY_URL] = typed
        st.markdown(f"{code(typed)} :small[:gray[masked; the real one is used]]")
        st.button("Another URL", key=ANOTHER_URL, on_click=reporting(_forget_url))
        return typed
    url = st.text_input(
        "URL",
        key=GATEWAY_URL,
        type="default" if current_mask() is None else "password",
        placeholder="https://….azuredatabricks.net/ai-gateway",
    )
    return url.strip()


def _forget_url() -> None:
    st.session_state[GATEWAY_URL] = ""


def pick_credential(agent: AgentId, target: TargetInfo, snapshot: Snapshot) -> CredentialUse:
    """Show what happens to the agent's token, where the target holds one."""
    if target.kind is not TargetKind.FILE:
        return CredentialUse.KEEP
    use = st.radio(
        "Token", list(_CREDENTIALS), key=CREDENTIAL, format_func=lambda use: _CREDENTIALS[use], horizontal=True
    )
    if use is CredentialUse.KEEP and _stored_token_is_dead(agent, snapshot):
        st.warning(
            "The stored token is refused by the workspace, so no model will work with it. "
            "Read it from the environment instead, or put a new token into the config.",
            icon=":material/key_off:",
        )
    return use


def _stored_token_is_dead(agent: AgentId, snapshot: Snapshot) -> bool:
    return any(
        result.route.agent is agent
        and result.route.identity is Identity.STORED
        and result.diagnosis is Diagnosis.CREDENTIAL_DEAD
        for result in snapshot.results
    )


def pick_duration() -> timedelta | None:
    """Show for how long the change stands; None until somebody reverts it."""
    left, right = st.columns([2.4, 1], vertical_alignment="bottom")
    chosen = left.segmented_control(
        "For how long", [*_PRESETS, CUSTOM], default=UNTIL_REVERTED, required=True, key=DURATION, format_func=segment
    )
    if chosen == CUSTOM:
        right.number_input("Minutes", min_value=1, max_value=_MOST_MINUTES, value=_USUAL_MINUTES, step=15, key=MINUTES)
    return chosen_duration()


def chosen_duration() -> timedelta | None:
    """Return for how long the change is to stand as it is chosen now, also where that is not drawn yet."""
    chosen = st.session_state.get(DURATION)
    if chosen != CUSTOM:
        return _PRESETS.get(str(chosen))
    return timedelta(minutes=int(st.session_state.get(MINUTES, _USUAL_MINUTES)))


def duration_text(lasts: timedelta | None) -> str:
    """Return how long a change stands, as part of a sentence."""
    if lasts is None:
        return "until somebody reverts it"
    return f"for {every_text(lasts.total_seconds())}, then the former value comes back by itself"
