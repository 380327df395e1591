"""Refuse model names and reasons that could mean something else in a file, a shell or a terminal."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import timedelta

from core.catalog.agents import AGENTS
from core.detect.hosts import GATEWAY_SETTING
from core.errors import ConfigurationError
from core.model.agent import AgentId
from core.model.change import ChangeRequest, TargetInfo, TargetKind

LONGEST = timedelta(days=30)
_SHORTEST = timedelta(seconds=1)
_DURATION = re.compile(r"([0-9]{1,9})(s|m|min|h|d)")
_UNITS = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
MODEL_NAME_LIMIT = 200
REASON_LIMIT = 500
_MODEL_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/@-]*")


def checked_model_name(text: str) -> str:
    """Return the name unchanged; raises ConfigurationError (model_name_invalid) for anything but a plain ASCII name."""
    if not text:
        raise _name_error("The model name is empty.")
    if len(text) > MODEL_NAME_LIMIT:
        raise _name_error(f"The model name has {len(text)} characters; {MODEL_NAME_LIMIT} are the limit.")
    if not _MODEL_NAME.fullmatch(text):
        shown = ascii(text) if len(text) <= 60 else ascii(text[:60]) + "…"
        raise _name_error(f"{shown} is not a model name.")
    return text


def checked_slots(agent: AgentId, slots: Mapping[str, str | None]) -> None:
    """Refuse a request whose names or values cannot be meant; raises ConfigurationError.

    The gateway's URL is left to whoever parses it; a slot that the agent does not have, to the target.
    """
    spec = AGENTS[agent]
    for name, value in slots.items():
        if name == GATEWAY_SETTING:
            continue
        if name == spec.enable_variable:
            if value not in ("true", "false"):
                raise ConfigurationError(
                    f"{name} is either true or false.", code="switch_invalid", remedy="Use --enable or --disable."
                )
        elif name.isupper():
            raise ConfigurationError(
                f"{name[:60]!r} is not a variable of {spec.label} that can be changed here.",
                code="unknown_slot",
                remedy="Its slots: " + ", ".join(slot.name for slot in spec.slots) + ".",
            )
        elif value is not None:
            checked_model_name(value)


def checked_switches(request: ChangeRequest, info: TargetInfo) -> None:
    """Refuse to switch an agent on or off where nothing says so; raises ConfigurationError (switch_not_here)."""
    spec = AGENTS[request.agent]
    if info.kind is TargetKind.FILE and spec.enable_variable in request.slots:
        raise ConfigurationError(
            f"{spec.possessive} own config has no place for {spec.enable_variable}.",
            code="switch_not_here",
            remedy="It counts where an app is deployed: use an app target, or export.",
        )


def checked_duration(lasts: timedelta | None) -> timedelta | None:
    """Return how long a change stands unchanged; raises ConfigurationError (duration_invalid)."""
    if lasts is not None and not _SHORTEST <= lasts <= LONGEST:
        raise _duration_error(f"A change cannot stand for {lasts.total_seconds():g} seconds.")
    return lasts


def parsed_duration(text: str) -> timedelta:
    """Return a duration as people type it (90s, 30m, 2h, 1d); raises ConfigurationError (duration_invalid)."""
    found = _DURATION.fullmatch(text.strip().lower())
    if found is None:
        raise _duration_error(f"{text[:40]!a} is not a duration.")
    seconds = int(found.group(1)) * _UNITS[found.group(2)]
    if seconds > LONGEST.total_seconds():
        raise _duration_error(f"{found.group(0)} is too long.")
    return checked_duration(timedelta(seconds=seconds)) or timedelta()


def checked_reason(text: str) -> str:
    """Return the reason without surrounding space; raises ConfigurationError (reason_invalid)."""
    reason = text.strip()
    if not reason:
        raise _reason_error("A reason is missing.")
    if len(reason) > REASON_LIMIT:
        raise _reason_error(f"The reason has {len(reason)} characters; {REASON_LIMIT} are the limit.")
    # Cf holds the characters that reverse or hide text, so that an audit entry would read as something else.
    if any(unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") for letter in reason):
        raise _reason_error("The reason holds control characters.")
    return reason


def _duration_error(message: str) -> ConfigurationError:
    return ConfigurationError(
        message, code="duration_invalid", remedy="Use 30m, 2h, 8h or the like, from one second to 30 days."
    )


def _name_error(message: str) -> ConfigurationError:
    return ConfigurationError(
        message,
        code="model_name_invalid",
        remedy="Use a name as python -m core models lists it: letters, digits and . _ : / @ - only.",
    )


def _reason_error(message: str) -> ConfigurationError:
    return ConfigurationError(
        message, code="reason_invalid", remedy=f"Say in one line of up to {REASON_LIMIT} characters why you change it."
    )
