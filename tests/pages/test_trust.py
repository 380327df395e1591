"""Where tokens may go, on the Detection page: who is trusted and why, who was refused, and what only admins may do."""

from __future__ import annotations

from datetime import UTC, datetime

from core.detect.trust import TrustView, make_trust
from core.errors import ChangeError, SwitchyardError
from core.model.trust import RefusedHost, TrustedHost
from pages.ui.trust_section import HOST, PRIVATE, REASON, rows_for_refused, rows_for_trust
from tests.fakes.services import FakeServices, FakeTrusting
from tests.fakes.snapshots import healthy
from tests.pages.conftest import ADMIN, VISITOR, OpenFrame, words

AT = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
GIVEN = TrustedHost(origin="https://gateway.example.com", private=True, reason="our *own*", actor="ada", at=AT)
VIEW = TrustView(
    settings=make_trust("https://workspace.example.com", ["a.example.com", "b.example.com=private"]),
    hosts=(GIVEN,),
    refused=(RefusedHost(origin="https://evil.example.com", reason="Not trusted.", count=3, last_at=AT),),
)


def services(refuses: SwitchyardError | None = None) -> FakeServices:
    return FakeServices(shown=healthy(), trust=FakeTrusting(view=VIEW, refuses=refuses))


def test_every_host_stands_with_its_reason_and_how_near_it_may_be() -> None:
    rows = [(row["Host"], row["Addresses"]) for row in rows_for_trust(VIEW)]
    assert rows == [
        ("Databricks' own host names", "private too"),
        ("`https://workspace.example.com`", "private too"),
        ("`https://a.example.com`", "public only"),
        ("`https://b.example.com`", "private too"),
        ("`https://gateway.example.com`", "private too"),
    ]
    assert "our \\*own\\*" in rows_for_trust(VIEW)[-1]["Because of"]


def test_a_workspace_on_this_machine_may_be_nowhere_else() -> None:
    view = TrustView(settings=make_trust("http://127.0.0.1:7777"))
    assert rows_for_trust(view)[1]["Addresses"] == "this machine"


def test_what_was_refused_says_why_and_how_often() -> None:
    (row,) = rows_for_refused(VIEW.refused, AT)
    assert (row["Host"], row["Times"]) == ("`https://evil.example.com`", "3")


def test_the_page_shows_who_is_trusted_and_who_was_refused(open_frame: OpenFrame) -> None:
    text = words(open_frame(services(), "detection.py"))
    for word in ("Where tokens may go", "https://gateway.example.com", "https://evil.example.com", "Not trusted."):
        assert word in text


def test_an_admin_trusts_a_host_and_the_form_is_empty_again(open_frame: OpenFrame) -> None:
    fake = services()
    app = open_frame(fake, "detection.py")
    app.text_input(key=HOST).input("new.example.com")
    app.text_input(key=REASON).input("we run it")
    app.checkbox(key=PRIVATE).check()
    app.button(key="trust_add").click().run()
    assert fake.trust.asked == [("add", "new.example.com", True, "we run it", ADMIN)]
    assert app.text_input(key=HOST).value == ""


def test_what_was_refused_stays_in_the_form_with_one_sentence(open_frame: OpenFrame) -> None:
    fake = services(refuses=ChangeError("It is no host.", code="host_malformed", remedy="Write a host."))
    app = open_frame(fake, "detection.py")
    app.text_input(key=HOST).input("no host")
    app.button(key="trust_add").click().run()
    assert "It is no host." in words(app)
    assert app.text_input(key=HOST).value == "no host"


def test_an_admin_revokes_with_a_reason(open_frame: OpenFrame) -> None:
    fake = services()
    app = open_frame(fake, "detection.py")
    next(one for one in app.text_input if "may not any more" in one.placeholder).input("it is gone")
    next(one for one in app.button if one.label == "Revoke").click().run()
    assert fake.trust.asked == [("revoke", GIVEN.origin, None, "it is gone", ADMIN)]


def test_somebody_else_sees_it_all_and_may_decide_nothing(open_frame: OpenFrame) -> None:
    app = open_frame(services(), "detection.py", VISITOR)
    assert "https://gateway.example.com" in words(app)
    assert app.button(key="trust_add").disabled


def test_behind_a_proxy_the_page_says_what_cannot_be_checked(open_frame: OpenFrame) -> None:
    fake = FakeServices(
        shown=healthy(), trust=FakeTrusting(view=TrustView(settings=make_trust(None), proxy="proxy.example.com:3128"))
    )
    text = words(open_frame(fake, "detection.py"))
    assert "Behind the proxy proxy.example.com:3128 names are checked, but not the addresses" in text


def test_a_database_that_is_away_is_said(open_frame: OpenFrame) -> None:
    view = TrustView(settings=make_trust(None), problem="The database does not answer.")
    app = open_frame(FakeServices(shown=healthy(), trust=FakeTrusting(view=view)), "detection.py")
    assert "cannot be read now: The database does not answer." in words(app)
