"""The simulated workspace's database service: which instances there are, and a password for whoever asks for one."""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from core.model.secret import Secret
from core.simulator.answers import Json
from core.simulator.exchange import Answer, Exchange, json_answer

_LIFE = timedelta(hours=1)


def _forget(_: Secret) -> None:
    """Have no database that would need to know the password."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseInstance:
    """One instance; its host names are what Databricks Apps injects as PGHOST."""

    name: str
    read_write_dns: str
    read_only_dns: str | None = None

    def to_json(self) -> Json:
        """Return it as the workspace lists it."""
        listed = {"name": self.name, "state": "AVAILABLE", "read_write_dns": self.read_write_dns}
        return listed if self.read_only_dns is None else {**listed, "read_only_dns": self.read_only_dns}


_INSTANCES = (
    DatabaseInstance(name="billing", read_write_dns="instance-b1111b1e.database.switchyard.example"),
    DatabaseInstance(
        name="switchyard",
        read_write_dns="instance-5eed5eed.database.switchyard.example",
        read_only_dns="instance-ro-5eed5eed.database.switchyard.example",
    ),
)


class SimulatedLakebase:
    """Give out passwords; `accept` is told each one, and is the database that will be shown it."""

    def __init__(
        self,
        instances: tuple[DatabaseInstance, ...] = _INSTANCES,
        *,
        accept: Callable[[Secret], None] = _forget,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._instances = instances
        self._accept = accept
        self._now = now
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._minted: list[Secret] = []

    @property
    def minted(self) -> tuple[Secret, ...]:
        """Return every password that was given out, newest last."""
        with self._lock:
            return tuple(self._minted)

    @property
    def instances(self) -> list[Json]:
        """Return the instances as the workspace lists them."""
        return [instance.to_json() for instance in self._instances]

    def mint(self, exchange: Exchange) -> Answer:
        """Answer a request for a password."""
        asked = _asked_instances(exchange.body)
        if not asked:
            return _refused(
                400, "INVALID_PARAMETER_VALUE", "At least one of instance_names or claims must be specified."
            )
        known = {instance.name for instance in self._instances}
        for name in asked:
            if name not in known:
                return _refused(404, "NOT_FOUND", f"Database instance '{name}' not found.")
        password = Secret(f"simulated-database-password-{next(self._numbers)}")
        self._accept(password)
        with self._lock:
            self._minted.append(password)
        ends = (self._now() + _LIFE).astimezone(UTC)
        return json_answer({"token": password.reveal(), "expiration_time": f"{ends:%Y-%m-%dT%H:%M:%SZ}"})


def _refused(status: int, code: str, message: str) -> Answer:
    return json_answer({"error_code": code, "message": message}, status)


def _asked_instances(body: bytes) -> list[str]:
    try:
        given = json.loads(body)
    except ValueError:
        return []
    names = given.get("instance_names") if isinstance(given, dict) else None
    return [str(name) for name in names] if isinstance(names, list) else []
