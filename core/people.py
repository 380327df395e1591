"""Remember for minutes what the workspace says of the people who look at the pages, so that no page waits for it."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass

from core.adapters.beside import beside
from core.model.access import Membership
from core.model.secret import Secret
from core.ports import Clock, People

log = logging.getLogger(__name__)

KEPT_S = 300.0
# A failed look-up is tried again soon: the person sees too little until then.
RETRY_S = 30.0
# The first page of a person waits this long for the answer; after that it is drawn for a viewer.
_PATIENCE_S = 2.0
_MOST_PEOPLE = 1000
_UNDER_WAY = Membership(problem="they are being looked up. Look again in a moment.")
_OWN_FAULT = Membership(problem="the look-up failed inside Switchyard. See the log of this process.")


@dataclass(slots=True)
class _Known:
    asked: Future[Membership]
    targets: tuple[str, ...]
    since: float


class KnownPeople:
    """What is known of each person by e-mail address; the oldest are forgotten past a thousand."""

    def __init__(self, people: People, *, clock: Clock) -> None:
        self._people = people
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._lock = threading.Lock()

    def of(
        self, email: str, token: Secret | None, targets: Sequence[str], *, patience_s: float = _PATIENCE_S
    ) -> Membership:
        """Return what the workspace says of this person, asked at most once in five minutes."""
        name, wanted = email.strip().casefold(), tuple(sorted(targets))
        with self._lock:
            known = self._known.get(name)
            if known is None or known.targets != wanted or self._is_over(known):
                known = self._known[name] = self._ask(name, token, wanted)
            self._known.move_to_end(name)
            while len(self._known) > _MOST_PEOPLE:
                self._known.popitem(last=False)
        try:
            return known.asked.result(patience_s)
        except TimeoutError:
            return _UNDER_WAY

    def _ask(self, name: str, token: Secret | None, targets: tuple[str, ...]) -> _Known:
        asked = beside(lambda: self._looked_up(name, token, targets), name="switchyard-person")
        return _Known(asked=asked, targets=targets, since=self._clock.monotonic())

    def _is_over(self, known: _Known) -> bool:
        if not known.asked.done():
            return False
        kept_s = RETRY_S if known.asked.result().problem else KEPT_S
        return self._clock.monotonic() >= known.since + kept_s

    def _looked_up(self, name: str, token: Secret | None, targets: tuple[str, ...]) -> Membership:
        try:
            return self._people.look_up(name, token, targets)
        except Exception:
            # The edge of this thread: an unknown person is a viewer, whatever went wrong.
            log.exception("the look-up of a person failed")
            return _OWN_FAULT
