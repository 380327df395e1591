"""Runs the simulated workspace on loopback: one thread, one event loop, one plain and one TLS listener."""

from __future__ import annotations

import asyncio
import errno
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Mapping
from datetime import datetime
from types import TracebackType
from typing import Protocol, Self, cast

import trustme
import uvicorn
from starlette.types import Scope
from uvicorn.server import ServerState

from core.errors import ConfigurationError
from core.simulator.app import SimulatedApp
from core.simulator.apps import SimulatedApps
from core.simulator.faults import FaultBook, RequestLog
from core.simulator.lakebase import SimulatedLakebase
from core.simulator.scenes import Scene, scene_named
from core.simulator.workspace_files import WorkspaceFiles

_LOOPBACK = "127.0.0.1"
_START_S = 10.0
# A real front door keeps idle connections for longer than the pause between two host checks.
_KEEP_ALIVE_S = 75
_LAST_TURNS = 4


class _QuietConfig(uvicorn.Config):
    """A uvicorn configuration that leaves the process' loggers alone: Streamlit runs on uvicorn too."""

    def configure_logging(self) -> None:
        """Configure nothing."""


class _Connection(Protocol):
    """What uvicorn's HTTP protocols have and their common type does not say."""

    access_log: bool
    client: tuple[str, int] | None
    transport: asyncio.Transport


class SimulatedWorkspace:
    """One scene, served until stopped; it can be started again on the same ports, as after an outage."""

    def __init__(
        self,
        scene: Scene | str,
        *,
        http_port: int = 0,
        tls_port: int = 0,
        certificate_names: tuple[str, ...] | None = None,
        certificate_ends: datetime | None = None,
        lakebase: SimulatedLakebase | None = None,
    ) -> None:
        self.scene = scene_named(scene) if isinstance(scene, str) else scene
        self.faults = FaultBook()
        self.requests = RequestLog()
        self.http_port = http_port
        self.tls_port = tls_port
        self._authority = trustme.CA()
        names = certificate_names or (*self.scene.host_names, "localhost", _LOOPBACK)
        self._server_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._authority.issue_cert(*names, not_after=certificate_ends).configure_cert(self._server_tls)
        self.files = WorkspaceFiles()
        self.apps = SimulatedApps(self.scene, self.files)
        self._app = SimulatedApp(
            self.scene, self.faults, self.requests, apps=self.apps, lakebase=lakebase, reset=self._reset
        )
        self._state = ServerState()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    def start(self) -> None:
        """Bind both ports and serve; raises ConfigurationError when a port is taken."""
        if self._thread is not None:
            return
        plain = _bound(self.http_port)
        try:
            secure = _bound(self.tls_port)
        except ConfigurationError:
            plain.close()
            raise
        self.http_port, self.tls_port = plain.getsockname()[1], secure.getsockname()[1]
        ready = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(plain, secure, ready), name=f"simulator-{self.scene.name}", daemon=True
        )
        self._thread.start()
        if not ready.wait(_START_S):
            raise RuntimeError("the simulated workspace did not start")

    def stop(self) -> None:
        """Close the listeners and every connection; from then on connections are refused."""
        thread, loop, stopping = self._thread, self._loop, self._stopping
        if thread is None or loop is None or stopping is None:
            return
        loop.call_soon_threadsafe(stopping.set)
        thread.join(_START_S)
        self._thread = self._loop = self._stopping = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def http_origin(self) -> str:
        """Return the plain origin, which stands for the workspace host."""
        return f"http://{_LOOPBACK}:{self.http_port}"

    @property
    def resolve_map(self) -> Mapping[tuple[str, int], tuple[str, int]]:
        """Return where each of the scene's host names leads; any other name does not exist in simulation."""
        return {(name, 443): (_LOOPBACK, self.tls_port) for name in self.scene.host_names}

    def client_ssl_context(self) -> ssl.SSLContext:
        """Return a context that trusts this simulator's throw-away authority and nobody else."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._authority.configure_trust(context)
        return context

    def _run(self, plain: socket.socket, secure: socket.socket, ready: threading.Event) -> None:
        config = _QuietConfig(
            self._app, ws="none", lifespan="off", proxy_headers=False, log_config=None, timeout_keep_alive=_KEEP_ALIVE_S
        )
        config.load()
        with asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(self._serve(config, plain, secure, ready))

    async def _serve(
        self, config: uvicorn.Config, plain: socket.socket, secure: socket.socket, ready: threading.Event
    ) -> None:
        loop = asyncio.get_running_loop()
        self._loop, self._stopping = loop, asyncio.Event()
        build = cast("Callable[..., asyncio.Protocol]", config.http_protocol_class)

        def accept() -> asyncio.Protocol:
            protocol = build(config=config, server_state=self._state, app_state={})
            cast("_Connection", protocol).access_log = False
            return protocol

        servers = [
            await loop.create_server(accept, sock=plain, backlog=2048),
            await loop.create_server(accept, sock=secure, ssl=self._server_tls, backlog=2048),
        ]
        ready.set()
        await self._stopping.wait()
        for server in servers:
            server.close()
        # What was accepted a moment ago is no connection yet, and would be left open for good.
        for _ in range(_LAST_TURNS):
            await asyncio.sleep(0)
        for connection in tuple(self._state.connections):
            cast("_Connection", connection).transport.abort()
        await _cancelled(self._state)

    def _reset(self, scope: Scope) -> None:
        """Break the connection of this request so that the caller sees a reset, not an orderly end."""
        for connection in tuple(self._state.connections):
            found = cast("_Connection", connection)
            if found.client is not None and tuple(found.client) == tuple(scope["client"]):
                raw = found.transport.get_extra_info("socket")
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                found.transport.abort()


async def _cancelled(state: ServerState) -> None:
    for task in tuple(state.tasks):
        task.cancel()
    await asyncio.gather(*state.tasks, return_exceptions=True)


def _bound(port: int) -> socket.socket:
    """Return a listening socket made for TCP by name: asyncio sets TCP_NODELAY only on those (streamlit.md §5.3)."""
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((_LOOPBACK, port))
        bound.listen(2048)
    except OSError as exc:
        bound.close()
        if exc.errno not in (errno.EADDRINUSE, errno.EACCES):
            raise
        raise ConfigurationError(
            f"Port {port} on {_LOOPBACK} is not free.",
            code="port_taken",
            remedy="Choose another port, or 0 for any free one.",
        ) from exc
    bound.setblocking(False)
    return bound
