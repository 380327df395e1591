"""The Switch page, and the dialogs that change what agents run."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from streamlit.testing.v1 import AppTest

from core.model.agent import AgentId
from core.model.change import ChangeRequest, ChangeState, CredentialUse, Decision
from core.model.override import Override
from core.model.snapshot import Problem, Snapshot
from core.model.sync import AgentSync, LayerValue, SyncLayer, SyncState
from pages.ui import rollback_form, switch_form, switch_route, switch_targets
from pages.ui.switch_slots import slot_key
from tests.fakes import snapshots
from tests.fakes.services import FakeServices, record
from tests.pages.conftest import ADMIN, VISITOR, OpenFrame, words

OPUS, SONNET, HAIKU = (
    "databricks-claude-opus-4-6",
    "databricks-claude-sonnet-4-6",
    "databricks-claude-haiku-4-5",
)
MODEL, FALLBACK = slot_key("primary"), slot_key("fallback")


def _opened(open_frame: OpenFrame, services: FakeServices, agent: str = "hermes") -> AppTest:
    app = open_frame(services)
    return app.button(key=f"switch_button_{agent}").click().run()


def _previewed(open_frame: OpenFrame, services: FakeServices) -> AppTest:
    app = _opened(open_frame, services)
    app.selectbox(key=MODEL).select(SONNET).run()
    app.selectbox(key=FALLBACK).select(HAIKU).run()
    return app.button(key=switch_form.PREVIEW).click().run()


def _page(open_frame: OpenFrame, services: FakeServices, **options: object) -> AppTest:
    return open_frame(services, page="switch.py", **options)


# The dialog


def test_somebody_who_may_not_change_sees_the_button_disabled_with_the_reason(open_frame: OpenFrame) -> None:
    app = open_frame(FakeServices(shown=snapshots.incident()), actor=VISITOR)
    assert app.button(key="switch_button_hermes").disabled
    assert VISITOR.why in words(app)


def test_only_models_that_can_work_are_offered_and_the_others_say_why_not(open_frame: OpenFrame) -> None:
    app = _opened(open_frame, FakeServices(shown=snapshots.incident()))
    offered = app.selectbox(key=MODEL).options
    assert {option.partition(" · ")[0] for option in offered} == {OPUS, SONNET, HAIKU}
    assert "databricks-gpt-5-5 — Hermes speaks openai-chat" in words(app)
    assert "databricks-llama-4-scout — listed as not ready" in words(app)


def test_what_was_seen_to_work_comes_first_with_how_it_answered(open_frame: OpenFrame) -> None:
    app = _opened(open_frame, FakeServices(shown=snapshots.incident()))
    first, *others = app.selectbox(key=MODEL).options
    assert first == f"{OPUS} · Healthy 312 ms"
    assert all(option.endswith("not measured") for option in others)


def test_a_dead_stored_token_is_warned_about_before_anything_is_tried(open_frame: OpenFrame) -> None:
    app = _opened(open_frame, FakeServices(shown=snapshots.incident()))
    assert "The stored token is refused by the workspace" in words(app)


def test_every_target_of_the_agent_is_offered_and_the_writable_ones_first(open_frame: OpenFrame) -> None:
    app = _opened(open_frame, FakeServices(shown=snapshots.incident()))
    assert app.selectbox(key=switch_route.TARGET).options == [
        "file:hermes",
        "app:coda",
        "app:coda-git · cannot be written",
        "export · nothing is written",
    ]


def test_a_target_that_cannot_be_written_gives_its_plan_but_nothing_to_apply(open_frame: OpenFrame) -> None:
    app = _opened(open_frame, FakeServices(shown=snapshots.incident()))
    app.selectbox(key=switch_route.TARGET).set_value("app:coda-git").run()
    assert "only a commit there lasts" in words(app)
    app.selectbox(key=MODEL).select(SONNET).run()
    app.button(key=switch_form.PREVIEW).click().run()
    assert switch_form.APPLY not in [button.key for button in app.button]


def test_an_apps_token_is_none_of_our_business_but_its_switches_are(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = _opened(open_frame, services)
    app.selectbox(key=switch_route.TARGET).set_value("app:coda").run()
    assert not app.radio
    app.segmented_control(key=switch_route.GATEWAY).set_value("Off").run()
    app.segmented_control(key=switch_route.ENABLED).set_value("On").run()
    app.button(key=switch_form.PREVIEW).click().run()
    plan = services.jobs["plan-1"].plan
    assert plan is not None and plan.request.target == "app:coda"
    assert {"DATABRICKS_GATEWAY_HOST": "", "ENABLE_HERMES": "true"}.items() <= dict(plan.request.slots).items()


def test_each_agent_has_pickers_for_its_own_slots(open_frame: OpenFrame) -> None:
    app = _opened(open_frame, FakeServices(shown=snapshots.incident()), "claude")
    keys = {box.key for box in app.selectbox}
    assert {slot_key(slot) for slot in ("default", "opus", "sonnet", "haiku")} <= keys
    assert slot_key("fallback") not in keys


def test_the_preview_shows_difference_decision_and_when_it_takes_effect(open_frame: OpenFrame) -> None:
    text = words(_previewed(open_frame, FakeServices(shown=snapshots.incident())))
    assert "CHANGE" in text
    assert "**Ready to apply.** both routes answer" in text
    assert "Takes effect: at the next start of Hermes" in text


def test_a_blocked_plan_offers_only_to_be_forced_with_a_reason(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident(), decision=Decision.BLOCKED)
    app = _previewed(open_frame, services)
    assert "**Blocked.** the primary does not answer" in words(app)
    assert switch_form.APPLY not in [button.key for button in app.button]
    assert app.button(key=switch_form.FORCE).disabled
    app.text_input(key=switch_form.FORCED).input("the listing is wrong").run()
    app.button(key=switch_form.FORCE).click().run()
    assert services.applied[0][2] == "the listing is wrong" and services.manners == [(None, True)]


def test_a_plan_without_a_difference_cannot_be_forced(open_frame: OpenFrame) -> None:
    app = _previewed(open_frame, FakeServices(shown=snapshots.incident(), decision=Decision.NO_OP))
    assert not {switch_form.APPLY, switch_form.FORCE} & {button.key for button in app.button}


def test_nothing_is_applied_without_a_reason(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = _previewed(open_frame, services)
    app.button(key=switch_form.APPLY).click().run()
    assert services.applied == []


def test_apply_carries_request_actor_reason_and_the_revision_of_the_preview(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = _previewed(open_frame, services)
    app.text_input(key=switch_form.REASON).input("the primary is not served").run()
    app.button(key=switch_form.APPLY).click().run()
    request, actor, reason, revision = services.applied[0]
    assert dict(request.slots) == {"primary": SONNET, "fallback": HAIKU}
    assert (actor, reason, revision) == (ADMIN, "the primary is not served", "rev-1")
    assert services.manners == [(None, False)]
    assert "**Applied and confirmed.**" in words(app)


def test_a_click_that_comes_in_twice_applies_once(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = _previewed(open_frame, services)
    app.text_input(key=switch_form.REASON).input("why").run()
    app.button(key=switch_form.APPLY).click()
    pressed = app._tree.get_widget_states()
    for _ in range(2):
        app._run(pressed)
    assert len(services.applied) == 1


def test_what_is_chosen_together_with_the_click_is_what_is_previewed(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = _opened(open_frame, services)
    app.selectbox(key=MODEL).select(SONNET)
    app.radio(key=switch_route.CREDENTIAL).set_value(CredentialUse.ENVIRONMENT)
    app.button(key=switch_form.PREVIEW).click().run()
    planning = services.job("plan-1")
    assert planning and planning.plan
    planned = planning.plan.request
    assert (planned.slots["primary"], planned.credential) == (SONNET, CredentialUse.ENVIRONMENT)
    assert "Preview again" not in words(app)


def test_what_is_chosen_together_with_the_click_is_not_applied_without_a_preview(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = _previewed(open_frame, services)
    app.text_input(key=switch_form.REASON).input("why")
    app.selectbox(key=FALLBACK).select("none")
    app.button(key=switch_form.APPLY).click().run()
    assert services.applied == [] and "Preview again to apply it." in words(app)


def test_a_duration_that_is_chosen_together_with_the_click_counts(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = _previewed(open_frame, services)
    app.text_input(key=switch_form.REASON).input("why")
    app.segmented_control(key=switch_route.DURATION).set_value("30 min")
    app.button(key=switch_form.APPLY).click().run()
    assert services.manners == [(timedelta(minutes=30), False)]


@pytest.mark.parametrize(("choice", "lasts"), [("30 min", timedelta(minutes=30)), ("8 h", timedelta(hours=8))])
def test_a_change_can_be_made_for_a_while(open_frame: OpenFrame, choice: str, lasts: timedelta) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = _previewed(open_frame, services)
    app.segmented_control(key=switch_route.DURATION).set_value(choice).run()
    assert "then the former value comes back by itself" in words(app)
    app.text_input(key=switch_form.REASON).input("why").run()
    app.button(key=switch_form.APPLY).click().run()
    assert services.manners == [(lasts, False)]


def test_a_while_can_be_any_number_of_minutes(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = _previewed(open_frame, services)
    app.segmented_control(key=switch_route.DURATION).set_value(switch_route.CUSTOM).run()
    app.number_input(key=switch_route.MINUTES).set_value(7).run()
    app.text_input(key=switch_form.REASON).input("why").run()
    app.button(key=switch_form.APPLY).click().run()
    assert services.manners == [(timedelta(minutes=7), False)]


def test_the_token_can_be_taken_from_the_environment_and_the_fallback_removed(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = _opened(open_frame, services)
    app.selectbox(key=MODEL).select(SONNET).run()
    app.selectbox(key=FALLBACK).select("none").run()
    app.radio(key=switch_route.CREDENTIAL).set_value(CredentialUse.ENVIRONMENT).run()
    app.button(key=switch_form.PREVIEW).click().run()
    app.text_input(key=switch_form.REASON).input("why").run()
    app.button(key=switch_form.APPLY).click().run()
    request = services.applied[0][0]
    assert dict(request.slots) == {"primary": SONNET, "fallback": None}
    assert request.credential is CredentialUse.ENVIRONMENT


def test_a_choice_changed_after_the_preview_must_be_previewed_again(open_frame: OpenFrame) -> None:
    app = _previewed(open_frame, FakeServices(shown=snapshots.incident()))
    app.selectbox(key=FALLBACK).select("none").run()
    assert app.button(key=switch_form.APPLY).disabled
    assert "Preview again to apply it." in words(app)


def _asked_to_roll_back(open_frame: OpenFrame, services: FakeServices) -> AppTest:
    """Return the page with a change applied, and a reason given in the dialog of its rollback."""
    app = _previewed(open_frame, services)
    app.text_input(key=switch_form.REASON).input("why").run()
    app.button(key=switch_form.APPLY).click().run()
    app.button(key="close_dialog").click().run()
    app.button(key="roll_back_chg-000000000001").click().run()
    return app.text_input(key=rollback_form.ROLLBACK_REASON).input("it was better before").run()


def test_a_click_that_comes_in_twice_rolls_back_once(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = _asked_to_roll_back(open_frame, services)
    app.button(key=rollback_form.ROLL_BACK).click()
    pressed = app._tree.get_widget_states()
    for _ in range(2):
        app._run(pressed)
    assert len(services.rolled_back) == 1


def test_a_change_is_listed_and_rolled_back_with_a_reason(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = _asked_to_roll_back(open_frame, services)
    app.button(key=rollback_form.ROLL_BACK).click().run()
    assert services.rolled_back == [("chg-000000000001", ADMIN, "it was better before")]
    assert "**The former values stand again.**" in words(app)


# The page


def test_every_agent_says_what_wins_and_what_is_shadowed(open_frame: OpenFrame) -> None:
    text = words(_page(open_frame, FakeServices(shown=snapshots.incident())))
    assert "| Slot | Model in use | Decided by | Shadowed |" in text
    assert "**Hermes**" in text and "**Cursor**" in text and "Down, simulated" in text


def test_layers_stand_side_by_side_under_a_word_for_their_sync(open_frame: OpenFrame) -> None:
    sync = AgentSync(
        agent=AgentId.HERMES,
        state=SyncState.DRIFTED,
        why="app.yaml says a, but b is deployed.",
        target="app:coda",
        layers=(
            LayerValue(layer=SyncLayer.APP_FILE, slot="primary", value="a", where="app.yaml"),
            LayerValue(layer=SyncLayer.DEPLOYED, slot="primary", value="b", where="the snapshot"),
        ),
    )
    text = words(_page(open_frame, FakeServices(shown=replace(snapshots.healthy(), syncs=(sync,)))))
    assert ":orange[:material/call_split: Drifted]" in text and ":gray[:material/help: Unknown]" in text
    assert "| primary | `a` | `b` |" in text and "app.yaml says a, but b is deployed." in text


def test_targets_are_listed_with_why_not_and_looked_for_again(open_frame: OpenFrame) -> None:
    problem = Problem(code="app_forbidden", message="The apps cannot be listed.", remedy="Grant it.")
    services = FakeServices(shown=replace(snapshots.healthy(), apps_problem=problem))
    app = _page(open_frame, services)
    assert "`app:coda-git`" in words(app) and "The apps cannot be listed." in words(app)
    app.button(key=switch_targets.REFRESH).click().run()
    assert services.refreshes == 1


def test_an_export_is_shown_or_says_why_there_is_none(open_frame: OpenFrame) -> None:
    text = words(_page(open_frame, FakeServices(shown=snapshots.healthy())))
    assert "native of hermes" in text and "mode 0600" in text
    assert "Copilot CLI has no file of its own. Use env." in text


def test_a_failed_rollback_is_told_on_top_with_what_to_do(open_frame: OpenFrame) -> None:
    request = ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots={"primary": SONNET})
    failed = replace(record(request, ADMIN, "why"), state=ChangeState.ROLLBACK_FAILED, detail="By hand: cp a b")
    services = FakeServices(shown=snapshots.healthy(), records=[failed])
    for page in ("switch.py", "overview.py"):
        app = open_frame(services, page=page)
        assert any("Rollback failed" in str(box.value) and "cp a b" in str(box.value) for box in app.error)


def test_any_number_of_refused_attempts_hides_no_change_and_nothing_that_waits_for_a_person(
    open_frame: OpenFrame,
) -> None:
    request = ChangeRequest(agent=AgentId.HERMES, target="file:hermes", slots={"primary": SONNET})
    one = record(request, ADMIN, "why")
    refused = [
        replace(one, change_id=f"chg-no-{number}", actor="mallory", state=ChangeState.BLOCKED) for number in range(600)
    ]
    failed = replace(one, change_id="chg-failed", state=ChangeState.ROLLBACK_FAILED, detail="By hand: cp a b")
    applied = replace(one, change_id="chg-1", target="app:coda", state=ChangeState.APPLIED, backup="a.bak")
    app = open_frame(FakeServices(shown=snapshots.healthy(), records=[*refused, failed, applied]), page="overview.py")
    assert any("Rollback failed" in str(box.value) for box in app.error)
    assert app.button(key="roll_back_chg-1") and "mallory" not in words(app)
    listed = words(open_frame(FakeServices(shown=snapshots.healthy(), records=refused), page="switch.py"))
    assert "mallory" in listed


def overridden(**values: object) -> Snapshot:
    now = datetime.now(UTC)
    override = Override(
        id="chg-1",
        agent=AgentId.HERMES,
        target="app:coda",
        slots={"primary": SONNET},
        actor="kim",
        reason="the quota",
        since=now,
        expires_at=now + timedelta(minutes=25, seconds=30),
    )
    return replace(snapshots.healthy(), overrides=(replace(override, **values),))  # type: ignore[arg-type]


def test_an_override_counts_down_on_every_page(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=overridden())
    for page in ("overview.py", "routes.py", "history.py"):
        app = open_frame(services, page=page)
        links = [str(link.proto.label) for link in app.sidebar.get("page_link")]
        assert ":material/timer: Override of Hermes: ends in 25 min" in links


def test_an_override_can_be_extended_kept_and_ended(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=overridden())
    app = _page(open_frame, services)
    assert "“the quota”" in words(app) and "ends in 25 min" in words(app)
    app.button(key="extend_1800_chg-1").click().run()
    app.button(key="keep_chg-1").click().run()
    assert (services.extended, services.kept_for_good) == ([("chg-1", timedelta(minutes=30))], ["chg-1"])
    app.button(key="revert_chg-1").click().run()
    app.text_input(key=rollback_form.ROLLBACK_REASON).input("over").run()
    app.button(key=rollback_form.ROLL_BACK).click().run()
    assert services.rolled_back == [("chg-1", ADMIN, "over")]


def test_an_override_without_an_end_cannot_be_extended(open_frame: OpenFrame) -> None:
    app = _page(open_frame, FakeServices(shown=overridden(expires_at=None)))
    assert app.button(key="extend_1800_chg-1").disabled and "until somebody reverts it" in words(app)


def test_an_override_that_asks_says_what(open_frame: OpenFrame) -> None:
    app = _page(open_frame, FakeServices(shown=overridden(asks="Somebody else changed it since.")))
    assert any("Somebody else changed it since" in str(box.value) for box in app.warning)
    assert "waits for a decision" in words(app)


def test_a_visitor_sees_everything_and_changes_nothing(open_frame: OpenFrame) -> None:
    app = _page(open_frame, FakeServices(shown=overridden()), actor=VISITOR)
    actions = [
        button for button in app.button if str(button.key).startswith(("switch_button", "extend", "keep", "revert"))
    ]
    assert actions and all(button.disabled for button in actions)


def test_a_value_that_a_deployed_app_decides_says_which_app(open_frame: OpenFrame) -> None:
    shown = snapshots.healthy()
    first, *others = shown.choices
    text = words(
        _page(open_frame, FakeServices(shown=replace(shown, choices=(replace(first, target="app:coda"), *others))))
    )
    assert "from app:coda" in text
