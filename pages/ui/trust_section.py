"""Where tokens may go, on the Detection page: which hosts are trusted and why, which were refused, and who decides."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime

import streamlit as st

from core.access.authority import objection_to
from core.detect.trust import TRUST_SETTING, TrustView
from core.model.access import Action
from core.model.trust import RefusedHost, TrustedHost
from pages.ui.errors import reporting
from pages.ui.formats import age_text, clock_text, code, escape, markdown_table, plural
from pages.ui.masking import learn
from pages.ui.request import RequestContext
from pages.ui.tables import Row

HOST, PRIVATE, REASON = "trust_host", "trust_private", "trust_reason"
_PUBLIC_ONLY, _PRIVATE_TOO, _THIS_MACHINE = "public only", "private too", "this machine"
_PROXIED = (
    "Behind the proxy {proxy} names are checked, but not the addresses that they lead to, because the proxy resolves "
    "them. Which addresses may be reached is for the proxy to decide."
)


def show_trust(request: RequestContext) -> None:
    """Show the hosts that may receive tokens, the ones that were refused, and for admins the ways to decide."""
    view, now = request.services.trust.view, datetime.now(UTC)
    learn(names=(host.actor for host in view.hosts), addresses=(host.origin for host in view.hosts))
    st.header("Where tokens may go", anchor=False)
    st.caption(
        "A token is sent to these hosts only, over https, and never along a redirect. The address that a name leads to "
        "is looked at whenever a connection is made."
    )
    if view.problem:
        st.warning(
            f"Which hosts admins trust cannot be read now: {escape(view.problem)}", icon=":material/database_off:"
        )
    if view.proxy:
        st.info(escape(_PROXIED.format(proxy=view.proxy)), icon=":material/alt_route:")
    st.markdown(markdown_table(rows_for_trust(view)))
    barred = objection_to(Action.TRUST, request.actor)
    help_text = escape(request.actor.why) if barred else None
    _revoking(request, view.hosts, help_text)
    _adding(request, help_text)
    if view.refused:
        count = plural(len(view.refused), "host")
        with st.expander(f"Refused since the start: {count}", icon=":material/block:"):
            st.markdown(markdown_table(rows_for_refused(view.refused, now)))


def rows_for_trust(view: TrustView) -> list[Row]:
    """Return who may receive tokens, why, and where its name may lead."""
    trust = view.settings
    rows = [_row("Databricks' own host names", "The table of its DNS zones", _PRIVATE_TOO)]
    if trust.workspace_origin:
        reach = _THIS_MACHINE if trust.workspace_origin.startswith("http://") else _PRIVATE_TOO
        rows.append(_row(code(trust.workspace_origin), "The configured workspace", reach))
    for origin in sorted(trust.trusted_origins):
        reach = _PRIVATE_TOO if origin in trust.private_origins else _PUBLIC_ONLY
        rows.append(_row(code(origin), escape(TRUST_SETTING), reach))
    for host in view.hosts:
        why = f"{escape(host.actor)}, {escape(clock_text(host.at))}: “{escape(host.reason)}”"
        rows.append(_row(code(host.origin), why, _PRIVATE_TOO if host.private else _PUBLIC_ONLY))
    return rows


def rows_for_refused(refused: Sequence[RefusedHost], now: datetime) -> list[Row]:
    """Return what was refused a token, the newest first."""
    return [
        {
            "Host": code(host.origin),
            "Why not": escape(host.reason),
            "Times": str(host.count),
            "Last": escape(age_text(host.last_at, now)),
        }
        for host in refused
    ]


def _row(host: str, why: str, addresses: str) -> Row:
    return {"Host": host, "Because of": why, "Addresses": addresses}


def _adding(request: RequestContext, barred: str | None) -> None:
    with st.expander("Trust another host", icon=":material/add_moderator:"):
        st.caption(
            "Whoever runs that host can use the tokens that it receives. Name the whole host as agents ask it, with "
            "its port where it is not 443; a host of this machine always with its port."
        )
        left, right = st.columns([1, 1.4], gap="small")
        left.text_input("Host", key=HOST, placeholder="gateway.example.com")
        right.text_input("Reason", key=REASON, placeholder="Why it may receive tokens, kept in the audit")
        st.checkbox("Its addresses may be those of a private network", key=PRIVATE)
        st.button(
            "Trust this host",
            key="trust_add",
            icon=":material/verified_user:",
            disabled=bool(barred),
            help=barred,
            on_click=reporting(_add),
            args=(request,),
        )


def _revoking(request: RequestContext, hosts: Sequence[TrustedHost], barred: str | None) -> None:
    for host in hosts:
        # A key is in the page, where a masked one must not name the host.
        key = hashlib.sha256(host.origin.encode()).hexdigest()[:12]
        label = f"No longer trust {escape(host.origin)} …"
        with st.popover(label, icon=":material/gpp_bad:", disabled=bool(barred), help=barred):
            reason = f"trust_revoke_reason_{key}"
            st.text_input("Reason", key=reason, placeholder="Why it may not any more, kept in the audit")
            st.button(
                "Revoke",
                key=f"trust_revoke_{key}",
                type="primary",
                on_click=reporting(_revoke),
                args=(request, host.origin, reason),
            )


def _add(request: RequestContext) -> None:
    state = st.session_state
    request.services.trust.add(
        str(state.get(HOST, "")),
        private=bool(state.get(PRIVATE)),
        reason=str(state.get(REASON, "")),
        actor=request.actor,
    )
    # Only what was taken is cleared; after a refusal what was typed is still there to be corrected.
    state[HOST], state[REASON], state[PRIVATE] = "", "", False


def _revoke(request: RequestContext, origin: str, key: str) -> None:
    reason = str(st.session_state.get(key, ""))
    request.services.trust.revoke(origin, reason=reason, actor=request.actor)
