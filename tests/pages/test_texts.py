"""The pure half of the pages: formats, rows, tables, options, curls, report."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.model.agent import AgentId
from core.model.change import ChangeState, DiffEntry, DiffOp
from core.model.choice import AgentConfig, Layer
from core.model.gateway import Generation, TraceOutcome, TraceStep
from core.model.probe import Health
from core.model.secret import Secret
from core.model.standing import HealthRules
from core.model.usage import Price, Usage
from core.settings import Settings
from pages.ui.curls import agent_curls, workspace_curls
from pages.ui.detection_sections import generation_of
from pages.ui.formats import (
    HEALTH_SIGNS,
    STATE_SIGNS,
    age_text,
    code,
    escape,
    markdown_table,
    ms_text,
    until_text,
    usage_text,
)
from pages.ui.identity import person_name
from pages.ui.jobs import _SENTENCES
from pages.ui.options import model_options
from pages.ui.report import detection_report
from pages.ui.rows import agent_rows, is_stale
from pages.ui.standings import Moment
from pages.ui.tables import rows_for_diff, rows_for_environment, rows_for_rungs
from tests.fakes import snapshots

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
MOMENT = Moment(now=NOW, rules=HealthRules())


@pytest.mark.parametrize(
    ("ms", "text"), [(None, "–"), (0.4, "0 ms"), (312.4, "312 ms"), (1000.0, "1.0 s"), (14_990.0, "15.0 s")]
)
def test_latency_reads_in_its_fitting_unit(ms: float | None, text: str) -> None:
    assert ms_text(ms) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-30, "just now"),
        (9, "just now"),
        (14, "10 s ago"),
        (59, "50 s ago"),
        (61, "1 min ago"),
        (7300, "2 h ago"),
        (200_000, "2 d ago"),
    ],
)
def test_an_age_reads_in_its_largest_unit(seconds: int, text: str) -> None:
    assert age_text(NOW - timedelta(seconds=seconds), NOW) == text


def test_what_never_happened_says_so() -> None:
    assert age_text(None, NOW) == "never"
    assert until_text(None, NOW) == "–"
    assert until_text(NOW + timedelta(seconds=300), NOW) == "in 5 min"


@given(st.text(max_size=80))
def test_escaped_text_has_no_unescaped_mark_of_markdown(text: str) -> None:
    bare = escape(text).replace("\\\\", "")
    for mark in "`*_[]<>$:#|~":
        assert bare.count(mark) == bare.count(f"\\{mark}")


@given(st.text(max_size=80))
def test_inline_code_cannot_be_left(text: str) -> None:
    shown = code(text)
    assert shown == "–" or (shown.count("`") == 2 and "\n" not in shown)


def test_pipes_do_not_end_a_table_cell() -> None:
    table = markdown_table([{"A": code("x|y"), "B": escape("p|q")}])

    assert table.splitlines()[2] == r"| `x\|y` | p\|q |"


@pytest.mark.parametrize("health", Health, ids=str)
def test_every_health_has_word_icon_and_colour(health: Health) -> None:
    sign = HEALTH_SIGNS[health]

    assert sign.word and sign.icon.startswith(":material/") and sign.color


@pytest.mark.parametrize("state", ChangeState, ids=str)
def test_every_end_of_a_change_has_a_sign_and_a_sentence(state: ChangeState) -> None:
    assert STATE_SIGNS[state].word
    assert _SENTENCES[state].endswith(".")


def test_a_column_of_figures_stands_at_the_right() -> None:
    rows = [{"Rung": "DNS", "Time": "3 ms", "Sent": "–"}, {"Rung": "TCP", "Time": "–", "Sent": "–"}]

    assert markdown_table(rows).splitlines()[1] == "| --- | ---: | --- |"


@pytest.mark.parametrize(("age_s", "stale"), [(0, False), (600, False), (601, True)])
def test_stale_is_older_than_two_intervals(age_s: int, stale: bool) -> None:
    assert is_stale(NOW - timedelta(seconds=age_s), 300, NOW) is stale


def test_a_row_names_who_decided_the_model() -> None:
    hermes = snapshots.healthy().choices[0]
    by_environment = replace(hermes.slots[0], source=Layer.ENVIRONMENT, variable="HERMES_MODEL")
    shown = replace(snapshots.healthy(), choices=(replace(hermes, slots=(by_environment,)),))

    row = agent_rows(shown, moment=MOMENT, inside_databricks_apps=False)[0]

    assert row.source == "from HERMES_MODEL"


def test_a_row_says_what_is_wrong_with_the_agents_own_config() -> None:
    hermes = snapshots.healthy().choices[0]
    config = AgentConfig(agent=AgentId.HERMES, path="~/.hermes/config.yaml", exists=True, problem="It is not YAML.")
    shown = replace(snapshots.healthy(), choices=(replace(hermes, config=config),))

    assert agent_rows(shown, moment=MOMENT, inside_databricks_apps=False)[0].hint == "It is not YAML."


def test_the_rung_table_has_a_column_per_slot_and_credential() -> None:
    own = [item for item in snapshots.incident().results if item.route.agent is AgentId.HERMES]
    rows = {row["Rung"]: row for row in rows_for_rungs(own)}

    assert "failed" in rows["Auth"]["fallback · stored token"]
    assert "not started" in rows["Model"]["fallback · stored token"]
    assert "passed" in rows["Model"]["fallback · dashboard's credential"]


def test_a_difference_is_said_with_a_verb() -> None:
    entries = [DiffEntry(op=op, field="model", old="a", new="b") for op in DiffOp]

    assert [
        word for row in rows_for_diff(entries) for word in ("ADD", "CHANGE", "DELETE") if word in row["Change"]
    ] == [
        "ADD",
        "CHANGE",
        "DELETE",
    ]


def test_the_environment_table_never_holds_a_secret() -> None:
    settings = Settings(token=Secret("dapi-not-a-real-token"), agent_environment={})

    assert all("dapi" not in cell for row in rows_for_environment(settings) for cell in row.values())


def test_a_model_that_this_route_refused_cannot_be_picked() -> None:
    shown = snapshots.incident()
    refused = replace(
        shown.results[0], route=replace(shown.results[0].route, model="databricks-claude-haiku-4-5"), message="not here"
    )
    options = {o.spelling: o.obstacle for o in model_options(shown.catalogue, AgentId.HERMES, (refused,))}

    assert options["databricks-claude-haiku-4-5"] == "not here"
    assert options["databricks-claude-sonnet-4-6"] == ""


@pytest.mark.parametrize(
    ("candidate", "generation"),
    [
        (None, None),
        ("https://adb-1.2.azuredatabricks.net/ai-gateway", Generation.WORKSPACE),
        ("https://1.0.ai-gateway.azuredatabricks.net", Generation.DEDICATED),
        ("https://adb-1.2.azuredatabricks.net/serving-endpoints", Generation.SERVING_ENDPOINTS),
    ],
)
def test_a_candidate_belongs_to_a_generation_by_its_url(candidate: str | None, generation: Generation | None) -> None:
    step = TraceStep(step="s", candidate=candidate, outcome=TraceOutcome.SKIPPED, reason="r")

    assert generation_of(step) is generation


def test_curls_cover_every_slot_and_name_no_token() -> None:
    shown = snapshots.healthy()
    commands = [text for choice in shown.choices for _, text in agent_curls(choice)] + [
        text for _, text in workspace_curls(shown)
    ]

    assert len(agent_curls(shown.choices[0])) == 2
    assert all("Bearer $DATABRICKS_TOKEN" in text for text in commands if "/.well-known/" not in text)


def test_the_report_strikes_out_what_looks_like_a_token() -> None:
    shown = snapshots.incident()
    leaking = replace(shown.results[0], message="Bearer dapi0123456789abcdef was refused")
    report = detection_report(replace(shown, results=(leaking,)))

    assert "dapi0123456789abcdef" not in report
    assert "| Hermes | primary |" in report


def test_the_report_of_nothing_is_still_a_report() -> None:
    assert "Not detected." in detection_report(replace(snapshots.healthy(), workspace=None, gateway=None))


@pytest.mark.parametrize("inside", [True, False])
def test_forwarded_names_count_only_behind_the_proxy_of_databricks_apps(
    inside: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "local")
    headers = {"X-Forwarded-Email": "riley@example.com"}

    assert person_name(headers, inside_databricks_apps=inside) == ("riley@example.com" if inside else "local")


def test_the_days_cost_is_told_in_requests_and_tokens_and_in_money_only_by_a_price_table() -> None:
    usage = Usage(day=NOW.date(), requests=12, models={"m": (1000, 234)})
    assert usage_text(None, {}) == usage_text(Usage(day=NOW.date()), {}) == ""
    assert usage_text(usage, {}) == " · today 12 requests, 1,234 tokens"
    assert usage_text(usage, {"m": Price(input=2.0, output=10.0)}).endswith(", 0.0043 by the price table")
    assert usage_text(usage, {"other": Price(input=2.0, output=10.0)}).endswith("tokens")
