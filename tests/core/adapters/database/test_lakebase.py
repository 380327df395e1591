"""Lakebase: the real databricks-sdk asks the simulated workspace, and a real PostgreSQL checks the password."""

from __future__ import annotations

import itertools
import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from time import monotonic

import pytest

from core.adapters.credentials import SdkCredentials
from core.adapters.database import Database, LakebasePasswords, LakebasePlace, open_database
from core.adapters.database.access import Access
from core.adapters.database.places import parsed_url
from core.errors import StoreError
from core.model.secret import Secret
from core.settings import Lakebase, Settings
from core.simulator.faults import FaultRule
from core.simulator.lakebase import DatabaseInstance, SimulatedLakebase
from core.simulator.server import SimulatedWorkspace
from tests.contract.test_coordination_stores import EVENT
from tests.fakes.network import FakeClock
from tests.fakes.postgres import Postgres, shared_postgres

HOST = "127.0.0.1"
INSTANCES = (
    DatabaseInstance(name="billing", read_write_dns="instance-b1111b1e.database.switchyard.example"),
    DatabaseInstance(name="history", read_write_dns="127.0.0.1."),
)
CREDENTIALS, LISTING = "/api/2.0/database/credentials", "/api/2.0/database/instances"
MINUTE = 60.0
USERS = (f"app_{number}" for number in itertools.count(1))


@dataclass(frozen=True, kw_only=True)
class App:
    """The app on Databricks with its database: a PostgreSQL that lets its user in with the last minted password."""

    clock: FakeClock
    server: Postgres
    workspace: SimulatedWorkspace
    lakebase: SimulatedLakebase
    place: LakebasePlace

    def lets_in(self, password: Secret) -> bool:
        given = self.place.settings
        return self.server.lets_in(given.user, password, given.database)

    def opened(self) -> Database:
        clock = self.clock
        return open_database(
            self.place,
            limit_bytes=None,
            raw_days=7,
            hourly_days=90,
            interval_s=300,
            now=clock.now,
            monotonic=clock.monotonic,
        )

    @property
    def own_token(self) -> Secret:
        return SdkCredentials(principal(self.workspace), self.workspace.http_origin).token()


def principal(workspace: SimulatedWorkspace) -> Settings:
    return Settings(client_id=workspace.scene.client_id, client_secret=workspace.scene.client_secret)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened
    # The SDK's retries are jittered by `random`, which a property test that comes next takes for its own doing.
    for asking in threading.enumerate():
        if asking.name == "switchyard-lakebase":
            asking.join(timeout=30)
            assert not asking.is_alive()


Made = Callable[..., App]


@pytest.fixture
def made(stack: ExitStack) -> Made:
    """Return a function that makes an app whose workspace has these instances."""

    def make(instances: tuple[DatabaseInstance, ...] = INSTANCES, patience_s: float = 8.0) -> App:
        clock, server, user = FakeClock(), shared_postgres(), next(USERS)
        server.ask_passwords_of(user)
        lakebase = SimulatedLakebase(instances, accept=lambda password: server.accept(user, password), now=clock.now)
        workspace = stack.enter_context(SimulatedWorkspace("healthy", lakebase=lakebase))
        origin = workspace.http_origin
        credentials = SdkCredentials(principal(workspace), origin)
        database = parsed_url(Secret(server.database())).database
        assert database
        settings = Lakebase(host=HOST, port=server.port, database=database, user=user, sslmode="disable")
        passwords = LakebasePasswords(
            HOST, origin=origin, credentials=credentials, now=clock.now, patience_s=patience_s
        )
        place = LakebasePlace(settings=settings, passwords=passwords)
        return App(clock=clock, server=server, workspace=workspace, lakebase=lakebase, place=place)

    return make


@pytest.fixture
def app(made: Made) -> App:
    return made()


def test_the_database_asks_for_a_password(app: App) -> None:
    assert not app.lets_in(Secret("guessed"))
    assert not app.lets_in(app.own_token)


def test_each_new_connection_gets_a_new_password(app: App, stack: ExitStack) -> None:
    access = Access(app.place, now=app.clock.now, monotonic=app.clock.monotonic)
    stack.callback(access.close)
    access.ready()
    stack.enter_context(access.reading())
    stack.enter_context(access.reading())
    stack.enter_context(access.reading())
    minted = app.lakebase.minted
    assert len(set(minted)) == len(minted) == 3
    assert [app.lets_in(password) for password in minted] == [False, False, True]


def test_a_connection_is_used_while_its_password_has_more_than_five_minutes_left(app: App) -> None:
    database = app.opened()
    database.ready()
    app.clock.move(54 * MINUTE)
    database.audit.append(EVENT)
    assert len(app.lakebase.minted) == 1
    app.clock.move(1 * MINUTE)
    assert list(database.audit.events()) == [EVENT]
    assert len(app.lakebase.minted) == 2
    database.close()


def test_when_a_password_has_ended_the_next_connection_has_a_new_one_and_the_old_one_opens_nothing(app: App) -> None:
    database = app.opened()
    database.audit.append(EVENT)
    (first,) = app.lakebase.minted
    assert app.lets_in(first)
    app.clock.move(24 * 60 * MINUTE)
    assert list(database.audit.events()) == [EVENT]
    _, second = app.lakebase.minted
    assert (app.lets_in(first), app.lets_in(second)) == (False, True)
    database.close()


def test_the_place_says_which_instance_gave_the_password_and_never_the_password(app: App) -> None:
    database = app.opened()
    assert database.place == "Lakebase at 127.0.0.1"
    database.ready()
    assert database.place == "Lakebase at 127.0.0.1 (instance history)"
    assert app.lakebase.minted[0].reveal() not in f"{app.place!r} {app.place.passwords!r}"
    database.close()


def test_an_instance_is_found_by_its_read_only_host_on_a_later_page_of_the_listing(made: Made) -> None:
    many = tuple(
        DatabaseInstance(name=f"other-{number}", read_write_dns=f"instance-{number}.switchyard.example")
        for number in range(205)
    )
    last = DatabaseInstance(name="last", read_write_dns="instance-x.switchyard.example", read_only_dns=HOST)
    database = made((*many, last)).opened()
    database.ready()
    assert database.place == "Lakebase at 127.0.0.1 (instance last)"
    database.close()


FALLBACKS = {
    "the host of no instance": (INSTANCES[:1], None),
    "no instance at all": ((), None),
    "a listing that is forbidden": (INSTANCES, FaultRule(fault="permission_denied", path=LISTING)),
    "a password that is forbidden": (INSTANCES, FaultRule(fault="permission_denied", path=CREDENTIALS)),
    "a workspace without the service": (INSTANCES, FaultRule(fault="no_api", path=LISTING)),
    "a service that is broken": (INSTANCES, FaultRule(fault="internal_error", path=CREDENTIALS)),
    "a page in place of a password": (INSTANCES, FaultRule(fault="html_200", path=CREDENTIALS)),
    "an answer without a password": (INSTANCES, FaultRule(fault="wrong_shape", path=CREDENTIALS)),
    "a list in place of a listing": (INSTANCES, FaultRule(fault="custom", path=LISTING, status=200, body="[1]")),
    "a connection that breaks": (INSTANCES, FaultRule(fault="reset", path=LISTING)),
}


@pytest.mark.parametrize(("instances", "fault"), FALLBACKS.values(), ids=FALLBACKS)
def test_without_a_password_of_its_own_the_database_is_shown_the_app_s_token(
    instances: tuple[DatabaseInstance, ...], fault: FaultRule | None, made: Made, caplog: pytest.LogCaptureFixture
) -> None:
    app = made(instances)
    app.server.accept(app.place.settings.user, app.own_token)
    if fault:
        app.workspace.faults.add(fault)
    database = app.opened()
    with caplog.at_level(logging.INFO, "core"):
        database.audit.append(EVENT)
    assert database.place == "Lakebase at 127.0.0.1 (the app's own token)"
    (line,) = [record.getMessage() for record in caplog.records if record.name.endswith(".lakebase")]
    assert line.startswith("connecting to 127.0.0.1 with the app's own token: the workspace gives out no password")
    assert app.own_token.reveal() not in caplog.text
    assert app.lakebase.minted == ()
    database.close()


def test_the_app_s_token_is_asked_for_again_after_half_an_hour(made: Made) -> None:
    app = made(())
    app.server.accept(app.place.settings.user, app.own_token)
    database = app.opened()
    database.ready()

    def listed() -> int:
        return [request.path for request in app.workspace.requests.all()].count(LISTING)

    assert listed() == 1
    app.clock.move(24 * MINUTE)
    database.audit.append(EVENT)
    assert listed() == 1
    app.clock.move(1 * MINUTE)
    assert list(database.audit.events()) == [EVENT]
    assert listed() == 2
    database.close()


def test_what_was_refused_once_is_used_when_it_is_given_later(app: App, caplog: pytest.LogCaptureFixture) -> None:
    app.server.accept(app.place.settings.user, app.own_token)
    app.workspace.faults.add(FaultRule(fault="permission_denied", path=CREDENTIALS, times=1))
    database = app.opened()
    with caplog.at_level(logging.INFO, "core"):
        for _ in range(3):
            database.ready()
            app.clock.move(60 * MINUTE)
            list(database.audit.events())
    assert database.place == "Lakebase at 127.0.0.1 (instance history)"
    assert len([record for record in caplog.records if record.name.endswith(".lakebase")]) == 2
    database.close()


def test_a_service_that_hangs_holds_nobody_up_for_long(made: Made) -> None:
    app = made(patience_s=1.0)
    app.server.accept(app.place.settings.user, app.own_token)
    app.workspace.faults.add(FaultRule(fault="hang", path=LISTING))
    database = app.opened()
    started = monotonic()
    database.audit.append(EVENT)
    app.clock.move(60 * MINUTE)
    assert list(database.audit.events()) == [EVENT]
    assert monotonic() - started < 8
    assert database.place == "Lakebase at 127.0.0.1 (the app's own token)"
    database.close()


@pytest.mark.parametrize(
    ("answer", "says"),
    [('{"error":"invalid_client"}', "did not give out a token"), ("", "did not give out a token")],
    ids=["refused", "empty"],
)
def test_a_workspace_that_gives_no_token_at_all_is_the_error_and_is_not_asked_again_at_once(
    answer: str, says: str, app: App
) -> None:
    app.workspace.faults.add(FaultRule(fault="custom", path="/oidc/v1/token", status=401, body=answer))
    database = app.opened()
    for _ in range(3):
        with pytest.raises(StoreError, match=says) as caught:
            list(database.audit.events())
        assert caught.value.code == "credential_dead"
    assert [request.path for request in app.workspace.requests.all()].count("/oidc/v1/token") == 1
    app.workspace.faults.clear()
    app.clock.move(3.0)
    assert list(database.audit.events()) == []
    database.close()


def test_a_database_that_refuses_the_password_is_a_store_error_without_it(app: App) -> None:
    app.server.accept(app.place.settings.user, Secret("of somebody else"))
    app.workspace.faults.add(FaultRule(fault="permission_denied", path=CREDENTIALS))
    with pytest.raises(StoreError) as caught:
        app.opened().ready()
    assert caught.value.code == "store_unavailable"
    assert "(the app's own token)" in caught.value.message
    assert app.own_token.reveal() not in f"{caught.value} {caught.value.remedy} {caught.value.__cause__}"
