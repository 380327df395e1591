"""Database reads held by a session for a few seconds: a page may run each second without asking again each time."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

import streamlit as st

from core.errors import StoreError

HELD_S = 5.0
T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held(Generic[T]):
    """What was asked, what came back (an error is held as well), and when (monotonic seconds)."""

    asked: Hashable
    found: T | StoreError
    at: float


def held(name: str, asked: Hashable, read: Callable[[], T], *, for_s: float = HELD_S) -> T:
    """Return what `read` returns, or what it returned for the same question a moment ago; raises StoreError alike."""
    key = f"held_{name}"
    kept: _Held[T] | None = st.session_state.get(key)
    if kept is None or kept.asked != asked or time.monotonic() - kept.at > for_s:
        kept = _Held(asked=asked, found=_tried(read), at=time.monotonic())
        st.session_state[key] = kept
    if isinstance(kept.found, StoreError):
        raise kept.found
    return kept.found


def _tried(read: Callable[[], T]) -> T | StoreError:
    try:
        return read()
    except StoreError as error:
        # A database that is down makes its callers wait; asking it again with every run would hold the page up.
        return error
