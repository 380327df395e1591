"""Read the alerts file into checked settings; a secret stands in it by the name of its variable only, never itself."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from datetime import time
from pathlib import Path

from core.adapters.toml_table import Table, refusal
from core.catalog.agents import AGENTS
from core.detect.urls import UrlParts, split_url
from core.errors import ConfigurationError
from core.model.agent import AgentId
from core.model.alert import AlertRule, AlertSettings, Channel, ChannelKind, QuietHours
from core.model.probe import Health
from core.model.secret import Secret

Environment = Mapping[str, Secret] | Mapping[str, str]

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
_VARIABLE = re.compile(r"[A-Z_][A-Z0-9_]*")
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_QUIET = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])-([01][0-9]|2[0-3]):([0-5][0-9])")
_LITERALS = {"password": "password_env", "secret": "secret_env", "token": "secret_env", "key": "secret_env"}
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_A_WEEK_IN_MINUTES = 10_080


def read_alerts(path: Path, environment: Environment) -> AlertSettings:
    """Return the channels and rules of this file; `environment` holds the values of the variables that it names.

    Raises ConfigurationError, with a remedy and without any value of a secret, for everything that cannot be meant.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as exc:
        raise refusal(
            f"The alerts file {path.name} cannot be read ({type(exc).__name__}).",
            "Correct SWITCHYARD_ALERTS, or unset it to send no alerts.",
        ) from exc
    except tomllib.TOMLDecodeError as exc:
        # The parser's own words may repeat a line of the file; where it stopped is enough.
        raise refusal(
            f"The alerts file {path.name} is not TOML{_place_of(exc)}.",
            "Correct it there; docs/alerts.md has an example.",
        ) from None
    whole = Table(document, "the alerts file")
    channels = tuple(_channel(name, table, environment) for name, table in whole.tables("channels").items())
    rules = tuple(_rule(table, [item.name for item in channels]) for table in whole.list_of_tables("rules"))
    dashboard_url = whole.text("dashboard_url", "")
    whole.refuse_others()
    if not rules:
        raise refusal("The alerts file has no rule, so nobody would be told.", "Add a [[rules]] table with channels.")
    if len({rule.name for rule in rules}) < len(rules):
        raise refusal("The alerts file has two rules of the same name.", "Give each rule a name of its own.")
    if dashboard_url:
        _url(dashboard_url, "dashboard_url")
    return AlertSettings(channels=channels, rules=rules, dashboard_url=dashboard_url.rstrip("/"))


def _place_of(exc: tomllib.TOMLDecodeError) -> str:
    found = re.search(r"\(at (line \d+, column \d+)\)", str(exc))
    return f" at {found.group(1)}" if found else ""


def _channel(name: str, table: Table, environment: Environment) -> Channel:
    if not _NAME.fullmatch(name):
        raise refusal(
            "The alerts file has a channel whose name is not made of a-z, 0-9, - and _.", "Rename it, for example ops."
        )
    for literal, reference in _LITERALS.items():
        if table.has(literal):
            raise refusal(
                f"Channel {name} has its {literal} in the alerts file.",
                f"Put it into an environment variable and name that one: {reference}. Replace what stood there.",
            )
    kind = table.choice("kind", ChannelKind)
    channel = _READERS[kind](name, table, environment)
    table.refuse_others()
    return channel


def _slack(name: str, table: Table, environment: Environment) -> Channel:
    if table.has("url"):
        raise refusal(
            f"Channel {name} has the address of its Slack webhook in the alerts file, and that address is a secret.",
            "Put it into an environment variable and name that one: url_env. Have Slack make a new address.",
        )
    address = _named(table, "url_env", environment)
    place = _url(address.reveal(), table.where("url_env")).hostname
    return Channel(name=name, kind=ChannelKind.SLACK, place=place, secret=address)


def _webhook(name: str, table: Table, environment: Environment) -> Channel:
    if table.has("url") == table.has("url_env"):
        raise refusal(f"Channel {name} needs either url or url_env.", "Give one of them; url_env names a variable.")
    if table.has("url"):
        url = table.text("url")
        parts = _url(url, table.where("url"))
        if parts.query:
            raise refusal(
                f"The url of channel {name} has a query, which may be a secret.",
                "Put the address into an environment variable and name that one: url_env.",
            )
    else:
        url = _named(table, "url_env", environment).reveal()
        parts = _url(url, table.where("url_env"))
    secret = _named(table, "secret_env", environment)
    return Channel(name=name, kind=ChannelKind.WEBHOOK, place=parts.hostname, url=url, secret=secret)


def _email(name: str, table: Table, environment: Environment) -> Channel:
    host, user = table.text("host"), table.text("user", "")
    starttls = table.flag("starttls", default=True)
    port = int(table.number("port", 587, low=1, high=65_535))
    recipients = table.texts("to")
    sender = table.text("from")
    password = _named(table, "password_env", environment) if table.has("password_env") else None
    if not _HOST.fullmatch(host):
        raise refusal(f"The host of channel {name} is not a host name.", "Write it like smtp.example.com.")
    if not recipients or not all(_ADDRESS.fullmatch(item) for item in (sender, *recipients)):
        raise refusal(
            f"Channel {name} needs plain mail addresses in from and to.", 'Write them like to = ["oncall@example.com"].'
        )
    if bool(user) != bool(password):
        raise refusal(f"Channel {name} has only one of user and password_env.", "Give both, or neither.")
    if password and not starttls and port != 465 and host not in _LOOPBACK:
        raise refusal(
            f"Channel {name} would send its password in the clear.", "Remove starttls = false, or use port 465."
        )
    return Channel(
        name=name,
        kind=ChannelKind.EMAIL,
        place=f"{len(recipients)} recipient{'s' if len(recipients) > 1 else ''} through {host}",
        secret=password,
        host=host,
        port=port,
        starttls=starttls,
        user=user,
        sender=sender,
        recipients=recipients,
    )


_READERS: Mapping[ChannelKind, Callable[[str, Table, Environment], Channel]] = {
    ChannelKind.SLACK: _slack,
    ChannelKind.WEBHOOK: _webhook,
    ChannelKind.EMAIL: _email,
}


def _named(table: Table, key: str, environment: Environment) -> Secret:
    """Return the value of the variable that a key names."""
    name = table.text(key)
    if not _VARIABLE.fullmatch(name):
        # What stands there may be the secret itself, so it is not repeated.
        raise refusal(
            f"{table.where(key)} is not the name of an environment variable.",
            "Write the variable's name there, in capitals, and put the secret into that variable.",
        )
    value = environment.get(name)
    if not value:
        raise refusal(f"{table.where(key)} names {name}, which is not set.", f"Set {name}, or correct {key}.")
    return value if isinstance(value, Secret) else Secret(value)


def _url(text: str, where: str) -> UrlParts:
    """Return the parts of an https URL (http on loopback); the text is never repeated, it may be a secret."""
    try:
        if "://" not in text:
            raise refusal(f"{where} has no https:// in it.", "")
        return split_url(text, setting=where)
    except ConfigurationError:
        raise refusal(
            f"{where} is not a URL that alerts can be sent to.",
            "Write https:// and a full host name, without a user name; plain http only for this machine.",
        ) from None


def _rule(table: Table, channels: list[str]) -> AlertRule:
    name = table.text("name")
    wanted = table.texts("channels")
    if not wanted or set(wanted) - set(channels):
        raise refusal(
            f"Rule {name} must name at least one channel, and only channels of this file.",
            "Channels here: " + (", ".join(channels) or "none") + ".",
        )
    agents = table.texts("agents")
    if set(agents) - set(AGENTS):
        raise refusal(f"Rule {name} names an agent that does not exist.", "Agents: " + ", ".join(AGENTS) + ".")
    at_least = table.choice("at_least", Health, Health.DOWN)
    if at_least not in (Health.DEGRADED, Health.DOWN):
        raise refusal(f"Rule {name} has an at_least that no incident has.", "Write degraded or down.")
    rule = AlertRule(
        name=name,
        channels=tuple(dict.fromkeys(wanted)),
        agents=tuple(AgentId(agent) for agent in agents),
        at_least=at_least,
        remind_every_s=_remind_every_s(table),
        quiet=_quiet(table, name),
        resolved=table.flag("resolved", default=True),
    )
    table.refuse_others()
    return rule


def _remind_every_s(table: Table) -> float:
    minutes = table.number("remind_every_minutes", 0, low=0, high=_A_WEEK_IN_MINUTES)
    if 0 < minutes < 1:
        raise refusal(
            f"{table.where('remind_every_minutes')} is less than a minute.", "Write 1 or more, or 0 for never."
        )
    return minutes * 60


def _quiet(table: Table, name: str) -> QuietHours | None:
    if not table.has("quiet"):
        return None
    found = _QUIET.fullmatch(table.text("quiet"))
    numbers = [int(part) for part in found.groups()] if found else [0, 0, 0, 0]
    begin, end = time(numbers[0], numbers[1]), time(numbers[2], numbers[3])
    if begin == end:
        raise refusal(f"Rule {name} has quiet hours that cannot be meant.", 'Write them in UTC, like "22:00-06:00".')
    return QuietHours(begin=begin, end=end)
