"""What every link offers; a link is used once: when it is lost, another is opened."""

import asyncio
from typing import Protocol

from ..errors import LinkLost

INBOX_SIZE = 65536
"""Bytes kept for a reader; a peer that talks on while nobody listens loses the rest, and costs no more memory."""


class Link(Protocol):
    """An open byte pipe.

    `ack_timeout` is the time in seconds that a lock may take at this transport, `bytes_per_second` what the wire
    carries (infinite where it does not matter).
    """

    ack_timeout: float
    bytes_per_second: float

    @property
    def lost(self) -> bool:
        """Whether the link is known to be gone."""

    async def write(self, data: bytes) -> None:
        """Put bytes on the link; raise LinkLost."""

    async def read(self) -> bytes:
        """Return the next bytes, at least one; raise LinkLost where there will be none."""

    async def close(self) -> None:
        """Give the transport back; twice is harmless."""


class Inbox:
    """Bytes that came in and were not read yet, and the loss of the link behind them."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._news = asyncio.Event()
        self.lost = False

    def put(self, data: bytes) -> None:
        """Keep bytes for the reader, or lose them where it has too many already."""
        if not self.lost and len(self._bytes) + len(data) <= INBOX_SIZE:
            self._bytes += data
            self._news.set()

    def lose(self) -> None:
        """Let the reader see the loss, once it has read what came before."""
        self.lost = True
        self._news.set()

    async def get(self, sentence: str) -> bytes:
        """Return all bytes that are there, or the next ones; raise LinkLost with `sentence` where none can come."""
        while not self._bytes:
            if self.lost:
                raise LinkLost(sentence)
            self._news.clear()
            await self._news.wait()
        data = bytes(self._bytes)
        self._bytes.clear()
        return data


class MemoryEnd(Protocol):
    """The far end of a link inside this process."""

    def connect(self, inbox: Inbox) -> "MemoryPlug":
        """Take a new link, and put what the lock says into `inbox`."""


class MemoryPlug(Protocol):
    """One link inside this process, seen from the bridge."""

    def receive(self, data: bytes) -> None:
        """Take bytes from the bridge."""

    def disconnect(self) -> None:
        """See the bridge go."""


class MemoryHub:
    """The far ends that `memory:NAME` can reach; a process that wants such links makes a hub and passes it down."""

    def __init__(self) -> None:
        self.ends: dict[str, MemoryEnd] = {}
