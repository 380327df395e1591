"""Refuse model names and reasons that could mean something else in a file, a shell or a terminal."""

from __future__ import annotations

import re
import unicodedata

from core.errors import ConfigurationError

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
