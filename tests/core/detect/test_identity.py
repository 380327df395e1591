"""Who the credential is, and why it cannot be used, are told apart by what the workspace answers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.detect.flow import NO_CREDENTIAL, Outcome
from core.detect.hosts import parse_host
from core.detect.identity import WhoAmI, who_am_i
from core.model.workspace import IdentityKind, WorkspaceIdentity
from core.ports import FailureKind
from tests.core.detect import feeding
from tests.core.detect.feeding import answer, failure, feed

HOST = parse_host("dbc-a1b2c3d4-e5f6.cloud.databricks.com")
REGIONAL = parse_host("westeurope.azuredatabricks.net")
ME = "/api/2.0/preview/scim/v2/Me"
PRINCIPAL = "7c0ffee0-0000-4000-8000-00000000beef"


def ask(outcome: Outcome) -> WhoAmI:
    return feed(who_am_i(HOST, None), {HOST.origin + ME: outcome}).result


def group(name: str) -> dict[str, str]:
    return {"display": name, "type": "direct"}


PEOPLE = {
    "admin": (
        {"userName": "mira@example.org", "groups": [group("users"), group("admins")]},
        WorkspaceIdentity(name="mira@example.org", kind=IdentityKind.USER, is_admin=True),
    ),
    "user": (
        {"userName": "mira@example.org", "groups": [group("users"), group("administrators")]},
        WorkspaceIdentity(name="mira@example.org", kind=IdentityKind.USER, is_admin=False),
    ),
    "without groups": (
        {"userName": "mira@example.org"},
        WorkspaceIdentity(name="mira@example.org", kind=IdentityKind.USER, is_admin=False),
    ),
    "odd groups": (
        {"userName": "mira@example.org", "groups": ["admins", None]},
        WorkspaceIdentity(name="mira@example.org", kind=IdentityKind.USER, is_admin=False),
    ),
    "service principal": (
        {"userName": PRINCIPAL, "displayName": "dashboard", "groups": [group("admins")]},
        WorkspaceIdentity(name="dashboard", kind=IdentityKind.SERVICE_PRINCIPAL, is_admin=True),
    ),
    "nameless service principal": (
        {"userName": PRINCIPAL.upper()},
        WorkspaceIdentity(name=PRINCIPAL.upper(), kind=IdentityKind.SERVICE_PRINCIPAL, is_admin=False),
    ),
}


@pytest.mark.parametrize(("payload", "identity"), PEOPLE.values(), ids=PEOPLE.keys())
def test_a_me_document_says_who_we_are(payload: object, identity: WorkspaceIdentity) -> None:
    found = ask(answer(200, payload, x_databricks_org_id="31"))
    assert (found.identity, found.problem, found.org_id) == (identity, None, "31")


@pytest.mark.parametrize("outcome", [feeding.FORBIDDEN, feeding.SCOPE], ids=["permission", "scope"])
def test_a_narrow_token_is_a_token_without_a_name(outcome: Outcome) -> None:
    found = ask(outcome)
    assert found.identity == WorkspaceIdentity(name=None, kind=IdentityKind.TOKEN, is_admin=None)
    assert found.problem is None


PROBLEMS = {
    "dead token": (feeding.DEAD, "credential_dead"),
    "unreadable token": (feeding.DEAD_400, "credential_dead"),
    "401": (answer(401, ""), "credential_dead"),
    "not accepted": (feeding.UNAUTHORISED, "credential_missing"),
    "no credential": (failure(FailureKind.REFUSED, NO_CREDENTIAL), "credential_missing"),
    "other workspace": (feeding.OTHER_WORKSPACE, "wrong_workspace"),
    "ip acl": (feeding.BLOCKED, "network_blocked"),
    "private link": (feeding.PRIVATE_LINK, "network_blocked"),
    "redirect": (feeding.REDIRECT, "redirected"),
    "dns": (feeding.DNS, "workspace_unreachable"),
    "connect": (feeding.CONNECT, "workspace_unreachable"),
    "tls": (feeding.TLS, "workspace_unreachable"),
    "timeout": (feeding.TIMEOUT, "workspace_unreachable"),
    "lost": (feeding.LOST, "workspace_unreachable"),
    "not trusted": (failure(FailureKind.REFUSED, "x is not trusted."), "host_untrusted"),
    "web page": (feeding.WEB_PAGE, "not_a_workspace"),
    "404": (feeding.NOTHING, "not_a_workspace"),
    "wrong JSON": (feeding.WRONG_JSON, "not_a_workspace"),
    "empty": (feeding.EMPTY, "not_a_workspace"),
    "a proxy's 403": (answer(403, feeding.HTML, content_type="text/html"), "not_a_workspace"),
    "500": (feeding.BROKEN, "workspace_unavailable"),
    "429": (feeding.THROTTLED, "workspace_unavailable"),
}


@pytest.mark.parametrize(("outcome", "code"), PROBLEMS.values(), ids=PROBLEMS.keys())
def test_a_credential_that_cannot_be_used_is_a_problem(outcome: Outcome, code: str) -> None:
    found = ask(outcome)
    assert found.problem is not None
    assert found.problem.code == code
    assert found.problem.message.endswith(".")
    assert HOST.hostname in found.problem.message
    assert found.problem.remedy
    assert found.identity.kind is IdentityKind.NONE
    assert found.identity.is_admin is None


def test_a_regional_host_without_an_id_asks_for_the_id() -> None:
    found = feed(who_am_i(REGIONAL, None), {REGIONAL.origin + ME: feeding.UNAUTHORISED}).result
    assert found.problem is not None
    assert found.problem.code == "workspace_id_missing"


def test_a_regional_host_is_told_the_workspace() -> None:
    fed = feed(who_am_i(REGIONAL, "31"), {REGIONAL.origin + ME: feeding.UNAUTHORISED})
    assert fed.asked[0].request.headers["X-Databricks-Org-Id"] == "31"
    assert fed.result.problem is not None
    assert fed.result.problem.code == "credential_missing"


@pytest.mark.parametrize(("header", "org_id"), [("31", "31"), ("0", None), ("", None), ("team-one", "team-one")])
def test_the_org_header_names_the_workspace_unless_it_is_zero(header: str, org_id: str | None) -> None:
    assert ask(answer(200, {"userName": "mira@example.org"}, x_databricks_org_id=header)).org_id == org_id


def test_a_refusal_may_name_the_workspace_too() -> None:
    assert ask(answer(403, {"error_code": 403}, x_databricks_org_id="31")).org_id == "31"


@given(st.integers(100, 999), st.binary(max_size=200))
def test_arbitrary_answers_never_raise_and_never_make_an_admin(status: int, body: bytes) -> None:
    assert ask(answer(status, body)).identity.is_admin is not True
