"""The one place where pages and app.py get the process-wide services from.

It is imported by this dotted name only: Streamlit's cache is keyed by module and source, and a second name would mean
a second set of services (streamlit 1.67, runtime/caching/cache_utils.py).
"""

from __future__ import annotations

import atexit

import streamlit as st

from core.services import Services, build_services


@st.cache_resource(show_spinner=False)
def get_services() -> Services:
    """Return the running services of this process; they are built and started once.

    Raises ConfigurationError as long as the environment cannot be meant.
    """
    services = build_services()
    services.start()
    # Streamlit does not release cached resources at shutdown; stopping twice does no harm.
    atexit.register(services.stop)
    return services
