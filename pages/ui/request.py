"""What the frame hands to the page it runs, and the guard that keeps a page from running without it."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.model.change import Actor
from core.services import Services
from pages.ui import identity

_KEY = "request_context"
_OWNER_KEY = "request_owner"


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The services, and the person of the connection."""

    services: Services

    @property
    def actor(self) -> Actor:
        """Return who acts now.

        Buttons and parts that refresh by themselves keep what drew them for as long as a tab is open. Asked anew, a
        role that was taken away meanwhile, or another person on the same session, is noticed with the next click.
        """
        return identity.current_actor(self.services)


def forget_others(actor: Actor) -> None:
    """Empty the session when it was somebody else's: no plan, no open dialog and no typed token goes on to another."""
    if st.session_state.get(_OWNER_KEY, actor.name) != actor.name:
        st.session_state.clear()
    st.session_state[_OWNER_KEY] = actor.name


def hand_over(context: RequestContext) -> None:
    """Leave the context for exactly one page run."""
    st.session_state[_KEY] = context


def take_request() -> RequestContext:
    """Return what the frame handed over, or end the run: a page opened past the frame shows nothing.

    Streamlit runs a file of a pages/ folder alone in some arrangements of the entry script; that would skip the
    identity gate.
    """
    context = st.session_state.pop(_KEY, None)
    if not isinstance(context, RequestContext):
        st.info("This page opens from the dashboard only.", icon=":material/lock:")
        st.stop()
    return context
