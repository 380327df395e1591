"""What a message says, and that nothing from elsewhere can say more than it should."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from core.alerts.message import mail_of, signature_headers, slack_body, webhook_body
from core.alerts.words import Origin, facts, headline
from core.model.agent import AgentId
from core.model.alert import Channel, ChannelKind, Notice, NoticeKind
from core.model.check import route_id
from core.model.incident import Incident
from core.model.probe import Health
from core.model.secret import Secret
from tests.fakes.alerts import HOST, NOON, a_route, an_incident, ended

ROOT = Path(__file__).resolve().parents[3]
ORIGIN = Origin(workspace=HOST, dashboard_url="https://switchyard.example.com")
MAIL = Channel(
    name="mail",
    kind=ChannelKind.EMAIL,
    host="smtp.example.com",
    port=587,
    sender="switchyard@example.com",
    recipients=("oncall@example.com", "lead@example.com"),
)


def a_notice(
    incident: Incident | None = None, kind: NoticeKind = NoticeKind.OPENED, after: timedelta = timedelta(minutes=1)
) -> Notice:
    return Notice(id="inc-1/ops/down", kind=kind, channel="ops", rule="all", at=NOON + after, incident=incident)


def sent_mail(notice: Notice) -> EmailMessage:
    """Return the mail as a receiver reads it."""
    read = message_from_bytes(bytes(mail_of(notice, MAIL, ORIGIN, NOON)), policy=policy.default)
    assert isinstance(read, EmailMessage)
    return read


@pytest.mark.parametrize(
    ("notice", "begins"),
    [
        pytest.param(a_notice(an_incident()), "Down: Hermes, Model at ", id="opened"),
        pytest.param(a_notice(an_incident(health=Health.DEGRADED)), "Degraded: Hermes, ", id="opened as Degraded"),
        pytest.param(a_notice(an_incident(), NoticeKind.WORSENED), "Worse, now Down: Hermes, ", id="worsened"),
        pytest.param(
            a_notice(an_incident(), NoticeKind.REMINDER, timedelta(hours=2)), "Still Down after 2 h: ", id="reminder"
        ),
        pytest.param(
            a_notice(ended(an_incident()), NoticeKind.RESOLVED, timedelta(hours=9)),
            "Resolved after 44 min: Hermes, ",
            id="resolved, with its own length however late it is told",
        ),
        pytest.param(
            a_notice(replace(an_incident(), simulated=True)), "[Simulated] Down: Hermes, ", id="simulated says so"
        ),
        pytest.param(a_notice(None, NoticeKind.TEST), "Test: ", id="test"),
    ],
)
def test_the_headline_says_it_all(notice: Notice, begins: str) -> None:
    assert headline(notice).startswith(begins)


def test_while_it_lasts_only_what_it_still_hits_is_named_and_afterwards_all() -> None:
    both = an_incident(AgentId.HERMES, AgentId.CLAUDE)
    left = replace(both, open_routes=(route_id(a_route(AgentId.CLAUDE)),))
    assert "Hermes" not in headline(a_notice(left)) + str(facts(a_notice(left), ORIGIN))[:300].partition("Remedy")[0]
    assert "Claude Code" in headline(a_notice(left))
    assert headline(a_notice(ended(both), NoticeKind.RESOLVED)).startswith("Resolved after 44 min: Hermes, Claude Code")


def test_the_facts_name_cause_remedy_routes_and_where_to_look() -> None:
    told = dict(facts(a_notice(an_incident()), ORIGIN))
    assert told["Cause"] == "databricks-claude-sonnet-4-5 is not served on the chat route"
    assert told["Remedy"] == "Switch Hermes to a model of the chat route."
    assert told["Routes"] == "Hermes primary: databricks-claude-sonnet-4-5 over openai-chat"
    assert told["Began"] == "2030-01-02 12:00:00 UTC"
    assert told["More"] == f"https://switchyard.example.com/history?incident={an_incident().id}"


def test_many_routes_are_counted_and_not_all_listed() -> None:
    routes = tuple(a_route(model=f"model-{number}") for number in range(480))
    crowd = replace(an_incident(), routes=routes, open_routes=tuple(map(route_id, routes)))
    told = dict(facts(a_notice(crowd), ORIGIN))
    assert told["Routes"].endswith("model-7 over openai-chat and 472 more")


def test_without_a_dashboard_address_there_is_no_link() -> None:
    assert "More" not in dict(facts(a_notice(an_incident()), Origin()))
    assert json.loads(webhook_body(a_notice(an_incident()), Origin()))["incident"]["url"] is None


TOKEN = "dapi" + "0123456789abcdef" * 2
HOSTILE = replace(
    an_incident(),
    message=f"said <!channel> & @here *bold* ```x``` {TOKEN}\r\nBcc: all@example.com\u202e\x00",
    remedy=f"Authorization: Bearer {'a1b2c3' * 6}",
    cause=replace(an_incident().cause, host="evil.example.com\r\nBcc: all@example.com <!here> *x*"),
)


@pytest.mark.parametrize("incident", [HOSTILE, ended(HOSTILE)], ids=["lasting", "ended"])
def test_no_message_holds_a_token(incident: Incident) -> None:
    notice = a_notice(incident)
    texts = [slack_body(notice, ORIGIN).decode(), webhook_body(notice, ORIGIN).decode()]
    texts += [sent_mail(notice).get_content(), bytes(mail_of(notice, MAIL, ORIGIN, NOON)).decode()]
    for text in texts:
        assert TOKEN not in text
        assert "a1b2c3" not in text


def slack_text(incident: Incident) -> str:
    text = json.loads(slack_body(a_notice(incident), ORIGIN))["text"]
    assert isinstance(text, str)
    return text


def test_slack_gets_one_text_with_the_headline_first() -> None:
    lines = slack_text(an_incident()).splitlines()
    assert lines[0] == f"*Down: Hermes, Model at {HOST}*"
    assert lines[-1] == f"<https://switchyard.example.com/history?incident={an_incident().id}>"


def test_slack_is_not_told_to_call_anybody_or_to_format_what_came_from_elsewhere() -> None:
    text = slack_text(HOSTILE)
    assert "<!" not in text
    assert "&lt;!channel&gt; &amp; @here *bold*" in text.split("```")[1]
    assert text.splitlines()[0].count("*") - text.splitlines()[0].count("\u2060*") == 2
    assert text.count("```") == 4


def test_a_remedy_with_backticks_can_be_copied_from_slack() -> None:
    grant = "GRANT EXECUTE ON MODEL SERVICE system.ai.m TO `11111111-2222-3333-4444-555555555555`;"
    assert f"```{grant}```" in slack_text(replace(an_incident(), remedy=grant))


def test_the_generic_body_has_a_schema_and_null_for_what_is_not_known() -> None:
    body = json.loads(webhook_body(a_notice(an_incident()), ORIGIN))
    assert set(body) == {"schema", "id", "kind", "at", "channel", "rule", "text", "workspace", "incident"}
    assert (body["schema"], body["kind"], body["at"]) == (1, "opened", "2030-01-02T12:01:00.000Z")
    incident = body["incident"]
    assert (incident["health"], incident["rung"], incident["diagnosis"]) == ("down", "model", "model_not_on_route")
    assert (incident["ended_at"], incident["duration_s"]) == (None, None)
    assert incident["routes"][0] == {
        "route_id": route_id(a_route()),
        "agent": "hermes",
        "slot": "primary",
        "model": "databricks-claude-sonnet-4-5",
        "dialect": "openai_chat",
        "generation": "workspace",
        "identity": "dashboard",
        "failing": True,
    }


def test_the_generic_body_of_an_end_has_its_length_and_of_a_test_no_incident() -> None:
    over = json.loads(webhook_body(a_notice(ended(an_incident()), NoticeKind.RESOLVED), ORIGIN))
    assert over["incident"]["duration_s"] == 44 * 60
    assert over["incident"]["routes"][0]["failing"] is False
    assert json.loads(webhook_body(a_notice(None, NoticeKind.TEST), ORIGIN))["incident"] is None


def test_the_signature_covers_the_time_and_the_body() -> None:
    headers = signature_headers(b'{"a":1}', Secret("signing-key"), NOON)
    stamp = headers["X-Switchyard-Timestamp"]
    expected = hmac.new(b"signing-key", f"{stamp}.".encode() + b'{"a":1}', hashlib.sha256).hexdigest()
    assert stamp == str(int(NOON.timestamp()))
    assert headers["X-Switchyard-Signature"] == f"sha256={expected}"
    later = signature_headers(b'{"a":1}', Secret("signing-key"), NOON + timedelta(seconds=1))
    assert later["X-Switchyard-Signature"] != headers["X-Switchyard-Signature"]


def test_the_check_in_the_docs_takes_our_signature_and_no_other() -> None:
    (check,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8"), re.DOTALL)
    names: dict[str, Callable[[bytes, str, str, bytes], bool]] = {}
    exec(check, names)
    is_genuine = names["is_genuine"]
    headers = signature_headers(b"body", Secret("key"), datetime.now(UTC))
    stamp, signature = headers["X-Switchyard-Timestamp"], headers["X-Switchyard-Signature"]
    assert is_genuine(b"key", stamp, signature, b"body")
    assert not is_genuine(b"key", stamp, signature, b"other body")
    assert not is_genuine(b"other key", stamp, signature, b"body")
    old = signature_headers(b"body", Secret("key"), datetime.now(UTC) - timedelta(minutes=6))
    assert not is_genuine(b"key", old["X-Switchyard-Timestamp"], old["X-Switchyard-Signature"], b"body")


def test_a_mail_has_its_receivers_its_subject_and_marks_itself_as_automatic() -> None:
    mail = sent_mail(a_notice(an_incident()))
    assert (mail["From"], mail["To"]) == ("switchyard@example.com", "oncall@example.com, lead@example.com")
    assert mail["Subject"] == f"Down: Hermes, Model at {HOST}"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert "Remedy:\nSwitch Hermes to a model of the chat route.\n" in mail.get_content()


def test_nothing_from_elsewhere_becomes_a_header() -> None:
    mail = sent_mail(a_notice(HOSTILE))
    assert mail["Bcc"] is None
    assert "Bcc: all@example.com" in mail["Subject"]
    assert "\u202e" not in mail.get_content()


def test_every_try_of_a_mail_has_one_id_and_the_mails_of_an_incident_one_thread() -> None:
    opened, again = sent_mail(a_notice(an_incident())), sent_mail(a_notice(an_incident()))
    over = sent_mail(replace(a_notice(ended(an_incident()), NoticeKind.RESOLVED), id="inc-1/ops/resolved"))
    assert opened["Message-ID"] == again["Message-ID"] != over["Message-ID"]
    assert opened["References"] == over["References"]
