"""A simulated lock in the bridge's own process, behind a `memory:` target; the same bytes travel as on a wire."""

import asyncio

from bridge.links.base import Inbox
from firmware_sim.simulator import Simulator


class InProcessLock:
    """The far end of memory links to one simulated lock. Each byte string is handed over in a turn of the loop."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator

    def connect(self, inbox: Inbox) -> "InProcessPlug":
        """Plug in a link, as a cable would be."""
        return InProcessPlug(self._simulator, inbox)


class InProcessPlug:
    """One link; implements the simulator's Wire on one side and the bridge's MemoryPlug on the other."""

    def __init__(self, simulator: Simulator, inbox: Inbox) -> None:
        self._simulator = simulator
        self._inbox = inbox
        self._number = simulator.attach(self, connection=True)

    def receive(self, data: bytes) -> None:
        """Carry bytes to the lock."""
        asyncio.get_running_loop().call_soon(self._simulator.receive, self._number, data)

    def send(self, data: bytes) -> None:
        """Carry bytes to the bridge."""
        self._inbox.put(data)

    def hang_up(self) -> None:
        """Let the bridge see that the lock has ended the link."""
        self._inbox.lose()
        asyncio.get_running_loop().call_soon(self.disconnect)  # the simulator may be taking this link just now

    def disconnect(self) -> None:
        """Let the lock see that the bridge has gone."""
        self._simulator.detach(self._number)
