"""The errors that mean "cannot go on"; expected outcomes (a failed probe, a blocked plan) are values instead.

SwitchyardError
├─ ConfigurationError    settings or arguments that cannot be meant; fatal, nothing was sent
├─ UpstreamError         the workspace could not be reached or did not accept the credential
├─ StoreError            changes cannot be read, or would not be durable
├─ ProbeError            a probe that somebody asked for cannot be started now
└─ ChangeError           a target cannot be read, or a change cannot be carried out
"""

from __future__ import annotations


class SwitchyardError(Exception):
    """Carry one sentence for people, a stable code, and what to do about it; never a secret."""

    def __init__(self, message: str, *, code: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.remedy = remedy


class ConfigurationError(SwitchyardError):
    """Report a setting or an argument that cannot be meant."""


class UpstreamError(SwitchyardError):
    """Report a workspace that cannot be reached or does not accept the credential."""


class StoreError(SwitchyardError):
    """Report a database that cannot be read or cannot keep what was written."""


class ProbeError(SwitchyardError):
    """Report a probe that cannot be started now."""


class ChangeError(SwitchyardError):
    """Report a target that cannot be read, or a change that cannot be carried out."""
