"""The one place where pages and app.py get the process-wide services from.

It is imported by this dotted name only: Streamlit's cache is keyed by module and source, and a second name would mean
a second set of services (streamlit 1.67, runtime/caching/cache_utils.py).
"""

from __future__ import annotations

import atexit

import streamlit as st

from core.demo.player import Demo, build_demo
from core.services import Services, build_services
from core.settings import load_settings


@st.cache_resource(show_spinner=False)
def _running() -> Services | Demo:
    """Return what runs in this process; it is built and started once."""
    settings = load_settings()
    running = build_demo(settings) if settings.demo else build_services()
    running.start()
    # Streamlit does not release cached resources at shutdown; stopping twice does no harm.
    atexit.register(running.stop)
    return running


def get_services() -> Services:
    """Return the running services of this process; those of a demo are others after it has begun anew.

    Raises ConfigurationError as long as the environment cannot be meant.
    """
    running = _running()
    return running.services if isinstance(running, Demo) else running


def get_demo() -> Demo | None:
    """Return the demo that this process shows, if it shows one; raises ConfigurationError alike."""
    running = _running()
    return running if isinstance(running, Demo) else None


def stop_running() -> None:
    """Stop what runs in this process."""
    _running().stop()
