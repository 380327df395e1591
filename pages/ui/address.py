"""The address bar as the place where the Routes page keeps its state; widgets follow it and write to it."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from pages.ui.route_query import Opened, RouteQuery, parse_query, query_of


def read_address() -> RouteQuery:
    """Return what the address of this run says."""
    return parse_query({name: st.query_params.get_all(name) for name in st.query_params})


def write_address(asked: RouteQuery) -> None:
    """Make the address say this."""
    st.query_params.from_dict(query_of(asked))


def open_verdict(opened: Opened) -> None:
    """Open a cell or one of its verdicts."""
    write_address(replace(read_address(), opened=opened))


def close_verdict() -> None:
    """Close whatever is open; the filters stay."""
    write_address(replace(read_address(), opened=None))
