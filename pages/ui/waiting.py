"""Placeholders of about the final size, so that nothing jumps when the first results are there."""

from __future__ import annotations

import streamlit as st

from core.catalog.agents import AGENTS


def show_waiting_rows(height: int) -> None:
    """Show a placeholder per agent."""
    with st.container(gap="small"):
        for _ in AGENTS:
            st.skeleton(height=height)
