"""Where a database is, and how that place is named to people; connecting to it is left to `engines`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from core.errors import StoreError
from core.model.secret import Secret
from core.settings import Lakebase

_POSTGRES = ("postgres", "postgresql", "postgresql+psycopg")


@dataclass(frozen=True, slots=True, kw_only=True)
class Minted:
    """A password that somebody gave out for one new connection, and when it ends."""

    password: Secret
    expires_at: datetime


class Passwords(Protocol):
    """Who gives out passwords."""

    def mint(self) -> Minted:
        """Return a new password; raises UpstreamError or ConfigurationError when there is none."""
        ...

    @property
    def source(self) -> str:
        """Say for people what kind the last one was; nothing before the first."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Sqlite:
    """A file on this machine; `durable` False says that this machine's disk ends with the container."""

    path: Path
    durable: bool = True

    @property
    def words(self) -> str:
        """Name the place for people."""
        return "SQLite on this machine"

    @property
    def remedy(self) -> str:
        """Say what to look at when it cannot be used."""
        return "Check that the folder of SWITCHYARD_STATE_DIR exists, has room and belongs to this user."


@dataclass(frozen=True, slots=True, kw_only=True)
class PostgresUrl:
    """A PostgreSQL server by its URL, which may hold a password; raises StoreError for what is no such URL."""

    url: Secret = field(repr=False)
    durable: bool = True

    def __post_init__(self) -> None:
        parsed_url(self.url)

    @property
    def words(self) -> str:
        """Name the place for people, without user and password."""
        parsed = parsed_url(self.url)
        return f"PostgreSQL at {parsed.host or 'this machine'}"

    @property
    def remedy(self) -> str:
        """Say what to look at when it cannot be used."""
        return "Check SWITCHYARD_DATABASE_URL, that the server runs, and that it can be reached from here."


@dataclass(frozen=True, slots=True, kw_only=True)
class LakebasePlace:
    """The database that Databricks Apps injects; `passwords` mints one for each new connection."""

    settings: Lakebase
    passwords: Passwords = field(repr=False)
    durable: bool = True

    @property
    def words(self) -> str:
        """Name the place for people."""
        source = self.passwords.source
        return f"Lakebase at {self.settings.host}" + (f" ({source})" if source else "")

    @property
    def remedy(self) -> str:
        """Say what to look at when it cannot be used."""
        return "Check that the app's database resource is there, runs, and lets the app's service principal connect."


DatabasePlace = Sqlite | PostgresUrl | LakebasePlace


def place_of(url_or_path: Secret | str | Path, *, durable: bool = True) -> Sqlite | PostgresUrl:
    """Return the place that a path or a URL means; raises StoreError when it means none.

    `durable` is about a file on this machine; a server outlives us anyway.
    """
    text = url_or_path.reveal() if isinstance(url_or_path, Secret) else str(url_or_path)
    if isinstance(url_or_path, Path) or "://" not in text:
        return Sqlite(path=Path(text), durable=durable)
    parsed = _parsed(text)
    if parsed.get_backend_name() == "sqlite" and parsed.database and not parsed.host:
        return Sqlite(path=Path(parsed.database), durable=durable)
    return PostgresUrl(url=Secret(text))


def parsed_url(url: Secret) -> URL:
    """Return the URL of a PostgreSQL server with the driver that we have; raises StoreError when it is none."""
    parsed = _parsed(url.reveal())
    if parsed.drivername not in _POSTGRES:
        raise _refused()
    return parsed.set(drivername="postgresql+psycopg")


def _parsed(text: str) -> URL:
    try:
        return make_url(text)
    except (ArgumentError, ValueError):
        # The cause is left out: its text may quote the URL, and so a password.
        raise _refused() from None


def _refused() -> StoreError:
    return StoreError(
        "The database URL names no database that Switchyard can use.",
        code="database_url_invalid",
        remedy="Write SWITCHYARD_DATABASE_URL as postgresql://user:password@host:5432/name, or unset it.",
    )
