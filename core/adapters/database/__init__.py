"""The database: where changes, history, audit, leases and deliveries are kept, on SQLite, PostgreSQL or Lakebase."""

from __future__ import annotations

from core.adapters.database.lakebase import LakebasePasswords
from core.adapters.database.opening import Database, open_database
from core.adapters.database.places import DatabasePlace, LakebasePlace, Minted, Passwords, PostgresUrl, Sqlite, place_of

__all__ = [
    "Database",
    "DatabasePlace",
    "LakebasePasswords",
    "LakebasePlace",
    "Minted",
    "Passwords",
    "PostgresUrl",
    "Sqlite",
    "open_database",
    "place_of",
]
