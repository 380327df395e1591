"""The workspace is concluded from every source that speaks, and contradictions are said, not settled in silence."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detect.hosts import ParsedHost, parse_host
from core.detect.workspace import (
    HostMetadata,
    conclude_workspace,
    host_metadata,
    known_workspace_id,
    routing_headers,
)
from core.model.workspace import Cloud, Environment, Workspace
from core.ports import HttpAnswer
from tests.core.detect.feeding import DNS, NOTHING, WEB_PAGE, answer, feed

AZURE = parse_host("adb-2718281828459045.5.azuredatabricks.net")
AWS = parse_host("dbc-a1b2c3d4-e5f6.cloud.databricks.com")
REGIONAL = parse_host("westeurope.azuredatabricks.net/?o=31")
CUSTOM = parse_host("acme.databricks.com?o=team-one")
STRANGE = parse_host("data.corp.example.com")
ID = "2718281828459045"


def verdicts(workspace: Workspace) -> dict[str, str]:
    return {item.source: item.verdict for item in workspace.evidence}


def test_metadata_are_asked_without_a_credential() -> None:
    payload = {"oidc_endpoint": "https://x/oidc", "workspace_id": ID, "cloud": "AZURE"}
    fed = feed(host_metadata(AZURE), {AZURE.origin + "/.well-known/databricks-config": answer(200, payload)})
    assert [ask.authenticated for ask in fed.asked] == [False]
    assert fed.result == HostMetadata(workspace_id=ID, cloud="AZURE", answer="200")


@pytest.mark.parametrize(
    ("value", "workspace_id"),
    [(31, "31"), ("31", "31"), ("team-one", "team-one"), (True, None), ("", None), (10**80, None), (["31"], None)],
)
def test_ids_in_metadata_become_text(value: object, workspace_id: str | None) -> None:
    url = AWS.origin + "/.well-known/databricks-config"
    assert feed(host_metadata(AWS), {url: answer(200, {"workspace_id": value})}).result.workspace_id == workspace_id


@pytest.mark.parametrize("outcome", [NOTHING, DNS, WEB_PAGE], ids=["404", "dns", "web page"])
def test_a_host_without_metadata_gives_none_and_says_why(outcome: HttpAnswer) -> None:
    found = feed(host_metadata(AWS), {AWS.origin + "/.well-known/databricks-config": outcome}).result
    assert (found.workspace_id, found.cloud) == (None, None)
    assert found.answer


@given(st.integers(200, 599), st.binary(max_size=200))
def test_arbitrary_metadata_never_raise(status: int, body: bytes) -> None:
    feed(host_metadata(AWS), {AWS.origin + "/.well-known/databricks-config": answer(status, body)})


def test_agreeing_sources_give_one_workspace() -> None:
    workspace = conclude_workspace(
        AZURE, configured_id=ID, metadata=HostMetadata(workspace_id=ID, cloud="Azure", answer="200"), org_id=ID
    )
    assert (workspace.host, workspace.workspace_id) == (AZURE.origin, ID)
    assert (workspace.cloud, workspace.environment) == (Cloud.AZURE, Environment.PUBLIC)
    assert workspace.contradictions == ()
    assert verdicts(workspace)["host name"] == f"workspace id {ID}"
    assert verdicts(workspace)["DNS zone"] == "cloud azure, environment public"


@pytest.mark.parametrize(
    ("org_id", "metadata_id", "configured_id", "expected", "contradictions"),
    [
        ("1", None, None, "1", 0),
        ("1", "1", "1", "1", 0),
        ("1", "2", None, "1", 1),
        ("1", "2", "3", "1", 2),
        (None, "2", "3", "2", 1),
        (None, None, "3", "3", 0),
        (None, None, None, None, 0),
    ],
    ids=["header", "all agree", "metadata differ", "all differ", "setting differs", "setting only", "nobody knows"],
)
def test_the_workspaces_own_word_wins_and_others_contradict(
    org_id: str | None, metadata_id: str | None, configured_id: str | None, expected: str | None, contradictions: int
) -> None:
    workspace = conclude_workspace(
        AWS, configured_id=configured_id, metadata=HostMetadata(workspace_id=metadata_id), org_id=org_id
    )
    assert workspace.workspace_id == expected
    assert len(workspace.contradictions) == contradictions


def test_a_contradiction_is_a_sentence_that_names_both_sources() -> None:
    workspace = conclude_workspace(AZURE, configured_id="31", metadata=HostMetadata(), org_id=None)
    assert workspace.contradictions == (f"DATABRICKS_WORKSPACE_ID says workspace 31, host name says {ID}.",)
    assert verdicts(workspace)["DATABRICKS_WORKSPACE_ID"] == "contradicts host name"


def test_the_id_of_a_pasted_link_counts() -> None:
    workspace = conclude_workspace(REGIONAL, configured_id=None, metadata=HostMetadata(), org_id=None)
    assert workspace.workspace_id == "31"


def test_an_unknown_zone_is_unknown_and_not_aws() -> None:
    workspace = conclude_workspace(STRANGE, configured_id=None, metadata=HostMetadata(), org_id="31")
    assert (workspace.cloud, workspace.environment) == (Cloud.UNKNOWN, Environment.UNKNOWN)
    assert verdicts(workspace)["DNS zone"] == "unknown zone: the cloud is not assumed"


def test_metadata_tell_the_cloud_where_the_name_does_not() -> None:
    workspace = conclude_workspace(CUSTOM, configured_id=None, metadata=HostMetadata(cloud="GCP"), org_id=None)
    assert workspace.cloud is Cloud.GCP
    assert workspace.environment is Environment.UNKNOWN


def test_a_cloud_that_contradicts_the_zone_is_said() -> None:
    workspace = conclude_workspace(AZURE, configured_id=None, metadata=HostMetadata(cloud="AWS"), org_id=None)
    assert workspace.cloud is Cloud.AZURE
    assert workspace.contradictions == ("The host metadata says cloud aws, the host name is one of azure.",)


@pytest.mark.parametrize("cloud", ["moon", "unknown", ""])
def test_a_cloud_nobody_knows_changes_nothing(cloud: str) -> None:
    workspace = conclude_workspace(AWS, configured_id=None, metadata=HostMetadata(cloud=cloud), org_id=None)
    assert (workspace.cloud, workspace.contradictions) == (Cloud.AWS, ())


def test_silence_is_evidence_too() -> None:
    metadata = HostMetadata(answer="404 Not Found")
    workspace = conclude_workspace(
        AWS, configured_id=None, metadata=metadata, org_id=None, org_answer="the name does not resolve"
    )
    assert verdicts(workspace)["host metadata"] == "404 Not Found"
    assert verdicts(workspace)["X-Databricks-Org-Id"] == "the name does not resolve"


@pytest.mark.parametrize(("by_metadata", "by_identity"), [(True, False), (False, True)])
def test_one_simulated_answer_makes_the_workspace_simulated(by_metadata: bool, by_identity: bool) -> None:
    workspace = conclude_workspace(
        AWS, configured_id=None, metadata=HostMetadata(simulated=by_metadata), org_id=None, simulated=by_identity
    )
    assert workspace.simulated


def test_the_simulated_header_is_noticed() -> None:
    url = AWS.origin + "/.well-known/databricks-config"
    assert feed(host_metadata(AWS), {url: answer(404, "", x_switchyard_simulated="1")}).result.simulated


@pytest.mark.parametrize(
    ("host", "headers"),
    [
        (REGIONAL, {"X-Databricks-Org-Id": "31"}),
        (CUSTOM, {"X-Databricks-Workspace-Id": "31"}),
        (parse_host("acme.azuredatabricks.net"), {"X-Databricks-Workspace-Id": "31"}),
        (AZURE, {}),
        (AWS, {}),
        (STRANGE, {}),
    ],
    ids=["regional", "custom", "azure custom", "azure", "aws", "unknown"],
)
def test_hosts_of_many_workspaces_are_told_which_one(host: ParsedHost, headers: dict[str, str]) -> None:
    assert routing_headers(host, "31") == headers
    assert routing_headers(host, None) == {}


@pytest.mark.parametrize(
    ("host", "configured_id", "expected"),
    [(AZURE, "31", ID), (REGIONAL, "32", "31"), (AWS, "31", "31"), (AWS, None, "33")],
    ids=["name", "link", "setting", "metadata"],
)
def test_what_is_known_before_a_credential_was_used(host: ParsedHost, configured_id: str | None, expected: str) -> None:
    assert known_workspace_id(host, configured_id, HostMetadata(workspace_id="33")) == expected
