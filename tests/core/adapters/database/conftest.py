"""The same two databases as in the contract tests."""

from __future__ import annotations

from tests.contract.conftest import database, place

__all__ = ["database", "place"]
