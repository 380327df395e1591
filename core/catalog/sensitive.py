"""Collect what is known to name this environment, for `masking`: from the snapshot and the settings; pure."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator
from urllib.parse import urlsplit

from core.catalog.agents import AGENTS
from core.catalog.clouds import zone_of
from core.catalog.masking import Aliases, Kind, Mask, Sensitive
from core.model.change import TargetKind
from core.model.snapshot import Snapshot
from core.model.workspace import IdentityKind, WorkspaceIdentity
from core.settings import Settings

# Words that pages use themselves, and names of models: who is called so is named by them no more than by "user".
_COMMON = frozenset(
    "admin admins administrator agent agents ai app apps automatic azure aws claude codex copilot cursor dashboard "
    "databricks default demo export fallback file gateway gcp gemini google gpt group haiku hermes host id llama local "
    "localhost machine model models name none nobody openai opencode opus person pi primary principal probe profile "
    "robot root route service simulated somebody sonnet switch switchyard system test the token unknown user users "
    "workspace".split()
)
_SHORTEST = 3
_MOST_LEARNED = 5000
_HOME = re.compile(r"(?:/home|/Users)/([^/]+)")


def sensitive_texts(snapshot: Snapshot, settings: Settings) -> tuple[Sensitive, ...]:
    """Return what is known, the workspace first; each text once, as what it was found first."""
    found: dict[str, Sensitive] = {}
    for item in (*_of_snapshot(snapshot), *_of_settings(settings)):
        found.setdefault(item.text.casefold(), item)
    return tuple(found.values())


def people(names: Iterable[str]) -> Iterator[Sensitive]:
    """Return persons in the forms in which their names occur: whole, and what stands before the @."""
    for name in filter(None, (name.strip() for name in names)):
        yield from _words(Kind.PERSON, [name])
        local, at, _ = name.partition("@")
        if at:
            # `[dev robin_vale]` is what bundles make of robin.vale@….
            forms = dict.fromkeys((local, local.replace(".", "_"), local.replace(".", "-"), local.replace(".", " ")))
            yield from (Sensitive(kind=Kind.PERSON, text=form, of=name) for form in forms if _names_one(form))


def hosts(addresses: Iterable[str | None]) -> Iterator[Sensitive]:
    """Return the host names of URLs, origins and bare names, with what a workspace's own name begins with."""
    for address in filter(None, addresses):
        name = _host_name(address)
        if not name or name == "localhost" or name.startswith("127."):
            continue
        yield Sensitive(kind=Kind.HOST, text=name)
        label, dot, _ = name.partition(".")
        if dot and zone_of(name) is not None and not label.isdigit() and _names_one(label):
            yield Sensitive(kind=Kind.HOST, text=label, of=name)


def _of_snapshot(snapshot: Snapshot) -> Iterator[Sensitive]:
    workspace = snapshot.workspace
    if workspace is not None:
        yield from hosts([workspace.host])
        if workspace.workspace_id:
            yield Sensitive(kind=Kind.NUMBER, text=workspace.workspace_id)
    yield from hosts(_addresses(snapshot))
    if snapshot.identity is not None:
        yield from _identity(snapshot.identity)
    yield from people(override.actor for override in snapshot.overrides)
    apps = (target.id.partition(":")[2] for target in snapshot.targets if target.kind is TargetKind.APP)
    yield from _words(Kind.APP, apps)
    keeping = snapshot.keeping
    yield from hosts([keeping.place.rpartition(" at ")[2]] if " at " in keeping.place else [])
    yield from _words(Kind.MACHINE, [keeping.prober.partition(",")[0]])


def _addresses(snapshot: Snapshot) -> Iterator[str | None]:
    if snapshot.gateway is not None:
        yield snapshot.gateway.base_url
        yield from (step.candidate for step in snapshot.gateway.trace)
    for choice in snapshot.choices:
        yield choice.base_url
        yield from (slot.base_url for slot in choice.slots)
    yield from dict.fromkeys(result.route.base_url for result in snapshot.results)
    yield from dict.fromkeys(standing.route.base_url for standing in snapshot.standings.values())
    for incident in snapshot.incidents:
        yield incident.cause.host
        yield from (route.base_url for route in incident.routes)


def _identity(identity: WorkspaceIdentity) -> Iterator[Sensitive]:
    name = identity.name or ""
    if identity.kind is IdentityKind.SERVICE_PRINCIPAL:
        yield from _words(Kind.PRINCIPAL, [name])
    else:
        yield from people([name])


def _of_settings(settings: Settings) -> Iterator[Sensitive]:
    yield from hosts((settings.host, settings.gateway_host, *settings.trusted_hosts))
    if settings.workspace_id:
        yield Sensitive(kind=Kind.NUMBER, text=settings.workspace_id)
    listed = (*settings.admins, *settings.operators)
    yield from people(entry for entry in listed if "@" in entry)
    yield from _words(Kind.GROUP, (entry for entry in listed if "@" not in entry))
    yield from _words(Kind.APP, filter(None, (settings.app_name, settings.agents_app)))
    yield from _words(Kind.PROFILE, filter(None, [settings.profile]))
    if settings.lakebase is not None:
        yield from hosts([settings.lakebase.host])
    folders = map(str, (settings.state_dir, *settings.agent_homes.values()))
    yield from people(name for folder in folders for name in _HOME.findall(folder))


def _words(kind: Kind, names: Iterable[str]) -> Iterator[Sensitive]:
    yield from (Sensitive(kind=kind, text=name) for name in names if _names_one(name))


def _names_one(name: str) -> bool:
    """Say whether a word on its own tells somebody apart; the others stay, or every sentence would be full of holes."""
    word = name.casefold()
    return len(word) >= _SHORTEST and word not in _COMMON and name not in _LABELS


_LABELS = frozenset(word for spec in AGENTS.values() for word in (spec.label, *spec.label.split()))


def _host_name(address: str) -> str:
    try:
        return (urlsplit(address if "://" in address else f"//{address}").hostname or "").rstrip(".")
    except ValueError:
        return ""


class Masks:
    """Gives the mask of what is known now, one for as long as nothing else becomes known. One per process."""

    def __init__(self, aliases: Aliases | None = None) -> None:
        self._aliases = aliases or Aliases()
        self._learned: dict[str, Sensitive] = {}
        self._made: tuple[tuple[Sensitive, ...], Mask] | None = None
        self._lock = threading.Lock()

    def learn(self, found: Iterable[Sensitive]) -> bool:
        """Remember names that no snapshot has, such as those of former actors; say whether any was new."""
        with self._lock:
            before = len(self._learned)
            for item in found:
                if before <= _MOST_LEARNED:
                    self._learned.setdefault(item.text.casefold(), item)
            return len(self._learned) > before

    def mask(self, snapshot: Snapshot, settings: Settings) -> Mask:
        """Return the mask of everything that is known."""
        with self._lock:
            known = (*sensitive_texts(snapshot, settings), *self._learned.values())
            if self._made is None or self._made[0] != known:
                self._made = (known, Mask(known, self._aliases))
            return self._made[1]


__all__ = ["Masks", "hosts", "people", "sensitive_texts"]
