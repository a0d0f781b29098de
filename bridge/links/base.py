"""What every link offers; a link is used once: when it is lost, another is opened."""

import asyncio
from typing import Protocol

from ..errors import LinkLost


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
        self._chunks: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.lost = False

    def put(self, data: bytes) -> None:
        """Keep bytes for the reader."""
        if not self.lost:
            self._chunks.put_nowait(data)

    def lose(self) -> None:
        """Let the reader see the loss, once it has read what came before."""
        if not self.lost:
            self.lost = True
            self._chunks.put_nowait(None)

    async def get(self, sentence: str) -> bytes:
        """Return the next bytes; raise LinkLost with `sentence` where the link is gone."""
        if self.lost and self._chunks.empty():
            raise LinkLost(sentence)
        chunk = await self._chunks.get()
        if chunk is None:
            raise LinkLost(sentence)
        return chunk


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
