"""What the address of the Routes page says: filters, ticked models, and the one verdict that is open; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeVar
from urllib.parse import urlencode

from core.catalog.agents import AGENTS
from core.model.agent import AgentId, Dialect
from core.model.probe import Depth, ProbeResult
from core.model.route import Identity
from pages.ui.matrix import Band, Cell, CellState, Matrix, ModelRow

AGENTS_PARAM = "agents"
HEALTH_PARAM = "health"
DIALECT_PARAM = "dialect"
TEXT_PARAM = "q"
TICKED_PARAM = "models"
SAYS_PARAM = "cells"
_OPEN_PARAMS = ("agent", "model", "slot", "identity", "depth")
_LONGEST = 200

Query = Mapping[str, Sequence[str]]
E = TypeVar("E", bound=StrEnum)


class Says(StrEnum):
    """What the cells of the matrix say."""

    HEALTH = "health"
    LATENCY = "latency"


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The cell that is open, and which verdict of it; what is None has not been said."""

    agent: AgentId
    model: str
    slot: str | None = None
    identity: Identity | None = None
    depth: Depth | None = None

    def fits(self, result: ProbeResult) -> bool:
        """Say whether this verdict is the one that is meant."""
        route = result.route
        return (
            self.slot in (None, route.slot)
            and self.identity in (None, route.identity)
            and self.depth in (None, result.depth)
        )

    def fits_exactly(self, result: ProbeResult) -> bool:
        """Say whether this verdict is meant, down to the spelling of the model."""
        return self.fits(result) and result.route.model == self.model


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteQuery:
    """Everything the address says; empty means no restriction."""

    agents: tuple[AgentId, ...] = ()
    health: tuple[CellState, ...] = ()
    dialects: tuple[Dialect, ...] = ()
    text: str = ""
    ticked: tuple[str, ...] = ()
    says: Says = Says.HEALTH
    opened: Opened | None = None

    @property
    def filters(self) -> bool:
        """Say whether anything is left out of the matrix."""
        return bool(self.agents or self.health or self.dialects or self.text)


def parse_query(query: Query) -> RouteQuery:
    """Return what an address means; whatever cannot be meant is ignored."""
    opened = _opened(query)
    agents = members_of(AgentId, query.get(AGENTS_PARAM, ()))
    if opened is None and not agents:
        # An agent without a model names no cell, so it is taken for the filter.
        agents = members_of(AgentId, query.get("agent", ()))
    return RouteQuery(
        agents=agents,
        health=members_of(CellState, query.get(HEALTH_PARAM, ())),
        dialects=members_of(Dialect, query.get(DIALECT_PARAM, ())),
        text=last_of(query, TEXT_PARAM) or "",
        ticked=tuple(dict.fromkeys(name[:_LONGEST] for name in query.get(TICKED_PARAM, ()) if name)),
        says=next(iter(members_of(Says, query.get(SAYS_PARAM, ())[-1:])), Says.HEALTH),
        opened=opened,
    )


def query_of(asked: RouteQuery) -> dict[str, list[str]]:
    """Return the shortest address that means this; what is not restricted is not in it."""
    values: dict[str, Iterable[str]] = {
        AGENTS_PARAM: asked.agents,
        HEALTH_PARAM: asked.health,
        DIALECT_PARAM: asked.dialects,
        TEXT_PARAM: [asked.text] if asked.text else [],
        TICKED_PARAM: asked.ticked,
        SAYS_PARAM: [asked.says] if asked.says is not Says.HEALTH else [],
    }
    opened = asked.opened
    if opened is not None:
        named = (opened.agent, opened.model, opened.slot, opened.identity, opened.depth)
        values |= {name: [value] for name, value in zip(_OPEN_PARAMS, named, strict=True) if value}
    return {name: [str(value) for value in found] for name, found in values.items() if found}


def evidence_query(result: ProbeResult) -> dict[str, str]:
    """Return the address of exactly this verdict."""
    return {name: values[0] for name, values in query_of(RouteQuery(opened=opened_of(result))).items()}


def evidence_address(result: ProbeResult) -> str:
    """Return the same as the text behind the question mark."""
    return urlencode(evidence_query(result))


def opened_of(result: ProbeResult) -> Opened:
    """Return what has to be open to see this verdict."""
    route = result.route
    return Opened(agent=route.agent, model=route.model, slot=route.slot, identity=route.identity, depth=result.depth)


def filtered(matrix: Matrix, asked: RouteQuery) -> Matrix:
    """Return the matrix without the cells that do not match, and without rows and columns that are empty then."""
    if not asked.filters:
        return matrix
    bands = []
    for band in matrix.bands:
        rows = [replace(row, cells=_matching(row, asked)) for row in band.rows]
        bands.append(Band(dialect=band.dialect, rows=tuple(row for row in rows if row.cells)))
    kept = {cell.agent for band in bands for row in band.rows for cell in row.cells.values()}
    return Matrix(
        agents=tuple(agent for agent in matrix.agents if agent in kept),
        bands=tuple(band for band in bands if band.rows),
    )


def ticked_only(matrix: Matrix, ticked: Sequence[str]) -> Matrix:
    """Return only the rows of the ticked models, by any of their spellings."""
    bands = (
        replace(band, rows=tuple(row for row in band.rows if {row.model, *row.spellings} & set(ticked)))
        for band in matrix.bands
    )
    return replace(matrix, bands=tuple(band for band in bands if band.rows))


def _matching(row: ModelRow, asked: RouteQuery) -> dict[AgentId, Cell]:
    return {agent: cell for agent, cell in row.cells.items() if _matches(cell, row, asked)}


def _matches(cell: Cell, row: ModelRow, asked: RouteQuery) -> bool:
    words = " ".join((AGENTS[cell.agent].label, cell.agent, *row.spellings, row.model)).lower()
    return (
        (not asked.agents or cell.agent in asked.agents)
        and (not asked.health or bool(cell.states & set(asked.health)))
        and (not asked.dialects or cell.dialect in asked.dialects)
        and all(word in words for word in asked.text.lower().split())
    )


def _opened(query: Query) -> Opened | None:
    agent = next(iter(members_of(AgentId, query.get("agent", ())[-1:])), None)
    model = last_of(query, "model")
    if agent is None or model is None:
        return None
    return Opened(
        agent=agent,
        model=model,
        slot=last_of(query, "slot"),
        identity=next(iter(members_of(Identity, query.get("identity", ())[-1:])), None),
        depth=next(iter(members_of(Depth, query.get("depth", ())[-1:])), None),
    )


def members_of(kind: type[E], values: Iterable[str]) -> tuple[E, ...]:
    """Return the members of these names, hyphens and capitals as people type them; others are ignored."""
    known = {member.value: member for member in kind}
    names = (value.strip().lower().replace("-", "_") for value in values)
    return tuple(dict.fromkeys(known[name] for name in names if name in known))


def last_of(query: Query, name: str) -> str | None:
    values = [value.strip()[:_LONGEST] for value in query.get(name, ()) if value.strip()]
    return values[-1] if values else None
