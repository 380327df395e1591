"""The address bar as the place where the Routes page keeps its state; widgets follow it and write to it."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import streamlit as st

from pages.ui.route_query import Opened, RouteQuery, parse_query, query_of

_WRITTEN = "address_written"
# A refresh that the browser asked for before it heard of a new address still brings the former one with it, and would
# undo what the person has just done.
_IN_FLIGHT_S = 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """What the address said before this session wrote it, what it says since, and when (monotonic seconds)."""

    former: RouteQuery
    asked: RouteQuery
    at: float


def read_address() -> RouteQuery:
    """Return what the address of this run says."""
    said = parse_query({name: st.query_params.get_all(name) for name in st.query_params})
    last = st.session_state.get(_WRITTEN)
    if not isinstance(last, _Written) or said != last.former or time.monotonic() - last.at > _IN_FLIGHT_S:
        return said
    st.query_params.from_dict(query_of(last.asked))
    return last.asked


def write_address(asked: RouteQuery) -> None:
    """Make the address say this."""
    former = read_address()
    if former != asked:
        st.session_state[_WRITTEN] = _Written(former=former, asked=asked, at=time.monotonic())
    st.query_params.from_dict(query_of(asked))


def open_verdict(opened: Opened) -> None:
    """Open a cell or one of its verdicts."""
    write_address(replace(read_address(), opened=opened))


def close_verdict() -> None:
    """Close whatever is open; the filters stay."""
    write_address(replace(read_address(), opened=None))
