"""Ask a proxy to connect to a host (CONNECT), on a connection to the proxy that is open already."""

from __future__ import annotations

import asyncio
import base64
import re
import ssl

import httpx

from core.adapters.network import Address

_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})\b")


class TunnelRefused(OSError):
    """The proxy did not connect to the host; the text says how it answered."""


async def open_tunnel(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    proxy: httpx.Proxy,
    wanted: Address,
    context: ssl.SSLContext,
) -> None:
    """Have the proxy connect to a host, so that what follows on this connection is for that host.

    Raises TunnelRefused when the proxy does not, and OSError when the connection to it breaks.
    """
    if proxy.url.scheme == "https":
        await writer.start_tls(context, server_hostname=proxy.url.host)
    host = f"[{wanted[0]}]" if ":" in wanted[0] else wanted[0]
    lines = [f"CONNECT {host}:{wanted[1]} HTTP/1.1", f"Host: {host}:{wanted[1]}"]
    if proxy.auth is not None:
        told = base64.b64encode(":".join(proxy.auth).encode()).decode()
        lines.append(f"Proxy-Authorization: Basic {told}")
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
