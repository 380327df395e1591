"""Projector mode: larger type and no sidebar, for this tab."""

from __future__ import annotations

import streamlit as st

from pages.ui.modes import PROJECTOR

# Every size of the pages is relative to this one, which is 15 otherwise. Streamlit can set it for all tabs only, and
# only at its start; this is the one place with a style of our own.
_LARGER = "<style>html { font-size: 19px !important; }</style>"


def project() -> None:
    """Make the type larger in projector mode."""
    PROJECTOR.keep()
    if PROJECTOR.is_on():
        st.html(_LARGER)
