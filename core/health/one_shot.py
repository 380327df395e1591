"""Say how healthy a route is from one probe alone (product.md: one-shot verdicts)."""

from __future__ import annotations

from core.model.probe import Diagnosis, Health

# A cause that passes by itself; one sample of it proves nothing lasting, so it is Degraded and not Down (rule R2).
TRANSIENT = frozenset(
    {
        Diagnosis.CONNECT_FAILED,
        Diagnosis.TIMED_OUT,
        Diagnosis.CONNECTION_LOST,
        Diagnosis.THROTTLED,
        Diagnosis.OVERLOADED,
        Diagnosis.SERVER_ERROR,
        Diagnosis.NOT_READY,
    }
)

# The model answers, but not all that the agent needs of it: worse than healthy, better than nothing.
PARTIAL = frozenset({Diagnosis.NO_TOOL_CALL, Diagnosis.MODEL_SUBSTITUTED})

# Nothing was sent with these, so nothing is known about the route.
NOT_ASKED = frozenset({Diagnosis.CREDENTIAL_MISSING})


def health_of(diagnosis: Diagnosis) -> Health:
    """Return the health that one probe with this diagnosis justifies."""
    if diagnosis is Diagnosis.OK:
        return Health.HEALTHY
    if diagnosis in NOT_ASKED:
        return Health.UNKNOWN
    if diagnosis in TRANSIENT or diagnosis in PARTIAL:
        return Health.DEGRADED
    return Health.DOWN


def wants_confirmation(diagnosis: Diagnosis) -> bool:
    """Say whether a failure is of the kind that is asked once more before it counts (rule R3)."""
    return health_of(diagnosis) is Health.DOWN
