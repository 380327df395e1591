"""Conclude which workspace this is from everything that says something about it, and keep what contradicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from core.catalog.clouds import Zone
from core.detect.flow import Flow, get
from core.detect.hosts import HostForm, ParsedHost
from core.detect.reading import read_outcome
from core.model.workspace import Cloud, Environment, Evidence, Workspace

METADATA_PATH = "/.well-known/databricks-config"
METADATA_TIMEOUT_S = 5.0

_ID_LIMIT = 64
_ORG_HEADER = "X-Databricks-Org-Id"
_METADATA = "host metadata"
_NAME = "host name"
_QUERY = "?o= of the host"
_CONFIGURED = "DATABRICKS_WORKSPACE_ID"

_ROUTING: Mapping[HostForm, str] = {
    HostForm.REGIONAL: _ORG_HEADER,
    HostForm.CUSTOM: "X-Databricks-Workspace-Id",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class HostMetadata:
    """What a host says about itself to anybody; `answer` is what came back, in words."""

    workspace_id: str | None = None
    cloud: str | None = None
    simulated: bool = False
    answer: str = "not asked"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    source: str
    value: str | None
    silence: str


def host_metadata(parsed: ParsedHost) -> Flow[HostMetadata]:
    """Ask the host for its metadata, without a credential; older hosts have none."""
    outcome = yield get(parsed.origin + METADATA_PATH, authenticated=False, total_s=METADATA_TIMEOUT_S)
    reading = read_outcome(outcome)
    payload = reading.payload or {}
    return HostMetadata(
        workspace_id=_as_id(payload.get("workspace_id")),
        cloud=_as_id(payload.get("cloud")),
        simulated=reading.simulated,
        answer=reading.clause,
    )


def known_workspace_id(parsed: ParsedHost, configured_id: str | None, metadata: HostMetadata) -> str | None:
    """Return the workspace id as far as it is known before any credential was used."""
    named = parsed.workspace_id_from_name or parsed.workspace_id_from_query
    return named or configured_id or metadata.workspace_id


def routing_headers(parsed: ParsedHost, workspace_id: str | None) -> dict[str, str]:
    """Return the header that names the workspace on hosts that serve many; empty where the host name is enough."""
    header = _ROUTING.get(parsed.form)
    return {header: workspace_id} if header and workspace_id else {}


def conclude_workspace(
    parsed: ParsedHost,
    *,
    configured_id: str | None,
    metadata: HostMetadata,
    org_id: str | None,
    org_answer: str = "no answer",
    simulated: bool = False,
    host_source: str = "DATABRICKS_HOST",
) -> Workspace:
    """Return the workspace with the evidence of every source; `org_id` is what the answer to the identity said."""
    claims = (
        _Claim(source=_ORG_HEADER, value=org_id, silence=org_answer),
        _Claim(source=_METADATA, value=metadata.workspace_id, silence=_said_nothing(metadata, "workspace id")),
        _Claim(source=_NAME, value=parsed.workspace_id_from_name, silence="names no workspace id"),
        _Claim(source=_QUERY, value=parsed.workspace_id_from_query, silence=""),
        _Claim(source=_CONFIGURED, value=configured_id, silence=""),
    )
    workspace_id, id_evidence, id_contradictions = _weigh_ids(claims)
    cloud, cloud_evidence, cloud_contradictions = _weigh_clouds(parsed.zone, metadata)
    named = Evidence(source=host_source, value=parsed.origin, verdict=_FORMS[parsed.form])
    return Workspace(
        host=parsed.origin,
        workspace_id=workspace_id,
        cloud=cloud,
        environment=parsed.zone.environment if parsed.zone else Environment.UNKNOWN,
        evidence=(named, *cloud_evidence, *id_evidence),
        contradictions=(*id_contradictions, *cloud_contradictions),
        simulated=simulated or metadata.simulated,
    )


_FORMS: Mapping[HostForm, str] = {
    HostForm.WORKSPACE: "a workspace of its own",
    HostForm.REGIONAL: "a regional host, which needs a workspace id",
    HostForm.CUSTOM: "an account's custom URL, which needs a workspace id",
    HostForm.UNKNOWN: "not a name of Databricks' own",
}


def _weigh_ids(claims: Iterable[_Claim]) -> tuple[str | None, list[Evidence], list[str]]:
    """The first claim wins: the workspace's own word to our credential first, what somebody set last."""
    claims = tuple(claims)
    winner = next((claim for claim in claims if claim.value), None)
    evidence: list[Evidence] = []
    contradictions: list[str] = []
    for claim in claims:
        if claim.value is None:
            if claim.silence:
                evidence.append(Evidence(source=claim.source, value=None, verdict=claim.silence))
            continue
        agrees = winner is None or claim.value == winner.value
        verdict = f"workspace id {claim.value}" if agrees else f"contradicts {winner.source if winner else ''}"
        evidence.append(Evidence(source=claim.source, value=claim.value, verdict=verdict))
        if winner is not None and not agrees:
            contradictions.append(f"{claim.source} says workspace {claim.value}, {winner.source} says {winner.value}.")
    return (winner.value if winner else None), evidence, contradictions


def _weigh_clouds(zone: Zone | None, metadata: HostMetadata) -> tuple[Cloud, list[Evidence], list[str]]:
    """The zone decides where it names a cloud: a name cannot be in another cloud's zone, a document can be wrong."""
    by_zone = zone.cloud if zone else Cloud.UNKNOWN
    evidence = [Evidence(source="DNS zone", value=zone.suffix if zone else None, verdict=_zone_verdict(zone))]
    if metadata.cloud is None:
        return by_zone, evidence, []
    said = _cloud_named(metadata.cloud)
    source = f"{_METADATA}: cloud"
    if said is Cloud.UNKNOWN:
        verdict = "a cloud that is not known here"
    elif by_zone in (Cloud.UNKNOWN, said):
        verdict = f"cloud {said.value}"
    else:
        verdict = "contradicts DNS zone"
    evidence.append(Evidence(source=source, value=metadata.cloud, verdict=verdict))
    if verdict != "contradicts DNS zone":
        return (said if by_zone is Cloud.UNKNOWN else by_zone), evidence, []
    return by_zone, evidence, [f"The host metadata says cloud {said.value}, the host name is one of {by_zone.value}."]


def _zone_verdict(zone: Zone | None) -> str:
    if zone is None:
        return "unknown zone: the cloud is not assumed"
    if zone.custom:
        return "tells neither cloud nor environment"
    return f"cloud {zone.cloud.value}, environment {zone.environment.value}"


def _cloud_named(text: str) -> Cloud:
    name = text.strip().lower()
    return Cloud(name) if name in list(Cloud) else Cloud.UNKNOWN


def _said_nothing(metadata: HostMetadata, what: str) -> str:
    return f"names no {what}" if metadata.answer.startswith("2") else metadata.answer


def _as_id(value: object) -> str | None:
    """Return an id as text: they are numbers in some documents, and words on unified hosts (databricks.md §5.2)."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    text = str(value).strip() if isinstance(value, str) or abs(value) < 10**_ID_LIMIT else ""
    return text if text and len(text) <= _ID_LIMIT and text.isprintable() else None
