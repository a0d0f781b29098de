"""A link whose far end is the test: what is written is kept with its virtual time, what is said is read."""

import asyncio
import math
from random import Random

from bridge.errors import LinkLost
from bridge.links.base import Inbox


class Line:
    """Implements the bridge's Link; `broken` makes the next write fail."""

    ack_timeout = 0.3

    def __init__(self, bytes_per_second: float = math.inf) -> None:
        self.bytes_per_second = bytes_per_second
        self.inbox = Inbox()
        self.written: list[bytes] = []
        self.times: list[float] = []
        self.broken = False
        self.closed = 0

    @property
    def lost(self) -> bool:
        return self.inbox.lost

    async def write(self, data: bytes) -> None:
        if self.broken:
            raise LinkLost("The line is broken.")
        self.written.append(data)
        self.times.append(asyncio.get_running_loop().time())

    async def read(self) -> bytes:
        return await self.inbox.get("The line was lost.")

    async def close(self) -> None:
        self.closed += 1
        self.inbox.lose()

    def say(self, data: bytes, *, after: float = 0) -> None:
        """Let the bridge hear `data` in `after` seconds."""
        asyncio.get_running_loop().call_later(after, self.inbox.put, data)


class Luck(Random):
    """Chance that is always the same."""

    def __init__(self, value: float) -> None:
        super().__init__(0)
        self._value = value

    def random(self) -> float:
        return self._value
