"""Redaction mode: in a tab that has it on, whatever is shown goes through one mask, here.

Only what is shown: buttons, addresses and queries keep the real values, because nothing is replaced where those are
made. The ways to the screen are `escape` and `code` of `formats`, and `literals` for everything that is no Markdown.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from contextvars import ContextVar
from enum import Enum
from typing import Protocol

import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

from core.catalog.masking import Mask
from core.catalog.sensitive import Masks, hosts, people
from core.model.snapshot import Snapshot
from core.settings import Settings
from pages.ui.modes import MASKED

_KEY = "masking"
# During a sweep there is a new snapshot with every answer, and hardly ever a new name in it.
_FRESH_S = 0.5
_NOTHING_KNOWN = Snapshot()


class _Known(Protocol):
    """What a mask is made of."""

    @property
    def settings(self) -> Settings: ...

    def snapshot(self) -> Snapshot: ...


class _Masking:
    """The mask of one session, made anew when there is more to know."""

    def __init__(self, known: _Known | None = None) -> None:
        self._known = known
        self._seen: Snapshot | None = None
        self._until = 0.0
        self._mask: Mask | None = None

    def forget(self) -> None:
        self._mask = None

    def mask(self) -> Mask:
        now, known = time.monotonic(), self._known
        snapshot = known.snapshot() if known is not None else _NOTHING_KNOWN
        if self._mask is None or (snapshot is not self._seen and now >= self._until):
            self._mask = _masks().mask(snapshot, known.settings if known is not None else Settings())
            self._seen, self._until = snapshot, now + _FRESH_S
        return self._mask


class _Run(Enum):
    """What a run shows, where it is not masked."""

    UNDECIDED = "undecided"
    PLAIN = "plain"


# Looking into the session takes 8 µs, which the thousand texts of a page would add up; a thread serves one session.
_RUN: ContextVar[_Masking | _Run] = ContextVar("masking", default=_Run.UNDECIDED)


@st.cache_resource(show_spinner=False)
def _masks() -> Masks:
    """Return the aliases of this process: the same on every page of every tab."""
    return Masks()


def begin_masking(known: _Known | None, *, names: Iterable[str] = ()) -> None:
    """Decide for this run whether what it shows is masked; `names` are the people that it is about to name."""
    MASKED.keep()
    learn(names=names)
    st.session_state[_KEY] = masking = _Masking(known)
    _RUN.set(masking if MASKED.is_on() else _Run.PLAIN)


def switch_masking() -> None:
    """Switch the mode of this tab."""
    MASKED.switch()
    _RUN.set(_Run.UNDECIDED)


def learn(*, names: Iterable[str] = (), addresses: Iterable[str | None] = ()) -> None:
    """Tell the mask of people and hosts that only records name, before they are shown."""
    found = (*people(names), *hosts(addresses))
    if found and _masks().learn(found):
        _of_session().forget()


def masked(text: str) -> str:
    """Return a text as it may be shown."""
    mask = current_mask()
    return text if mask is None else mask.aliased(text)


def current_mask() -> Mask | None:
    """Return the mask of this run, None where nothing is masked."""
    run = _RUN.get()
    if run is _Run.UNDECIDED:
        # A part of a page that refreshes by itself, in a thread that the frame has not been in.
        if get_script_run_ctx(suppress_warning=True) is None:
            return None
        run = _of_session() if MASKED.is_on() else _Run.PLAIN
        _RUN.set(run)
    return run.mask() if isinstance(run, _Masking) else None


def mask_at_hand() -> Mask:
    """Return the mask for what somebody wants masked outside the mode too."""
    return _of_session().mask()


def _of_session() -> _Masking:
    held = st.session_state.get(_KEY)
    return held if isinstance(held, _Masking) else _Masking()
