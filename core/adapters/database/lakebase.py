"""Passwords for Lakebase: one that the workspace gives out for the instance, else the app's own OAuth token."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

from core.adapters.beside import beside
from core.adapters.database.places import Minted
from core.model.secret import Secret
from core.ports import Credentials

if TYPE_CHECKING:
    from databricks.sdk.service.database import DatabaseAPI

_log = logging.getLogger(__name__)

# The SDK's own retries are meant for batch jobs; a page may be waiting for this connection.
_SDK_TIMEOUT_S = 5
_PATIENCE_S = 8.0

# Of a token whose end nobody told us: the workspace's own live for an hour, and some of it may be over.
_UNTOLD = timedelta(minutes=30)

# What the SDK lets through: its errors and those of the network are OSErrors, the others come from answers that are
# not what it expects, which it reads without looking (service/database.py, 0.156).
_SDK_ERRORS = (OSError, ValueError, LookupError, TypeError, AttributeError, NotImplementedError)


class LakebasePasswords:
    """Mint a password for each new connection to the database on this host.

    Either kind is an OAuth token. The workspace gives out those for an instance only to whom it lets see the instance,
    and not for databases of other kinds; the app's own token is as good, but says more than a database needs to know.
    """

    def __init__(
        self,
        host: str,
        *,
        origin: str,
        credentials: Credentials,
        now: Callable[[], datetime],
        patience_s: float = _PATIENCE_S,
    ) -> None:
        self._host = host
        self._origin = origin
        self._credentials = credentials
        self._now = now
        self._patience_s = patience_s
        self._one_at_a_time = threading.Lock()
        self._source = ""

    @property
    def source(self) -> str:
        """Say for people which kind the last one was; nothing before the first."""
        return self._source

    def mint(self) -> Minted:
        """Return a new password; raises UpstreamError or ConfigurationError when the workspace gives no token at all.

        Whatever keeps the workspace from giving one out for the instance must not cost the history.
        """
        own = self._credentials.token()
        try:
            instance, minted = self._asked(own)
        except _SDK_ERRORS as exc:
            self._tell("the app's own token", f"the workspace gives out no password: {_why(exc)}")
            return Minted(password=own, expires_at=self._now() + _UNTOLD)
        self._tell(f"instance {instance}", "the workspace gives out its passwords")
        return minted

    def _asked(self, own: Secret) -> tuple[str, Minted]:
        # One that hangs holds up this and the next; it must not gather threads for as long as it hangs.
        ends = monotonic() + self._patience_s
        if not self._one_at_a_time.acquire(timeout=self._patience_s):
            raise TimeoutError("no answer yet")

        def ask() -> tuple[str, Minted]:
            try:
                return self._ask(own)
            finally:
                self._one_at_a_time.release()

        return beside(ask, name="switchyard-lakebase").result(max(ends - monotonic(), 0.0))

    def _ask(self, own: Secret) -> tuple[str, Minted]:
        database = _database_api(self._origin, own)
        # Asked each time: an instance that was made anew under another name may have kept its host.
        instance = _instance_at(database, self._host)
        given = database.generate_database_credential(instance_names=[instance])
        if not given.token:
            raise ValueError("an answer without a token")
        ends = _moment(given.expiration_time) or self._now() + _UNTOLD
        return instance, Minted(password=Secret(given.token), expires_at=ends)

    def _tell(self, source: str, why: str) -> None:
        if source != self._source:
            _log.info("connecting to %s with %s: %s", self._host, source, why)
        self._source = source


def _database_api(origin: str, own: Secret) -> DatabaseAPI:
    # Imported on first use (1.2 s, 80 MB): only who keeps history in Lakebase pays for it.
    from databricks.sdk import WorkspaceClient
    from databricks.sdk.config import Config

    from core.adapters.sdk_answers import bounded

    logging.getLogger("databricks.sdk").setLevel(logging.ERROR)
    config = Config(
        host=origin,
        token=own.reveal(),
        # Named, so that the credentials in the environment are not taken for a second one.
        auth_type="pat",
        http_timeout_seconds=_SDK_TIMEOUT_S,
        retry_timeout_seconds=_SDK_TIMEOUT_S,
    )
    return bounded(WorkspaceClient(config=config)).database


def _instance_at(database: DatabaseAPI, host: str) -> str:
    wanted = host.rstrip(".").lower()
    for instance in database.list_database_instances():
        names = (instance.read_write_dns, instance.read_only_dns)
        if any(name and name.rstrip(".").lower() == wanted for name in names):
            return instance.name
    raise LookupError("no database instance has this host")


def _moment(text: str | None) -> datetime | None:
    try:
        found = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _why(error: Exception) -> str:
    """Say it in words of ours: an error's own text may quote what was sent."""
    return "no database instance has this host" if type(error) is LookupError else type(error).__name__
