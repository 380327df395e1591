"""Who is told of incidents, how the sending went, and the test of a channel."""

from __future__ import annotations

from datetime import UTC, datetime

import streamlit as st

from core.model.access import Action
from core.model.alert import Channel, DeliveryState
from core.model.snapshot import Job
from pages.ui.errors import reporting, shown_errors
from pages.ui.formats import badge, code, escape, markdown_table
from pages.ui.history_tables import DELIVERY_SIGNS, channel_text, rows_for_deliveries
from pages.ui.lines import show_scrolling, show_text_and_action
from pages.ui.masking import learn
from pages.ui.messages import problem_box
from pages.ui.request import RequestContext

ALERT_JOB = "alert_test_job"
_SHOWN = 50
_POLL_S = 1.0


def show_alerts(request: RequestContext, now: datetime) -> None:
    """Show the channels with their tests, and the newest deliveries."""
    st.header("Channels", anchor=False)
    with shown_errors():
        _channels(request)
        _polled_test(request)
    st.header("Deliveries", anchor=False)
    with shown_errors():
        deliveries = request.services.deliveries(_SHOWN)
        if deliveries:
            show_scrolling(markdown_table(rows_for_deliveries(deliveries, now)), least_px=640)
        else:
            st.info("Nothing was sent yet. The first incident that a rule matches is.", icon=":material/outgoing_mail:")


def _channels(request: RequestContext) -> None:
    channels = request.services.alert_channels()
    learn(addresses=[address for channel in channels for address in (channel.url, channel.host)])
    if not channels:
        st.info(
            "Nobody is told of incidents. Write channels and rules into a TOML file and name it in "
            "`SWITCHYARD_ALERTS`; docs/alerts.md shows one.",
            icon=":material/notifications_off:",
        )
    for channel in channels:
        with st.container(border=True, key=f"channel_{channel.name}"):
            _channel(request, channel)


def _channel(request: RequestContext, channel: Channel) -> None:
    text, action = show_text_and_action()
    text.markdown(channel_text(channel))
    barred = None if request.actor.role.includes(Action.ALERT_TEST) else escape(request.actor.why)
    action.button(
        "Send a test",
        key=f"test_{channel.name}",
        icon=":material/send:",
        width="stretch",
        disabled=bool(barred),
        help=barred,
        on_click=reporting(_start),
        args=(request, channel.name),
    )


def _start(request: RequestContext, channel: str) -> None:
    st.session_state[ALERT_JOB] = request.services.start_alert_test(channel, request.actor)


def _running(request: RequestContext) -> Job | None:
    job_id = st.session_state.get(ALERT_JOB)
    return request.services.job(job_id) if isinstance(job_id, str) else None


@st.fragment(run_every=_POLL_S)
def _polled_test(request: RequestContext) -> None:
    with shown_errors():
        job = _running(request)
        if job is not None:
            show_test(job)


def show_test(job: Job) -> None:
    """Show how a test stands."""
    if job.problem is not None:
        problem_box(job.problem)
    elif job.delivery is not None:
        delivery = job.delivery
        failed = delivery.state is DeliveryState.FAILED
        detail = f" {escape(delivery.detail)}" if delivery.detail else ""
        line = f"{badge(DELIVERY_SIGNS[delivery.state])} Test of {code(delivery.channel)}.{detail}"
        st.markdown(line if failed else f"{line} :gray[{datetime.now(UTC):%H:%M:%S} UTC]")
    elif not job.done:
        st.caption(":material/progress_activity: Sending the test …")
