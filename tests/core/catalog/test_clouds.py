"""A host name belongs to a Databricks zone by whole labels, or to none; none is never taken for AWS."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.catalog.clouds import (
    ZONES,
    dedicated_gateway_hosts,
    is_account_console,
    is_dedicated_gateway,
    zone_of,
)
from core.model.workspace import Cloud, Environment

NAMES = {
    "adb-2718281828459045.5.azuredatabricks.net": (Cloud.AZURE, Environment.PUBLIC),
    "adb-dp-2718281828459045.5.azuredatabricks.net": (Cloud.AZURE, Environment.PUBLIC),
    "westeurope.azuredatabricks.net": (Cloud.AZURE, Environment.PUBLIC),
    "acme.azuredatabricks.net": (Cloud.AZURE, Environment.PUBLIC),
    "adb-1.2.staging.azuredatabricks.net": (Cloud.AZURE, Environment.STAGING),
    "adb-1.2.dev.azuredatabricks.net": (Cloud.AZURE, Environment.DEV),
    "adb-1.2.databricks.azure.us": (Cloud.AZURE, Environment.GOV),
    "adb-1.2.databricks.azure.cn": (Cloud.AZURE, Environment.CHINA),
    "dbc-a1b2c3d4-e5f6.cloud.databricks.com": (Cloud.AWS, Environment.PUBLIC),
    "acme.cloud.databricks.com": (Cloud.AWS, Environment.PUBLIC),
    "x.cloud.databricks.us": (Cloud.AWS, Environment.GOV),
    "x.cloud.databricks.mil": (Cloud.AWS, Environment.GOV),
    "x.staging.cloud.databricks.com": (Cloud.AWS, Environment.STAGING),
    "x.dev.databricks.com": (Cloud.AWS, Environment.DEV),
    "2718281828459045.5.gcp.databricks.com": (Cloud.GCP, Environment.PUBLIC),
    "1.2.staging.gcp.databricks.com": (Cloud.GCP, Environment.STAGING),
    "1.2.dev.gcp.databricks.com": (Cloud.GCP, Environment.DEV),
    "27.ai-gateway.cloud.databricks.com": (Cloud.AWS, Environment.PUBLIC),
    "27.ai-gateway.staging.cloud.databricks.com": (Cloud.AWS, Environment.STAGING),
    "27.7.ai-gateway.azuredatabricks.net": (Cloud.AZURE, Environment.PUBLIC),
    "27.ai-gateway.gcp.databricks.com": (Cloud.GCP, Environment.PUBLIC),
    "accounts.cloud.databricks.com": (Cloud.AWS, Environment.PUBLIC),
    "acme.databricks.com": (Cloud.UNKNOWN, Environment.UNKNOWN),
    "ADB-1.2.AzureDatabricks.NET.": (Cloud.AZURE, Environment.PUBLIC),
}

STRANGERS = [
    "azuredatabricks.net.evil.com",
    "evilazuredatabricks.net",
    "adb-1.2.azuredatabricks.net.evil.com",
    "azuredatabricks.net",
    ".azuredatabricks.net",
    "x..azuredatabricks.net",
    "adb-1.2.azuredatabricks.net..",
    "evil.com/.azuredatabricks.net",
    "evil.com#.azuredatabricks.net",
    "evil.com\n.azuredatabricks.net",
    "-x.azuredatabricks.net",
    "adb-1.2.azuredatabriсks.net",  # one c is Cyrillic
    "data.corp.example.com",
    "coda-27.aws.databricksapps.com",
    "docs.databricks.com",
    "a.b.databricks.com",
    "databricks.com",
    "",
]


@pytest.mark.parametrize(("name", "expected"), NAMES.items(), ids=NAMES.keys())
def test_a_databricks_name_is_in_its_zone(name: str, expected: tuple[Cloud, Environment]) -> None:
    zone = zone_of(name)
    assert zone is not None
    assert (zone.cloud, zone.environment) == expected


@pytest.mark.parametrize("name", STRANGERS)
def test_any_other_name_is_in_no_zone(name: str) -> None:
    assert zone_of(name) is None


@given(st.text())
def test_arbitrary_text_never_raises(name: str) -> None:
    zone_of(name)


@given(st.from_regex(r"[a-z]{1,20}", fullmatch=True), st.sampled_from([zone.suffix for zone in ZONES]))
def test_a_zone_inside_a_longer_name_is_no_zone(label: str, suffix: str) -> None:
    assert zone_of(f"x{suffix}.{label}.example") is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accounts.cloud.databricks.com", True),
        ("Accounts.azuredatabricks.net", True),
        ("accounts-dod.cloud.databricks.us", True),
        ("accounts2.cloud.databricks.com", False),
        ("my-accounts.cloud.databricks.com", False),
    ],
)
def test_account_consoles_are_known_by_their_first_label(name: str, expected: bool) -> None:
    assert is_account_console(name) is expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("27.ai-gateway.cloud.databricks.com", True),
        ("27.3.ai-gateway.azuredatabricks.net", True),
        ("ai-gateway.cloud.databricks.com", False),
        ("x-ai-gateway.cloud.databricks.com", False),
    ],
)
def test_dedicated_gateways_are_known_by_their_label(name: str, expected: bool) -> None:
    assert is_dedicated_gateway(name) is expected


def test_azure_guesses_start_with_the_last_digit_of_the_id_and_do_not_repeat() -> None:
    hosts = dedicated_gateway_hosts(Cloud.AZURE, Environment.PUBLIC, "2718281828459047")
    assert [host.split(".")[1] for host in hosts] == ["7", "0", "2", "1", "3"]
    assert all(zone_of(host) for host in hosts)


@pytest.mark.parametrize(
    ("cloud", "environment", "expected"),
    [
        (Cloud.AWS, Environment.PUBLIC, ("27.ai-gateway.cloud.databricks.com",)),
        (Cloud.AWS, Environment.STAGING, ("27.ai-gateway.staging.cloud.databricks.com",)),
        (Cloud.GCP, Environment.PUBLIC, ("27.ai-gateway.gcp.databricks.com",)),
        (Cloud.AWS, Environment.GOV, ()),
        (Cloud.AZURE, Environment.GOV, ()),
        (Cloud.AZURE, Environment.CHINA, ()),
        (Cloud.UNKNOWN, Environment.UNKNOWN, ()),
    ],
)
def test_each_cloud_has_its_own_form_of_guess(
    cloud: Cloud, environment: Environment, expected: tuple[str, ...]
) -> None:
    assert dedicated_gateway_hosts(cloud, environment, "27") == expected


@pytest.mark.parametrize("workspace_id", [None, "", "team-one", "٢٧", "2" * 30])
def test_an_id_that_is_not_a_number_gives_no_guess(workspace_id: str | None) -> None:
    assert dedicated_gateway_hosts(Cloud.AWS, Environment.PUBLIC, workspace_id) == ()
