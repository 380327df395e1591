"""Put into the picture what is known of the places of choices: targets, apps, sync; nothing here waits for an app."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from core.adapters.targets import targets_here
from core.choice.apps import configured_by
from core.choice.routes import routes_of
from core.choice.sync import Seen, pins_of, sync_of
from core.detection import Detector
from core.errors import StoreError
from core.model.agent import AgentId
from core.model.app import AppsSeen
from core.model.change import ChangeRecord, TargetInfo, TargetKind
from core.model.check import route_id
from core.model.choice import AgentChoice
from core.model.override import Override
from core.model.snapshot import Snapshot
from core.model.sync import AgentSync
from core.wiring import Wiring

log = logging.getLogger(__name__)

_LOOK_BACK = 200


class Placing:
    """What one observer knows of the places; `take` is cheap enough to be asked every second."""

    def __init__(self, wiring: Wiring, detector: Detector) -> None:
        self._wiring = wiring
        self._detector = detector
        self._taken = AppsSeen()
        self._others: tuple[TargetInfo, ...] = ()
        self._records: Sequence[ChangeRecord] = ()
        self._news: frozenset[str] = frozenset()
        self._withheld: frozenset[AgentId] = frozenset()
        self._judged: tuple[object, ...] = ()
        self._syncs: tuple[AgentSync, ...] = ()

    def look(self) -> None:
        """Look at the places on this machine and at what was changed; the only thing here that reads anything."""
        others = targets_here(self._wiring.file_targets, lambda _: None)
        self._others = tuple(target.info for target in others.values())
        try:
            self._records = self._wiring.database.changes.latest(_LOOK_BACK, written=True)
        except StoreError as exc:
            log.warning("what was changed cannot be read: %s", exc.message)

    def take(self, seen: Snapshot, overrides: tuple[Override, ...]) -> Snapshot:
        """Return the picture with the apps as they were seen last; the same one when nothing is new."""
        apps = self._wiring.apps.seen()
        if apps is not self._taken and seen.gateway is not None:
            seen = self._with_apps(seen, apps)
        written = [place for place in self._others if place.kind is not TargetKind.EXPORT]
        handed_over = [place for place in self._others if place.kind is TargetKind.EXPORT]
        targets = (*written, *(app.info for app in apps.apps), *handed_over)
        syncs = self._synced(seen, overrides)
        known = (seen.targets, seen.apps_problem, seen.syncs, seen.overrides)
        if known == (targets, apps.problem, syncs, overrides):
            return seen
        return replace(seen, targets=targets, apps_problem=apps.problem, syncs=syncs, overrides=overrides)

    def _with_apps(self, seen: Snapshot, apps: AppsSeen) -> Snapshot:
        """Choose anew, and note the routes that became known by it: nobody has asked them yet."""
        self._taken = apps
        self._detector.choose_anew()
        choices = self._detector.seen.choices
        if not apps.pending:
            before = {route for route in routes_of(seen.choices) if route.agent not in self._withheld}
            self._news |= frozenset(route_id(route) for route in routes_of(choices) if route not in before)
            self._withheld = frozenset()
        return seen if seen.choices == choices else replace(seen, choices=choices)

    def withhold(self, choices: Sequence[AgentChoice]) -> frozenset[AgentId]:
        """Return the agents that are not asked yet, because an app that is being looked for may say what they run.

        Where any agent has its config on this machine, agents run here, and the others are not kept waiting.
        """
        if self._wiring.apps.seen().pending:
            is_here = any(choice.config is not None and choice.config.exists for choice in choices)
            self._withheld = frozenset() if is_here else frozenset(choice.agent for choice in choices)
        return self._withheld

    def news(self) -> frozenset[str]:
        """Return the routes that became known since this was asked last."""
        news, self._news = self._news, frozenset()
        return news

    def _synced(self, seen: Snapshot, overrides: tuple[Override, ...]) -> tuple[AgentSync, ...]:
        """Judge sync anew when something that it is judged by is new."""
        apps = self._wiring.apps.seen()
        judged = (seen.choices, seen.results, overrides, apps, self._records)
        if len(judged) == len(self._judged) and all(a is b for a, b in zip(judged, self._judged, strict=True)):
            return self._syncs
        self._judged = judged
        pins = pins_of(overrides, self._records)
        configured = configured_by(apps.apps, self._wiring.settings.agents_app)
        self._syncs = tuple(
            sync_of(
                Seen(
                    choice=choice,
                    app=configured.by_agent.get(choice.agent),
                    undecided=configured.undecided.get(choice.agent, ()),
                    blind=apps.problem.message if apps.problem else None,
                    results=seen.results,
                    pins=pins.get(choice.agent, ()),
                )
            )
            for choice in seen.choices
        )
        return self._syncs
