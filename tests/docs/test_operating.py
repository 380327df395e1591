"""docs/operate.md and docs/deploy.md say what the code does: metrics, numbers, secrets, variables of the bundle."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime

from prometheus_client import Metric

from core.adapters.metrics import WatchCollector
from core.history.totals import Totals
from core.model.probe import Health
from core.model.usage import Usage
from core.settings import SETTINGS
from core.surfaces.watched import watched
from scripts.scheduled_sweep import SECRETS
from tests.core.surfaces.pictures import NOW, RULES, outage
from tests.docs.written import PAGES, ROOT, rows

OPERATE, DEPLOY = PAGES["docs/operate.md"], PAGES["docs/deploy.md"]
_ENDINGS = {"counter": "_total", "info": "_info"}


def everything() -> WatchCollector:
    """Return a scrape in which every family has a sample."""
    usage = Usage(day=datetime(2030, 1, 2, tzinfo=UTC).date(), requests=1)
    snapshot = replace(outage(), usage=usage)
    totals = Totals()
    for result in snapshot.results:
        totals.take(result)
    totals.sweep(1.0, NOW)
    return WatchCollector(watched(snapshot, now=NOW, rules=RULES), totals.read())


def _row(family: Metric) -> str:
    labels = dict.fromkeys(label for sample in family.samples for label in sample.labels if label != "le")
    kind = "gauge" if family.type == "info" else family.type
    named = ", ".join(f"`{label}`" for label in labels) or "–"
    return f"| `{family.name}{_ENDINGS.get(family.type, '')}` | {kind} | {named} | {family.documentation} |"


def test_the_metrics_table_is_what_a_scrape_has() -> None:
    assert rows(OPERATE, "metrics") == [_row(family) for family in everything().collect()]


def test_every_health_word_is_explained() -> None:
    assert all(f"| **{health.value.capitalize()}** |" in OPERATE for health in Health)


def test_the_numbers_are_the_defaults() -> None:
    rows = re.findall(r"^\| `(SWITCHYARD_\w+)` \| ([^|]*) \|", OPERATE, re.MULTILINE)
    defaults = {setting.name: setting.default or "–" for setting in SETTINGS}
    assert len(rows) > 5
    assert dict(rows) == {name: defaults[name] for name, _ in rows}


def test_the_jobs_secrets_are_all_named() -> None:
    assert all(f"`{name}`" in DEPLOY for name in SECRETS)


def test_every_variable_of_the_bundle_that_is_named_exists() -> None:
    bundle = (ROOT / "databricks.yml").read_text(encoding="utf-8")
    for name in re.findall(r"--var[ =]\"?(\w+)=", DEPLOY):
        assert re.search(rf"^  {name}:$", bundle, re.MULTILINE), name
