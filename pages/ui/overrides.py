"""Overrides that last: who, until when, and the ways to extend, keep or end them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import streamlit as st

from core.catalog.agents import AGENTS
from core.model.override import Override
from pages.ui.errors import reporting
from pages.ui.formats import clock_text, code, escape, span_text
from pages.ui.request import RequestContext
from pages.ui.switch_dialog import open_rollback

_COULD_NOT_END = "**This override could not end by itself.** "
_LONGER = (timedelta(minutes=30), timedelta(hours=2))


def show_overrides(request: RequestContext, overrides: Sequence[Override], now: datetime) -> None:
    """Show every override that lasts, with its actions; nothing when there is none."""
    for override in overrides:
        with st.container(border=True, gap="xsmall", key=f"override_{override.id}"):
            _override(request, override, now)


def _override(request: RequestContext, override: Override, now: datetime) -> None:
    if override.asks:
        st.warning(_COULD_NOT_END + escape(override.asks), icon=":material/person_alert:")
    label = escape(AGENTS[override.agent].label)
    models = ", ".join(f"{escape(slot)} {code(model or 'none')}" for slot, model in override.slots.items())
    text, *actions = st.columns([4.4, 1, 1, 1, 1.15], vertical_alignment="center")
    text.markdown(
        f":violet-badge[:material/timer: Override] **{label}** on {code(override.target)}: "
        f"{models}  \n:small[**{ends_text(override, now)}** · {escape(override.actor)} · “{escape(override.reason)}”]",
        help=f"Until {clock_text(override.expires_at)}" if override.expires_at else None,
    )
    barred = None if request.actor.may_change_at(override.target) else escape(request.actor.why)
    for column, by in zip(actions, _LONGER, strict=False):
        column.button(
            f"+ {span_text(by.total_seconds())}",
            key=f"extend_{by.seconds}_{override.id}",
            width="stretch",
            disabled=bool(barred) or override.expires_at is None,
            help=barred or "Let it stand longer",
            on_click=reporting(_extend),
            args=(request, override.id, by),
        )
    actions[2].button(
        "Keep",
        key=f"keep_{override.id}",
        width="stretch",
        disabled=bool(barred),
        help=barred or "Let it stand for good: it is no override any more",
        on_click=reporting(_keep),
        args=(request, override.id),
    )
    actions[3].button(
        "Revert now",
        key=f"revert_{override.id}",
        width="stretch",
        disabled=bool(barred),
        help=barred or "Put the former value back now",
        on_click=reporting(open_rollback),
        args=(override.id,),
    )


def ends_text(override: Override, now: datetime) -> str:
    """Return when an override ends, as a countdown."""
    if override.asks:
        return "waits for a decision"
    if override.expires_at is None:
        return "until somebody reverts it"
    left = (override.expires_at - now).total_seconds()
    return "ends now" if left < 1 else f"ends in {span_text(left)}"


def override_line(override: Override, now: datetime) -> str:
    """Return an override in one short line, for the edge of every page."""
    return f":material/timer: Override of {escape(AGENTS[override.agent].label)}: {ends_text(override, now)}"


def _extend(request: RequestContext, override_id: str, by: timedelta) -> None:
    request.services.extend_override(override_id, by=by, actor=request.actor)


def _keep(request: RequestContext, override_id: str) -> None:
    request.services.keep_override(override_id, actor=request.actor)
