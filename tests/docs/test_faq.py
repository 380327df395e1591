"""docs/faq.md: each error text, judged by the code, is what the page says of it."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from core.catalog.remedies import REMEDIES
from core.model.probe import Diagnosis
from core.probe.judge import judge
from core.probe.verdict_text import describe
from tests.core.cli.conftest import CommandLine
from tests.docs.symptoms import outcomes, route_of
from tests.docs.written import PAGES, cells, plain

FAQ = PAGES["docs/faq.md"]
ROWS = [
    cells(row) for row in re.findall(r"^\| `.* \| [A-Z].*, (?:gateway|serving-endpoints) \| .*$", FAQ, re.MULTILINE)
]


@pytest.mark.parametrize(("error", "asked_by", "says", "do"), ROWS, ids=[f"{row[0]} {row[1]}" for row in ROWS])
def test_an_error_is_diagnosed_and_remedied_as_written(error: str, asked_by: str, says: str, do: str) -> None:
    route = route_of(asked_by)
    outcome, depth = outcomes(route)[error.strip("`")]

    verdict = judge(route, outcome, depth)

    sentence, remedy = describe(route, verdict)
    assert says == f"`{verdict.diagnosis}` {sentence}"
    assert do == remedy
    fixed = re.split(r"\{\w+\}", REMEDIES[verdict.diagnosis].remedy)
    assert all(part in do for part in fixed)


def test_every_diagnosis_has_its_row() -> None:
    named = {re.findall(r"`([a-z_]+)`", row[2])[0] for row in ROWS}
    assert named | {"unclassified", "ok"} == set(Diagnosis)
    assert "`unclassified`" in FAQ


def test_the_outage_reads_as_the_command_tells_it(command_line: Callable[..., CommandLine]) -> None:
    # As long as people wait too: by then the fallback has answered, and is what the primary's remedy names.
    line = command_line(SWITCHYARD_SIMULATE="incident", SWITCHYARD_CONFIRM_DELAY_S="1")
    code, document = line.json("probe", "hermes")

    primary, fallback = (
        next(row for row in document["results"] if (row["slot"], row["identity"]) == wanted)
        for wanted in (("primary", "dashboard"), ("fallback", "stored"))
    )
    assert code == 1
    assert all(row[key] in plain(FAQ) for row in (primary, fallback) for key in ("message", "remedy"))
