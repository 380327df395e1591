"""One sentence and one remedy per diagnosis, for people; the fields in braces are filled from the route.

Fields: model, service (its Unity Catalog spelling), path, host, base, agent, owner (the agent's possessive), setting
(which model of which agent), who (whose credential), grants, dialect, status, said.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from core.model.probe import Diagnosis as D
from core.model.probe import Rung


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """What a diagnosis says, what to do about it, and the rung at which such a probe stops."""

    rung: Rung
    sentence: str
    remedy: str


REMEDIES: Mapping[D, Remedy] = {
    D.OK: Remedy(rung=Rung.MODEL, sentence="{model} answered", remedy=""),
    D.DNS_FAILED: Remedy(
        rung=Rung.DNS,
        sentence="{host} does not resolve",
        remedy="Check the host name; a dedicated gateway host that was only guessed may not exist.",
    ),
    D.CONNECT_FAILED: Remedy(
        rung=Rung.TCP,
        sentence="{host} does not accept connections",
        remedy="Check the network path from here: firewall, Private Link, VPN.",
    ),
    D.TLS_FAILED: Remedy(
        rung=Rung.TLS,
        sentence="The TLS handshake with {host} failed",
        remedy="Behind a corporate proxy set SSL_CERT_FILE to its CA bundle; else the certificate is for another name.",
    ),
    D.TIMED_OUT: Remedy(
        rung=Rung.HTTP,
        sentence="No answer from {model} in time",
        remedy="Probe again; if it stays, choose another model for {setting}.",
    ),
    D.CONNECTION_LOST: Remedy(
        rung=Rung.HTTP,
        sentence="The connection to {host} broke before the answer was complete",
        remedy="Probe again; if it stays, look for a proxy that cuts connections.",
    ),
    D.CREDENTIAL_MISSING: Remedy(
        rung=Rung.AUTH,
        sentence="The request reached {host} without a credential that it accepts",
        remedy="Send the token as `Authorization: Bearer`; an x-api-key header alone is not accepted.",
    ),
    D.CREDENTIAL_DEAD: Remedy(
        rung=Rung.AUTH,
        sentence="The {who} is refused: it has expired, was rotated or revoked, or belongs elsewhere",
        remedy="Put a fresh token where {agent} reads it, and check what rotates it.",
    ),
    D.WRONG_WORKSPACE: Remedy(
        rung=Rung.AUTH,
        sentence="The {who} is valid, but not for this workspace",
        remedy="Use a token that was made in the workspace of {host}.",
    ),
    D.SCOPE_MISSING: Remedy(
        rung=Rung.AUTH,
        sentence="The {who} lacks the scope for this route",
        remedy="Make a token with the scope `model-serving` or `ai-gateway` (or `all-apis`).",
    ),
    D.NETWORK_BLOCKED: Remedy(
        rung=Rung.HTTP,
        sentence="{host} blocks the network this request came from",
        remedy="Add the egress address of this machine to the workspace's IP access list, or go through Private Link.",
    ),
    D.REDIRECTED: Remedy(
        rung=Rung.HTTP,
        sentence="{host} answered with a redirect, which is never followed with a token",
        remedy="Check that the host is the workspace's own URL and not a login page or an alias.",
    ),
    D.GATEWAY_OFF: Remedy(
        rung=Rung.ROUTE,
        sentence="This workspace has no gateway at {base}",
        remedy="Set DATABRICKS_GATEWAY_HOST to empty to use serving-endpoints, or have the gateway enabled.",
    ),
    D.WRONG_PATH: Remedy(
        rung=Rung.ROUTE,
        sentence="There is no such path: {path}",
        remedy="Correct the base URL of {agent}; it is {base} now.",
    ),
    D.DIALECT_MISMATCH: Remedy(
        rung=Rung.MODEL,
        sentence="{model} does not speak {dialect}, which is all that {agent} speaks",
        remedy="Choose a model with this dialect for {setting}.",
    ),
    D.MODEL_NOT_ON_ROUTE: Remedy(
        rung=Rung.MODEL,
        sentence="{model} is not found on this route: not served here, or this principal may not see it",
        remedy="Choose another model for {setting}. If {model} should answer here: {grants}.",
    ),
    D.MODEL_ABSENT: Remedy(
        rung=Rung.MODEL,
        sentence="{model} is not a model of this workspace",
        remedy="Choose a listed model for {setting}, spelled exactly as listed.",
    ),
    D.GRANT_MISSING: Remedy(
        rung=Rung.MODEL,
        sentence="The {who} has no permission to use {model}",
        remedy="{grants}; it takes a few minutes to count.",
    ),
    D.SPELLING_RETIRED: Remedy(
        rung=Rung.MODEL,
        sentence="The name {model} is retired in this workspace",
        remedy="Set {setting} to {service} on the gateway route.",
    ),
    D.RATE_LIMIT_ZERO: Remedy(
        rung=Rung.MODEL,
        sentence="{model} is disabled for this workspace by a rate limit of zero",
        remedy="Choose another model for {setting}; the limit is set by Databricks or by an administrator.",
    ),
    D.NOT_READY: Remedy(
        rung=Rung.MODEL, sentence="{model} is not ready", remedy="Wait until it is deployed, or choose another model."
    ),
    D.THROTTLED: Remedy(
        rung=Rung.MODEL,
        sentence="{model} is throttled (the route itself works)",
        remedy="Wait, or raise the rate limit of the workspace or the model.",
    ),
    D.OVERLOADED: Remedy(
        rung=Rung.MODEL,
        sentence="{model} is overloaded or temporarily unavailable",
        remedy="Wait; a fallback of another family helps meanwhile.",
    ),
    D.SERVER_ERROR: Remedy(
        rung=Rung.MODEL,
        sentence="{host} failed with status {status}",
        remedy="Probe again; if it stays, give the request id to Databricks support.",
    ),
    D.FIELD_REJECTED: Remedy(
        rung=Rung.MODEL,
        sentence="{model} rejects a field of the request: {said}",
        remedy="Choose a model that accepts what {agent} sends, or switch that field off in {agent}.",
    ),
    D.OUTPUT_CAP: Remedy(
        rung=Rung.MODEL,
        sentence="{model} allows fewer output tokens than {agent} asks for",
        remedy="Lower the output limit in {owner} own config, or choose a model with a larger one.",
    ),
    D.GUARDRAIL: Remedy(
        rung=Rung.MODEL, sentence="A guardrail stopped the request", remedy="Check the guardrails of {model}."
    ),
    D.STREAM_BROKEN: Remedy(
        rung=Rung.STREAM,
        sentence="The stream of {model} broke off",
        remedy="Look for a proxy that buffers or cuts streams.",
    ),
    D.EMPTY_ANSWER: Remedy(
        rung=Rung.MODEL,
        sentence="{model} gave an empty answer",
        remedy="Probe again; if it stays, choose another model for {setting}.",
    ),
    D.NOT_AN_ANSWER: Remedy(
        rung=Rung.MODEL,
        sentence="What came back is not an answer in the {dialect} format",
        remedy="Check that {base} is the gateway itself and not a web page, a proxy or another service.",
    ),
    D.NO_TOOL_CALL: Remedy(
        rung=Rung.TOOLS, sentence="{model} did not call the offered tool", remedy="Choose a model that calls tools."
    ),
    D.MODEL_SUBSTITUTED: Remedy(
        rung=Rung.MODEL, sentence="Another model answered for {model}", remedy="Check the routing of {model}."
    ),
    D.UNCLASSIFIED: Remedy(
        rung=Rung.MODEL,
        sentence="Status {status}, which no rule here explains: {said}",
        remedy="Read the evidence; the request id lets Databricks support find the request.",
    ),
}
