"""Look for the apps that run agents, in a thread beside everything else; whoever asks gets what was seen last."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from core.adapters.app_facts import AppState
from core.adapters.app_now import AppNow
from core.adapters.app_target import PREFIX, AppTarget
from core.adapters.app_values import GATEWAY_VARIABLE
from core.adapters.apps import DatabricksApps, Listing
from core.adapters.side_threads import in_threads
from core.catalog.agents import AGENTS
from core.errors import ChangeError
from core.model.app import AppSeen, AppsSeen
from core.model.change import TargetInfo
from core.model.snapshot import Problem
from core.ports import Clock, Target

log = logging.getLogger(__name__)

KEPT_S = 60.0
_LOOK_S = 20.0
_AT_ONCE = 8
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
# Whatever else stands in an app's environment is nobody's business here, and may be secret.
_SHOWN = frozenset(
    {GATEWAY_VARIABLE}
    | {name for spec in AGENTS.values() for slot in spec.slots for name in slot.variables}
    | {spec.enable_variable for spec in AGENTS.values() if spec.enable_variable}
)


class Apps:
    """The apps of one workspace. `own_name` is the dashboard's own app, which never counts as one of agents.

    `pause` is how the targets wait between two looks at a deployment.
    """

    def __init__(
        self,
        api: DatabricksApps,
        *,
        clock: Clock,
        own_name: str | None = None,
        kept_s: float = KEPT_S,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._api = api
        self._clock = clock
        self._own_name = own_name
        self._kept_s = kept_s
        self._pause = pause
        self._changed = threading.Condition()
        self._seen = AppsSeen()
        self._looked_at: float | None = None
        self._is_looking = False
        self._again = False
        self._targets: dict[str, AppTarget] = {}

    def seen(self) -> AppsSeen:
        """Return what was seen last; never waits."""
        return self._seen

    def ask(self, *, anew: bool = False) -> None:
        """Start a look unless one is fresh enough or under way, or in any case when `anew`; returns at once."""
        with self._changed:
            if self._is_looking:
                self._again = self._again or anew
                return
            if not anew and self._looked_at is not None and self._clock.monotonic() < self._looked_at + self._kept_s:
                return
            self._is_looking = True
            if self._seen.seen_at is None:
                self._seen = replace(self._seen, pending=True)
        threading.Thread(target=self._look_until_done, name="switchyard-apps", daemon=True).start()

    def wait(self, timeout_s: float) -> AppsSeen:
        """Ask, and return what is seen when that has ended, or what there is when it takes too long."""
        self.ask()
        with self._changed:
            self._changed.wait_for(lambda: not self._is_looking, timeout_s)
        return self._seen

    def look_again(self, target_id: str) -> AppSeen | None:
        """Read one app anew and keep what is seen of it; None for what is no app.

        Raises ChangeError when it cannot be read now.
        """
        target = self.target(target_id)
        if target is None:
            return None
        look = target.look()
        if look.now is None:
            assert look.refusal is not None
            raise look.refusal
        app = self._as_seen(look.info, look.now)
        with self._changed:
            if self._seen.app(target_id) is not None:
                apps = tuple(app if one.info.id == target_id else one for one in self._seen.apps)
                self._seen = replace(self._seen, apps=apps)
        return app

    def target(self, target_id: str) -> AppTarget | None:
        """Return the target of this id, found or not: reading it says whether there is such an app."""
        name = target_id.removeprefix(PREFIX)
        if name == target_id or not _NAME.fullmatch(name) or name == self._own_name:
            return None
        return self._targets.setdefault(name, AppTarget(self._api, name, clock=self._clock, pause=self._pause))

    def targets(self, others: Mapping[str, Target]) -> Mapping[str, Target]:
        """Return these targets with the apps among them, each made when it is asked for."""
        return _WithApps(self, others)

    def _look_until_done(self) -> None:
        while True:
            seen = self._look_around()
            with self._changed:
                again, self._again = self._again, False
                self._seen, self._looked_at, self._is_looking = seen, self._clock.monotonic(), again
                self._changed.notify_all()
            if not again:
                return

    def _look_around(self) -> AppsSeen:
        now = self._clock.now()
        try:
            listing = self._api.find(_LOOK_S)
        except ChangeError as exc:
            return self._unseen(Problem(code=exc.code, message=exc.message, remedy=exc.remedy))
        except Exception:
            # The edge of this thread: whoever waits must hear that nothing is known, whatever the SDK did.
            log.exception("the look for apps failed")
            return self._unseen(_OWN_FAULT)
        names = [PREFIX + one.facts.name for one in listing.found]
        targets = [target for name in names if (target := self.target(name)) is not None]
        apps = in_threads(self._look, targets, at_once=_AT_ONCE, deadline_s=_LOOK_S)
        return AppsSeen(apps=tuple(apps), problem=_problem(listing, len(targets), len(apps)), seen_at=now)

    def _unseen(self, problem: Problem) -> AppsSeen:
        """Keep the apps that were seen before: that nobody can look at them now changes nothing of what they run."""
        apps = tuple(replace(app, is_up=False) for app in self._seen.apps)
        return AppsSeen(apps=apps, problem=problem, seen_at=self._clock.now())

    def _look(self, target: AppTarget) -> AppSeen:
        look = target.look()
        now = look.now
        if now is None:
            former = self._seen.app(look.info.id) or AppSeen(info=look.info, seen_at=self._clock.now())
            return replace(former, info=replace(look.info, agents=former.info.agents), is_up=False)
        return self._as_seen(look.info, now)

    def _as_seen(self, info: TargetInfo, now: AppNow) -> AppSeen:
        try:
            file, running = now.file_values, now.running_values
        except ChangeError:
            file = running = {}
        hidden = now.hidden & _SHOWN
        return AppSeen(
            info=info,
            seen_at=self._clock.now(),
            file=_shown(file),
            running={name: value for name, value in _shown(running).items() if name not in hidden},
            hidden=hidden,
            sent=frozenset(now.sent.overrides if now.sent else ()),
            is_up=now.facts.state is AppState.RUNNING,
            folder=now.facts.source,
        )


def _shown(values: Mapping[str, str]) -> Mapping[str, str]:
    return {name: value for name, value in values.items() if name in _SHOWN}


def _problem(listing: Listing, wanted: int, seen: int) -> Problem | None:
    if listing.looked_at < listing.listed or seen < wanted:
        return Problem(
            code="apps_not_all_seen",
            message=f"Only {listing.looked_at} of {listing.listed} apps could be looked at in time.",
            remedy="Look again, or name the app in SWITCHYARD_APP.",
        )
    if seen:
        return None
    what = "no app at all" if not listing.listed else f"{listing.listed} apps, none of them of coding agents"
    return Problem(
        code="no_app_seen",
        message=f"The workspace shows this credential {what}. Apps that it may not see are not listed.",
        remedy="Grant the dashboard's identity CAN_MANAGE on the app that runs the agents, then look again.",
    )


_OWN_FAULT = Problem(
    code="internal_error",
    message="The last look for apps failed inside Switchyard.",
    remedy="See the log of this process, then look again.",
)


class _WithApps(Mapping[str, Target]):
    """Targets by id: those that are always there, and an app's as soon as somebody names it."""

    def __init__(self, apps: Apps, others: Mapping[str, Target]) -> None:
        self._apps = apps
        self._others = others

    def __getitem__(self, target_id: str) -> Target:
        found = self._others.get(target_id) or self._apps.target(target_id)
        if found is None:
            raise KeyError(target_id)
        return found

    def __iter__(self) -> Iterator[str]:
        yield from self._others
        yield from (app.info.id for app in self._apps.seen().apps)

    def __len__(self) -> int:
        return len(self._others) + len(self._apps.seen().apps)
