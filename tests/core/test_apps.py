"""Apps are found beside everything else, kept for a minute, and never taken for none because nobody could look."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from databricks.sdk.service.apps import AppDeployment, EnvVar

from core.adapters.apps import DatabricksApps, Listing, connection
from core.adapters.credentials import StaticToken
from core.apps import KEPT_S, Apps
from core.errors import ChangeError
from core.model.app import AppsSeen
from core.model.secret import Secret
from core.simulator.app_setups import AppSetup, bundle_app, git_app, workspace_app
from core.simulator.faults import FaultRule
from core.simulator.scenes import TokenState
from tests.fakes.app_workspace import FALLBACK, FILE, NEW, OLD, SOURCE, AppWorkspace, app_workspace, apps_of, request

WAIT_S = 20.0


@pytest.fixture
def place() -> Iterator[AppWorkspace]:
    with app_workspace() as found:
        yield found


def apps_in(place: AppWorkspace, api: DatabricksApps | None = None, *, own_name: str | None = None) -> Apps:
    return Apps(api or place.apps, clock=place.clock, own_name=own_name)


def looked(apps: Apps) -> AppsSeen:
    return apps.wait(WAIT_S)


def problem_code(seen: AppsSeen) -> str | None:
    return seen.problem.code if seen.problem else None


def test_an_app_is_seen_with_the_agents_values_and_nothing_else(place: AppWorkspace) -> None:
    (coda,) = looked(apps_in(place)).apps
    assert (coda.name, coda.info.writable, coda.is_up) == ("coda", True, True)
    assert coda.file == coda.running
    assert coda.running is not None and coda.running["HERMES_MODEL"] == OLD
    # What else stands in its environment may be secret.
    assert "MAX_CONCURRENT_SESSIONS" not in coda.running and "NPM_TOKEN" not in coda.running


def test_nothing_is_known_before_somebody_has_looked_and_asking_never_waits(place: AppWorkspace) -> None:
    gate = threading.Event()

    class Held(DatabricksApps):
        def find(self, deadline_s: float = 30.0) -> Listing:
            gate.wait(WAIT_S)
            return super().find(deadline_s)

    apps = apps_in(place, Held(lambda: place.sdk))
    assert (apps.seen().seen_at, apps.seen().pending) == (None, False)
    apps.ask()
    assert apps.seen().pending and apps.seen().apps == ()
    assert apps.wait(0.01).pending
    gate.set()
    seen = looked(apps)
    assert [app.name for app in seen.apps] == ["coda"] and not seen.pending


def test_what_was_found_is_kept_for_a_minute_unless_somebody_asks_anew(place: AppWorkspace) -> None:
    apps = apps_in(place)
    first = looked(apps)
    place.clock.seconds += KEPT_S - 1
    assert looked(apps) is first
    place.clock.seconds += 1
    second = looked(apps)
    assert second is not first
    place.running.apps.add(workspace_app(place.running.scene, name="second-agents"))
    assert looked(apps) is second
    apps.ask(anew=True)
    assert [app.name for app in looked(apps).apps] == ["coda", "second-agents"]


def test_more_apps_than_a_page_and_those_of_others_are_told_apart(place: AppWorkspace) -> None:
    for number in range(120):
        files = {"app.yaml": b"command: [x]\n"}
        source = f"/Workspace/Users/x@switchyard.example/{number}"
        place.running.apps.add(AppSetup(name=f"other-{number:03}", source=source, files=files))
    place.running.apps.add(bundle_app(place.running.scene))
    place.running.apps.add(git_app(place.running.scene))
    seen = looked(apps_in(place))
    assert {app.name: app.info.writable for app in seen.apps} == {
        "coda": True,
        "coda-bundle": False,
        "coda-git": False,
    }
    assert seen.problem is None


def test_either_file_name_counts_and_a_missing_file_is_told(place: AppWorkspace) -> None:
    place.running.apps.add(workspace_app(place.running.scene, file_name="app.yml"))
    place.running.apps.add(workspace_app(place.running.scene, name="coding-agents-2", file_name=None))
    apps = {app.name: app for app in looked(apps_in(place)).apps}
    assert (apps["coda"].running or {})["HERMES_MODEL"] == OLD
    assert apps["coding-agents-2"].running is None and "no app.yaml" in apps["coding-agents-2"].info.reason


@pytest.mark.parametrize(
    ("fault", "code"),
    [
        ("permission_denied", "app_forbidden"),
        ("token_dead", "credential_dead"),
        ("unavailable", "workspace_unreachable"),
        ("no_api", "app_missing"),
        ("html_200", "workspace_odd_answer"),
    ],
)
def test_a_listing_that_fails_says_why_and_keeps_what_was_seen(fault: str, code: str, place: AppWorkspace) -> None:
    apps = apps_in(place)
    place.running.faults.add(FaultRule(fault=fault, path="/api/2.0/apps"))
    first = looked(apps)
    assert (first.apps, problem_code(first)) == ((), code)
    place.running.faults.clear()
    apps.ask(anew=True)
    assert problem_code(looked(apps)) is None
    place.running.faults.add(FaultRule(fault=fault, path="/api/2.0/apps"))
    apps.ask(anew=True)
    again = looked(apps)
    assert ([app.name for app in again.apps], problem_code(again)) == (["coda"], code)
    assert not again.apps[0].is_up


def test_an_app_that_cannot_be_read_now_keeps_what_it_was_seen_to_run(place: AppWorkspace) -> None:
    apps = apps_in(place)
    looked(apps)
    place.running.files.forbid(SOURCE, "read")
    apps.ask(anew=True)
    (coda,) = looked(apps).apps
    assert not coda.info.writable and "CAN_READ" in coda.info.reason and not coda.is_up
    assert coda.running is not None and coda.running["HERMES_MODEL"] == OLD
    with pytest.raises(ChangeError) as refused:
        apps.look_again("app:coda")
    assert refused.value.code == "app_forbidden"


def test_an_empty_listing_is_not_called_none(place: AppWorkspace) -> None:
    place.running.apps.refuse("coda", "view")
    seen = looked(apps_in(place))
    assert problem_code(seen) == "no_app_seen"
    assert seen.problem is not None and "may not see" in seen.problem.message


def test_a_dead_credential_is_told(place: AppWorkspace) -> None:
    assert problem_code(looked(apps_in(place, apps_of(place.running, TokenState.ROTATED)))) == "credential_dead"


def test_a_fault_of_our_own_ends_the_wait_too(place: AppWorkspace) -> None:
    class Broken(DatabricksApps):
        def find(self, deadline_s: float = 30.0) -> Listing:
            raise RuntimeError("not foreseen")

    assert problem_code(looked(apps_in(place, Broken(lambda: place.sdk)))) == "internal_error"


def test_nobody_listens_and_nobody_waits_for_long() -> None:
    with app_workspace() as place:
        origin = place.running.http_origin
        place.running.stop()
        api = DatabricksApps(connection(origin, StaticToken(Secret("x"), "a test")))
        assert problem_code(looked(apps_in(place, api))) == "workspace_unreachable"


def test_values_that_others_sent_are_hidden_and_never_read_from_their_mask(place: AppWorkspace) -> None:
    sent = [EnvVar(name="HERMES_MODEL", value="theirs"), EnvVar(name="NPM_TOKEN", value_from="npm-token")]
    place.sdk.apps.deploy("coda", AppDeployment(source_code_path=SOURCE, env_vars=sent))
    while place.apps.get("coda").pending:
        pass
    (coda,) = looked(apps_in(place)).apps
    assert coda.hidden == {"HERMES_MODEL"}
    assert coda.running is not None and "HERMES_MODEL" not in coda.running
    assert coda.running["HERMES_FALLBACK_MODEL"] == FALLBACK
    assert "theirs" not in repr(coda) and "***" not in repr(coda)


def test_another_deployment_in_progress_is_a_state_of_the_app_and_no_obstacle_to_seeing_it(place: AppWorkspace) -> None:
    place.running.apps.deploy_as_another("coda")
    (coda,) = looked(apps_in(place)).apps
    assert coda.running is not None
    target = apps_in(place).target("app:coda")
    assert target is not None
    place.running.apps.deploy_as_another("coda")
    with pytest.raises(ChangeError) as busy:
        target.write(request(primary=NEW), expected_revision=target.revision(), change_id="c")
    assert busy.value.code == "app_busy"


def test_the_dashboards_own_app_is_none_of_agents(place: AppWorkspace) -> None:
    apps = apps_in(place, own_name="coda")
    assert looked(apps).apps == () and apps.target("app:coda") is None


@pytest.mark.parametrize("name", ["", "A", "../x", "a/b", "a b", "-a", "x" * 64, "coda?x", "coda\n"])
def test_a_name_that_no_app_can_have_is_no_target(name: str, place: AppWorkspace) -> None:
    apps = apps_in(place)
    assert apps.target(f"app:{name}") is None and f"app:{name}" not in apps.targets({})


def test_targets_are_made_when_they_are_named_and_listed_when_they_were_found(place: AppWorkspace) -> None:
    apps = apps_in(place)
    targets = apps.targets({})
    assert list(targets) == [] and "app:coda" in targets and "file:hermes" not in targets
    looked(apps)
    assert list(targets) == ["app:coda"] and len(targets) == 1
    assert targets["app:coda"] is targets["app:coda"]


def test_an_app_that_runs_no_agents_is_never_changed(place: AppWorkspace) -> None:
    source = "/Workspace/Users/x@switchyard.example/shop"
    files = {"app.yaml": b"env:\n  - name: COLOUR\n    value: red\n"}
    place.running.apps.add(AppSetup(name="shop", source=source, files=files))
    target = apps_in(place).target("app:shop")
    assert target is not None
    with pytest.raises(ChangeError) as refused:
        target.plan(request(primary=NEW))
    assert refused.value.code == "not_an_agents_app"
    with pytest.raises(ChangeError):
        target.write(request(primary=NEW), expected_revision=target.revision(), change_id="c")
    assert not target.info.writable
    assert place.running.files.read(f"{source}/app.yaml") == files["app.yaml"]


def test_one_app_read_anew_takes_its_place_among_the_others(place: AppWorkspace) -> None:
    apps = apps_in(place)
    looked(apps)
    place.running.files.put(FILE, place.content.replace(OLD.encode(), NEW.encode()))
    seen = apps.look_again("app:coda")
    assert seen is not None and (seen.file or {})["HERMES_MODEL"] == NEW and (seen.running or {})["HERMES_MODEL"] == OLD
    assert apps.seen().app("app:coda") == seen
    assert apps.look_again("file:hermes") is None
