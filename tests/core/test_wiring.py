"""Where history is kept follows from the environment, and is known before anything is connected."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.settings import load_settings
from core.wiring import wired

APP = {
    "DATABRICKS_HOST": "https://adb-4455667788990011.11.azuredatabricks.net",
    "DATABRICKS_APP_NAME": "switchyard",
    "DATABRICKS_CLIENT_ID": "app-id",
    "DATABRICKS_CLIENT_SECRET": "app-secret",
}
LAKEBASE = {"PGHOST": "db.example", "PGUSER": "app-id"}
PLACES = {
    "an app with a database resource": (APP | LAKEBASE, "Lakebase at db.example", True),
    "an app without one": (APP, "SQLite on this machine", False),
    "a URL before everything": (
        APP | LAKEBASE | {"SWITCHYARD_DATABASE_URL": "postgresql://sy:pw@pg.example/sy"},
        "PostgreSQL at pg.example",
        True,
    ),
    "somebody's own machine": ({"DATABRICKS_HOST": APP["DATABRICKS_HOST"]} | LAKEBASE, "SQLite on this machine", True),
}


@pytest.mark.parametrize(("environment", "place", "durable"), PLACES.values(), ids=PLACES)
def test_history_is_kept_where_the_environment_says(
    environment: dict[str, str], place: str, durable: bool, tmp_path: Path
) -> None:
    settings = load_settings({**environment, "SWITCHYARD_STATE_DIR": str(tmp_path)})
    with wired(settings) as wiring:
        assert (wiring.database.place, wiring.database.durable) == (place, durable)
