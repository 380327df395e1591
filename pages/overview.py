"""Overview: which agents work right now, with which model, and what to do about the one that does not."""

from __future__ import annotations

from pages.ui.changes import show_changes, show_stuck
from pages.ui.errors import reporting
from pages.ui.formats import escape
from pages.ui.lines import show_title
from pages.ui.live import probe_now, show_snapshot, watch
from pages.ui.request import take_request
from pages.ui.summary import show_summary
from pages.ui.switch_dialog import show_open_dialog

PROBE_NOW = "probe_now"

request = take_request()

actions = show_title("Overview")
with actions:
    show_summary(request)
actions.button(
    "Probe now",
    key=PROBE_NOW,
    icon=":material/network_check:",
    type="primary",
    on_click=reporting(probe_now),
    args=(request,),
    disabled=not request.actor.may_probe,
    help=None if request.actor.may_probe else escape(request.actor.why),
)

show_stuck(request)
shown = show_snapshot(request)
show_changes(request)
# Behind an open dialog nothing moves; it follows its own job.
if not show_open_dialog(request):
    watch(request, shown)
