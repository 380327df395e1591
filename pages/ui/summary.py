"""The status in one click: Markdown to copy into a chat, and the same as JSON."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import streamlit as st

from core.health.standing import rules_of
from core.surfaces.status import watched_document
from core.surfaces.summary import status_summary
from core.surfaces.watched import watched
from pages.ui.literals import JSON, offer_file, show_code
from pages.ui.masking import current_mask
from pages.ui.request import RequestContext


def show_summary(request: RequestContext) -> None:
    """Show the button behind which the status stands as text, with a copy button of its own, and as two files."""
    services = request.services
    with st.popover("Summary", icon=":material/summarize:"):
        st.caption("The status as files, and as text to copy with the button at its corner.")
        seen = watched(services.snapshot(), now=datetime.now(UTC), rules=rules_of(services.settings))
        text, document = status_summary(seen, current_mask()), json.dumps(watched_document(seen), indent=2)
        left, right = st.columns(2, gap="small")
        with left:
            offer_file("Markdown", text, file_name="switchyard-status.md", mime="text/markdown", key="summary_md")
        with right:
            offer_file("JSON", document, file_name="switchyard-status.json", mime=JSON, key="summary_json")
        show_code(text)
