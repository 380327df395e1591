"""What Databricks' refusals mean: status, error code and wording → diagnosis, the most specific row first.

Source of every row: databricks.md §4, collected from public code and reports; the comments name what a row is about
where its wording does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from core.catalog.error_body import ErrorBody
from core.model.gateway import Generation
from core.model.probe import Diagnosis as D


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """One row: it matches when every given part does; `generations` empty means all of them."""

    diagnosis: D
    statuses: tuple[int, ...] = ()
    codes: tuple[str, ...] = ()
    wording: re.Pattern[str] | None = None
    generations: tuple[Generation, ...] = ()

    def matches(self, status: int, error: ErrorBody, generation: Generation | None) -> bool:
        """Say whether this row describes the refusal."""
        return (
            (not self.statuses or status in self.statuses)
            and (not self.codes or (error.code or "").upper() in self.codes)
            and (self.wording is None or self.wording.search(error.message) is not None)
            and (not self.generations or generation in self.generations)
        )


def _row(
    diagnosis: D,
    wording: str | None = None,
    *,
    on: tuple[int, ...] = (),
    codes: tuple[str, ...] = (),
    generations: tuple[Generation, ...] = (),
) -> Phrase:
    pattern = re.compile(wording, re.IGNORECASE) if wording else None
    return Phrase(diagnosis=diagnosis, statuses=on, codes=codes, wording=pattern, generations=generations)


_GATEWAY = (Generation.WORKSPACE, Generation.DEDICATED)

PHRASES: tuple[Phrase, ...] = (
    # Who we are. 400 is what the gateway answers to a token it cannot read; 403 what the workspace says.
    _row(D.WRONG_WORKSPACE, r"invalid access to org", on=(400, 401, 403)),
    _row(D.CREDENTIAL_DEAD, r"invalid (access )?token|token (is )?(expir|revoked)|token expired", on=(400, 401, 403)),
    _row(D.CREDENTIAL_DEAD, r"expected aud claim", on=(400, 401, 403)),
    _row(D.SCOPE_MISSING, r"required scopes?|invalid scope", on=(400, 401, 403)),
    _row(D.CREDENTIAL_MISSING, r"credential was not sent|unsupported type for this api", on=(401,)),
    _row(D.CREDENTIAL_DEAD, on=(401,)),
    # Where we come from.
    _row(D.NETWORK_BLOCKED, r"ip acl|ip access list|private.?link", on=(401, 403)),
    _row(D.NETWORK_BLOCKED, codes=("PRIVATE_LINK_VALIDATION_ERROR",)),
    # Names that were retired when Unity Gateway is enforced: 501 on the gateway, 403 on serving-endpoints.
    _row(D.SPELLING_RETIRED, r"no longer available|use unity catalog model services", on=(501,)),
    _row(D.SPELLING_RETIRED, r"please use unity gateway|directly is disabled", on=(403,)),
    _row(D.RATE_LIMIT_ZERO, r"rate limit of 0\b", on=(403, 429)),
    _row(D.GRANT_MISSING, on=(403,), codes=("PERMISSION_DENIED", "INSUFFICIENT_PERMISSIONS")),
    _row(D.GRANT_MISSING, r"permission_denied|does not have .*(permission|privilege|execute|use schema)", on=(403,)),
    # What is not there. "No API found" on a gateway path is a workspace without that gateway.
    _row(D.GATEWAY_OFF, codes=("FEATURE_DISABLED",)),
    _row(D.GATEWAY_OFF, r"no api found|rpc not found", on=(404,), generations=_GATEWAY),
    _row(D.WRONG_PATH, r"path must be of form|no api found|rpc not found", on=(400, 404)),
    _row(D.WRONG_PATH, r"match any known api type", on=(400,)),
    _row(D.MODEL_NOT_ON_ROUTE, r"does not exist", on=(404,)),
    _row(D.GATEWAY_OFF, on=(404,), codes=("ENDPOINT_NOT_FOUND",), generations=_GATEWAY),
    _row(D.MODEL_NOT_ON_ROUTE, on=(404,), codes=("ENDPOINT_NOT_FOUND",)),
    _row(D.WRONG_PATH, on=(404, 405)),
    _row(D.GATEWAY_OFF, on=(501,)),
    # What the model or the dialect does not take.
    # Real wording is only known for the Responses dialect; the other is how the simulator says it for the rest.
    _row(D.DIALECT_MISMATCH, r"passthrough is not supported for model|does not support api type", on=(400,)),
    _row(D.MODEL_ABSENT, r"not a supported unity catalog endpoint name", on=(400,)),
    _row(D.GUARDRAIL, r"guardrail", on=(400, 403)),
    _row(
        D.OUTPUT_CAP,
        r"max_?(completion_|output_)?tokens\D{0,40}\d+ ?> ?\d+|maximum allowed number of output tokens",
        on=(400,),
    ),
    _row(D.NOT_READY, r"(endpoint|model|deployment)\b.*\bnot ready|scaled to zero", on=(400, 404, 409, 503)),
    _row(
        D.FIELD_REJECTED,
        r"unknown (field|name)|extra inputs are not permitted|invalid beta flag|cannot find field"
        r"|unrecognized (request argument|field)|must be non-empty"
        r"|eager_input_streaming|stream_options|exclusiveminimum|\$schema|web_search_\d+",
        on=(400, 422),
    ),
    # What passes by itself.
    _row(D.THROTTLED, on=(429,)),
    _row(D.TIMED_OUT, on=(408, 504)),
    _row(D.OVERLOADED, on=(503, 529)),
    _row(D.OVERLOADED, codes=("OVERLOADED_ERROR",)),
    _row(D.SERVER_ERROR, on=(499, 500, 502, 520, 522, 524)),
)


def diagnose_refusal(status: int, error: ErrorBody, generation: Generation | None) -> D:
    """Return what a refusal means; `unclassified` when no row knows it."""
    matching = (phrase.diagnosis for phrase in PHRASES if phrase.matches(status, error, generation))
    return next(matching, D.UNCLASSIFIED)
