"""Ask a proxy to connect to a host (CONNECT), on a connection to the proxy that is open already."""

from __future__ import annotations

import asyncio
import re
import ssl

from core.adapters.network import Address
from core.adapters.proxies import Proxies

_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})\b")


class TunnelRefused(OSError):
    """The proxy did not connect to the host; the text says how it answered."""


async def open_tunnel(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    proxies: Proxies,
    wanted: Address,
    context: ssl.SSLContext,
) -> None:
    """Have the proxy connect to a host, so that what follows on this connection is for that host.

    Raises TunnelRefused when the proxy does not, and OSError when the connection to it breaks.
    """
    if proxies.url is not None and proxies.url.scheme == "https":
        await writer.start_tls(context, server_hostname=proxies.url.host)
    host = f"[{wanted[0]}]" if ":" in wanted[0] else wanted[0]
    lines = [f"CONNECT {host}:{wanted[1]} HTTP/1.1", f"Host: {host}:{wanted[1]}"]
    lines += [f"{name}: {value}" for name, value in proxies.headers.items()]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    await writer.drain()
    try:
        answer = await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError) as exc:
        raise TunnelRefused("the proxy gave no answer that can be read") from exc
    found = _STATUS.match(answer)
    if found is None or not found.group(1).startswith(b"2"):
        status = found.group(1).decode() if found else "something that is not HTTP"
        raise TunnelRefused(f"the proxy did not connect: it answered {status}")
