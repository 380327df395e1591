"""What a channel's sender is asked and what it answers; how each kind sends is left to the senders."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from core.model.alert import Channel, Notice


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """How one try to send a notice ended; `detail` is one sentence without any secret.

    `retry_after_s` is how long the other side asked us to wait.
    """

    sent: bool
    detail: str
    retry_after_s: float | None = None


class Sender(Protocol):
    async def send(self, channel: Channel, notice: Notice, now: datetime) -> Attempt:
        """Try once to send a notice; never raises for anything that the network or the other side does."""
        ...
