"""Take a URL that somebody typed apart, strictly: what cannot be meant is refused with its reason, nothing is guessed.

Written by hand, because parsers that differ in one corner case are how a token ends up with a stranger.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from core.errors import ConfigurationError

MAX_LENGTH = 2048
DEFAULT_PORTS = {"https": 443, "http": 80}
_PRIVILEGED = 1024

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_PORT = re.compile(r"(?P<name>\[[^\[\]]*\]|[^:\[\]]*)(?::(?P<port>[0-9]*))?")
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# As browsers decide it: a name whose last label is a number is an address, in whatever notation.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class UrlParts:
    """A URL taken apart; `hostname` is lower case without a trailing dot, `port` the one that is in force."""

    scheme: str
    hostname: str
    port: int
    is_loopback: bool
    path: str
    query: str

    @property
    def origin(self) -> str:
        """Return scheme, name and port, the port only where it is not the scheme's own."""
        name = f"[{self.hostname}]" if ":" in self.hostname else self.hostname
        return f"{self.scheme}://{name}" + ("" if self.port == DEFAULT_PORTS[self.scheme] else f":{self.port}")


def split_url(text: str, *, setting: str) -> UrlParts:
    """Return the parts of a URL with or without a scheme; `setting` is who is to blame in the error's sentence.

    Raises ConfigurationError for everything that cannot be meant, and for http or an IP literal beyond loopback.
    """
    text = text.strip()
    if not text or len(text) > MAX_LENGTH:
        raise malformed(setting, "is empty" if not text else "is too long to be a URL")
    if not all("!" <= character <= "~" for character in text) or "\\" in text:
        raise malformed(setting, "holds a character that does not belong in a URL")
    if "#" in text:
        raise malformed(setting, "has a # in it, which hides what follows", "Remove everything from the # on.")
    scheme, rest = _scheme(text, setting)
    authority, path, query = _cut(rest)
    hostname, port = _authority(authority, scheme, setting)
    is_loopback = _check_name(hostname, setting)
    if scheme == "http" and not is_loopback:
        raise ConfigurationError(
            f"{setting} is a plain http URL, which would send the token in the clear.",
            code="host_insecure",
            remedy=f"Write {setting} with https://.",
        )
    if port != 443 and port < _PRIVILEGED and not is_loopback:
        raise bad_port(setting, port)
    return UrlParts(scheme=scheme, hostname=hostname, port=port, is_loopback=is_loopback, path=path, query=query)


def malformed(setting: str, clause: str, remedy: str | None = None) -> ConfigurationError:
    """Return the error for text that is no URL; it does not repeat the text, which may hold a token."""
    example = "Write it like https://adb-1234567890123456.7.azuredatabricks.net, with nothing behind the host name."
    return ConfigurationError(f"{setting} {clause}.", code="host_malformed", remedy=remedy or example)


def bad_port(setting: str, port: int) -> ConfigurationError:
    """Return the error for a port where no workspace answers."""
    return ConfigurationError(
        f"{setting} names port {port}, where no workspace answers.",
        code="host_port",
        remedy="Leave the port out; Databricks answers on 443.",
    )


def _scheme(text: str, setting: str) -> tuple[str, str]:
    found = _SCHEME.match(text)
    if not found:
        # The databricks-sdk adds https:// too.
        return "https", text
    scheme = found.group(1).lower()
    if scheme not in DEFAULT_PORTS:
        raise malformed(setting, f"starts with {scheme}://, which is not https://")
    return scheme, text[found.end() :]


def _cut(rest: str) -> tuple[str, str, str]:
    before, _, query = rest.partition("?")
    authority, slash, path = before.partition("/")
    return authority, slash + path, query


def _authority(authority: str, scheme: str, setting: str) -> tuple[str, int]:
    if "@" in authority:
        raise ConfigurationError(
            f"{setting} has a user name or password in it.",
            code="host_userinfo",
            remedy="Remove everything up to the @; credentials belong in DATABRICKS_TOKEN.",
        )
    found = _PORT.fullmatch(authority)
    if not found:
        raise malformed(setting, "does not name one host")
    name, digits = found.group("name"), found.group("port")
    port = DEFAULT_PORTS[scheme]
    if digits is not None:
        if not digits or len(digits) > 5 or not 0 < int(digits) <= 65535:
            raise ConfigurationError(
                f"{setting} has a port that does not exist.",
                code="host_port",
                remedy="Leave the port out; Databricks answers on 443.",
            )
        port = int(digits)
    return _unbracketed(name, setting), port


def _unbracketed(name: str, setting: str) -> str:
    if name.startswith("["):
        try:
            return str(ipaddress.IPv6Address(name[1:-1]))
        except ValueError:
            raise malformed(setting, "has brackets that hold no IPv6 address") from None
    return name.lower().removesuffix(".")


def names_this_machine(hostname: str) -> bool:
    """Say whether a host, in lower case and without brackets, is a name or an address of this machine for itself."""
    return hostname in ("localhost", "::1") or _is_loopback_ipv4(hostname)


def _check_name(hostname: str, setting: str) -> bool:
    """Say whether the name is loopback; raises ConfigurationError for a name that cannot be meant."""
    if names_this_machine(hostname):
        return True
    labels = hostname.split(".")
    if ":" in hostname or _NUMBER.fullmatch(labels[-1]):
        raise ConfigurationError(
            f"{setting} is an IP address, in whatever notation, and no host name.",
            code="host_ip_literal",
            remedy="Use the workspace's host name; TLS certificates and trust are bound to names.",
        )
    if len(hostname) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise malformed(setting, "is not a host name")
    if len(labels) == 1:
        raise malformed(setting, "is not a full host name: it has no dot in it")
    if any(label.startswith("xn--") for label in labels):
        raise malformed(setting, "is a name in punycode, which can look like another name")
    return False


def _is_loopback_ipv4(hostname: str) -> bool:
    try:
        # Python's parser takes the one strict notation only: no octal, hexadecimal or shortened addresses.
        return ipaddress.IPv4Address(hostname).is_loopback
    except ValueError:
        return False
