"""The dialogs that change what Hermes runs."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from core.model.change import CredentialUse, Decision
from pages.ui import rollback_form, switch_form
from tests.fakes import snapshots
from tests.fakes.services import FakeServices
from tests.pages.conftest import ADMIN, VISITOR, OpenFrame, words

SONNET, HAIKU = "databricks-claude-sonnet-4-6", "databricks-claude-haiku-4-5"


def _opened(open_frame: OpenFrame, services: FakeServices) -> AppTest:
    app = open_frame(services)
    return app.button(key="switch_button_hermes").click().run()


def _previewed(open_frame: OpenFrame, services: FakeServices) -> AppTest:
    app = _opened(open_frame, services)
    app.selectbox(key=switch_form.MODEL).select(SONNET).run()
    app.selectbox(key=switch_form.FALLBACK).select(HAIKU).run()
    return app.button(key=switch_form.PREVIEW).click().run()


def test_somebody_who_may_not_change_sees_the_button_disabled_with_the_reason(open_frame: OpenFrame) -> None:
    app = open_frame(FakeServices(shown=snapshots.incident()), actor=VISITOR)

    assert app.button(key="switch_button_hermes").disabled
    assert VISITOR.why in words(app)


def test_only_models_that_can_work_are_offered_and_the_others_say_why_not(open_frame: OpenFrame) -> None:
    app = _opened(open_frame, FakeServices(shown=snapshots.incident()))

    assert set(app.selectbox(key=switch_form.MODEL).options) == {
        "databricks-claude-opus-4-6",
        SONNET,
        HAIKU,
    }
    assert "databricks-gpt-5-5 — Hermes speaks openai-chat" in words(app)
    assert "databricks-llama-4-scout — listed as not ready" in words(app)


def test_a_dead_stored_token_is_warned_about_before_anything_is_tried(open_frame: OpenFrame) -> None:
    app = _opened(open_frame, FakeServices(shown=snapshots.incident()))

    assert "The stored token is refused by the workspace" in words(app)


def test_the_preview_shows_difference_decision_and_when_it_takes_effect(open_frame: OpenFrame) -> None:
    text = words(_previewed(open_frame, FakeServices(shown=snapshots.incident())))

    assert "CHANGE" in text
    assert "**Ready to apply.** both routes answer" in text
    assert "Takes effect: at the next start of Hermes" in text


def test_a_blocked_plan_offers_nothing_to_apply(open_frame: OpenFrame) -> None:
    app = _previewed(open_frame, FakeServices(shown=snapshots.incident(), decision=Decision.BLOCKED))

    assert "**Blocked.** the primary does not answer" in words(app)
    assert switch_form.APPLY not in [button.key for button in app.button]


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
    assert "**Applied.** A probe with the agent's own credential confirms it." in words(app)


def test_the_token_can_be_taken_from_the_environment_and_the_fallback_removed(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = _opened(open_frame, services)
    app.selectbox(key=switch_form.MODEL).select(SONNET).run()
    app.selectbox(key=switch_form.FALLBACK).select("none").run()
    app.radio(key=switch_form.CREDENTIAL).set_value(CredentialUse.ENVIRONMENT).run()
    app.button(key=switch_form.PREVIEW).click().run()
    app.text_input(key=switch_form.REASON).input("why").run()
    app.button(key=switch_form.APPLY).click().run()

    request = services.applied[0][0]
    assert dict(request.slots) == {"primary": SONNET, "fallback": None}
    assert request.credential is CredentialUse.ENVIRONMENT


def test_a_choice_changed_after_the_preview_must_be_previewed_again(open_frame: OpenFrame) -> None:
    app = _previewed(open_frame, FakeServices(shown=snapshots.incident()))

    app.selectbox(key=switch_form.FALLBACK).select("none").run()

    assert app.button(key=switch_form.APPLY).disabled
    assert "Preview again to apply it." in words(app)


def test_a_change_is_listed_and_rolled_back_with_a_reason(open_frame: OpenFrame) -> None:
    services = FakeServices(shown=snapshots.incident())
    app = _previewed(open_frame, services)
    app.text_input(key=switch_form.REASON).input("why").run()
    app.button(key=switch_form.APPLY).click().run()
    app.button(key="close_dialog").click().run()

    app.button(key="roll_back_chg-000000000001").click().run()
    app.text_input(key=rollback_form.ROLLBACK_REASON).input("it was better before").run()
    app.button(key=rollback_form.ROLL_BACK).click().run()

    assert services.rolled_back == [("chg-000000000001", ADMIN, "it was better before")]
    assert "The former config stands again." in words(app)
