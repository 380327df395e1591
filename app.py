"""The web application: what lives as long as the process, and the routes besides the pages."""

from __future__ import annotations

import gc
import importlib
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import streamlit as st

from core.adapters.api import api_routes
from core.adapters.web_guard import guarding
from core.errors import SwitchyardError
from pages.ui.errors import show_unexpected
from pages.ui.identity import objection_of_request
from pages.ui.services import get_services, stop_running

logger = logging.getLogger(__name__)
audit_logger = logging.getLogger("core.adapters.database.audit")


@asynccontextmanager
async def lifespan(_: st.App) -> AsyncIterator[None]:
    """Start the services before the first request, and stop them when the server goes."""
    started = False
    # The log has each new head of the audit, out of reach of whoever can write the database. Never added twice: the
    # server may start this again in one process.
    if not audit_logger.handlers:
        audit_logger.setLevel(logging.INFO)
        audit_logger.addHandler(logging.StreamHandler(sys.stdout))
    # The first visitor would wait half a second for it.
    importlib.import_module("pandas")
    try:
        get_services()
        started = True
    except SwitchyardError as error:
        # The process stays up so that the frame can show people what is wrong and what to do.
        logger.error("services not started: %s", error.message)
    # Without this every rerun ends with a full collection over all that was imported: 20 tabs refreshing each second
    # then wait 937 ms instead of 106 ms (measured).
    gc.freeze()
    try:
        yield
    finally:
        if started:
            stop_running()


app = st.App(
    "pages/frame.py",
    lifespan=lifespan,
    routes=api_routes(get_services, objection_of_request),
    middleware=guarding(),
    on_script_error=show_unexpected,
)
