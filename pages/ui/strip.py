"""The strip at the top of the Overview: workspace, cloud, gateway with why, identity, health counts."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.health.agent_status import AgentStatus, overall_line
from core.model.gateway import Gateway, GatewaySource, TraceOutcome
from core.model.probe import Health
from core.model.snapshot import Snapshot
from core.model.workspace import Cloud, Environment, IdentityKind
from pages.ui.formats import GENERATION_WORDS, HEALTH_SIGNS, code, escape
from pages.ui.lines import show_boxes
from pages.ui.masking import masked
from pages.ui.rows import health_counts

_CLOUDS = {Cloud.AWS: "AWS", Cloud.AZURE: "Azure", Cloud.GCP: "Google Cloud", Cloud.UNKNOWN: "Unknown"}
_ENVIRONMENTS = {
    Environment.PUBLIC: "public cloud",
    Environment.GOV: "government cloud",
    Environment.CHINA: "China",
    Environment.STAGING: "staging",
    Environment.DEV: "development",
    Environment.UNKNOWN: "environment unknown",
}
_KINDS = {
    IdentityKind.USER: "User",
    IdentityKind.SERVICE_PRINCIPAL: "Service principal",
    IdentityKind.TOKEN: "Token",
    IdentityKind.NONE: "No credential",
}
_ADMIN = {True: "workspace admin", False: "not a workspace admin", None: "admin or not is unknown"}
# As high as the lines that are to come.
_WAITING_PX = 90
_SPANS = (5, 3, 6, 5, 5)
_COUNTED = (Health.HEALTHY, Health.DEGRADED, Health.DOWN, Health.UNKNOWN)


def show_strip(snapshot: Snapshot, statuses: Sequence[AgentStatus]) -> None:
    """Show the five boxes; what is not known yet says so."""
    *boxes, last = show_boxes(_SPANS, tracks=sum(_SPANS), track_px=21)
    for box, fill in zip(boxes, (_workspace, _cloud, _gateway, show_identity), strict=True):
        with box:
            fill(snapshot)
    with last:
        _health(statuses)


def why_chosen(gateway: Gateway) -> str:
    """Return the reason of the step that decided the gateway."""
    chosen = next((step for step in gateway.trace if step.outcome is TraceOutcome.CHOSEN), None)
    return chosen.reason if chosen else ""


def _nothing_yet(title: str, snapshot: Snapshot, *small: str) -> None:
    is_known_to_fail = bool(snapshot.problem or snapshot.offline)
    _box(title, "Not known" if is_known_to_fail else "Looking …", *small)
    if not is_known_to_fail:
        st.skeleton(height=_WAITING_PX)


def _box(title: str, value: str, *small: str) -> None:
    st.caption(title)
    st.markdown(f"**{value}**")
    for line in filter(None, small):
        st.caption(line)


def _workspace(snapshot: Snapshot) -> None:
    workspace = snapshot.workspace
    if workspace is None:
        _nothing_yet("Workspace", snapshot)
        return
    # An alias of the whole name says of which cloud it is, one of its first part does not.
    host = masked(workspace.host).partition("://")[2]
    known = f"id {code(workspace.workspace_id)}" if workspace.workspace_id else "id unknown"
    name = host.partition(".")[0]
    _box("Workspace", escape(host if name.isdigit() else name), code(host), known)


def _cloud(snapshot: Snapshot) -> None:
    workspace = snapshot.workspace
    if workspace is None:
        _nothing_yet("Cloud", snapshot)
        return
    _box("Cloud", _CLOUDS[workspace.cloud], _ENVIRONMENTS[workspace.environment])


def _gateway(snapshot: Snapshot) -> None:
    gateway = snapshot.gateway
    if gateway is None:
        _nothing_yet("Gateway", snapshot)
        return
    generation = GENERATION_WORDS[gateway.generation].capitalize() if gateway.generation else "None found"
    if gateway.source is GatewaySource.DISABLED:
        generation += " (gateway switched off)"
    _box("Gateway", generation, code(gateway.base_url or ""), escape(why_chosen(gateway)))


def show_identity(snapshot: Snapshot) -> None:
    """Show whose credential the dashboard uses."""
    identity = snapshot.identity
    if identity is None:
        _nothing_yet("Identity", snapshot, escape(snapshot.credential or ""))
        return
    kind = f"{_KINDS[identity.kind]}, {_ADMIN[identity.is_admin]}"
    _box("Identity", kind, code(identity.name or ""), escape(snapshot.credential or ""))


def _health(statuses: Sequence[AgentStatus]) -> None:
    st.caption("Health")
    st.markdown(f"**{overall_line(statuses)}**")
    counts = health_counts(statuses)
    with st.container(horizontal=True, gap="xsmall"):
        for health in (*_COUNTED, *([Health.PAUSED] if counts[Health.PAUSED] else [])):
            sign = HEALTH_SIGNS[health]
            # A zero is grey, so the eye goes to what is not zero.
            st.badge(f"{sign.word} {counts[health]}", icon=sign.icon, color=sign.color if counts[health] else "gray")
