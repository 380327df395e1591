"""Run one recorded sweep as a Databricks job: settings come as arguments, secrets from a secret scope.

A job runs a file in a Python that has an event loop already, so the command gets a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

from ruamel.yaml import YAML

# The sweep's own credential; what the job's machine has in its environment is that of whoever runs the job.
_CREDENTIAL = ("DATABRICKS_CLIENT_ID", "DATABRICKS_CLIENT_SECRET", "DATABRICKS_TOKEN")
# Read from the scope where they are there. Nothing else of it is read.
SECRETS = (*_CREDENTIAL, "SWITCHYARD_DATABASE_URL")
COMMAND = ("-m", "core", "sweep", "--record", "--json")
_BAD_NEWS, _WRONG_USAGE = 1, 2
_NO_DATABASE = (
    "There is no database to record into, and this machine's disk ends with the job. "
    "Put SWITCHYARD_DATABASE_URL into the secret scope; or, for Lakebase, set the bundle variable database_host and "
    "put DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET there."
)

ReadSecrets = Callable[[str], Mapping[str, str]]


class Entry(Protocol):
    """One secret of a scope, without its value."""

    @property
    def key(self) -> str: ...


class SecretScopes(Protocol):
    """What `dbutils.secrets` offers."""

    def list(self, scope: str) -> Sequence[Entry]: ...

    def get(self, scope: str, key: str) -> str: ...


def main(arguments: Sequence[str], *, read_secrets: ReadSecrets, environ: Mapping[str, str]) -> int:
    """Sweep, and return 0 when that was recorded, whatever it found: bad news is in history and in its alerts."""
    given = _parsed(arguments)
    secrets = read_secrets(given.secret_scope) if given.secret_scope else {}
    settings = {**settings_of_app(given.root), **settings_from(given.settings)}
    environment = environment_of(environ, settings, secrets)
    if not has_database(environment):
        print(_NO_DATABASE, file=sys.stderr)
        return _WRONG_USAGE
    done = subprocess.run(
        [sys.executable, *COMMAND], cwd=given.root, env=environment, stdout=subprocess.PIPE, text=True, check=False
    )
    print(done.stdout, end="", flush=True)
    return 0 if was_recorded(done.returncode, done.stdout) else done.returncode or _BAD_NEWS


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Run one recorded sweep as a Databricks job.")
    parser.add_argument("--root", type=Path, required=True, help="folder that holds core/")
    parser.add_argument("--secret-scope", default="", help="Databricks secret scope with " + ", ".join(SECRETS))
    parser.add_argument("settings", nargs="*", metavar="NAME=VALUE", help="settings, as in the environment")
    return parser.parse_args(arguments)


def settings_from(texts: Sequence[str]) -> dict[str, str]:
    """Return settings given as NAME=VALUE; one without a value stays unset."""
    pairs = (text.partition("=") for text in texts)
    return {name: value for name, _, value in pairs if value}


def settings_of_app(root: Path) -> dict[str, str]:
    """Return what app.yaml sets, so that the job asks for what the app would; its secrets are not to be had here."""
    document = YAML(typ="safe").load((root / "app.yaml").read_text(encoding="utf-8"))
    return {entry["name"]: entry["value"] for entry in document.get("env") or () if "value" in entry}


def environment_of(
    environ: Mapping[str, str], settings: Mapping[str, str], secrets: Mapping[str, str]
) -> dict[str, str]:
    """Return what the command runs with: this machine's environment but for its credential, settings and secrets."""
    inherited = {name: value for name, value in environ.items() if name not in _CREDENTIAL}
    environment = {**inherited, **settings, **secrets}
    if environment.get("PGHOST"):
        # In Lakebase a service principal goes by its client id.
        environment.setdefault("PGUSER", environment.get("DATABRICKS_CLIENT_ID", ""))
    return environment


def has_database(environment: Mapping[str, str]) -> bool:
    """Say whether there is a database that outlives this machine."""
    is_lakebase = bool(environment.get("PGHOST") and environment.get("DATABRICKS_CLIENT_ID"))
    return is_lakebase or bool(environment.get("SWITCHYARD_DATABASE_URL"))


def was_recorded(exit_code: int, output: str) -> bool:
    """Say whether the command recorded its sweep; exit code 1 alone may only mean that a route is not healthy."""
    try:
        document = json.loads(output)
    except ValueError:
        return False
    return exit_code in (0, _BAD_NEWS) and document.get("error") is None and bool(document.get("recorded"))


def secrets_of(scope: str, scopes: SecretScopes) -> dict[str, str]:
    """Return the secrets of a scope that we know the names of."""
    there = {entry.key for entry in scopes.list(scope)}
    return {name: scopes.get(scope, name) for name in SECRETS if name in there}


if __name__ == "__main__":
    # Only here: it takes 1.2 s to import, and only a job has secrets to read.
    from databricks.sdk import WorkspaceClient

    client = WorkspaceClient()
    sys.exit(
        main(
            sys.argv[1:],
            read_secrets=lambda scope: secrets_of(scope, client.dbutils.secrets),
            environ={**os.environ, "DATABRICKS_HOST": client.config.host or ""},
        )
    )
