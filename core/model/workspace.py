"""What was found out about the workspace and about who we are in it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Cloud(StrEnum):
    AWS = "aws"
    AZURE = "azure"
    GCP = "gcp"
    UNKNOWN = "unknown"


class Environment(StrEnum):
    PUBLIC = "public"
    GOV = "gov"
    CHINA = "china"
    STAGING = "staging"
    DEV = "dev"
    UNKNOWN = "unknown"


class IdentityKind(StrEnum):
    USER = "user"
    SERVICE_PRINCIPAL = "service_principal"
    TOKEN = "token"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """One thing a source said about the workspace, and what we make of it.

    `verdict` is one short clause for people: "workspace id 123", "contradicts host name", "no answer".
    """

    source: str
    value: str | None
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Workspace:
    """The detected workspace. `host` is an origin (`https://name` or `https://name:port`) without a trailing slash."""

    host: str
    workspace_id: str | None = None
    cloud: Cloud = Cloud.UNKNOWN
    environment: Environment = Environment.UNKNOWN
    evidence: tuple[Evidence, ...] = ()
    contradictions: tuple[str, ...] = ()
    simulated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkspaceIdentity:
    """Who the dashboard's own credential belongs to; `is_admin` None means it could not be established."""

    name: str | None
    kind: IdentityKind
    is_admin: bool | None = None
