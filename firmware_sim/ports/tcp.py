"""The lock on a TCP port; each connection is a link of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from ..errors import PortError
from ..simulator import Simulator

_QUEUE = 65536
"""Bytes kept for a client that does not read; beyond them it is hung up on."""


class _Connection(asyncio.Protocol):
    """One client."""

    def __init__(self, simulator: Simulator, everyone: set["_Connection"]) -> None:
        self._simulator = simulator
        self._everyone = everyone
        self._transport: asyncio.Transport | None = None
        self._number = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._everyone.add(self)
        self._number = self._simulator.attach(self, connection=True)

    def data_received(self, data: bytes) -> None:
        self._simulator.receive(self._number, data)

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._everyone.discard(self)
        self._simulator.detach(self._number)

    def send(self, data: bytes) -> None:
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size() > _QUEUE:
            self._transport.abort()
        else:
            self._transport.write(data)

    def hang_up(self) -> None:
        if self._transport:
            self._transport.abort()  # closing would wait for ever for a client that does not read


@asynccontextmanager
async def serve_tcp(simulator: Simulator, host: str, port: int) -> AsyncIterator[str]:
    """Offer the lock at `host:port` and yield that place, with the port that the system chose where 0 was given."""
    loop = asyncio.get_running_loop()
    everyone: set[_Connection] = set()
    try:
        server = await loop.create_server(lambda: _Connection(simulator, everyone), host, port)
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no host can have this name"
        raise PortError(f"Cannot listen at {host}:{port}: {reason}. Choose another place for --tcp.") from None
    try:
        yield f"{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for connection in everyone:
            connection.hang_up()
        await server.wait_closed()
