"""The file that the scheduled job runs: which settings it passes on, and what counts as a sweep that was recorded."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from scripts.scheduled_sweep import (
    SECRETS,
    environment_of,
    main,
    secrets_of,
    settings_from,
    settings_of_app,
    was_recorded,
)

# Stands for the package `core`: it says what it was started with, and ends as it is told to.
_FAKE_CORE = """
import json, os, sys
names = ["HERMES_MODEL", "PGHOST", "PGUSER", "SWITCHYARD_DATABASE_URL"]
names += ["DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CLIENT_ID"]
heard = {"arguments": sys.argv[1:], **{name: os.environ.get(name) for name in names}}
with open("heard.json", "w") as file:
    json.dump(heard, file)
print(json.dumps({"schema": 1, "error": None, "recorded": {"checks": 3}}))
sys.exit(int(os.environ["END_WITH"]))
"""

_APP = """
command: ["streamlit", "run", "app.py"]
env:
  - name: HERMES_MODEL
    value: "databricks-of-the-app"
  - name: SWITCHYARD_DATABASE_URL
    valueFrom: database-url
"""


@dataclass(frozen=True)
class Entry:
    key: str


@dataclass
class FakeScopes:
    """A secret scope, and which of its values were read."""

    values: Mapping[str, str]
    read: list[str] = field(default_factory=list)

    def list(self, scope: str) -> Sequence[Entry]:
        return [Entry(key) for key in self.values]

    def get(self, scope: str, key: str) -> str:
        self.read.append(key)
        return self.values[key]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder with a `core` that records how it was started."""
    (tmp_path / "core").mkdir()
    (tmp_path / "core" / "__init__.py").touch()
    (tmp_path / "core" / "__main__.py").write_text(_FAKE_CORE, encoding="utf-8")
    (tmp_path / "app.yaml").write_text(_APP, encoding="utf-8")
    return tmp_path


def run(root: Path, *settings: str, secrets: Mapping[str, str], end_with: int = 0) -> int:
    """Run the job's file as the job does, on a machine that has a credential of its own."""
    environ = {
        "END_WITH": str(end_with),
        "DATABRICKS_TOKEN": "of-the-machine",
        "PATH": str(Path(sys.executable).parent),
    }
    arguments = [f"--root={root}", "--secret-scope=switchyard", *settings]
    return main(arguments, read_secrets=lambda scope: secrets, environ=environ)


def heard(root: Path) -> dict[str, object]:
    """Return what the command was started with."""
    told: dict[str, object] = json.loads((root / "heard.json").read_text(encoding="utf-8"))
    return told


def test_the_command_records_with_the_scopes_credential_and_database(root: Path) -> None:
    secrets = {"DATABRICKS_CLIENT_ID": "a-client", "SWITCHYARD_DATABASE_URL": "postgresql://db.example/history"}
    assert run(root, "DATABRICKS_HOST=https://adb-1.1.azuredatabricks.net", "PGHOST=", secrets=secrets) == 0
    told = heard(root)
    assert told["arguments"] == ["sweep", "--record", "--json"]
    assert told["DATABRICKS_HOST"] == "https://adb-1.1.azuredatabricks.net"
    assert told["SWITCHYARD_DATABASE_URL"] == "postgresql://db.example/history"
    assert (told["DATABRICKS_CLIENT_ID"], told["DATABRICKS_TOKEN"], told["PGHOST"]) == ("a-client", None, None)


def test_the_agents_are_set_to_what_the_app_sets_them_to(root: Path) -> None:
    secrets = {"SWITCHYARD_DATABASE_URL": "x"}
    assert run(root, secrets=secrets) == 0
    assert heard(root)["HERMES_MODEL"] == "databricks-of-the-app"
    assert run(root, "HERMES_MODEL=databricks-of-the-job", secrets=secrets) == 0
    assert heard(root)["HERMES_MODEL"] == "databricks-of-the-job"


def test_the_projects_own_app_yaml_can_be_read() -> None:
    assert settings_of_app(Path(__file__).resolve().parent.parent)["ENABLE_HERMES"] == "true"


def test_lakebase_is_asked_as_the_service_principal(root: Path) -> None:
    assert run(root, "PGHOST=instance.example", secrets={"DATABRICKS_CLIENT_ID": "a-client"}) == 0
    assert (heard(root)["PGHOST"], heard(root)["PGUSER"]) == ("instance.example", "a-client")


@pytest.mark.parametrize(
    ("setting", "secrets"),
    [
        pytest.param("PGHOST=", {"DATABRICKS_CLIENT_ID": "a-client"}, id="none at all"),
        # Lakebase lets in a service principal, not the token of somebody.
        pytest.param("PGHOST=instance.example", {"DATABRICKS_TOKEN": "a-token"}, id="Lakebase, and nobody to go there"),
    ],
)
def test_without_a_database_nothing_is_asked(
    root: Path, capfd: pytest.CaptureFixture[str], setting: str, secrets: dict[str, str]
) -> None:
    assert run(root, setting, secrets=secrets) == 2
    assert not (root / "heard.json").exists()
    assert "SWITCHYARD_DATABASE_URL" in capfd.readouterr().err


@pytest.mark.parametrize(("ends_with", "code"), [(0, 0), (1, 0), (2, 2), (3, 3)])
def test_bad_news_is_no_failure_of_the_job(root: Path, ends_with: int, code: int) -> None:
    assert run(root, secrets={"SWITCHYARD_DATABASE_URL": "x"}, end_with=ends_with) == code


@pytest.mark.parametrize(
    "output",
    [
        "",
        "Traceback",
        json.dumps({"schema": 1, "error": {"code": "store_unreachable"}, "recorded": {"checks": 3}}),
        json.dumps({"schema": 1, "error": None}),
        json.dumps({"schema": 1, "error": None, "recorded": None}),
    ],
    ids=["nothing", "no JSON", "an error", "nothing recorded", "recorded nothing"],
)
def test_a_sweep_that_was_not_recorded_fails_the_job(output: str) -> None:
    assert not was_recorded(1, output)


def test_only_the_secrets_with_our_names_are_read() -> None:
    scopes = FakeScopes({"SWITCHYARD_DATABASE_URL": "x", "somebody-elses": "y"})
    assert secrets_of("switchyard", scopes) == {"SWITCHYARD_DATABASE_URL": "x"}
    assert scopes.read == ["SWITCHYARD_DATABASE_URL"]


def test_settings_may_hold_the_sign_that_separates_them() -> None:
    assert settings_from(["A=b=c", "EMPTY=", "BARE"]) == {"A": "b=c"}


def test_secrets_win_and_no_credential_of_the_machine_is_passed_on() -> None:
    environ = dict.fromkeys(SECRETS, "of the machine") | {"HOME": "/somewhere"}
    told = environment_of(environ, {"SWITCHYARD_DATABASE_URL": "given"}, {"SWITCHYARD_DATABASE_URL": "secret"})
    assert told == {"HOME": "/somewhere", "SWITCHYARD_DATABASE_URL": "secret"}
