"""The report for a ticket: everything that is known, no credential, nothing that the ticket could take for markup."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog.masking import Aliases, Mask
from core.catalog.sensitive import hosts
from core.history.report import incident_report
from core.model.check import route_id
from core.model.incident import Cause, Incident, IncidentStep, StepKind
from core.model.probe import Diagnosis, Health, Rung
from core.model.standing import Transition
from tests.core.health.checks import START, at, route

HOST = "adb-1234567890123456.7.azuredatabricks.net"
OTHER_HOST = "gateway.example.com"
WORKSPACE = f"https://{HOST}"
OWN = route(host=HOST)
OTHER = route("fallback", host=OTHER_HOST)


def incident(**changes: object) -> Incident:
    base = Incident(
        id="inc-20260821-090000-a1b2c3",
        cause=Cause(rung=Rung.MODEL, host=HOST, diagnosis=Diagnosis.MODEL_NOT_ON_ROUTE),
        health=Health.DOWN,
        started_at=START,
        confirmed_at=at(10),
        ended_at=at(44 * 60),
        message="databricks-claude-opus-4-6 is not served on the chat route",
        remedy="Switch Hermes to a model of the chat route.",
        routes=(OWN, OTHER),
        open_routes=(),
        timeline=(
            IncidentStep(at=at(10), kind=StepKind.OPENED, route=OWN, text="Model: 404"),
            IncidentStep(at=at(44 * 60), kind=StepKind.RESOLVED, route=None, text="resolved after 44 min"),
        ),
    )
    return replace(base, **changes)


def transition(incident_id: str | None, seconds: float, message: str = "gone") -> Transition:
    return Transition(
        id=f"{seconds}",
        at=at(seconds),
        route_id=route_id(OWN),
        route=OWN,
        before=Health.HEALTHY,
        after=Health.DOWN,
        rung=Rung.MODEL,
        diagnosis=Diagnosis.MODEL_NOT_ON_ROUTE,
        http_status=404,
        message=message,
        remedy="",
        incident_id=incident_id,
    )


def report(given: Incident | None = None, *transitions: Transition, mask: Mask | None = None) -> str:
    return incident_report(given or incident(), transitions, workspace=WORKSPACE, mask=mask, now=at(62 * 60))


def mask() -> Mask:
    return Mask(hosts([WORKSPACE, OTHER_HOST]), Aliases(b"fixed"))


def test_the_whole_report() -> None:
    assert report(incident(), transition("inc-20260821-090000-a1b2c3", 10)) == "\n".join(
        [
            f"# Incident inc-20260821-090000-a1b2c3: Model failed at `{HOST}`",
            "",
            "- Health: Down",
            "- First failed check: 2026-08-21 09:00:00 UTC",
            "- Confirmed: 2026-08-21 09:00:10 UTC",
            "- Ended: 2026-08-21 09:44:00 UTC",
            "- Lasted: 44 min",
            "- Cause: databricks-claude-opus-4-6 is not served on the chat route (`model_not_on_route`)",
            "- Remedy: Switch Hermes to a model of the chat route.",
            f"- Workspace: `{WORKSPACE}`",
            "- On the dashboard: `/history?incident=inc-20260821-090000-a1b2c3`",
            "",
            "## Routes",
            "",
            "| Agent | Slot | Model | Base URL | Dialect | Credential | Now |",
            "| --- | --- | --- | --- | --- | --- | --- |",
            f"| Hermes | primary | `databricks-claude-opus-4-6` | `https://{HOST}/mlflow/v1` | openai-chat "
            "| dashboard's credential | recovered |",
            f"| Hermes | fallback | `databricks-claude-opus-4-6` | `https://{OTHER_HOST}/mlflow/v1` | openai-chat "
            "| dashboard's credential | recovered |",
            "",
            "## Timeline",
            "",
            "| When | What | Route | Detail |",
            "| --- | --- | --- | --- |",
            "| 2026-08-21 09:00:10 UTC | opened | Hermes primary, dashboard's credential | Model: 404 |",
            "| 2026-08-21 09:44:00 UTC | resolved | – | resolved after 44 min |",
            "",
            "## Changes of health",
            "",
            "| When | Route | Health | Why |",
            "| --- | --- | --- | --- |",
            "| 2026-08-21 09:00:10 UTC | Hermes primary, dashboard's credential | healthy → down | Model: 404 gone |",
        ]
    )


def test_only_its_own_changes_of_health_are_in_it_oldest_first() -> None:
    own = incident().id
    text = report(
        None, transition(own, 30, "later"), transition("inc-other", 20, "alien"), transition(own, 10, "first")
    )
    assert "alien" not in text
    assert text.index("first") < text.index("later")


def test_an_incident_that_lasts_says_so_and_which_routes_it_still_hits() -> None:
    text = report(incident(ended_at=None, open_routes=(route_id(OTHER),)))
    assert "- Ended: not ended" in text
    assert "- Lasted: 1 h 2 min so far" in text
    assert text.count("still hit |") == 1


def test_a_simulated_incident_says_so_first() -> None:
    lines = report(incident(simulated=True)).splitlines()
    assert lines[2] == "**Simulated**: this happened in a simulated workspace."


def test_times_are_utc_whatever_zone_they_came_in() -> None:
    east = START.astimezone(timezone(timedelta(hours=9)))
    assert "- First failed check: 2026-08-21 09:00:00 UTC" in report(incident(started_at=east))


@pytest.mark.parametrize(
    "token",
    ["dapi" + "0123456789abcdef" * 2, "Bearer " + "x" * 40, "eyJ" + "a" * 20 + ".eyJ" + "b" * 20 + "." + "c" * 20],
)
def test_no_credential_is_in_it_wherever_it_came_from(token: str) -> None:
    step = IncidentStep(at=at(10), kind=StepKind.OPENED, route=replace(OWN, model=f"m-{token}"), text=token)
    text = report(
        incident(message=f"said {token}", remedy=token, timeline=(step,), routes=(replace(OWN, model=token),)),
        transition(incident().id, 10, f"refused {token}"),
    )
    assert token.removeprefix("Bearer ") not in text
    assert "redacted" in text


def test_what_the_other_side_said_is_no_markup_no_link_and_nobody_s_name() -> None:
    said = "![x](https://evil.example.com/a.png) <img src=x> @everyone **bold** | cell |\n# Head"
    text = report(incident(message=said, routes=(replace(OWN, model="a`b|c\n| x | y |"),)))
    cause = next(line for line in text.splitlines() if line.startswith("- Cause"))
    assert "![" not in cause
    assert "<img" not in cause.replace("\\<", "")
    assert "https://evil" not in cause
    assert "\\@everyone" in cause
    assert not [line for line in text.splitlines() if line.startswith("# Head")]
    assert "`a'b\\|c \\| x \\| y \\|`" in text


def test_a_masked_report_names_neither_workspace_nor_people() -> None:
    said = f"{HOST.upper()} of workspace 1234567890123456 told ada.lovelace@example.com and other.cloud.databricks.com"
    principal = "0f8fad5b-d9cb-469f-a165-70867728950e"
    text = report(incident(message=said, remedy=f"GRANT EXECUTE TO `{principal}`"), mask=mask())
    for name in (HOST, OTHER_HOST, "1234567890123456", "ada.lovelace", principal, "cloud.databricks"):
        assert name.lower() not in text.lower()
    assert "failed at `host-1.azure.example`" in text
    assert "`https://host-2.example/mlflow/v1`" in text
    assert "**Masked**" in text


@pytest.mark.parametrize(
    "written",
    [
        "ada.lovelace@example.com",
        "ADA.LOVELACE@EXAMPLE.COM",
        "<ada.lovelace+on-call@mail.example.co.uk>",
        "ada.lovelace%40example.com",
        r"ada.lovelace\u0040example.com",
        "o'lovelace@example.com",
        f"ada.lovelace@{HOST}",
        "ädä.lovelace@exämple.com",
    ],
)
def test_a_masked_report_names_nobody_however_the_address_is_written(written: str) -> None:
    text = report(incident(message=f"denied to {written}, ask {written}."), mask=mask())
    assert "lovelace" not in text.lower()
    assert "lovelace" in report(incident(message=f"denied to {written}")).lower()


def test_a_masked_report_keeps_what_explains_the_incident() -> None:
    text = report(mask=mask())
    assert "databricks-claude-opus-4-6 is not served on the chat route (`model_not_on_route`)" in text
    assert "`/history?incident=inc-20260821-090000-a1b2c3`" in text


TEXT = st.text(max_size=60)


@given(TEXT, TEXT, TEXT)
def test_whatever_was_said_a_row_stays_one_row(message: str, model: str, detail: str) -> None:
    step = IncidentStep(at=at(1), kind=StepKind.OPENED, route=replace(OWN, model=model), text=detail)
    text = report(incident(message=message, routes=(replace(OWN, model=model),), timeline=(step,)))
    calm = report(incident(message="m", routes=(replace(OWN, model="m"),), timeline=(replace(step, text="d"),)))
    assert len(text.split("\n")) == len(calm.split("\n"))
    text.encode()
