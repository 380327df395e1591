"""Projector mode: larger type and no sidebar, for this tab, kept in the address and across its pages."""

from __future__ import annotations

import streamlit as st

PARAMETER = "projector"
_ON = "1"
_KEY = "projector_on"
# Every size of the pages is relative to this one, which is 15 otherwise. Streamlit can set it for all tabs only, and
# only at its start; this is the one place with a style of our own.
_LARGER = "<style>html { font-size: 19px !important; }</style>"


def is_projected() -> bool:
    """Say whether this tab is in projector mode: as it was opened, or as it was switched since."""
    if _KEY not in st.session_state:
        st.session_state[_KEY] = st.query_params.get(PARAMETER) == _ON
    return bool(st.session_state[_KEY])


def project(projected: bool) -> None:
    """Make the type larger, and keep the mode in the address, where pages leave their own."""
    if projected:
        st.html(_LARGER)
        if st.query_params.get(PARAMETER) != _ON:
            st.query_params[PARAMETER] = _ON
    elif PARAMETER in st.query_params:
        del st.query_params[PARAMETER]


def switch_projector() -> None:
    """Switch the mode of this tab."""
    st.session_state[_KEY] = not st.session_state.get(_KEY, False)
