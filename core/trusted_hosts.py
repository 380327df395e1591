"""Keep which hosts may receive tokens besides those of the settings, and which were refused them; admins decide."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from core.access.authority import objection_to
from core.audit import done_event, refused_event, trust_event
from core.change.validate import checked_reason
from core.detect.trust import (
    Trust,
    TrustView,
    may_receive_bearer,
    objection_to_connecting,
    origin_to_trust,
    trusted_origins,
    with_hosts,
)
from core.errors import ChangeError, StoreError
from core.gate import Gate
from core.model.access import Action
from core.model.audit import AuditEvent
from core.model.change import Actor
from core.model.trust import RefusedHost, TrustedHost
from core.ports import Clock
from core.ports.store import AuditStore, TrustStore

log = logging.getLogger(__name__)

_MOST_REFUSED = 50
_TYPED = "The host"


class TrustedHosts:
    """The trust of one environment as it stands now; safe to use from any thread.

    `settings` is what the environment says. What admins add is kept in the store, and read again with `reload`,
    because another instance may have changed it.
    """

    def __init__(self, settings: Trust, store: TrustStore, audit: AuditStore, clock: Clock, *, proxy: str = "") -> None:
        self._settings = settings
        self._store = store
        self._audit = audit
        self._clock = clock
        self._proxy = proxy
        self._hosts: tuple[TrustedHost, ...] = ()
        self._problem = ""
        self._trust = settings
        self._refused: OrderedDict[tuple[str, str], RefusedHost] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def trust(self) -> Trust:
        """Return the trust as it stands now."""
        return self._trust

    @property
    def view(self) -> TrustView:
        """Return what there is to say about it."""
        with self._lock:
            refused = tuple(reversed(self._refused.values()))
        return TrustView(
            settings=self._settings, hosts=self._hosts, refused=refused, problem=self._problem, proxy=self._proxy
        )

    def reload(self) -> None:
        """Read what admins trust anew; while it cannot be read, what was known last counts."""
        try:
            self._take(tuple(self._store.all()))
            self._problem = ""
        except StoreError as exc:
            self._problem = exc.message
            log.warning("trusted hosts cannot be read: %s", exc.message)

    def objection(self, url: str) -> str | None:
        """Return why this URL may not receive a token, None when it may; what is refused is remembered."""
        reason = may_receive_bearer(url, self._trust)
        if reason is not None:
            self._refuse(origin_to_trust(url), reason)
        return reason

    def objection_to_connecting(self, host: str, port: int, address: str) -> str | None:
        """Return why a connection to this host may not go to this address; what is refused is remembered."""
        reason = objection_to_connecting(host, port, address, self._trust)
        if reason is not None:
            self._refuse(f"{host}:{port}", reason)
        return reason

    def add(self, text: str, *, private: bool, reason: str, actor: Actor) -> tuple[TrustedHost, ...]:
        """Trust a host with tokens; what cannot be recorded is not done.

        Raises ConfigurationError for text that names no host or a reason that is none, ChangeError for somebody who
        may not and for a host that needs no trust, StoreError.
        """
        at = self._clock.now()
        origins, why = trusted_origins(text, setting=_TYPED), checked_reason(reason)
        self._admit(trust_event("add", origins[0], reason=why, actor=actor, at=at), actor)
        if all(may_receive_bearer(origin, self._settings) is None for origin in origins):
            raise ChangeError(
                f"{origins[0]} receives tokens already: it is a Databricks host, the workspace, or in the settings.",
                code="already_trusted",
                remedy="Nothing is to be done.",
            )
        hosts = tuple(
            TrustedHost(origin=origin, private=private, reason=why, actor=actor.name, at=at) for origin in origins
        )
        for host in hosts:
            event = replace(trust_event("add", host.origin, reason=why, actor=actor, at=at), after=_told(host))
            self._recorded(event, partial(self._store.put, host), before=self._of(host.origin))
        return hosts

    def revoke(self, origin: str, *, reason: str, actor: Actor) -> None:
        """Trust a host no longer, from the next request on.

        Raises ChangeError for somebody who may not and for a host that is not trusted here, ConfigurationError for a
        reason that is none, StoreError.
        """
        why = checked_reason(reason)
        event = trust_event("revoke", origin, reason=why, actor=actor, at=self._clock.now())
        self._admit(event, actor)
        self.reload()
        known = self._of(origin)
        if known is None:
            raise ChangeError(
                "No such host is trusted here.",
                code="not_trusted",
                remedy="Hosts of the settings are removed there; python -m core trust lists the others.",
            )
        self._recorded(event, partial(self._store.remove, origin), before=known)

    def _admit(self, event: AuditEvent, actor: Actor) -> None:
        """Raise ChangeError for somebody who may not, after recording that it was tried."""
        objection = objection_to(Action.TRUST, actor)
        if objection is not None:
            self._note(replace(event, outcome=objection.code))
            raise ChangeError(objection.message, code=objection.code, remedy=objection.remedy)

    def _recorded(self, event: AuditEvent, write: Callable[[], None], *, before: TrustedHost | None) -> None:
        """Write between the event that begins it and the one that says how it ended."""
        self._audit.append(event)
        try:
            write()
        except StoreError as exc:
            self._note(refused_event(event, exc.code, at=self._clock.now()))
            raise
        at = self._clock.now()
        self._note(done_event(event, "done", at=at, before=_told(before), after=event.after))
        self.reload()

    def _note(self, event: AuditEvent) -> None:
        """Note what happened as well as it can be noted."""
        try:
            self._audit.append(event)
        except StoreError as exc:
            log.error("%s of %s, %s, is not in the audit: %s", event.action, event.target, event.outcome, exc.message)

    def _of(self, origin: str) -> TrustedHost | None:
        return next((host for host in self._hosts if host.origin == origin), None)

    def _take(self, hosts: tuple[TrustedHost, ...]) -> None:
        self._hosts = hosts
        self._trust = with_hosts(self._settings, hosts)

    def _refuse(self, origin: str, reason: str) -> None:
        now = self._clock.now()
        with self._lock:
            known = self._refused.pop((origin, reason), None)
            count = known.count + 1 if known else 1
            self._refused[origin, reason] = RefusedHost(origin=origin, reason=reason, count=count, last_at=now)
            while len(self._refused) > _MOST_REFUSED:
                self._refused.popitem(last=False)


class Trusting:
    """The same for whoever acts through the pages: bounded, and followed by a look at every route."""

    def __init__(self, hosts: TrustedHosts, gate: Gate, clock: Clock, *, after: Callable[[], None]) -> None:
        self._hosts = hosts
        self._gate = gate
        self._clock = clock
        self._after = after

    @property
    def view(self) -> TrustView:
        """Return what there is to say about trust."""
        return self._hosts.view

    def add(self, text: str, *, private: bool, reason: str, actor: Actor) -> None:
        """Trust a host with tokens; see `TrustedHosts.add`."""
        asked = trust_event("add", "a host", reason=reason, actor=actor, at=self._clock.now())
        self._gate.bound_trust(actor, asked)
        self._hosts.add(text, private=private, reason=reason, actor=actor)
        self._after()

    def revoke(self, origin: str, *, reason: str, actor: Actor) -> None:
        """Trust a host no longer; see `TrustedHosts.revoke`."""
        asked = trust_event("revoke", origin, reason=reason, actor=actor, at=self._clock.now())
        self._gate.bound_trust(actor, asked)
        self._hosts.revoke(origin, reason=reason, actor=actor)
        self._after()


def _told(host: TrustedHost | None) -> Mapping[str, str | None]:
    if host is None:
        return {}
    return {"addresses": "private too" if host.private else "public only", "reason": host.reason}
