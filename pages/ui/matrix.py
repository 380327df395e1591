"""The matrix of the Routes page: which agent works with which model, worked out without showing anything."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.catalog.agents import AGENTS, dialect_for
from core.catalog.spellings import is_chat_model
from core.choice.lint import find_model, plain_model_name
from core.choice.possible import Obstacle, unlisted_model, why_impossible
from core.choice.routes import routes_of, routes_of_slot
from core.choice.variants import with_listed_model
from core.health.agent_status import why_not_probed, worst_of
from core.model.agent import AgentId, Dialect
from core.model.choice import AgentChoice, SlotChoice
from core.model.models import Model, ModelCatalogue
from core.model.probe import ProbeResult
from core.model.route import Identity, Route
from core.model.snapshot import Snapshot


class CellState(StrEnum):
    """What a cell can be filtered by: the health of its verdicts, or why it has none."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DOWN = "down"
    UNKNOWN = "unknown"
    NOT_PROBED = "not_probed"
    PAUSED = "paused"
    IMPOSSIBLE = "impossible"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One agent with one model.

    `verdicts` are the newest per slot, identity and depth; `in_use` names the slots that are set to this model. A cell
    with an obstacle and no verdict cannot be probed; a verdict counts for more than what a listing says.
    """

    agent: AgentId
    model: str
    dialect: Dialect | None
    routes: tuple[Route, ...] = ()
    in_use: tuple[str, ...] = ()
    verdicts: tuple[ProbeResult, ...] = ()
    obstacle: Obstacle | None = None
    paused: bool = False

    @property
    def shown(self) -> tuple[ProbeResult, ...]:
        """Return one verdict per identity, the worst of its slots and depths."""
        worst = (worst_of(r for r in self.verdicts if r.route.identity is identity) for identity in Identity)
        return tuple(result for result in worst if result is not None)

    @property
    def states(self) -> frozenset[CellState]:
        """Return what this cell is found under."""
        if self.verdicts:
            return frozenset(CellState(result.health.value) for result in self.shown)
        if self.obstacle is None:
            return frozenset({CellState.NOT_PROBED})
        return frozenset({CellState.PAUSED if self.paused else CellState.IMPOSSIBLE})

    @property
    def can_be_probed(self) -> bool:
        """Say whether a sweep over everything asks this cell."""
        return bool(self.routes) and (self.obstacle is None or bool(self.in_use)) and not self.paused


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRow:
    """One model with a cell per agent; `note` says what is unusual about it."""

    model: str
    spellings: tuple[str, ...]
    note: str
    cells: Mapping[AgentId, Cell]


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The models whose own dialect this is; None holds what no agent can talk to."""

    dialect: Dialect | None
    rows: tuple[ModelRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Matrix:
    """All combinations, the models grouped by the dialect of their own, the agents by the one they speak."""

    agents: tuple[AgentId, ...] = ()
    bands: tuple[Band, ...] = ()

    @property
    def rows(self) -> tuple[ModelRow, ...]:
        """Return all rows in order."""
        return tuple(row for band in self.bands for row in band.rows)

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Return all cells, row by row."""
        return tuple(cell for row in self.rows for cell in row.cells.values())

    def cell(self, agent: AgentId, model: str) -> Cell | None:
        """Return the cell of an agent and a model by any of its spellings."""
        row = next((row for row in self.rows if model == row.model or model in row.spellings), None)
        return None if row is None else row.cells.get(agent)


def matrix_of(snapshot: Snapshot, extra_results: Sequence[ProbeResult]) -> Matrix:
    """Return the matrix of everything known: the sweep's verdicts and those of the probes that people started."""
    agents = tuple(sorted((choice.agent for choice in snapshot.choices), key=_agent_order))
    choices = {choice.agent: choice for choice in snapshot.choices}
    verdicts = _by_place(snapshot.catalogue, [*snapshot.results, *extra_results])
    bands: dict[Dialect | None, list[ModelRow]] = {dialect: [] for dialect in (*Dialect, None)}
    for model in _models(snapshot):
        cells = {agent: _cell(choices[agent], model, snapshot, verdicts.get((agent, model.id), ())) for agent in agents}
        row = ModelRow(model=model.id, spellings=model.spellings, note=_note(model, snapshot.catalogue), cells=cells)
        bands[_own_dialect(model)].append(row)
    return Matrix(agents=agents, bands=tuple(Band(dialect=d, rows=tuple(rows)) for d, rows in bands.items() if rows))


def _agent_order(agent: AgentId) -> tuple[int, int]:
    """Agents of one dialect stand together, those that speak several behind them, and who cannot be probed last."""
    spoken = AGENTS[agent].dialects
    place = tuple(Dialect).index(spoken[0]) if len(spoken) == 1 else len(Dialect) + (not spoken)
    return place, tuple(AgentId).index(agent)


def _models(snapshot: Snapshot) -> Iterator[Model]:
    """Yield the listed models, and those that an agent is set to though no listing names them."""
    yield from snapshot.catalogue.models
    used = (slot.model for choice in snapshot.choices for slot in choice.slots if slot.model)
    unlisted = (plain_model_name(name) for name in used if find_model(snapshot.catalogue, name) is None)
    yield from (unlisted_model(name) for name in dict.fromkeys(unlisted))


def _own_dialect(model: Model) -> Dialect | None:
    # OpenCode speaks every dialect, so what it chooses is the model's own one.
    return dialect_for(AGENTS[AgentId.OPENCODE], model.family) if is_chat_model(model.id) else None


def _note(model: Model, catalogue: ModelCatalogue) -> str:
    if find_model(catalogue, model.id) is None and model not in catalogue.models:
        return "in no listing"
    return "listed as not ready" if model.ready is False else ""


def _place_of(catalogue: ModelCatalogue, name: str) -> str:
    """Return the row that a model name belongs to."""
    found = find_model(catalogue, name)
    return found.id if found else plain_model_name(name)


def _by_place(
    catalogue: ModelCatalogue, results: Sequence[ProbeResult]
) -> Mapping[tuple[AgentId, str], tuple[ProbeResult, ...]]:
    """Return the newest verdict per slot, spelling, identity and depth, by the cell it belongs to."""
    newest: dict[tuple[object, ...], ProbeResult] = {}
    for result in sorted(results, key=lambda result: result.checked_at):
        route = result.route
        key = (route.agent, route.slot, route.model, route.base_url, route.identity, result.depth)
        newest.pop(key, None)
        newest[key] = result
    places: dict[tuple[AgentId, str], tuple[ProbeResult, ...]] = {}
    # In an order of their own, so that nothing changes places when a newer verdict lands.
    for result in sorted(newest.values(), key=_rank):
        place = (result.route.agent, _place_of(catalogue, result.route.model))
        places[place] = (*places.get(place, ()), result)
    return places


def _rank(result: ProbeResult) -> tuple[str, str, int, str]:
    route = result.route
    return route.slot, route.model, tuple(Identity).index(route.identity), result.depth


def _cell(choice: AgentChoice, model: Model, snapshot: Snapshot, verdicts: Sequence[ProbeResult]) -> Cell:
    used = [slot for slot in choice.slots if slot.model and _place_of(snapshot.catalogue, slot.model) == model.id]
    routes = _routes(choice, model, used, snapshot)
    obstacle = why_impossible(choice.agent, model)
    if obstacle is None and not routes:
        short = "paused" if not choice.enabled else "no route"
        obstacle = Obstacle(short=short, sentence=why_not_probed(choice)[0])
    # What was asked at another base URL says nothing about the routes of now.
    bases = {route.base_url for route in routes}
    return Cell(
        agent=choice.agent,
        model=model.id,
        dialect=routes[0].dialect if routes else dialect_for(AGENTS[choice.agent], model.family),
        routes=routes,
        in_use=tuple(slot.slot for slot in used),
        verdicts=tuple(result for result in verdicts if result.route.base_url in bases),
        obstacle=obstacle,
        paused=not choice.enabled and AGENTS[choice.agent].probeable,
    )


def _routes(choice: AgentChoice, model: Model, used: Sequence[SlotChoice], snapshot: Snapshot) -> tuple[Route, ...]:
    """Return what is asked for a cell: the slots that are set to the model, else the first slot as if it were."""
    if not choice.enabled or not AGENTS[choice.agent].probeable:
        return ()
    if used:
        return tuple(route for slot in used for route in routes_of_slot(choice, slot))
    return routes_of([with_listed_model(choice, model, snapshot.gateway)])
