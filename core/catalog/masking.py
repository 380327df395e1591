"""Put aliases in place of what names an environment: hosts, ids, people, apps; consistent, and each keeps its kind.

It takes nothing secret away, which is `redact`'s task, and it knows no page. What is known of an environment beforehand
is collected by `sensitive`; what only has the form of a host, an id or an address is found without.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from core.catalog.clouds import CUSTOM_ZONE, ZONES, is_dedicated_gateway, is_web_site, zone_of
from core.model.workspace import Cloud


class Kind(StrEnum):
    """What a text names; the alias says so too."""

    HOST = "host"
    MACHINE = "machine"
    NUMBER = "number"
    PERSON = "person"
    PRINCIPAL = "principal"
    GROUP = "group"
    APP = "app"
    PROFILE = "profile"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitive:
    """One text that must not be read; `of` is what it belongs to, where several forms mean the same."""

    kind: Kind
    text: str
    of: str = ""


NOTICE = "names of hosts, ids, people and apps are aliases."
# More of a kind than any environment has get a number that needs no memory: what comes from elsewhere is without end.
_MOST_NUMBERED = 5000
_MEMO = 4096
_LOOKS = 4
_APPS_ZONE = ".databricksapps.com"
_CLOUD_WORDS = {Cloud.AWS: "aws", Cloud.AZURE: "azure", Cloud.GCP: "gcp", Cloud.UNKNOWN: "databricks"}
# Names that everybody has in common and that tell nothing about an environment.
_PUBLIC_ZONES = ("anthropic.com", "openai.com", "googleapis.com", "github.com", "python.org", "json-schema.org")
_ENDINGS = (
    "com net org io us uk de fr nl ch eu cn jp au ca br mil gov edu cloud internal intranet local localdomain corp lan "
    "arpa example test"
).split()

_NUMERIC_ALIAS = "1000000000"
_UUID_ALIAS = "00000000-0000-4000-8000-"
_HEX_ALIAS = "0" * 20
_ALIAS = (
    r"(?<![\w-])(?:(?:host|machine)-[0-9]+(?:\.(?:ai-gateway|azure|aws|gcp|databricks|databricksapps))*\.example"
    r"|person-[0-9]+@example\.com|(?:host|machine|person|principal|group|app|profile)-[0-9]+)(?![\w-])"
    rf"|(?<![0-9a-z])(?:{_UUID_ALIAS}[0-9a-f]{{12}}|{_HEX_ALIAS}[0-9a-f]{{12}}|{_NUMERIC_ALIAS}[0-9]+)(?![0-9a-z])"
)
# Repetitions are bounded: bodies from elsewhere come by the 64 KiB, and may be made to take for ever.
_LABELS = r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.){1,8}"
_ZONED = "|".join(re.escape(zone.suffix[1:]) for zone in (*ZONES, CUSTOM_ZONE)) + "|databricksapps\\.com"
_NO_HOST = r"\s/?#\"'`<>\\,;)\]}\u2060"
# In this order, so that the longer meaning wins where several begin at one place; what is known comes after them.
_FORMS: Mapping[str, str] = {
    "alias": _ALIAS,
    "authority": rf"(?<=://)(?:[^{_NO_HOST}@]{{1,200}}@)?(?:\[[0-9a-f:.]{{2,45}}\]|[^{_NO_HOST}@:\[]{{1,253}})(?::[0-9]{{1,5}}(?![\w.-]))?",
    "uuid": r"(?<![0-9a-z])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![0-9a-z])",
    "hex": r"(?<![0-9a-z])[0-9a-f]{32}(?![0-9a-z])",
    # Also as a URL or JSON writes it.
    "mail": r"(?<![\w.+%'-])[\w.+%'-]{1,64}(?:@|%40|\\+u0040)[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}",
    "host": rf"(?<![\w-]){_LABELS}(?:{_ZONED}|{'|'.join(_ENDINGS)})(?![\w-]|\.[\w-])",
    "target": r"(?<=\bapp:)[\w-]+",
    "home": r"(?:(?<=/Users/)|(?<=/home/)|(?<=\\Users\\))[^./\\\s\"'`:,;)][^/\\\s\"'`:,;)]*",
    "owner": r"(?:(?<=github\.com/)|(?<=gitlab\.com/)|(?<=bitbucket\.org/)|(?<=dev\.azure\.com/))[\w.-]+",
    "ipv4": r"(?<![\w.])(?:[0-9]{1,3}\.){3}[0-9]{1,3}(?![\w]|\.[0-9])",
    "ipv6": r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])",
}
# Ten digits are a time of today in seconds, which stays.
_LONG_NUMBER = r"(?<![0-9a-z.])[0-9]{11,20}(?![0-9a-z])"


class Aliases:
    """Who is called what: in the order of first sight, for as long as this lasts. Safe for threads."""

    def __init__(self, key: bytes | None = None) -> None:
        self._key = key or secrets.token_bytes(16)
        self._numbers: dict[tuple[Kind, str], int] = {}
        self._counts: dict[Kind, int] = {}
        self._lock = threading.Lock()

    def number(self, kind: Kind, text: str) -> int:
        """Return the number of this text among those of its kind."""
        name = (kind, text.casefold())
        known = self._numbers.get(name)
        if known is not None:
            return known
        with self._lock:
            count = self._counts.get(kind, 0)
            if name in self._numbers or count >= _MOST_NUMBERED:
                return self._numbers.get(name) or _MOST_NUMBERED + self.unnumbered(text, bits=32)
            self._counts[kind] = self._numbers[name] = count + 1
            return count + 1

    def unnumbered(self, text: str, *, bits: int = 48) -> int:
        """Return a number that the text alone gives, and from which nobody here can find the text."""
        digest = hashlib.blake2b(text.casefold().encode("utf-8", "replace"), key=self._key, digest_size=bits // 8)
        return int.from_bytes(digest.digest(), "big")


class Mask:
    """Puts aliases into text: for what is known, and for what has the form of a host, an id or an address."""

    def __init__(self, known: Iterable[Sensitive], aliases: Aliases) -> None:
        self._aliases = aliases
        self._known = {item.text.casefold(): item for item in known}
        # The first names get the first numbers: host-1 is the workspace on every page.
        for item in self._known.values():
            aliases.number(item.kind, item.of or item.text)
        self._pattern = re.compile("|".join(_patterns(self._known.values())), re.IGNORECASE)
        self._memo: dict[str, str] = {}

    def aliased(self, text: str) -> str:
        """Return the text with aliases; once more does not change it."""
        kept = self._memo.get(text)
        if kept is None:
            kept = text
            # What one name covers may be another's beginning: names that run into each other take a second look.
            for _ in range(_LOOKS):
                before, kept = kept, self._pattern.sub(self._replaced, kept)
                if kept == before:
                    break
            if len(self._memo) >= _MEMO:
                self._memo.clear()
            self._memo[text] = kept
        return kept

    def document(self, value: object) -> object:
        """Return a document with aliases in every text of it; numbers and names of fields stay."""
        if isinstance(value, str):
            return self.aliased(value)
        if isinstance(value, Mapping):
            return {name: self.document(part) for name, part in value.items()}
        return [self.document(part) for part in value] if isinstance(value, list | tuple) else value

    def _replaced(self, match: re.Match[str]) -> str:
        found, form = match.group(), match.lastgroup or ""
        if form != "known":
            return self._formed(form, found)
        # A letter that only looks like one of a name is no reason to show it.
        item = self._known.get(found.casefold()) or Sensitive(kind=Kind.PERSON, text=found)
        return self._alias(item.kind, item.of or item.text, found)

    def _formed(self, form: str, found: str) -> str:
        number, unnumbered = self._aliases.number, self._aliases.unnumbered
        match form:
            case "mail":
                return f"person-{number(Kind.PERSON, found)}@example.com"
            case "uuid":
                return f"{_UUID_ALIAS}{unnumbered(found):012x}"
            case "hex":
                return f"{_HEX_ALIAS}{unnumbered(found):012x}"
            case "authority":
                return self._authority(found)
            case "host":
                return self._host(found)
            case "target":
                return self._alias(Kind.APP, found, found)
            case "owner":
                return self._alias(Kind.GROUP, found, found)
            case "home":
                return self._alias(Kind.PERSON, found, found)
            case "ipv4" | "ipv6":
                return self._address(found)
            case "number":
                return self._alias(Kind.NUMBER, found, found)
        return found

    def _alias(self, kind: Kind, whose: str, found: str) -> str:
        number = self._aliases.number(kind, whose)
        if kind is Kind.HOST:
            return self._host(found)
        return f"{_NUMERIC_ALIAS}{number:06d}" if kind is Kind.NUMBER else f"{kind}-{number}"

    def _authority(self, found: str) -> str:
        """The place of a URL: people before it and a port behind it are no part of the name."""
        _, _, place = found.rpartition("@")
        name, colon, port = place.rpartition(":") if re.search(r"[^:]:[0-9]+$", place) else (place, "", "")
        bare = name.strip("[]")
        if _is_address(bare):
            return f"{self._address(bare)}{colon}{port}"
        if re.fullmatch(r"localhost|[^a-z0-9]*", bare, re.IGNORECASE) or set("…*$") & set(bare):
            return found
        return f"{self._host(name, is_whole=True)}{colon}{port}"

    def _host(self, found: str, *, is_whole: bool = False) -> str:
        name = found.lower().rstrip(".")
        if re.fullmatch(_ALIAS, name) or _is_public(name):
            return found
        item = self._known.get(name)
        number = self._aliases.number(Kind.HOST, (item and item.of) or name)
        return f"host-{number}{_zone_words(name)}.example" if is_whole or "." in name else f"host-{number}"

    def _address(self, found: str) -> str:
        try:
            address = ipaddress.ip_address(found)
        except ValueError:
            return found
        # Those for documentation are aliases already, and belong to nobody.
        if address.is_loopback or address.is_unspecified or _is_for_documentation(address):
            return found
        number = self._aliases.number(Kind.ADDRESS, str(address)) - 1
        if address.version == 6:
            return f"2001:db8::{number % 0xFFFF + 1:x}"
        return f"{('192.0.2', '198.51.100', '203.0.113')[number // 254 % 3]}.{number % 254 + 1}"


def _patterns(known: Iterable[Sensitive]) -> Iterator[str]:
    yield from (f"(?P<{form}>{pattern})" for form, pattern in _FORMS.items())
    literals = sorted((item.text for item in known if item.text), key=len, reverse=True)
    if literals:
        yield rf"(?P<known>(?<![\w-])(?:{'|'.join(map(re.escape, literals))})(?![\w-]))"
    yield f"(?P<number>{_LONG_NUMBER})"


def _zone_words(name: str) -> str:
    """Return which cloud a name is of, and whether it is a gateway's: that is what the story is about."""
    if name.endswith(_APPS_ZONE):
        return ".databricksapps"
    zone = zone_of(name)
    gateway = ".ai-gateway" if is_dedicated_gateway(name) else ""
    return gateway if zone is None else f"{gateway}.{_CLOUD_WORDS[zone.cloud]}"


def _is_public(name: str) -> bool:
    is_zone = any(name == zone.suffix[1:] for zone in ZONES)
    return is_zone or is_web_site(name) or any(name == zone or name.endswith(f".{zone}") for zone in _PUBLIC_ZONES)


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


_DOCUMENTATION = tuple(
    map(ipaddress.ip_network, ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32"))
)


def _is_for_documentation(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return any(address in network for network in _DOCUMENTATION)
