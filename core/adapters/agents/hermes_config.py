"""Understand Hermes' own config.yaml the way Hermes 0.19 does; changing it is left to hermes_edit.

Which keys count was read in the hermes-agent 0.19.0 wheel: fallback_config.get_fallback_chain (order, duplicates),
runtime_provider (model.api_key and model.api; key_env is not read under `model:`), config._expand_env_vars.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from core.adapters.yaml_text import UnreadableYaml, YamlText, child, scalar_text
from core.model.choice import StoredRoute
from core.model.secret import Secret

FILE_NAME = "config.yaml"
FALLBACK_KEYS = ("fallback_providers", "fallback_model")
_REFERENCE = re.compile(r"\$\{([^}]+)\}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One slot as the file states it.

    `node` is the mapping (or the bare text) that names the model under `model_key`; `home` is the mapping that states
    its URL and credential, `home_field` its name for people: the entry itself, or the named provider it refers to.
    """

    slot: str
    field: str
    node: Node
    model_key: str | None
    model: str
    provider: str | None
    home: Node
    home_field: str
    base_url: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialText:
    """A credential as the file states it: the key that holds it, its text, and whether that names a variable."""

    key: str
    text: str
    names_variable: bool


def entries_of(doc: YamlText) -> tuple[Entry, ...]:
    """Return the slots in the order Hermes tries them; raises UnreadableYaml for a file that Hermes could not mean."""
    if doc.root is None:
        return ()
    if not isinstance(doc.root, MappingNode):
        raise UnreadableYaml("it does not hold named settings")
    primary = _primary(doc.root)
    return ((primary,) if primary else ()) + tuple(_fallbacks(doc.root, primary))


def _primary(root: Node) -> Entry | None:
    node = child(root, "model")
    if isinstance(node, SequenceNode):
        raise UnreadableYaml("its model: is a list")
    bare = scalar_text(node)
    if bare is not None and node is not None:
        return _entry(root, slot="primary", field="model", node=node, model_key=None, model=bare)
    key = next((name for name in ("default", "model") if scalar_text(child(node, name))), None)
    if node is None or key is None:
        return None
    model = scalar_text(child(node, key)) or ""
    return _entry(root, slot="primary", field="model", node=node, model_key=key, model=model)


def _fallbacks(root: Node, primary: Entry | None) -> Iterator[Entry]:
    seen: set[tuple[str, str, str]] = set()
    for field, node in fallback_nodes(root):
        provider, model = scalar_text(child(node, "provider")), scalar_text(child(node, "model"))
        own_url = (scalar_text(child(node, "base_url")) or "").rstrip("/")
        identity = ((provider or "").lower(), (model or "").lower(), own_url.lower())
        if not provider or not model or identity in seen:
            continue
        seen.add(identity)
        slot = "fallback" if len(seen) == 1 else f"fallback_{len(seen)}"
        yield _entry(root, slot=slot, field=field, node=node, model_key="model", model=model, primary=primary)


def fallback_nodes(root: Node) -> Iterator[tuple[str, Node]]:
    """Yield every fallback entry with its field name, also those that Hermes skips."""
    for key in FALLBACK_KEYS:
        node = child(root, key)
        if isinstance(node, MappingNode):
            yield key, node
        elif isinstance(node, SequenceNode):
            yield from ((f"{key}[{index}]", item) for index, item in enumerate(node.value))


def _entry(
    root: Node, *, slot: str, field: str, node: Node, model_key: str | None, model: str, primary: Entry | None = None
) -> Entry:
    provider = scalar_text(child(node, "provider"))
    named = _named_provider(root, provider)
    home, home_field = named or (node, field)
    base_url = scalar_text(child(home, "base_url")) or scalar_text(child(node, "base_url"))
    if base_url is None and primary is not None and named is None:
        base_url = primary.base_url
    return Entry(
        slot=slot,
        field=field,
        node=node,
        model_key=model_key,
        model=model,
        provider=provider,
        home=home,
        home_field=home_field,
        base_url=base_url.rstrip("/") if base_url else None,
    )


def _named_provider(root: Node, provider: str | None) -> tuple[Node, str] | None:
    if provider is None:
        return None
    name = provider.removeprefix("custom:")
    mapping = child(child(root, "providers"), name)
    if isinstance(mapping, MappingNode):
        return mapping, f"providers.{name}"
    listed = child(root, "custom_providers")
    for index, item in enumerate(listed.value if isinstance(listed, SequenceNode) else ()):
        if (scalar_text(child(item, "name")) or "").lower() == name.lower():
            return item, f"custom_providers[{index}]"
    return None


def credential_of(entry: Entry) -> CredentialText | None:
    """Return the credential that this slot itself states, as Hermes picks it; None when it states none."""
    own = entry.home is entry.node
    in_model = own and entry.slot == "primary"
    for key in ("api_key", "api") if in_model else ("api_key",):
        text = scalar_text(child(entry.home, key))
        if text:
            return CredentialText(key=key, text=text, names_variable=False)
    for key in () if in_model else ("key_env", "api_key_env"):
        text = scalar_text(child(entry.home, key))
        if text:
            return CredentialText(key=key, text=text, names_variable=True)
    return None


def credential_in_force(entry: Entry, primary: Entry | None) -> CredentialText | None:
    """Return the slot's own credential, or the primary's where Hermes lends it: the same host, or no URL of its own."""
    own = credential_of(entry)
    if own is not None or primary is None or entry is primary or entry.home is not entry.node:
        return own
    return credential_of(primary) if _hostname(entry.base_url) == _hostname(primary.base_url) else None


def _hostname(url: str | None) -> str | None:
    try:
        return urlsplit(url or "").hostname
    except ValueError:
        return None


def credential_place(credential: CredentialText | None) -> str | None:
    """Say in words where a credential is, without showing it."""
    if credential is None:
        return None
    variable = variable_of(credential)
    return f"environment variable {variable}" if variable else f"{credential.key} in {FILE_NAME}"


def variable_of(credential: CredentialText) -> str | None:
    """Return the environment variable that a credential refers to, if it refers to one."""
    if credential.names_variable:
        return credential.text
    found = _REFERENCE.search(credential.text)
    return found.group(1) if found else None


def stored_routes(doc: YamlText, environment: Mapping[str, Secret]) -> Iterator[StoredRoute]:
    """Yield what each slot says, with the credential that Hermes would use for it."""
    entries = entries_of(doc)
    primary = next((entry for entry in entries if entry.slot == "primary"), None)
    for entry in entries:
        credential = credential_in_force(entry, primary)
        yield StoredRoute(
            slot=entry.slot,
            model=entry.model,
            base_url=entry.base_url,
            token=_token(credential, environment),
            token_from=credential_place(credential),
        )


def _token(credential: CredentialText | None, environment: Mapping[str, Secret]) -> Secret | None:
    if credential is None:
        return None
    if credential.names_variable:
        return environment.get(credential.text)
    names = _REFERENCE.findall(credential.text)
    if any(name not in environment for name in names):
        return None
    return Secret(_REFERENCE.sub(lambda found: environment[found.group(1)].reveal(), credential.text))


def is_bare(entry: Entry) -> bool:
    """Say whether the entry is a bare text (`model: name`), which has no room for other keys."""
    return isinstance(entry.node, ScalarNode)
