"""Which listed models to try instead of one that fails: nearest kin first, always in the same order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

from core.catalog.agents import AGENTS, dialect_for
from core.catalog.spellings import family_of, model_id
from core.choice.lint import plain_model_name
from core.model.models import Model
from core.model.route import Route
from core.probe.experiments.facts import Facts, same_place
from core.probe.experiments.inquiry import Question, as_dashboard
from core.probe.experiments.places import speaks, spelled_for

HERE = "on this route"


def candidates(
    place: Route, facts: Facts, *, instead_of: str, other_family: bool = False, where: str = HERE
) -> Iterator[Question]:
    """Yield other models for this place, each as a question.

    Families take turns, that of the failing model first (last with `other_family`), because what fails for one model
    often fails for its kin. What another slot of the agent runs already comes last: Hermes skips such a fallback.
    """
    failing = plain_model_name(instead_of)
    taken = _taken(place, facts)
    family = family_of(failing)
    usable = [model for model in facts.catalogue.models if _is_usable(model, place, failing)]
    kin = sorted(usable, key=lambda model: (not speaks(model, place.dialect), -_kinship(model.id, model_id(failing))))
    turn: Counter[str] = Counter()
    ranked: list[tuple[bool, int, bool, str]] = []
    for model in kin:
        name = spelled_for(place.generation, model, failing)
        if name is None:
            continue
        is_taken = model.id in taken
        ranked.append((is_taken, turn[model.family], (model.family == family) == other_family, name))
        turn[model.family] += not is_taken
    for _, _, _, name in sorted(ranked, key=lambda row: row[:3]):
        yield question_about(replace(place, model=name), facts, where=where)


def question_about(route: Route, facts: Facts, *, where: str = HERE) -> Question:
    """Return the question whether this other model answers."""
    kind = "a known-good model" if _is_known_good(route, facts) else "another listed model"
    return Question(route=route, words=f"{kind} {where}, {route.model}")


def known_good_here(place: Route, facts: Facts, *, instead_of: str) -> Route | None:
    """Return another model that answered at this place in this sweep: to the same caller, else to the dashboard."""
    taken, failing = _taken(place, facts), model_id(plain_model_name(instead_of))
    for caller in (place, as_dashboard(place)):
        here = [known for known in facts.known_good if same_place(known, caller) and model_id(known.model) != failing]
        # By name at last: the order in which answers landed must not decide.
        here.sort(
            key=lambda known: (
                model_id(known.model) in taken,
                -_kinship(model_id(known.model), failing),
                known.model,
            )
        )
        if here:
            return replace(caller, model=here[0].model)
    return None


def _is_known_good(route: Route, facts: Facts) -> bool:
    return facts.saw_answer(route) or facts.saw_answer(as_dashboard(route))


def _is_usable(model: Model, place: Route, failing: str) -> bool:
    return (
        failing not in model.spellings
        and model.id != model_id(failing)
        and place.agent in model.agents
        and model.ready is not False
        and dialect_for(AGENTS[place.agent], model.family) is place.dialect
    )


def _taken(place: Route, facts: Facts) -> frozenset[str]:
    """Return the models of the agent's other slots, where they form a chain of fallbacks."""
    choice = next((choice for choice in facts.choices if choice.agent is place.agent), None)
    if choice is None or not any(slot.slot.startswith("fallback") for slot in choice.slots):
        return frozenset()
    return frozenset(model_id(slot.model) for slot in choice.slots if slot.model and slot.slot != place.slot)


def _kinship(one: str, other: str) -> int:
    """Return how many leading words two names share: opus-4-6 is nearer to opus-4-7 than haiku is."""
    shared = 0
    for left, right in zip(one.split("-"), other.split("-"), strict=False):
        if left != right:
            break
        shared += 1
    return shared
