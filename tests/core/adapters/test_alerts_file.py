"""The alerts file: what it may say, and that no secret in it is ever accepted or repeated."""

from __future__ import annotations

import re
from datetime import time
from pathlib import Path

import pytest

from core.adapters.alerts_file import read_alerts
from core.errors import ConfigurationError
from core.model.agent import AgentId
from core.model.alert import AlertRule, AlertSettings, Channel, ChannelKind, QuietHours
from core.model.probe import Health
from core.model.secret import Secret

ROOT = Path(__file__).resolve().parents[3]
SLACK_URL = "https://hooks.slack.com/services/T000/B000/made-up-address"
ENVIRONMENT = {
    "SLACK_URL": Secret(SLACK_URL),
    "HOOK_URL": Secret("https://hooks.example.com/in?key=made-up-key"),
    "PLAIN_URL": Secret("http://hooks.example.com/made-up-address"),
    "HOOK_KEY": Secret("made-up-signing-key"),
    "SMTP_PASSWORD": Secret("made-up-password"),
}
SLACK = '[channels.ops]\nkind = "slack"\nurl_env = "SLACK_URL"\n'
HOOK = '[channels.pager]\nkind = "webhook"\nurl = "https://hooks.example.com/in"\nsecret_env = "HOOK_KEY"\n'
MAIL = (
    '[channels.mail]\nkind = "email"\nhost = "smtp.example.com"\nfrom = "switchyard@example.com"\n'
    'to = ["oncall@example.com"]\n'
)
RULE = '[[rules]]\nname = "all"\nchannels = ["ops"]\n'


def read(tmp_path: Path, text: str) -> AlertSettings:
    path = tmp_path / "alerts.toml"
    path.write_text(text, encoding="utf-8")
    return read_alerts(path, ENVIRONMENT)


def channel(tmp_path: Path, text: str) -> Channel:
    return read(tmp_path, text + RULE.replace('"ops"', f'"{text.partition("]")[0].rpartition(".")[2]}"')).channels[0]


def refused(tmp_path: Path, text: str) -> ConfigurationError:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, text)
    assert caught.value.code == "alerts_invalid"
    assert caught.value.remedy
    return caught.value


def test_a_slack_channel_takes_its_address_from_the_environment(tmp_path: Path) -> None:
    expected = Channel(name="ops", kind=ChannelKind.SLACK, place="hooks.slack.com", secret=Secret(SLACK_URL))
    assert channel(tmp_path, SLACK) == expected


def test_a_webhook_has_an_address_and_a_signing_key(tmp_path: Path) -> None:
    read_one = channel(tmp_path, HOOK)
    assert (read_one.place, read_one.url) == ("hooks.example.com", "https://hooks.example.com/in")
    assert read_one.secret == Secret("made-up-signing-key")


def test_a_webhooks_address_may_be_a_secret_too_and_does_not_show(tmp_path: Path) -> None:
    read_one = channel(tmp_path, HOOK.replace('url = "https://hooks.example.com/in"', 'url_env = "HOOK_URL"'))
    assert read_one.url == "https://hooks.example.com/in?key=made-up-key"
    assert "made-up" not in repr(read_one)


def test_a_webhook_on_this_machine_may_be_plain_http(tmp_path: Path) -> None:
    assert channel(tmp_path, HOOK.replace("https://hooks.example.com/in", "http://127.0.0.1:9000/in")).url


def test_a_mail_channel_uses_starttls_on_the_submission_port(tmp_path: Path) -> None:
    read_one = channel(tmp_path, MAIL + 'user = "switchyard"\npassword_env = "SMTP_PASSWORD"\n')
    assert (read_one.host, read_one.port, read_one.starttls) == ("smtp.example.com", 587, True)
    assert (read_one.user, read_one.secret) == ("switchyard", Secret("made-up-password"))
    assert (read_one.sender, read_one.recipients) == ("switchyard@example.com", ("oncall@example.com",))
    assert read_one.place == "1 recipient through smtp.example.com"


def test_a_rule_has_defaults(tmp_path: Path) -> None:
    assert read(tmp_path, SLACK + RULE).rules == (AlertRule(name="all", channels=("ops",)),)


def test_a_rule_says_who_when_and_how_often(tmp_path: Path) -> None:
    more = 'agents = ["hermes", "claude"]\nat_least = "degraded"\nremind_every_minutes = 90\nquiet = "22:00-06:30"\n'
    (rule,) = read(tmp_path, SLACK + RULE + more + "resolved = false\n").rules
    assert (rule.agents, rule.at_least) == ((AgentId.HERMES, AgentId.CLAUDE), Health.DEGRADED)
    assert (rule.remind_every_s, rule.resolved) == (5400.0, False)
    assert rule.quiet == QuietHours(begin=time(22), end=time(6, 30))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param("channels = yes", "not TOML at line 1, column 12", id="no TOML"),
        pytest.param(SLACK, "no rule", id="no rule at all"),
        pytest.param(SLACK + RULE + RULE, "two rules of the same name", id="a rule twice"),
        pytest.param(SLACK + RULE + 'agent = "hermes"\n', "does not exist: 'agent'", id="misspelt setting of a rule"),
        pytest.param("dashbord_url = 'x'\n" + SLACK + RULE, "does not exist: 'dashbord_url'", id="misspelt on top"),
        pytest.param(SLACK + 'colour = "red"\n' + RULE, "does not exist: 'colour'", id="unknown setting of a channel"),
        pytest.param(SLACK + RULE.replace("ops", "opps"), "only channels of this file", id="unknown channel"),
        pytest.param(SLACK + RULE.replace('["ops"]', "[]"), "at least one channel", id="a rule without channels"),
        pytest.param(SLACK + RULE.replace('["ops"]', '"ops"'), "must be a list", id="channels as one text"),
        pytest.param(SLACK + RULE.replace("name", "nmae"), "name of rules 1 is missing", id="a rule without a name"),
        pytest.param(SLACK + RULE + 'agents = ["hermse"]\n', "an agent that does not exist", id="unknown agent"),
        pytest.param(SLACK + RULE + 'at_least = "unknown"\n', "at_least that no incident has", id="odd health"),
        pytest.param(SLACK + RULE + 'at_least = "bad"\n', "none that exists", id="no health"),
        pytest.param(SLACK + RULE + 'quiet = "22-6"\n', "quiet hours", id="quiet hours of another form"),
        pytest.param(SLACK + RULE + 'quiet = "22:00-22:00"\n', "quiet hours", id="quiet hours of no length"),
        pytest.param(SLACK + RULE + 'quiet = "24:00-06:00"\n', "quiet hours", id="an hour that does not exist"),
        pytest.param(SLACK + RULE + "remind_every_minutes = -1\n", "from 0 to", id="a reminder before now"),
        pytest.param(SLACK + RULE + "remind_every_minutes = 0.1\n", "less than a minute", id="reminders all the time"),
        pytest.param(SLACK + RULE + "remind_every_minutes = true\n", "must be a number", id="true is no number"),
        pytest.param(SLACK + RULE + 'resolved = "no"\n', "true or false", id="a word is no flag"),
        pytest.param(SLACK.replace("ops", "'O P S'") + RULE, "a channel whose name", id="a name with spaces"),
        pytest.param(SLACK.replace("slack", "sms") + RULE, "kind of channels.ops", id="unknown kind"),
        pytest.param(SLACK.replace("SLACK_URL", "SLACK_URI") + RULE, "SLACK_URI, which is not set", id="unset"),
        pytest.param(SLACK.replace("SLACK_URL", "PLAIN_URL") + RULE, "not a URL", id="http"),
        pytest.param(SLACK.replace("SLACK_URL", "HOOK_KEY") + RULE, "not a URL", id="no URL"),
        pytest.param(HOOK + 'url_env = "HOOK_URL"\n' + RULE, "either url or url_env", id="two addresses"),
        pytest.param(HOOK.replace('secret_env = "HOOK_KEY"', "") + RULE, "secret_env of channels.pager", id="unsigned"),
        pytest.param(MAIL.replace('["oncall@example.com"]', "[]") + RULE, "plain mail addresses", id="no receiver"),
        pytest.param(MAIL.replace("oncall@", "On Call <oncall@") + RULE, "plain mail addresses", id="a display name"),
        pytest.param(MAIL.replace('oncall@example.com"', 'a@b.example\\nBcc: c@d"') + RULE, "plain mail", id="header"),
        pytest.param(MAIL + 'user = "switchyard"\n' + RULE, "only one of user", id="a user without a password"),
        pytest.param(MAIL + "port = 70000\n" + RULE, "port of channels.mail", id="no such port"),
        pytest.param(MAIL.replace("smtp.example.com", "smtp/../x") + RULE, "not a host name", id="no host"),
        pytest.param(
            MAIL + 'user = "u"\npassword_env = "SMTP_PASSWORD"\nstarttls = false\n' + RULE,
            "in the clear",
            id="a password without TLS",
        ),
        pytest.param('dashboard_url = "switchyard.example.com"\n' + SLACK + RULE, "dashboard_url", id="half a URL"),
        pytest.param('channels = "ops"\n' + RULE, "must be tables", id="channels of another type"),
        pytest.param(SLACK + 'rules = "all"\n', "does not exist: 'rules'", id="a rule inside a channel"),
        pytest.param("rules = 1\n" + SLACK, "a list of tables", id="rules of another type"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_one_sentence(tmp_path: Path, text: str, says: str) -> None:
    assert says in refused(tmp_path, text).message


LITERAL = "MADE-UP-literal_dapi0123456789abcdef"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(
            SLACK.replace('url_env = "SLACK_URL"', f'url = "https://h.example.com/{LITERAL}"'), id="slack url"
        ),
        pytest.param(SLACK.replace("SLACK_URL", f"https://hooks.example.com/{LITERAL}"), id="a URL as a variable"),
        pytest.param(HOOK.replace('secret_env = "HOOK_KEY"', f'secret = "{LITERAL}"'), id="signing key"),
        pytest.param(HOOK.replace("HOOK_KEY", LITERAL), id="a key as a variable"),
        pytest.param(HOOK.replace("/in", f"/in?key={LITERAL}"), id="a key in the query"),
        pytest.param(HOOK.replace("hooks.", f"user:{LITERAL}@hooks."), id="a key in front of the host"),
        pytest.param(HOOK + f'token = "{LITERAL}"\n', id="token"),
        pytest.param(MAIL + f'user = "u"\npassword = "{LITERAL}"\n', id="password"),
        pytest.param(MAIL + f'user = "u"\npassword = "{LITERAL}\n', id="a broken line with a password"),
    ],
)
def test_a_literal_secret_is_refused_and_not_repeated(tmp_path: Path, text: str) -> None:
    error = refused(tmp_path, text + RULE)
    assert LITERAL not in f"{error} {error.message} {error.remedy} {error.__cause__!r}"


def test_a_file_that_is_not_there_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"The alerts file gone\.toml cannot be read \(FileNotFoundError\)"):
        read_alerts(tmp_path / "gone.toml", ENVIRONMENT)


def test_the_example_of_the_docs_is_accepted(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    values = {"url_env": SLACK_URL, "secret_env": "made-up-key", "password_env": "made-up-password"}
    named = re.findall(r'^(url_env|secret_env|password_env) = "([A-Z_]+)"', example, re.MULTILINE)
    path = tmp_path / "alerts.toml"
    path.write_text(example, encoding="utf-8")
    settings = read_alerts(path, {variable: values[key] for key, variable in named})
    assert {item.kind for item in settings.channels} == set(ChannelKind)
    assert settings.dashboard_url == "https://switchyard.example.com"
    assert len(settings.rules) == 2
