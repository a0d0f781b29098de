"""So many simulated locks in one process, each at the end of a slow line of its own; a module to run."""

import asyncio
import json
import signal
import sys
from contextlib import AsyncExitStack

from firmware_sim.device import GEOMETRY
from firmware_sim.flash import NorFlash
from firmware_sim.ports.tcp import serve_tcp
from firmware_sim.simulator import Simulator
from protocol.label import format_label

from .locks import SLOTS
from .slow_line import Meter, slow_tcp


async def serve(count: int) -> None:
    """Serve until SIGTERM, pairing windows open; prints the locks' ports and labels when ready."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    async with AsyncExitStack() as stack:
        locks = [await _lock(stack) for _ in range(count)]
        sys.stdout.write(json.dumps({"locks": locks}) + "\n")
        sys.stdout.flush()
        await stopped.wait()


async def _lock(stack: AsyncExitStack) -> dict[str, object]:
    simulator = Simulator(NorFlash(GEOMETRY), slots=SLOTS)
    stack.callback(simulator.stop)
    place = await stack.enter_async_context(serve_tcp(simulator, "127.0.0.1", 0))
    port = await stack.enter_async_context(slow_tcp(int(place.rpartition(":")[2]), Meter()))
    simulator.hold_button(5)
    return {"port": port, "label": format_label(simulator.device.factory.secret)}


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
