"""Tell an answer that proves a gateway from one that only is an answer, and say in words why it proves nothing."""

from __future__ import annotations

from core.detect.reading import Reading
from core.model.probe import Diagnosis as D

_NO_GATEWAY_WORDS = ("feature_disabled", "no api found", "rpc not found")


def is_no_gateway(reading: Reading) -> bool:
    """Say whether the workspace itself said that it has none; a 404 of the listing alone does not say that."""
    says_so = any(word in reading.clause.lower() for word in _NO_GATEWAY_WORDS)
    return reading.status == 501 or (reading.diagnosis is D.GATEWAY_OFF and says_so)


def is_model_list(reading: Reading) -> bool:
    """Say whether this is the model listing of a gateway."""
    return reading.payload is not None and isinstance(reading.payload.get("data"), list)


def model_list_words(reading: Reading) -> str:
    """Return in words whether the model listing of a gateway answered."""
    return "its model listing answered with the right shape" if is_model_list(reading) else why_not(reading)


def is_service_list(reading: Reading) -> bool:
    """Say whether this is the listing of Unity Catalog model services."""
    return _is_list_of(reading, "model_services")


def is_endpoint_list(reading: Reading) -> bool:
    """Say whether this is a listing of endpoints."""
    return _is_list_of(reading, "endpoints")


def _is_list_of(reading: Reading, key: str) -> bool:
    """Databricks leaves an empty list out, or sends null; then no other key may stand in its place."""
    payload = reading.payload
    if payload is None:
        return False
    if payload.get(key) is None:
        return set(payload) <= {key, "next_page_token"}
    return isinstance(payload[key], list)


def why_not(reading: Reading) -> str:
    """Return in words why a reading is no proof."""
    if reading.payload is not None:
        return f"{reading.clause}, but not the shape of such a listing"
    if reading.is_forbidden:
        return f"cannot verify, a permission is missing ({reading.clause})"
    if reading.is_dead_credential:
        return f"the credential was refused ({reading.clause})"
    if reading.diagnosis is D.NETWORK_BLOCKED:
        return f"this network is blocked ({reading.clause})"
    if is_no_gateway(reading):
        return f"the workspace says that it has none ({reading.clause})"
    return reading.clause if reading.was_sent else f"nothing was sent: {reading.clause}"
