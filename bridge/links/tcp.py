"""A link over TCP: to a simulated lock, or to a serial server in its raw mode."""

import asyncio
import math
import os
import socket
from typing import cast

from ..errors import LinkLost, Obstacle, Unreachable
from .base import Inbox

_CONNECT_SECONDS = 3


class TcpLink(asyncio.Protocol):
    """One connection."""

    ack_timeout = 0.3
    bytes_per_second = math.inf

    def __init__(self, place: str) -> None:
        self._place = place
        self._inbox = Inbox()
        self._transport: asyncio.Transport | None = None

    @property
    def lost(self) -> bool:
        """Whether the link is known to be gone."""
        return self._inbox.lost

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport; asyncio has told the socket to send small frames at once."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Keep the bytes for the reader."""
        self._inbox.put(data)

    def connection_lost(self, exc: Exception | None) -> None:
        """Let the reader see it."""
        del exc
        self._transport = None
        self._inbox.lose()

    async def write(self, data: bytes) -> None:
        """Send the bytes."""
        if self._transport is None:
            raise LinkLost(self._sentence)
        self._transport.write(data)

    async def read(self) -> bytes:
        """Return the next bytes."""
        return await self._inbox.get(self._sentence)

    async def close(self) -> None:
        """End the connection."""
        transport, self._transport = self._transport, None
        if transport:
            transport.abort()
            self._inbox.lose()

    @property
    def _sentence(self) -> str:
        return f"The connection to {self._place} was lost. Is the lock still running? Try again."


async def open_tcp(host: str, port: int) -> TcpLink:
    """Connect to `host:port`; raise Unreachable."""
    place = f"{host}:{port}"
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            _, link = await loop.create_connection(lambda: TcpLink(place), host, port)
    except TimeoutError:
        sentence = f"Nothing answers at {place} within {_CONNECT_SECONDS} s. Is the address right?"
        raise Unreachable(sentence, obstacle=Obstacle.OTHER) from None
    except (OSError, ValueError) as error:
        sentence = f"Cannot connect to {place}: {_cause(error)}. Is the lock running there?"
        raise Unreachable(sentence, obstacle=Obstacle.OTHER) from None
    return link


def _cause(error: OSError | ValueError) -> str:
    if isinstance(error, ValueError):  # the codec of host names refuses it
        return "no host can have this name"
    if isinstance(error, socket.gaierror):
        return error.strerror or "the name is not known"
    # asyncio's own text quotes the address; without an errno it has tried several
    return os.strerror(error.errno) if error.errno else "none of its addresses answers"
