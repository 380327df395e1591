"""Who may change anything."""

from __future__ import annotations

import pytest

from core.access.authority import (
    actor_for_command_line,
    actor_for_page,
    names_loopback,
    objection_to,
    objection_to_reading,
)
from core.access.roles import Listed
from core.model.access import Action, Role
from core.model.change import Origin


@pytest.mark.parametrize(
    "host",
    ["localhost", "localhost:8501", "LOCALHOST:8501", "127.0.0.1:8501", "127.9.9.9", "[::1]", "[::1]:8501"],
)
def test_the_machines_user_may_change_on_loopback(host: str) -> None:
    actor = actor_for_page(user_name="ada", bound_to_loopback=True, host_header=host, inside_databricks_apps=False)
    assert actor.may_change
    assert (actor.name, actor.origin) == ("ada", Origin.PAGE)
    assert "ada is this machine's user" in actor.why


@pytest.mark.parametrize(
    ("bound", "host", "inside", "says"),
    [
        pytest.param(True, "rebound.example:8501", False, "Open it as http://localhost", id="a name that was rebound"),
        pytest.param(True, None, False, "Open it as http://localhost", id="no Host header"),
        pytest.param(False, "localhost", False, "Start it on 127.0.0.1", id="bound to every interface"),
        pytest.param(True, "localhost", True, "did not say who you are", id="inside Databricks Apps"),
        pytest.param(False, "app.example", True, "did not say who you are", id="inside Databricks Apps, public"),
    ],
)
def test_nobody_may_change_where_it_is_not_certain(bound: bool, host: str | None, inside: bool, says: str) -> None:
    actor = actor_for_page(user_name="ada", bound_to_loopback=bound, host_header=host, inside_databricks_apps=inside)
    assert not actor.may_change
    assert says in actor.why


@pytest.mark.parametrize(
    "host",
    [
        "",
        "127.0.0.1.evil.example",
        "localhost.evil.example",
        "localhost:8501.evil.example",
        "127.0.0.1@evil.example",
        "evil.example:127",
        "[::1",
        "[::1]evil.example",
        "[::1]:evil",
        "[2001:db8::1]:8501",
        "::1",
        "0.0.0.0",
        "192.168.0.7:8501",
        "localhost:٣",
    ],
)
def test_a_host_header_that_is_not_exactly_loopback_is_foreign(host: str) -> None:
    assert not names_loopback(host)


def test_the_command_line_acts_as_the_machines_user() -> None:
    actor = actor_for_command_line("ada", False)
    assert actor.may_change
    assert (actor.name, actor.origin) == ("ada", Origin.COMMAND_LINE)


def test_the_command_line_inside_databricks_apps_may_not_change() -> None:
    assert not actor_for_command_line("ada", True).may_change


@pytest.mark.parametrize(
    ("inside", "person", "bound", "host", "code"),
    [
        pytest.param(True, "riley@example.com", False, "10.0.0.7:8000", None, id="a person behind the proxy"),
        pytest.param(True, None, False, "10.0.0.7:8000", "not_signed_in", id="past the proxy"),
        pytest.param(True, "", False, "localhost:8000", "not_signed_in", id="an empty name"),
        pytest.param(True, None, True, "localhost:8000", "not_signed_in", id="loopback proves nobody inside Apps"),
        pytest.param(False, None, True, "127.0.0.1:8501", None, id="this machine"),
        pytest.param(False, None, True, "rebound.example:8501", "foreign_host", id="a name that was rebound"),
        pytest.param(
            False, "riley@example.com", True, "rebound.example", "foreign_host", id="a name written by anyone"
        ),
        pytest.param(False, None, True, None, "foreign_host", id="no Host header"),
        pytest.param(False, None, False, "dashboard.example:8501", None, id="open to others, as the pages are"),
    ],
)
def test_programs_read_where_people_may_look(
    inside: bool, person: str | None, bound: bool, host: str | None, code: str | None
) -> None:
    objection = objection_to_reading(
        inside_databricks_apps=inside, person=person, bound_to_loopback=bound, host_header=host
    )
    assert (objection.code if objection else None) == code
    assert objection is None or (objection.message and objection.remedy)


_LISTED = Listed(admins=("Ada@example.com",), operators=("olly@example.com", "ada@example.com"))
_MAY = {
    Role.VIEWER: {Action.SEE},
    Role.OPERATOR: {Action.SEE, Action.PROBE},
    Role.ADMIN: {Action.SEE, Action.PROBE, Action.CHANGE, Action.ALERT_TEST, Action.TRUST},
}


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize(
    ("inside", "bound", "host", "email", "role"),
    [
        pytest.param(True, False, "app.example", "ada@example.com", Role.ADMIN, id="inside, a listed admin"),
        pytest.param(True, False, "app.example", " ADA@EXAMPLE.COM ", Role.ADMIN, id="inside, in capitals"),
        pytest.param(True, False, "app.example", "olly@example.com", Role.OPERATOR, id="inside, a listed operator"),
        pytest.param(True, False, "app.example", "vic@example.com", Role.VIEWER, id="inside, not listed"),
        pytest.param(True, False, "app.example", "ada@example.com.evil.example", Role.VIEWER, id="inside, look-alike"),
        pytest.param(True, True, "localhost", None, Role.VIEWER, id="inside, past the proxy"),
        pytest.param(False, True, "localhost", None, Role.ADMIN, id="this machine"),
        pytest.param(False, True, "rebound.example", "ada@example.com", Role.VIEWER, id="rebound, forged header"),
        pytest.param(False, False, "10.0.0.7:8501", None, Role.VIEWER, id="open port"),
        pytest.param(False, False, "10.0.0.7:8501", "ada@example.com", Role.VIEWER, id="open port, forged header"),
        pytest.param(False, False, "localhost", "ada@example.com", Role.VIEWER, id="open port, both forged"),
    ],
)
def test_each_action_by_who_asks_from_where(
    *, inside: bool, bound: bool, host: str, email: str | None, role: Role, action: Action
) -> None:
    actor = actor_for_page(
        user_name="someone",
        bound_to_loopback=bound,
        host_header=host,
        inside_databricks_apps=inside,
        email=email,
        listed=_LISTED,
    )

    objection = objection_to(action, actor)

    assert actor.role is role
    assert (objection is None) is (action in _MAY[role])
    assert objection is None or (objection.code, objection.message) == ("not_allowed", actor.why)
