"""Every action by every role from everywhere, asked of the services themselves: who is refused changes nothing."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from core.access.authority import actor_for_page, objection_to
from core.access.roles import Listed
from core.errors import SwitchyardError
from core.model.access import Action, Membership, Role
from core.model.agent import AgentId
from core.model.audit import AuditEvent
from core.model.change import Actor, ChangeRequest, ChangeState
from core.model.probe import Depth
from core.services import Services
from core.trusted_hosts import Trusting
from tests.core.test_services import House
from tests.fakes.waiting import eventually

REQUEST = ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots={"primary": "databricks-claude-haiku-4-5"})
HOUR = timedelta(hours=1)
NO_SUCH = "chg-000000000000"
LISTED = Listed(admins=("ada@example.com",), operators=("olly@example.com",))


@dataclass(frozen=True)
class Where:
    """How the dashboard is reached."""

    inside_apps: bool
    on_loopback: bool
    host: str


INSIDE = Where(True, False, "switchyard.databricksapps.example")
LOOPBACK = Where(False, True, "127.0.0.1:8501")
REBOUND = Where(False, True, "rebound.example:8501")
OPEN_PORT = Where(False, False, "192.0.2.4:8501")

# Who, from where, with which forwarded address; and the role that this comes to.
PEOPLE = {
    "inside Apps, a listed admin": (INSIDE, "ada@example.com", Role.ADMIN),
    "inside Apps, a listed operator": (INSIDE, "olly@example.com", Role.OPERATOR),
    "inside Apps, somebody else": (INSIDE, "vic@example.com", Role.VIEWER),
    "inside Apps, past the sign-in": (INSIDE, None, Role.VIEWER),
    "inside Apps, who manages another target": (INSIDE, "max@example.com", Role.OPERATOR),
    "loopback": (LOOPBACK, None, Role.ADMIN),
    "loopback, forged as a viewer": (LOOPBACK, "vic@example.com", Role.ADMIN),
    "loopback under a foreign name": (REBOUND, None, Role.VIEWER),
    "loopback under a foreign name, forged as an admin": (REBOUND, "ada@example.com", Role.VIEWER),
    "open port": (OPEN_PORT, None, Role.VIEWER),
    "open port, forged as an admin": (OPEN_PORT, "ada@example.com", Role.VIEWER),
    "open port, forged as an operator": (OPEN_PORT, "olly@example.com", Role.VIEWER),
}
MANAGES = {"max@example.com": Membership(groups=frozenset(), manages=frozenset({"app:coda"}))}


def person(who: str) -> Actor:
    """Return who that is; a name of its own for each, so that nobody's limits count for another."""
    where, email, _ = PEOPLE[who]
    return actor_for_page(
        user_name=who,
        bound_to_loopback=where.on_loopback,
        host_header=where.host,
        inside_databricks_apps=where.inside_apps,
        email=email,
        listed=LISTED,
        membership=MANAGES.get(email or "", Membership()) if where.inside_apps else Membership(),
    )


# An attempt at something by somebody; the last is the change, and the override, that it would be about.
Attempt = Callable[[House, Actor, str], str | None]


def probe(house: House, actor: Actor, _: str) -> str:
    return house.services.start_probe([house.swept().results[0].route], depth=Depth.REACH, actor=actor)


def apply(house: House, actor: Actor, _: str, *, force: bool = False) -> str:
    # Of a revision that never was, so that nothing is written where it is allowed either.
    return house.services.start_apply(REQUEST, actor=actor, reason="mine", expected_revision="never", force=force)


def roll_back(house: House, actor: Actor, change: str) -> str:
    return house.services.start_rollback(change, actor=actor, reason="mine")


def read_results(house: House, actor: Actor, _: str) -> None:
    house.services.extra_results(actor)


SEEING: Mapping[str, Attempt] = {
    "extra_results": read_results,
}
PROBING: Mapping[str, Attempt] = {
    "request_sweep": lambda house, actor, _: house.services.request_sweep(actor),
    "start_probe": probe,
    "refresh_targets": lambda house, actor, _: house.services.refresh_targets(actor),
    "start_plan": lambda house, actor, _: house.services.start_plan(REQUEST, actor=actor),
}
CHANGING: Mapping[str, Attempt] = {
    "start_apply": apply,
    "start_apply, forced": lambda house, actor, change: apply(house, actor, change, force=True),
    "start_rollback": roll_back,
    "extend_override": lambda house, actor, change: house.services.extend_override(change, by=HOUR, actor=actor),
    "keep_override": lambda house, actor, change: house.services.keep_override(change, actor=actor),
}
TESTING_ALERTS: Mapping[str, Attempt] = {
    "start_alert_test": lambda house, actor, _: house.services.start_alert_test("nobody", actor),
}
# A host that receives tokens anyway: what is asked here is the gate alone.
SOME_HOST = "acme.cloud.databricks.com"
TRUSTING: Mapping[str, Attempt] = {
    "trust.add": lambda house, actor, _: house.services.trust.add(SOME_HOST, private=False, reason="r", actor=actor),
    "trust.revoke": lambda house, actor, _: house.services.trust.revoke(SOME_HOST, reason="r", actor=actor),
}
WAYS: Mapping[Action, Mapping[str, Attempt]] = {
    Action.SEE: SEEING,
    Action.PROBE: PROBING,
    Action.CHANGE: CHANGING,
    Action.ALERT_TEST: TESTING_ALERTS,
    Action.TRUST: TRUSTING,
}
ALLOWED = {
    Role.VIEWER: {Action.SEE},
    Role.OPERATOR: {Action.SEE, Action.PROBE},
    Role.ADMIN: set(Action),
}
TABLE = [(who, action, way) for who in PEOPLE for action, ways in WAYS.items() for way in ways]


@dataclass(frozen=True)
class Standing:
    """A house with something to lose: a change that stands as an override."""

    house: House
    change: str


@pytest.fixture(scope="module")
def standing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standing]:
    with ExitStack() as stack:
        house = House("healthy", tmp_path_factory.mktemp("state"), stack).started()
        ada = replace(person("loopback"), name="who set it up")
        job = house.ended(
            house.services.start_apply(REQUEST, actor=ada, reason="cheaper", expected_revision=None, lasts=HOUR)
        )
        assert job.outcome is not None and job.outcome.record.state is ChangeState.APPLIED
        eventually(lambda: house.services.snapshot().overrides)
        house.swept()
        yield Standing(house, job.outcome.record.change_id)


def world(house: House) -> tuple[object, ...]:
    """Return all that an action could move: files, changes, overrides, deployments, and what was asked of models.

    A refused change is listed among the attempts; what counts here is that nothing came of it.
    """
    home = house.config.parent.parent
    files = {path: path.read_bytes() for path in sorted(home.rglob("*")) if path.is_file()}
    asked = len(house.workspace.requests.posts())
    changes = [one for one in house.services.changes(1000) if one.state is not ChangeState.BLOCKED]
    trusted = house.services.trust.view.hosts
    return files, changes, house.services.snapshot().overrides, house.workspace.apps.state(), asked, trusted


def answer(house: House, attempt: Attempt, actor: Actor, change: str) -> str:
    """Return the code that an attempt ends with, nothing when it went well."""
    try:
        job_id = attempt(house, actor, change)
    except SwitchyardError as refused:
        return refused.code
    if job_id is None:
        return ""
    problem = house.ended(job_id).problem
    return problem.code if problem else ""


def refusals(house: House, actor: Actor) -> list[AuditEvent]:
    return [event for event in house.services.audit(500) if event.actor == actor.name and event.is_refused]


def test_every_action_has_its_ways() -> None:
    assert WAYS.keys() == set(Action)


def test_every_way_of_the_services_that_somebody_goes_is_in_the_table() -> None:
    takes_somebody = {
        prefix + name
        for prefix, kind in (("", Services), ("trust.", Trusting))
        for name, method in inspect.getmembers(kind, inspect.isfunction)
        if not name.startswith("_")
        and "Actor" in {str(p.annotation) for p in inspect.signature(method).parameters.values()}
    }
    assert takes_somebody == {way.partition(",")[0] for ways in WAYS.values() for way in ways}


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("who", PEOPLE)
def test_the_role_decides(who: str, action: Action) -> None:
    actor, role = person(who), PEOPLE[who][2]
    assert actor.role is role
    assert (objection_to(action, actor) is None) is (action in ALLOWED[role])


@pytest.mark.parametrize(("who", "action", "way"), [row for row in TABLE if row[1] not in ALLOWED[PEOPLE[row[0]][2]]])
def test_who_may_not_is_refused_recorded_and_changes_nothing(
    standing: Standing, who: str, action: Action, way: str
) -> None:
    house, actor, before = standing.house, person(who), world(standing.house)
    known = len(refusals(house, actor))

    assert answer(house, WAYS[action][way], actor, standing.change) == "not_allowed"

    event = eventually(lambda: refusals(house, actor)[: len(refusals(house, actor)) - known])[0]
    assert (event.role, event.outcome) == (actor.role, "not_allowed")
    assert world(house) == before


@pytest.mark.parametrize(("who", "action", "way"), [row for row in TABLE if row[1] in ALLOWED[PEOPLE[row[0]][2]]])
def test_who_may_is_not_refused(standing: Standing, who: str, action: Action, way: str) -> None:
    files = world(standing.house)[0]
    # Of a change that never was: what is asked here is the gate alone.
    assert answer(standing.house, WAYS[action][way], person(who), NO_SUCH) != "not_allowed"
    assert world(standing.house)[0] == files


def test_who_manages_a_target_changes_that_one_only(standing: Standing) -> None:
    max_, house = person("inside Apps, who manages another target"), standing.house
    at_theirs = replace(REQUEST, target="app:coda")
    assert objection_to(Action.CHANGE, max_, "app:coda") is None

    def start(request: ChangeRequest) -> Attempt:
        return lambda house, actor, _: house.services.start_apply(
            request, actor=actor, reason="mine", expected_revision="never"
        )

    assert answer(house, start(at_theirs), max_, "") != "not_allowed"
    assert answer(house, start(REQUEST), max_, "") == "not_allowed"
