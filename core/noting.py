"""Keep audit events of what changes nothing: now where that works, later where the audit cannot be written."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from core.errors import StoreError
from core.model.audit import AuditEvent
from core.observer import Observer
from core.ports.store import AuditStore

log = logging.getLogger(__name__)

Submit = Callable[[Callable[[Observer], Awaitable[None]]], object]


class Notes:
    """The audit as pages' actions write to it; `submit` runs work in the monitor's loop, `later` keeps for later."""

    def __init__(self, audit: AuditStore, *, submit: Submit, later: Callable[[AuditEvent], None]) -> None:
        self._audit = audit
        self._submit = submit
        self._later = later

    def note(self, event: AuditEvent) -> None:
        """Keep an event soon; returns at once."""

        async def keep(_: Observer) -> None:
            await self.append(event)

        self._submit(keep)

    async def append(self, event: AuditEvent) -> None:
        """Keep an event, now or later; a probe changes nothing, so an audit that cannot be written does not stop it."""
        try:
            await asyncio.to_thread(self._audit.append, event)
        except StoreError as exc:
            log.warning("%s by %s is not in the audit yet: %s", event.action, event.actor, exc.message)
            self._later(event)
