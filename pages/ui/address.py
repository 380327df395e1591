"""The address bar as the place where a page keeps its state; widgets follow it and write to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import streamlit as st

from pages.ui.history_query import HistoryAsk, history_address, parse_history
from pages.ui.route_query import Opened, RouteQuery, parse_query, query_of

# A refresh that the browser asked for before it heard of a new address still brings the former one with it, and would
# undo what the person has just done.
_IN_FLIGHT_S = 8.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written(Generic[T]):
    """What the address said before this session wrote it, what it says since, and when (monotonic seconds)."""

    former: T
    asked: T
    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Address(Generic[T]):
    """One page's address: `key` names it in the session, `parse` and `query_of` are each other's way back."""

    key: str
    parse: Callable[[Mapping[str, Sequence[str]]], T]
    query_of: Callable[[T], Mapping[str, Sequence[str]]]

    def read(self) -> T:
        """Return what the address of this run says."""
        said = self.parse({name: st.query_params.get_all(name) for name in st.query_params})
        last: _Written[T] | None = st.session_state.get(self.key)
        if last is None or said != last.former or time.monotonic() - last.at > _IN_FLIGHT_S:
            return said
        st.query_params.from_dict(dict(self.query_of(last.asked)))
        return last.asked

    def write(self, asked: T) -> None:
        """Make the address say this."""
        former = self.read()
        if former != asked:
            st.session_state[self.key] = _Written(former=former, asked=asked, at=time.monotonic())
        st.query_params.from_dict(dict(self.query_of(asked)))


ROUTES: Address[RouteQuery] = Address(key="address_written", parse=parse_query, query_of=query_of)
HISTORY: Address[HistoryAsk] = Address(key="history_address_written", parse=parse_history, query_of=history_address)


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
