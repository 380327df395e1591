"""The role of a person whom the proxy names, by lists, groups and what the person manages."""

from __future__ import annotations

import pytest

from core.access.authority import actor_for_page, objection_to, plain_address
from core.access.roles import Listed, role_of
from core.model.access import Action, Membership, Role

LISTED = Listed(admins=("ada@example.com", "platform"), operators=("olly@example.com", "on-call"))


def member(*groups: str, manages: str = "", problem: str = "") -> Membership:
    return Membership(groups=frozenset(groups), manages=frozenset(manages.split()), problem=problem)


@pytest.mark.parametrize(
    ("email", "membership", "role", "says"),
    [
        ("ada@example.com", Membership(), Role.ADMIN, "SWITCHYARD_ADMINS lists you."),
        ("vic@example.com", member("platform"), Role.ADMIN, "SWITCHYARD_ADMINS lists your group platform"),
        ("vic@example.com", member("admins"), Role.ADMIN, "the workspace's group admins"),
        ("vic@example.com", member("Admins", "PLATFORM"), Role.VIEWER, "no workspace admin"),
        ("olly@example.com", Membership(), Role.OPERATOR, "you may probe, not change."),
        ("vic@example.com", member("on-call"), Role.OPERATOR, "lists your group on-call"),
        ("vic@example.com", member(manages="app:coda"), Role.OPERATOR, "change app:coda only"),
        ("olly@example.com", member(manages="app:coda"), Role.OPERATOR, "change app:coda only"),
        ("vic@example.com", member("users"), Role.VIEWER, "is listed neither"),
        ("vic@example.com", Membership(problem="Nobody may look."), Role.VIEWER, "are not known: Nobody may look."),
        ("platform", Membership(), Role.VIEWER, "not known"),
        ("", member("admins"), Role.VIEWER, "did not say who you are"),
        (None, member("admins"), Role.VIEWER, "did not say who you are"),
    ],
)
def test_a_role_has_its_reason(email: str | None, membership: Membership, role: Role, says: str) -> None:
    found, why = role_of(email, LISTED, membership)

    assert found is role
    assert says in why
    assert why.startswith("You are a")


def test_whoever_manages_an_app_changes_that_one_only() -> None:
    actor = actor_for_page(
        user_name="Vic",
        bound_to_loopback=False,
        host_header="app.example",
        inside_databricks_apps=True,
        email="vic@example.com",
        membership=member(manages="app:coda"),
    )

    assert objection_to(Action.CHANGE, actor, "app:coda") is None
    assert objection_to(Action.CHANGE, actor, "app:other") is not None
    assert objection_to(Action.CHANGE, actor) is not None
    assert objection_to(Action.TRUST, actor, "app:coda") is not None
    assert (actor.may_change_at("app:coda"), actor.may_change_at("file:hermes")) == (True, False)


def test_membership_counts_for_nothing_outside_databricks_apps() -> None:
    actor = actor_for_page(
        user_name="someone",
        bound_to_loopback=False,
        host_header="10.0.0.7:8501",
        inside_databricks_apps=False,
        email="ada@example.com",
        listed=LISTED,
        membership=member("admins", manages="app:coda"),
    )

    assert (actor.role, actor.targets) == (Role.VIEWER, frozenset())


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("203.0.113.9", "203.0.113.9"),
        (" 2001:DB8::1 ", "2001:db8::1"),
        ("203.0.113.9, 10.0.0.1", ""),
        ("<script>", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_only_an_address_is_kept_as_an_address(text: str | None, kept: str) -> None:
    assert plain_address(text) == kept
