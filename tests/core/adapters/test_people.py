"""The real SDK asks the simulated workspace who somebody is; what it cannot say is not known, never granted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from core.adapters.apps import connection
from core.adapters.credentials import StaticToken
from core.adapters.people import WorkspacePeople
from core.model.secret import Secret
from core.simulator.faults import FaultRule
from core.simulator.scenes import TokenState
from tests.fakes.app_workspace import AppWorkspace, app_workspace

ROBIN, CASEY, ALEX = (f"{name}@switchyard.example" for name in ("robin.vale", "casey.rowe", "alex.thorn"))
APP = "app:coda"
SCIM = "/api/2.0/preview/scim/v2"
PERMISSIONS = "/api/2.0/permissions/apps"


@pytest.fixture(scope="module")
def shared() -> Iterator[AppWorkspace]:
    with app_workspace() as found:
        yield found


@pytest.fixture
def place(shared: AppWorkspace) -> AppWorkspace:
    shared.running.faults.clear()
    shared.running.requests.reset()
    return shared


def people_of(place: AppWorkspace) -> WorkspacePeople:
    """Return the adapter, with the dashboard's own credential a service principal's as on Databricks Apps."""
    origin, scene = place.running.http_origin, place.running.scene
    ours = StaticToken(scene.tokens[TokenState.SERVICE_PRINCIPAL], "the simulated workspace")
    return WorkspacePeople(connection(origin, ours), lambda token: connection(origin, StaticToken(token, "me"))())


def own_token(place: AppWorkspace) -> Secret:
    """Return the token that the proxy forwards for Robin."""
    return place.running.scene.token


def test_a_persons_own_token_shows_the_groups(place: AppWorkspace) -> None:
    found = people_of(place).look_up(ROBIN.upper(), own_token(place), [])

    assert found.groups == {"admins", "users"}
    assert found.problem == ""
    assert [one.path for one in place.running.requests.all() if SCIM in one.path] == [f"{SCIM}/Me"]


def test_a_token_of_somebody_else_is_not_believed(place: AppWorkspace) -> None:
    found = people_of(place).look_up(CASEY, own_token(place), [])

    assert found.groups == frozenset()


def test_a_dead_token_leaves_the_look_up_to_the_service_principal(place: AppWorkspace) -> None:
    dead = place.running.scene.tokens[TokenState.ROTATED]

    assert people_of(place).look_up(ROBIN, dead, []).groups == {"admins", "users"}


@pytest.mark.parametrize(
    ("email", "groups"),
    [(ROBIN, {"admins", "users"}), (CASEY, set()), (ALEX, {"users", "agents-on-call"}), ("nobody@example.com", set())],
)
def test_the_service_principal_looks_a_person_up(place: AppWorkspace, email: str, groups: set[str]) -> None:
    assert people_of(place).look_up(email, None, []).groups == groups


def test_a_quote_in_an_address_stays_inside_the_filter(place: AppWorkspace) -> None:
    hostile = 'x" or userName eq "robin.vale@switchyard.example'

    assert people_of(place).look_up(hostile, None, []).groups == frozenset()


def test_who_manages_an_app_is_read_by_name_and_by_group(place: AppWorkspace) -> None:
    people = people_of(place)

    assert people.look_up(ROBIN, None, [APP, "file:hermes"]).manages == {APP}
    assert people.look_up(ALEX, None, [APP]).manages == {APP}
    assert people.look_up(CASEY, None, [APP]).manages == frozenset()


def test_groups_that_cannot_be_asked_are_not_known_and_the_reason_is_told(place: AppWorkspace) -> None:
    place.running.faults.add(FaultRule(fault="permission_denied", path=SCIM))

    found = people_of(place).look_up(ALEX, None, [APP])

    assert found.groups is None
    assert found.manages == frozenset()
    assert "not allowed to look up a person's groups" in found.problem


def test_permissions_that_cannot_be_read_leave_the_groups_known(place: AppWorkspace) -> None:
    place.running.faults.add(FaultRule(fault="permission_denied", path=PERMISSIONS))

    found = people_of(place).look_up(ROBIN, None, [APP])

    assert found.groups == {"admins", "users"}
    assert found.manages == frozenset()
    assert "who manages the app coda" in found.problem
