"""Let one change at a time go to a target, across all processes of one database; who has it and since when is said."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from core.change.work import ChangePorts
from core.errors import StoreError
from core.ports.store import Lease

# A process that dies holds its target for this long; one that lives renews well before.
_TTL_S = 30.0
_RENEW_S = 8.0


@asynccontextmanager
async def target_lock(ports: ChangePorts, target_id: str, *, owner: str, change_id: str) -> AsyncIterator[str | None]:
    """Hold a target while something is done to it; gives who holds it instead, in a sentence, None when it is ours.

    Raises StoreError when nobody can know who holds it.
    """
    name, holder = f"change:{target_id}", f"{owner} ({ports.holder}) {change_id}"
    lease = await asyncio.to_thread(ports.leases.take, name, holder, _TTL_S)
    if lease.holder != holder:
        yield _words(lease, target_id, ports)
        return
    renewing = asyncio.create_task(_renew(ports, name, holder))
    try:
        yield None
    finally:
        renewing.cancel()
        with suppress(asyncio.CancelledError):
            await renewing
        with suppress(StoreError):
            await asyncio.to_thread(ports.leases.release, name, holder)


async def _renew(ports: ChangePorts, name: str, holder: str) -> None:
    while True:
        await asyncio.sleep(_RENEW_S)
        # A database that is away for a moment gives nobody else the lease either.
        with suppress(StoreError):
            await asyncio.to_thread(ports.leases.take, name, holder, _TTL_S)


def _words(lease: Lease, target_id: str, ports: ChangePorts) -> str:
    age_s = max(0, int((ports.clock.now() - lease.since).total_seconds()))
    who = lease.holder.rpartition(" ")[0]
    return f"{who} has been changing {target_id} for {age_s} s. Wait until that has ended, then plan again."
