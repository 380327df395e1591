"""The dashboard and the browser of the browser tests, for the tests of what must never be seen or done in them."""

from __future__ import annotations

from tests.browser.conftest import browser, page, playwright, run_shared_app

__all__ = ["browser", "page", "playwright", "run_shared_app"]
