"""The address bar as the place where a page keeps its state; widgets follow it and write to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum
from typing import Generic, NoReturn, TypeVar

import streamlit as st

from pages.ui.history_query import HistoryAsk, history_address, parse_history
from pages.ui.route_query import Opened, RouteQuery, parse_query, query_of

# A click that the browser sent before it heard of a new address still brings the former one with it, and would undo
# what the person has just done.
_IN_FLIGHT_S = 8.0
_MOST_LEFT = 8
_DRAWING = "address_drawing"
_OWN_RERUN = "address_own_rerun"
T = TypeVar("T")


class _Drawn(Enum):
    """Who asked for the run of the whole page that is going on; in all other runs nobody did."""

    BROWSER = "browser"
    US = "us"


@contextmanager
def drawing_page() -> Iterator[None]:
    """Mark a run of the whole page: only there an address can be one that a person went to."""
    st.session_state[_DRAWING] = _Drawn.US if st.session_state.pop(_OWN_RERUN, False) else _Drawn.BROWSER
    try:
        yield
    finally:
        st.session_state[_DRAWING] = None


def rerun_page() -> NoReturn:
    """Run the whole page again because there is something new, not because anybody went anywhere."""
    st.session_state[_OWN_RERUN] = True
    st.rerun()


def is_drawn_anew() -> bool:
    """Say, before the page is drawn, whether this run is one that we asked for, so that nobody went anywhere."""
    return bool(st.session_state.get(_OWN_RERUN, False))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known(Generic[T]):
    """What the address says to this session, and which ones the session itself left and when (monotonic seconds)."""

    asked: T
    left: tuple[tuple[T, float], ...] = ()

    def may_be_in_flight(self, said: T, *, at: float, drawn: _Drawn) -> bool:
        """Say whether the browser may have said this before it heard of the newer one."""
        since_s = [at - left_at for former, left_at in self.left if former == said]
        return bool(since_s) and (drawn is _Drawn.US or min(since_s) <= _IN_FLIGHT_S)


@dataclass(frozen=True, slots=True, kw_only=True)
class Address(Generic[T]):
    """One page's address: `key` names it in the session, `parse` and `query_of` are each other's way back.

    Parts of a page that refresh by themselves bring the address that the browser had when it asked for them. However
    late they come, they are no reason to go back to it.
    """

    key: str
    parse: Callable[[Mapping[str, Sequence[str]]], T]
    query_of: Callable[[T], Mapping[str, Sequence[str]]]

    def read(self) -> T:
        """Return what the address means in this run."""
        said = self.parse({name: st.query_params.get_all(name) for name in st.query_params})
        known: _Known[T] | None = st.session_state.get(self.key)
        drawn: _Drawn | None = st.session_state.get(_DRAWING)
        if known is not None and (drawn is None or said == known.asked):
            return known.asked
        if known is not None and drawn and known.may_be_in_flight(said, at=time.monotonic(), drawn=drawn):
            st.query_params.from_dict(dict(self.query_of(known.asked)))
            return known.asked
        st.session_state[self.key] = _Known(asked=said)
        return said

    def write(self, asked: T) -> None:
        """Make the address say this."""
        former = self.read()
        if former != asked:
            known: _Known[T] = st.session_state[self.key]
            left = ((former, time.monotonic()), *known.left)[:_MOST_LEFT]
            st.session_state[self.key] = _Known(asked=asked, left=left)
        st.query_params.from_dict(dict(self.query_of(asked)))


ROUTES: Address[RouteQuery] = Address(key="routes_address", parse=parse_query, query_of=query_of)
HISTORY: Address[HistoryAsk] = Address(key="history_address", parse=parse_history, query_of=history_address)


def read_address() -> RouteQuery:
    """Return what the address of the Routes page says."""
    return ROUTES.read()


def write_address(asked: RouteQuery) -> None:
    """Make the address of the Routes page say this."""
    ROUTES.write(asked)


def open_verdict(opened: Opened) -> None:
    """Open a cell or one of its verdicts."""
    write_address(replace(read_address(), opened=opened))


def close_verdict() -> None:
    """Close whatever is open; the filters stay."""
    write_address(replace(read_address(), opened=None))


def open_incident(incident_id: str) -> None:
    """Open the details of an incident."""
    HISTORY.write(replace(HISTORY.read(), incident=incident_id))


def close_incident() -> None:
    """Close the details; range and filters stay."""
    HISTORY.write(replace(HISTORY.read(), incident=None))
