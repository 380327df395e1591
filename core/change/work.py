"""What planning, applying and rolling back share: the ports they work with, and how an attempt is recorded."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from core.access.authority import objection_to
from core.change.records import LOOK_BACK
from core.errors import ChangeError, ConfigurationError
from core.model.access import Action
from core.model.agent import AgentId
from core.model.change import Actor, ChangeRecord, ChangeRequest, ChangeState, Plan
from core.model.choice import AgentChoice, LintFinding
from core.model.gateway import Gateway
from core.model.probe import ProbeResult
from core.model.route import Route
from core.model.secret import Secret
from core.ports import ChangeStore, Clock, PhaseListener, Target, no_listener
from core.ports.store import LeaseStore, OverrideStore

Progress = PhaseListener
silent = no_listener


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangePorts:
    """Everything a change needs from the outside.

    `choice_of` reads what an agent runs at a target at this moment; `lint` judges a choice as it will be; `probe` asks
    routes as the agent itself does; `gateway_for` returns the gateway that a request leads to: resolved where it names
    DATABRICKS_GATEWAY_HOST (None: automatic, "": off), else the present one of its target. `environment` holds the
    tokens of this process' environment by variable; `holder` names this process to others.
    """

    targets: Mapping[str, Target]
    store: ChangeStore
    overrides: OverrideStore
    leases: LeaseStore
    holder: str
    clock: Clock
    choice_of: Callable[[AgentId, str], AgentChoice]
    lint: Callable[[AgentChoice], Sequence[LintFinding]]
    probe: Callable[[Sequence[Route]], Awaitable[Sequence[ProbeResult]]]
    gateway_for: Callable[[ChangeRequest], Awaitable[Gateway | None]]
    environment: Mapping[str, Secret]

    def target(self, target_id: str) -> Target:
        """Return the target of this id; raises ConfigurationError (unknown_target)."""
        if target_id not in self.targets:
            raise ConfigurationError(
                f"There is no target named {target_id[:60]!r}.",
                code="unknown_target",
                remedy="Use one of: " + ", ".join(self.targets) + ".",
            )
        return self.targets[target_id]

    async def keep(self, record: ChangeRecord) -> ChangeRecord:
        """Record an attempt and return it; raises StoreError when it would not be durable."""
        await asyncio.to_thread(self.store.record, record)
        return record


def new_change_id(now: datetime) -> str:
    """Return an id that sorts by time, can be typed, and fits into a file name."""
    return f"{now:%Y%m%d-%H%M%S}-{now.microsecond // 1000:03d}{secrets.token_hex(3)}"


async def recent(ports: ChangePorts) -> Sequence[ChangeRecord]:
    """Return the newest changes that touched their target, or are about to, the newest first; raises StoreError."""
    return await asyncio.to_thread(ports.store.latest, LOOK_BACK, written=True)


def opened(request: ChangeRequest, *, actor: Actor, reason: str, clock: Clock) -> ChangeRecord:
    """Return the record of an attempt of which nothing is known yet but who wants what."""
    now = clock.now()
    return ChangeRecord(
        change_id=new_change_id(now),
        at=now,
        actor=actor.name,
        agent=request.agent,
        target=request.target,
        reason=reason,
        before={},
        after=dict(request.slots),
        state=ChangeState.BLOCKED,
        origin=actor.origin,
    )


def planned(record: ChangeRecord, plan: Plan) -> ChangeRecord:
    """Return the record with what the plan found out."""
    return replace(record, before=dict(plan.before), after=dict(plan.after), before_revision=plan.base_revision)


async def refuse_unless_allowed(record: ChangeRecord, actor: Actor, ports: ChangePorts) -> None:
    """Record and refuse what somebody may not do; raises ChangeError (not_allowed)."""
    if objection_to(Action.CHANGE, actor, record.target) is not None:
        await ports.keep(replace(record, state=ChangeState.BLOCKED, detail=actor.why))
    refuse_role(actor, record.target)


def refuse_role(actor: Actor, target: str | None) -> None:
    """Refuse what somebody may not do to this target; raises ChangeError (not_allowed)."""
    objection = objection_to(Action.CHANGE, actor, target)
    if objection is not None:
        raise ChangeError(objection.message, code=objection.code, remedy=objection.remedy)
