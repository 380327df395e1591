"""Let an action through or refuse it: by role, by how much the person asked for lately; refusals are audit events.

Every action of the pages passes here, because a hidden button is no protection.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

from core.access.authority import objection_to
from core.access.limits import MOST, Limits
from core.errors import ChangeError, ProbeError, SwitchyardError
from core.model.access import Action
from core.model.audit import AuditEvent
from core.model.change import Actor
from core.ports import Clock

RATE_LIMITED = "rate_limited"


class Gate:
    """The gate of one process; `note` keeps an audit event now or later."""

    def __init__(self, clock: Clock, note: Callable[[AuditEvent], None]) -> None:
        self._limits = Limits(clock)
        self._note = note

    def admit(self, action: Action, actor: Actor, asked: AuditEvent) -> None:
        """Raise ProbeError for what somebody may not do, or asked for too often."""
        objection = objection_to(action, actor)
        if objection is not None:
            # So many a minute are kept, so that nobody fills the audit with what was refused.
            if not self._limits.wait_s(action, actor.name):
                self._note(replace(asked, outcome=objection.code))
            raise ProbeError(objection.message, code=objection.code, remedy=objection.remedy)
        self._bound(action, actor, asked, ProbeError)

    def bound_changes(self, actor: Actor, asked: AuditEvent) -> None:
        """Raise ChangeError for changes asked for too often; whether they may at all is decided with the target."""
        self._bound(Action.CHANGE, actor, asked, ChangeError)

    def bound_trust(self, actor: Actor, asked: AuditEvent) -> None:
        """Raise ChangeError for trust given or taken too often; whether somebody may is decided where it is kept."""
        self._bound(Action.TRUST, actor, asked, ChangeError)

    @contextmanager
    def noting_refusal(self, asked: AuditEvent) -> Iterator[None]:
        """Note that what was asked for is refused when it is, such as for coming too soon."""
        try:
            yield
        except SwitchyardError as exc:
            self._note(replace(asked, outcome=exc.code))
            raise

    def _bound(self, action: Action, actor: Actor, asked: AuditEvent, error: type[SwitchyardError]) -> None:
        wait_s = self._limits.wait_s(action, actor.name)
        if not wait_s:
            return
        if self._limits.is_news(action, actor.name):
            self._note(replace(asked, outcome=RATE_LIMITED))
        raise error(
            f"That was more than {MOST[action]} times in a minute.",
            code=RATE_LIMITED,
            remedy=f"Try again in {math.ceil(wait_s)} s.",
        )
