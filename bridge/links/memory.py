"""A link to a lock in the same process."""

import math

from ..errors import LinkLost, Obstacle, Unreachable
from .base import Inbox, MemoryHub, MemoryPlug


class MemoryLink:
    """Bytes handed over as they are."""

    ack_timeout = 0.3
    bytes_per_second = math.inf

    def __init__(self, plug: MemoryPlug, inbox: Inbox) -> None:
        self._plug: MemoryPlug | None = plug
        self._inbox = inbox

    @property
    def lost(self) -> bool:
        """Whether the link is known to be gone."""
        return self._inbox.lost

    async def write(self, data: bytes) -> None:
        """Hand the bytes over."""
        if self._plug is None:
            raise LinkLost("The link in memory is closed.")
        self._plug.receive(data)

    async def read(self) -> bytes:
        """Return the next bytes."""
        return await self._inbox.get("The lock in memory is gone.")

    async def close(self) -> None:
        """Let the lock see the end."""
        plug, self._plug = self._plug, None
        if plug:
            plug.disconnect()
            self._inbox.lose()


def open_memory(name: str, hub: MemoryHub | None) -> MemoryLink:
    """Open a link to the lock that `hub` knows as `name`; raise Unreachable."""
    if hub is None or name not in hub.ends:
        sentence = f"No lock is called memory:{name} here. Such targets exist only inside one process."
        raise Unreachable(sentence, obstacle=Obstacle.MISSING)
    inbox = Inbox()
    return MemoryLink(hub.ends[name].connect(inbox), inbox)
