"""One performance's house: a simulated workspace, its own folder, a day of history, and the product's own services."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from core.choice.routes import routes_of
from core.demo.day import day_before
from core.model.route import Route
from core.observer import open_observer
from core.services import Services
from core.settings import DEMO_SCENE, Settings
from core.simulator.homes import redeploy_hermes
from core.simulator.scenes import Scene
from core.simulator.server import SimulatedWorkspace
from core.wiring import Wiring, wire_simulated

# An audience waits for each confirming retry; the simulated workspace has no need of a longer pause.
_CONFIRM_DELAY_S = 0.3


class House:
    """Everything of one performance; what it wrote is gone when it is closed."""

    def __init__(self, settings: Settings) -> None:
        with ExitStack() as opening:
            folder = Path(opening.enter_context(TemporaryDirectory(prefix="switchyard-demo-")))
            self.workspace = opening.enter_context(SimulatedWorkspace(DEMO_SCENE))
            wiring = wire_simulated(_staged(settings, folder), self.workspace)
            opening.callback(wiring.database.close)
            for batch in day_before(wiring.clock.now(), _routes_of(wiring), wiring.settings):
                wiring.database.history.keep(batch)
            self._home = wiring.state_dir / "home"
            self.services = Services(wiring, opening.pop_all())

    def redeploy(self, scene: Scene) -> None:
        """Let a deployment replace Hermes' config by that of this scene."""
        redeploy_hermes(scene, self._home)

    def close(self) -> None:
        """Stop the services and remove what was written."""
        self.services.stop()


def _staged(settings: Settings, folder: Path) -> Settings:
    confirm_delay_s = min(settings.confirm_delay_s, _CONFIRM_DELAY_S)
    return replace(settings, scene=DEMO_SCENE, state_dir=folder, confirm_delay_s=confirm_delay_s)


def _routes_of(wiring: Wiring) -> tuple[Route, ...]:
    """Find the routes out in a loop of our own: whoever opens a house may be running in one."""
    with ThreadPoolExecutor(max_workers=1) as beside:
        return beside.submit(lambda: asyncio.run(_routes(wiring))).result()


async def _routes(wiring: Wiring) -> tuple[Route, ...]:
    async with open_observer(wiring) as observer:
        return routes_of((await observer.detect()).choices)
