"""Incidents, channels and small stand-ins for the tests of alerts; all names are fictional."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from core.alerts.sending import Attempt
from core.errors import StoreError
from core.model.agent import AgentId, Dialect
from core.model.alert import AlertRule, AlertSettings, Channel, ChannelKind, Delivery, DeliveryState, Notice
from core.model.check import route_id
from core.model.gateway import Generation
from core.model.incident import Cause, Incident
from core.model.probe import Diagnosis, Health, Rung
from core.model.route import Identity, Route
from core.model.secret import Secret

NOON = datetime(2030, 1, 2, 12, 0, tzinfo=UTC)
HOST = "adb-1234567890123456.7.azuredatabricks.net"
SENT = Attempt(sent=True, detail="taken")
REFUSED = Attempt(sent=False, detail="hooks.example.com answered 500.")


def a_route(agent: AgentId = AgentId.HERMES, model: str = "databricks-claude-sonnet-4-5") -> Route:
    """Return a route of this agent."""
    return Route(
        agent=agent,
        slot="primary" if agent is AgentId.HERMES else "default",
        model=model,
        base_url=f"https://{HOST}/ai-gateway/mlflow/v1",
        dialect=Dialect.OPENAI_CHAT,
        generation=Generation.WORKSPACE,
        identity=Identity.DASHBOARD,
    )


def an_incident(
    *agents: AgentId, health: Health = Health.DOWN, started_at: datetime = NOON, number: int = 1
) -> Incident:
    """Return an incident that hits these agents, Hermes when none is named, confirmed 10 s after it began."""
    routes = tuple(a_route(agent) for agent in agents or (AgentId.HERMES,))
    return Incident(
        id=f"inc-20300102-120000-00000{number}",
        cause=Cause(rung=Rung.MODEL, host=HOST, diagnosis=Diagnosis.MODEL_NOT_ON_ROUTE),
        health=health,
        started_at=started_at,
        confirmed_at=started_at + timedelta(seconds=10),
        message="databricks-claude-sonnet-4-5 is not served on the chat route",
        remedy="Switch Hermes to a model of the chat route.",
        routes=routes,
        open_routes=tuple(route_id(route) for route in routes),
    )


def ended(incident: Incident, after: timedelta = timedelta(minutes=44)) -> Incident:
    """Return the incident when its last route has recovered."""
    return replace(incident, ended_at=incident.started_at + after, open_routes=())


def a_channel(name: str = "ops", kind: ChannelKind = ChannelKind.SLACK) -> Channel:
    """Return a channel that no test ever sends to for real."""
    return Channel(name=name, kind=kind, place="hooks.example.com", secret=Secret("https://hooks.example.com/T0/B0/x1"))


def settings_of(*rules: AlertRule, channels: Sequence[Channel] = ()) -> AlertSettings:
    """Return settings with a Slack channel for every name that the rules use, unless channels are given."""
    names = dict.fromkeys(name for rule in rules for name in rule.channels)
    return AlertSettings(channels=tuple(channels) or tuple(a_channel(name) for name in names), rules=rules)


def told(notice: Notice, state: DeliveryState = DeliveryState.SENT) -> Delivery:
    """Return the delivery of a notice that has been tried once."""
    return Delivery(
        notice_id=notice.id,
        kind=notice.kind,
        channel=notice.channel,
        rule=notice.rule,
        incident_id=notice.incident.id if notice.incident else None,
        at=notice.at,
        state=state,
        attempts=1,
    )


class ScriptedSender:
    """Send nothing: answer each try with the next of the given outcomes, the last one again and again."""

    def __init__(self, *outcomes: Attempt | Exception) -> None:
        self._outcomes = list(outcomes) or [SENT]
        self.notices: list[Notice] = []

    async def send(self, channel: Channel, notice: Notice, now: datetime) -> Attempt:
        """Return the next outcome, or raise it."""
        self.notices.append(notice)
        outcome = self._outcomes.pop(0) if len(self._outcomes) > 1 else self._outcomes[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


class MemoryDeliveries:
    """Keep deliveries in a dictionary that outlives a dispatcher, as a database outlives a process."""

    def __init__(self) -> None:
        self.kept: dict[str, Delivery] = {}
        self.is_down = False

    def put(self, delivery: Delivery) -> None:
        """Keep it, unless down."""
        self._check()
        self.kept[delivery.notice_id] = delivery

    def get(self, notice_id: str) -> Delivery | None:
        """Return it, unless down."""
        self._check()
        return self.kept.get(notice_id)

    def latest(self, limit: int = 50) -> Sequence[Delivery]:
        """Return the newest first, unless down."""
        self._check()
        return sorted(self.kept.values(), key=lambda item: item.at, reverse=True)[:limit]

    def _check(self) -> None:
        if self.is_down:
            raise StoreError("The database does not answer.", code="database_down", remedy="Start it.")
