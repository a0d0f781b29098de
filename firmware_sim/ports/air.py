"""A virtual air: the lock's controller, and one of its own for each client that speaks HCI (H4) over a socket."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import cast

from bumble import hci
from bumble.core import InvalidPacketError
from bumble.transport.common import PacketParser, TransportSink

from ..errors import OptionError, PortError
from ..socket_file import private_socket
from .radio import Radio, RadioController

UNIX = "unix-server:"
TCP = "tcp-server:"
_QUEUE = 65536
"""Bytes kept for a client that does not read; beyond them it is off the air."""


class Air:
    """Controllers that hear each other; each has a public address of its own."""

    def __init__(self) -> None:
        self._radio = Radio()  # type: ignore[no-untyped-call]
        self._numbers = count(1)
        self.clients: set[_Client] = set()

    def controller(self, host: TransportSink | None = None) -> RadioController:
        """Return a new controller that is on the air."""
        number = next(self._numbers)
        address = hci.Address(number.to_bytes(6, "little"), hci.Address.PUBLIC_DEVICE_ADDRESS)
        return RadioController(f"controller {number}", host_sink=host, link=self._radio, public_address=address)

    def leave(self, controller: RadioController) -> None:
        """Take a controller off the air, as if its battery had been taken out."""
        self._radio.leave(controller)


class _Client(asyncio.Protocol):
    """One host, and the controller that it has on the air while it is connected."""

    def __init__(self, air: Air) -> None:
        self._air = air
        self._controller = air.controller(self)
        self._parser = PacketParser(self._controller)
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._air.clients.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except InvalidPacketError:  # where the next packet begins is not known
            self.hang_up()

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._air.clients.discard(self)
        self._air.leave(self._controller)

    def on_packet(self, packet: bytes) -> None:
        """Take what the controller tells its host."""
        if self._transport is None:
            return
        if self._transport.get_write_buffer_size() > _QUEUE:
            self.hang_up()
        else:
            self._transport.write(packet)

    def hang_up(self) -> None:
        """End the connection without waiting for whoever does not read."""
        if self._transport:
            self._transport.abort()


def is_virtual(transport: str) -> bool:
    """Whether `transport` names an air of one's own."""
    return transport.startswith((UNIX, TCP))


@asynccontextmanager
async def open_air(transport: str) -> AsyncIterator[tuple[RadioController, str]]:
    """Open an air at a transport that is virtual; yield the lock's controller and the place, as `serve_air` does."""
    air = Air()
    controller = air.controller()
    async with serve_air(air, transport) as place:
        try:
            yield controller, place
        finally:
            air.leave(controller)


@asynccontextmanager
async def serve_air(air: Air, transport: str) -> AsyncIterator[str]:
    """Let hosts reach an air at `unix-server:PATH` or `tcp-server:HOST:PORT`; yield the place.

    In that stands the port that the system chose where 0 was given. Raises OptionError and PortError.
    """
    async with AsyncExitStack() as stack:
        if transport.startswith(UNIX):
            path = Path(transport.removeprefix(UNIX))
            made = stack.enter_context(private_socket(path, option="--ble", error=PortError))
            server = await asyncio.get_running_loop().create_unix_server(lambda: _Client(air), sock=made)
            place = transport
        else:
            server, place = await _listen(air, transport)
        try:
            yield place
        finally:
            server.close()
            for client in air.clients:
                client.hang_up()
            await server.wait_closed()


async def _listen(air: Air, transport: str) -> tuple[asyncio.Server, str]:
    host, _, port = transport.removeprefix(TCP).rpartition(":")
    if not host or not port.isdecimal() or int(port) > 65535:
        raise OptionError(f"{transport!r} is no tcp-server:HOST:PORT. Try --ble tcp-server:127.0.0.1:7001.")
    try:
        server = await asyncio.get_running_loop().create_server(lambda: _Client(air), host, int(port))
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "no host can have this name"
        raise PortError(f"Cannot listen at {host}:{port}: {reason}. Choose another place for --ble.") from None
    return server, f"{TCP}{host}:{server.sockets[0].getsockname()[1]}"
