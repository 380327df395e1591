"""A workspace in which every place that can name somebody or something does, as services for pages and as the names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from core.detect.trust import TrustView, make_trust
from core.model.access import Role
from core.model.agent import AgentId
from core.model.alert import Channel, ChannelKind, Delivery, DeliveryState, NoticeKind
from core.model.audit import AuditEvent
from core.model.change import Actor, ChangeRequest, Origin
from core.model.history import Keeping
from core.model.override import Override
from core.model.probe import ProbeEvidence, ProbeResult
from core.model.snapshot import Problem, Snapshot
from core.model.trust import RefusedHost, TrustedHost
from core.model.workspace import Evidence, IdentityKind, WorkspaceIdentity
from core.settings import Settings
from tests.fakes import snapshots
from tests.fakes.histories import incident_of, with_history
from tests.fakes.services import FakeServices, FakeTrusting, record

WORKSPACE_ID = "4455667788990011"
HOST = f"adb-{WORKSPACE_ID}.11.azuredatabricks.net"
OTHER_HOST = "dbc-1a2b3c4d-5e6f.cloud.databricks.com"
OWN_HOST = "models.intranet"
REQUEST_ID = "7d1c2a30-5b6e-4f70-8a91-b2c3d4e5f607"
ACTOR = Actor(
    name="morgan.reed@orchard.example",
    origin=Origin.PAGE,
    role=Role.ADMIN,
    why="You are an admin because SWITCHYARD_ADMINS lists your group orchard-oncall.",
    address="10.20.30.40",
)
# What nobody may read on a masked page, each as it stands somewhere in what the services say.
NAMES = (
    WORKSPACE_ID,
    HOST,
    OTHER_HOST,
    OWN_HOST,
    REQUEST_ID,
    "dbc-1a2b3c4d",
    "morgan.reed",
    "robin.vale",
    "robin_vale",
    "quinn.marsh",
    "casey.rowe",
    "orchard",
    "10.20.30.40",
    "10.20.30.41",
    "fruit-agents",
    "db.orchard",
    "hooks.orchard",
    "prober-box",
    "0d15ea5e-1111-4000-8000-00000000cafe",
)


def settings() -> Settings:
    return Settings(
        scene="healthy",
        admins=("orchard-oncall", "quinn.marsh@orchard.example"),
        gateway_host=f"https://{OWN_HOST}/ai",
        workspace_id=WORKSPACE_ID,
        trusted_hosts=(OWN_HOST,),
        agent_homes={AgentId.HERMES: Path("/home/robin.vale/.hermes")},
    )


def snapshot() -> Snapshot:
    """Return the outage as a workspace with names in every sentence would have it."""
    base = snapshots.incident()
    assert base.workspace is not None and base.gateway is not None
    workspace = replace(
        base.workspace,
        evidence=(*base.workspace.evidence, Evidence(source="SCIM", value="robin.vale@orchard.example", verdict="ok")),
        contradictions=(
            f"The header says {WORKSPACE_ID}, {OTHER_HOST} says account 0d15ea5e-1111-4000-8000-00000000cafe.",
        ),
    )
    steps = tuple(replace(step, reason=f"{step.reason}, as https://{OTHER_HOST}/x says") for step in base.gateway.trace)
    hermes, *others = base.choices
    assert hermes.config is not None
    config = replace(
        hermes.config,
        path="/home/robin.vale/hermes/config.yaml",
        problem="/home/robin.vale/hermes/config.yaml is no YAML.",
    )
    return replace(
        with_history(replace(base, results=tuple(_telling(result) for result in base.results))),
        workspace=workspace,
        gateway=replace(base.gateway, trace=steps),
        identity=WorkspaceIdentity(name="robin.vale@orchard.example", kind=IdentityKind.USER, is_admin=True),
        credential="token of robin.vale@orchard.example",
        choices=(replace(hermes, config=config), *others),
        targets=tuple(
            replace(target, id=target.id.replace("coda", "fruit-agents"), reason=f"{target.reason} [dev robin_vale]")
            for target in base.targets
        ),
        apps_problem=Problem(
            code="x", message=f"{OTHER_HOST} did not answer.", remedy="Ask quinn.marsh@orchard.example."
        ),
        problem=Problem(code="x", message=f"{HOST} refused {REQUEST_ID}.", remedy="Ask quinn.marsh@orchard.example."),
        keeping=Keeping(
            place="PostgreSQL at db.orchard.example",
            durable=False,
            probing=False,
            prober="prober-box, process 7 (abc123)",
        ),
        overrides=(
            Override(
                id="chg-000000000009",
                agent=AgentId.HERMES,
                target="app:fruit-agents",
                slots={"primary": "databricks-claude-opus-4-6"},
                actor="casey.rowe",
                reason="as morgan.reed@orchard.example asked",
                since=datetime.now(UTC),
                expires_at=datetime.now(UTC) + timedelta(hours=2),
            ),
        ),
    )


def _telling(result: ProbeResult) -> ProbeResult:
    """Return a verdict with names in each of its texts."""
    body = f'{{"error": "no grant for robin.vale@orchard.example in {WORKSPACE_ID}", "id": "{REQUEST_ID}"}}'
    return replace(
        result,
        message=f"{result.message} (request {REQUEST_ID} of {HOST})",
        remedy=f"{result.remedy} GRANT EXECUTE TO `robin.vale@orchard.example`",
        evidence=ProbeEvidence(
            method="POST",
            url=result.url,
            response_headers={"x-request-id": REQUEST_ID, "x-databricks-org-id": WORKSPACE_ID},
            response_excerpt=body,
            request_id=REQUEST_ID,
        ),
    )


def _events() -> tuple[AuditEvent, ...]:
    first = AuditEvent(
        id="evt-1",
        at=datetime.now(UTC) - timedelta(minutes=3),
        actor="quinn.marsh@orchard.example",
        origin="page",
        role="admin",
        address="10.20.30.41",
        action="change.apply",
        target="app:fruit-agents-old",
        outcome="applied",
        reason="casey.rowe could not",
        before={"DATABRICKS_GATEWAY_HOST": f"https://{OTHER_HOST}/ai-gateway"},
        after={"DATABRICKS_GATEWAY_HOST": f"https://{HOST}/ai-gateway"},
    )
    return first, replace(first, id="evt-2", actor="casey.rowe", address="10.20.30.40", outcome="not_allowed")


def _trust() -> TrustView:
    at = datetime.now(UTC)
    host = TrustedHost(
        origin="https://gate.orchard.example", private=True, reason="as morgan.reed asked", actor="casey.rowe", at=at
    )
    why = f"{OTHER_HOST} is neither a Databricks host nor the configured workspace nor trusted by name."
    return TrustView(
        settings=make_trust(f"https://{HOST}", [OWN_HOST]),
        hosts=(host,),
        refused=(RefusedHost(origin=f"https://{OTHER_HOST}", reason=why, count=2, last_at=at),),
        problem="PostgreSQL at db.orchard.example does not answer.",
        proxy="proxy.orchard.example:3128",
    )


def services() -> FakeServices:
    """Return services over all of it."""
    shown, actor = snapshot(), replace(ACTOR, name="casey.rowe")
    request = ChangeRequest(agent=AgentId.HERMES, target="app:fruit-agents", slots={"primary": "databricks-gpt-5-5"})
    channel = Channel(name="on-call", kind=ChannelKind.WEBHOOK, url="https://hooks.orchard.example/T0")
    failing = next(result for result in shown.results if result.message.startswith("The stored"))
    return FakeServices(
        shown=shown,
        settings=settings(),
        target_list=shown.targets,
        records=[replace(record(request, actor, "for morgan.reed"), detail=f"{HOST} answered casey.rowe")],
        past=(replace(incident_of([failing], ended_at=datetime.now(UTC)), id="inc-20260821-090000-a1b2c3"),),
        events=_events(),
        channels=(channel,),
        trust=FakeTrusting(view=_trust()),
        delivered=[
            Delivery(
                notice_id="n-1",
                kind=NoticeKind.OPENED,
                channel="on-call",
                rule="all",
                incident_id=None,
                at=datetime.now(UTC),
                state=DeliveryState.FAILED,
                detail="https://hooks.orchard.example/T0 answered 410.",
            )
        ],
    )
